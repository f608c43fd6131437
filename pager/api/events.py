"""Events over HTTP: what happens to incidents, as it happens; a stream of server-sent events, or a list."""

import asyncio
import json
from typing import Any

from aiohttp import web

from pager.api import answers_events as answers
from pager.api.declared import Media, Parameter
from pager.api.declared import told as declared
from pager.api.parts import DATABASE, PARTS
from pager.api.problems import RETRY_AFTER, Problem
from pager.api.reading import CURSOR, LIMIT, cursor_in, limit_in
from pager.core.code import number_of
from pager.feed import Feed, Read
from pager.log import log
from pager.store import StoreUnavailable, events
from pager.store.events import Told
from pager.webhooks import encoded

routes = web.RouteTableDef()
LASTS = 300.0
"""A stream ends after so many seconds: who follows comes back, and whose token was revoked does not."""
WRITE_TAKES = 10.0
AGAIN_IN = 1000
"""Milliseconds after which a browser comes back."""
STREAM = "text/event-stream"
HEADERS = {"Content-Type": STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
INCIDENT = Parameter("incident", "The code of the one that is asked for.", {"type": "string", "examples": ["7KQ"]})
FEED = web.AppKey("feed", Feed)


def prepare(app: web.Application) -> None:
    """Have it there before the first request."""
    app[FEED] = Feed(app[DATABASE])
    app.on_shutdown.append(_end)


async def _end(app: web.Application) -> None:
    app[FEED].end()


@routes.get("/api/v1/events")
@declared((answers.Events, Media(STREAM)), LIMIT, CURSOR, INCIDENT)
async def follow(request: web.Request) -> web.StreamResponse:
    """What happens to incidents, oldest first.

    To whoever asks for `text/event-stream` as it happens: from `Last-Event-ID` or `?cursor=` on, else from now on; to
    others as a list, from the oldest that is kept. `?incident=` asks for those of one.
    """
    incident = _incident_in(request)
    if request.method == "HEAD" or STREAM not in request.headers.get("Accept", ""):
        return await _listed(request, incident)
    return await _stream(request, _after(request), incident)


async def _listed(request: web.Request, incident: int | None) -> web.Response:
    limit, after, url = limit_in(request.query), cursor_in(request.query, 0), request.app[PARTS].url
    found = await request.app[DATABASE].read(lambda tx: events.after(tx, after, limit + 1, incident))
    shown = found[:limit]
    told = [{"id": str(one.position), **json.loads(encoded(one, url))} for one in shown]
    following = str(shown[-1].position) if len(found) > limit else None
    return web.json_response({"events": told, "next": following})


async def _stream(request: web.Request, after: int | None, incident: int | None) -> web.StreamResponse:
    feed = request.app[FEED]
    if feed.full:
        raise Problem(503, "too many follow events already; come back later", headers=RETRY_AFTER)
    response = web.StreamResponse(headers=HEADERS)
    try:
        async for read in feed.read(after, incident, LASTS):
            if not response.prepared:
                await response.prepare(request)
                await _write(response, f"retry: {AGAIN_IN}\n")
            await _write(response, _said(read, request.app[PARTS].url))
    except (ConnectionError, TimeoutError):
        log.debug("somebody does not follow events any more")
    except StoreUnavailable:
        if not response.prepared:
            raise
    return response


async def _write(response: web.StreamResponse, said: str) -> None:
    async with asyncio.timeout(WRITE_TAKES):
        await response.write(said.encode())


def _said(read: Read, url: str) -> str:
    """Without news a comment that keeps the connection, and the position, so that nothing is told twice."""
    if read.lost:
        return f"event: lost\nid: {read.position}\ndata: {json.dumps(_LOST)}\n\n"
    return "".join(_event(told, url) for told in read.told) or f": still here\nid: {read.position}\n\n"


_LOST = {"type": "lost", "detail": "events that came after the position you asked for are not kept any more"}


def _event(told: Told, url: str) -> str:
    return f"id: {told.position}\ndata: {encoded(told, url).decode()}\n\n"


def _after(request: web.Request) -> int | None:
    """The position that somebody has read up to; None: they begin now."""
    shown = request.headers.get("Last-Event-ID", "")
    given: dict[str, Any] = {"cursor": shown} if shown else dict(request.query)
    return cursor_in(given, 0) if "cursor" in given else None


def _incident_in(request: web.Request) -> int | None:
    code = request.query.get("incident", "")
    number = number_of(code) if code else None
    if code and number is None:
        raise Problem(400, f"not an incident's code: {code[:20]!r}; write three letters such as 7KQ", path="incident")
    return number
