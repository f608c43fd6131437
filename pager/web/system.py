"""The page of pager itself, /system: loops, queues, nodes, the files in force, and reading them again."""

from datetime import datetime

from aiohttp import web

from pager.api import heartbeats, sources
from pager.api.parts import PARTS
from pager.api.problems import Problem
from pager.api.shapes import Json
from pager.api.status import summary
from pager.core.text import clock
from pager.store import StoreUnavailable
from pager.web.seat import form_of, seat_of, see_other, shown

routes = web.RouteTableDef()
DONE = {
    "read": "The files are read again and in force.",
    "errors": "The files have errors, which stand below: those before stay in force.",
}


@routes.get("/system")
async def show(request: web.Request) -> web.Response:
    """What whoever runs pager asks first, as `pagerctl status` tells it."""
    told, done = (
        {**await summary(request), **await _heartbeats(request), **await _sources(request)},
        request.query.get("done", ""),
    )
    error = DONE["errors"] if done == "errors" else ""
    zone, now = seat_of(request).zone, request.app[PARTS].clock()
    return shown(
        request,
        "system.html",
        told=told,
        error=error,
        done=DONE["read"] if done == "read" else "",
        at=lambda told_at: clock(datetime.fromisoformat(told_at), zone, now),
    )


async def _heartbeats(request: web.Request) -> Json:
    """Every heartbeat; none while the database does not answer, which the page tells."""
    try:
        return await heartbeats.told(request)
    except StoreUnavailable:
        return {"heartbeats": [], "to_expect": []}


async def _sources(request: web.Request) -> Json:
    """Every source; none while the database does not answer."""
    try:
        return {"sources": (await sources.told(request))["sources"]}
    except StoreUnavailable:
        return {"sources": []}


@routes.post("/system")
async def act(request: web.Request) -> web.Response:
    """Read the files again; a bad change never replaces what is in force."""
    await form_of(request, seat_of(request))
    read_again = request.app[PARTS].reload
    if read_again is None:
        raise Problem(501, "This pager has no files to read again.")
    loaded = await read_again()
    return see_other(f"/system?done={'errors' if loaded.catalog is None else 'read'}")
