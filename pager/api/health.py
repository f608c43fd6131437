"""Health: whether the loops still come round, whether requests should come, and the metrics."""

import asyncio

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from pager.api.parts import DATABASE, METRICS, PARTS
from pager.api.problems import Problem
from pager.core.nodes import state_of, up
from pager.store import StoreUnavailable, inbox

routes = web.RouteTableDef()
STALLED = 30.0
"""Seconds without a round after which a loop counts as stalled."""
PATIENCE = 2.0
STARTED_AT = web.AppKey("started_at", float)


@routes.get("/-/healthy")
@routes.get("/livez")
@routes.get("/healthz")
async def healthy(request: web.Request) -> web.Response:
    """503 when a loop has not come round for 30 s: whoever watches should start the process again."""
    now, began = asyncio.get_running_loop().time(), request.app[STARTED_AT]
    beats = request.app[PARTS].beats()
    stalled = sorted(name for name, at in beats.items() if now - max(at, began) > STALLED)
    if stalled:
        raise Problem(503, f"stalled: {', '.join(stalled)}")
    return web.Response(text="healthy\n")


@routes.get("/-/ready")
@routes.get("/readyz")
async def ready(request: web.Request) -> web.Response:
    """503 while requests should go elsewhere: starting, stopping, or no database. Remarks follow, a line each.

    Of several nodes only the number is told: this door is open to everybody.
    """
    why = request.app[PARTS].not_ready()
    if why:
        raise Problem(503, why)
    try:
        async with asyncio.timeout(PATIENCE):
            await request.app[DATABASE].read(inbox.waiting_lanes)
    except (StoreUnavailable, TimeoutError):
        raise Problem(503, "the database does not answer") from None
    return web.Response(text="\n".join(["ready", *_count(request), *request.app[PARTS].remarks()]) + "\n")


def _count(request: web.Request) -> list[str]:
    nodes = request.app[PARTS].nodes
    found, now = nodes.listed() if nodes else ((), None)
    expected = [node for node in found if now and state_of(node, found, now) not in ("stopped", "replaced")]
    return [f"{len(up(found, now))} of {len(expected)} nodes are up"] if now and len(expected) > 1 else []


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.StreamResponse:
    """For Prometheus, in the format it asks for."""
    return await make_aiohttp_handler(request.app[METRICS].registry)(request)


async def started(app: web.Application) -> None:
    """From now on the loops have 30 s to come round."""
    app[STARTED_AT] = asyncio.get_running_loop().time()
