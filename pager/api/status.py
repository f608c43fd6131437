"""Status: on one page what whoever runs pager asks first, for `pagerctl status`."""

import asyncio
from datetime import datetime
from typing import cast

from aiohttp import web
from msgspec.structs import asdict

from pager import __version__
from pager.api import answers_admin as answers
from pager.api.declared import told
from pager.api.gauges import refresh
from pager.api.health import PATIENCE, STALLED, STARTED_AT
from pager.api.parts import DATABASE, ENGINE, METRICS, PARTS
from pager.api.shapes import rfc3339
from pager.core.nodes import Node, State, state_of
from pager.problems import in_order
from pager.store import StoreUnavailable

routes = web.RouteTableDef()


@routes.get("/api/v1/status")
@told(answers.Status)
async def status(request: web.Request) -> web.Response:
    """Loops, queues, open incidents by severity and state, and the files in force. Always 200: `ok` sums it up.

    `not_ready` is why not, null if it is; `remarks` say what else is not as it should be. Without the database,
    queues and incidents are as they were read last.
    """
    return web.json_response(await summary(request))


async def summary(request: web.Request) -> answers.Status:
    """How pager stands, as `status` answers it."""
    parts = request.app[PARTS]
    not_ready = parts.not_ready() or await _database(request)
    loops = _loops(request)
    return {
        "ok": not (not_ready or _degraded(request)) and all(loop["ok"] for loop in loops.values()),
        "version": __version__,
        "not_ready": not_ready or None,
        "remarks": parts.remarks(),
        "loops": loops,
        "queues": _queues(request),
        "incidents": _incidents(request),
        "alerts": dict(request.app[METRICS].standing.alerts),
        "nodes": _nodes(request),
        "config": _config(request),
    }


def _degraded(request: web.Request) -> bool:
    """Whether the last good files run since a start with bad ones. Who keeps good files after a bad change is well."""
    upkeep = request.app[PARTS].upkeep
    return upkeep is not None and bool(upkeep.files.degraded)


async def _database(request: web.Request) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await refresh(request.app[DATABASE], request.app[METRICS])
    except (StoreUnavailable, TimeoutError):
        return "the database does not answer"
    return ""


def _loops(request: web.Request) -> dict[str, answers.Loop]:
    """For each loop, how many seconds ago it came round."""
    now, began = asyncio.get_running_loop().time(), request.app[STARTED_AT]
    ages = {name: max(0.0, now - max(at, began)) for name, at in request.app[PARTS].beats().items()}
    return {name: {"ok": age <= STALLED, "seconds_ago": round(age, 3)} for name, age in sorted(ages.items())}


def _nodes(request: web.Request) -> list[answers.Node]:
    """All pagerd on this database. `skew`: how far a clock is ahead of the database's; `lag`: how late lanes are."""
    nodes = request.app[PARTS].nodes
    if nodes is None:
        return []
    found, now = nodes.listed()
    return [_node(node, state_of(node, found, now), nodes.life, now) for node in found]


def _node(node: Node, state: State, life: str, now: datetime) -> answers.Node:
    lag = (now - node.waiting_since).total_seconds() if node.waiting_since else 0.0
    return {
        "name": node.name,
        "state": state,
        "this": node.life == life,
        "version": node.version,
        "config": node.config,
        "lanes": list(node.lanes),
        "lag_seconds": round(max(0.0, lag), 3),
        "skew_seconds": round(node.skew.total_seconds(), 3),
        "started_at": rfc3339(node.started_at),
        "seen_seconds_ago": round(max(0.0, (now - node.seen_at).total_seconds()), 3),
    }


def _queues(request: web.Request) -> dict[str, answers.Queue]:
    standing = request.app[METRICS].standing
    return {
        name: {"depth": depth, "oldest_seconds": round(standing.oldest.get(name, 0.0), 3)}
        for name, depth in standing.depth.items()
    }


def _incidents(request: web.Request) -> dict[str, dict[str, int]]:
    """Open ones, by severity and state."""
    found: dict[str, dict[str, int]] = {}
    for (_, severity, state), count in sorted(request.app[METRICS].standing.incidents.items()):
        if state != "resolved":
            by_state = found.setdefault(severity, {})
            by_state[state] = by_state.get(state, 0) + count
    return found


def _config(request: web.Request) -> answers.Config:
    """The files in force, and what the last reload found, even if it changed nothing."""
    parts = request.app[PARTS]
    loaded = parts.last_read()
    return {
        "hash": request.app[ENGINE].catalog.hash,
        "folder": str(parts.folder) if parts.folder else None,
        "reloaded": None if loaded is None else loaded.catalog is not None,
        "problems": [cast(answers.Finding, asdict(problem)) for problem in in_order(loaded.problems)] if loaded else [],
    }
