"""PagerDuty's Events API for senders: v2 and v1 events and change events, answered as PagerDuty answers them.

The token of a source is the routing key. It stands in the body, so it is asked for here and not at the door.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from aiohttp import web

from pager.api.doors import CALLER, let_in_by
from pager.api.ingest import small_body, take_in
from pager.api.problems import Problem
from pager.core.report import Malformed
from pager.log import log
from pager.sources.pagerduty import KEYS, check, check_v1, without_key
from pager.sources.wire import decode_object

routes = web.RouteTableDef()
DIALECT = "pagerduty"
Said = dict[str, Any]


class Invalid(Exception):
    """What PagerDuty calls an invalid event: answered 400 with what is wrong."""


@routes.post("/v2/enqueue")
@routes.post("/v2/enqueue/")
async def enqueue(request: web.Request) -> web.Response:
    """202 with the key of the alert, which is made up where the sender has none. 400: it can never work."""
    try:
        body = await _let_in(request)
        _refuse_by(check, body)
        key = body.get("dedup_key") or uuid4().hex
        await _take_in(request, without_key(body, dedup_key=key))
    except Invalid as error:
        return _refused(error)
    return web.json_response({"status": "success", "message": "Event processed", "dedup_key": key}, status=202)


@routes.post("/v2/change/enqueue")
@routes.post("/v2/change/enqueue/")
async def change(request: web.Request) -> web.Response:
    """202: it is noted in the log, and pages nobody."""
    try:
        body = await _let_in(request)
        if "event_action" in body:
            raise Invalid("event_action: a change has none; post events to /v2/enqueue")
        await _take_in(request, without_key(body))
    except Invalid as error:
        return _refused(error)
    log.info("a change was told of", source=request[CALLER].source or DIALECT, often=True)
    return web.json_response({"status": "success", "message": "Change event processed"}, status=202)


@routes.post("/generic/2010-04-15/create_event.json")
async def create(request: web.Request) -> web.Response:
    """As v2, with v1's names and answers."""
    try:
        body = await _let_in(request)
        _refuse_by(check_v1, body)
        key = body.get("incident_key") or uuid4().hex
        await _take_in(request, without_key(body, incident_key=key))
    except Invalid as error:
        return _refused(error)
    return web.json_response({"status": "success", "message": "Event processed", "incident_key": key})


async def _let_in(request: web.Request) -> Said:
    """The body of whoever shows the token of a source in it. Raises Invalid, and Problem 429."""
    try:
        body = decode_object(await small_body(request))
    except Malformed as error:
        raise Invalid(str(error)) from None
    key = next((body[name] for name in KEYS if isinstance(body.get(name), str)), "")
    try:
        await let_in_by(request, key)
    except Problem as problem:
        if problem.status in (401, 403):
            raise Invalid(f"routing_key: {problem.detail}") from None
        raise
    return body


def _refuse_by(check: Callable[[Mapping[str, Any]], list[str]], body: Said) -> None:
    if wrong := check(body):
        raise Invalid(*wrong)


async def _take_in(request: web.Request, body: bytes) -> None:
    try:
        await take_in(request, DIALECT, body)
    except Malformed as error:
        raise Invalid(str(error)) from None


def _refused(error: Invalid) -> web.Response:
    said = {"status": "invalid event", "message": "Event object is invalid", "errors": list(error.args)}
    return web.json_response(said, status=400)
