"""Heartbeats over HTTP: what each is, when it is due, and alerts whose silence nobody waits for yet."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from aiohttp import web

from pager import heartbeats
from pager.api import answers
from pager.api.declared import told as declared
from pager.api.parts import DATABASE, ENGINE
from pager.api.ping import heard, unheard
from pager.api.problems import Problem
from pager.api.reading import read_body
from pager.api.shapes import Json, rfc3339
from pager.core.catalog import Catalog
from pager.core.classify import WATCHDOGS
from pager.core.duration import format_duration
from pager.core.heartbeat import Beat, Kind, Pulse, is_about, look
from pager.core.rule import Heartbeat
from pager.core.stale import Stretch
from pager.store import alerts, sources
from pager.store import heartbeats as rows
from pager.store.alerts import KnownAlert
from pager.store.database import Tx

routes = web.RouteTableDef()
MOST_EXPECTED = 200


class PingSaid(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody says of a heartbeat by hand."""

    kind: Kind = "ok"
    word: str = ""


@routes.get("/api/v1/heartbeats")
@declared(answers.Heartbeats)
async def listed(request: web.Request) -> web.Response:
    """All that the files name, a row for each instance of a watchdog; `to_expect` are alerts that nobody waits for."""
    return web.json_response({**await told(request), "next": None})


async def told(request: web.Request) -> Json:
    """What `listed` answers, and the page of pager itself shows."""
    catalog = request.app[ENGINE].catalog
    found, expected = await request.app[DATABASE].read(lambda tx: (_all(tx, catalog), _to_expect(tx, catalog)))
    return {"heartbeats": found, "to_expect": expected}


@routes.post("/api/v1/heartbeats/{name}/ping")
@declared(answers.Accepted, body=PingSaid)
async def ping(request: web.Request) -> web.Response:
    """Say by hand that it lives, or what else `kind` says. 404: the files name none that is pinged."""
    name = request.match_info["name"]
    if why := unheard(request.app[ENGINE].catalog, name):
        raise Problem(404, why)
    said = await read_body(request, PingSaid)
    await heard(request, Beat(name, said.kind, word=said.word))
    return web.json_response({"accepted": 1})


@routes.delete("/api/v1/heartbeats/{name}/{instance:(?!ping$)[^{}/]+}")
@declared(answers.Forgotten)
async def forget(request: web.Request) -> web.Response:
    """Forget an instance of a watchdog that is gone for good; what is told of it ends. 404: there is none."""
    name, instance = request.match_info["name"], request.match_info["instance"]
    if not await request.app[DATABASE].write(lambda tx: heartbeats.forget(tx, name, instance)):
        raise Problem(404, f"no instance {instance[:50]!r} of {name[:50]!r}")
    return web.json_response({"forgotten": instance})


def _all(tx: Tx, catalog: Catalog) -> list[answers.Heartbeat]:
    known: dict[str, list[Pulse]] = {}
    for pulse in rows.every(tx):
        if pulse.gone_at is None:
            known.setdefault(pulse.name, []).append(pulse)
    down, now = sources.down(tx), tx.now()
    return [
        _json(pulse, heartbeat, now, down, catalog)
        for heartbeat in catalog.heartbeats
        for pulse in known.get(heartbeat.name, [Pulse(heartbeat.name, now)])
    ]


def _json(pulse: Pulse, written: Heartbeat, now: datetime, down: list[Stretch], catalog: Catalog) -> answers.Heartbeat:
    seen = look(pulse, written, now, down)
    return {
        "name": pulse.name,
        "instance": pulse.instance or None,
        "labels": dict(pulse.labels),
        "title": pulse.title,
        "state": seen.state,
        "since": rfc3339(seen.at),
        "due_at": rfc3339(seen.due_at),
        "heard_at": rfc3339(pulse.heard_at),
        "began_at": rfc3339(pulse.began_at),
        "failed_at": rfc3339(pulse.failed_at),
        "exit_status": pulse.exit_status,
        "lasted_seconds": None if pulse.lasted is None else pulse.lasted.total_seconds(),
        "word": pulse.word,
        "every": format_duration(written.every),
        "grace": format_duration(written.grace),
        "severity": written.severity,
        "policy": written.policy or catalog.defaults.policy,
        "watchdog": [str(matcher) for matcher in written.watchdog],
    }


def _to_expect(tx: Tx, catalog: Catalog) -> list[answers.Expected]:
    """Watchdogs and their like that fire and that neither a rule nor a heartbeat names."""
    found = (known for known in alerts.homeless(tx, MOST_EXPECTED) if _is_watchdog(known.state.labels))
    return [_expected(known) for known in found if not _is_watched(known, catalog)]


def _is_watchdog(labels: Mapping[str, str]) -> bool:
    return labels.get("alertname") in WATCHDOGS


def _is_watched(known: KnownAlert, catalog: Catalog) -> bool:
    labels = {**known.state.labels, "source": known.state.source}
    return any(is_about(heartbeat, labels) for heartbeat in catalog.heartbeats)


def _expected(known: KnownAlert) -> answers.Expected:
    state = known.state
    return {
        "alertname": state.labels["alertname"],
        "source": state.source,
        "labels": dict(state.labels),
        "heard_at": rfc3339(known.heard_at),
    }
