"""Opsgenie's Alert API for senders, answered as Opsgenie answers: 202 and a request id, or 422 and the fields.

Whoever shows the token of a source sees and touches the alerts of that source alone, of those in a private incident
only that there is one. An id is made of the alert's key, so that nothing has to be kept for it.
"""

import re
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import web

from pager.api.doors import CALLER
from pager.api.ingest import small_body, take_in
from pager.api.parts import DATABASE, ENGINE
from pager.api.ping import heard, unheard
from pager.api.privacy import eyes_of
from pager.api.problems import Problem
from pager.api.shapes import rfc3339
from pager.core.alert import alert_key
from pager.core.heartbeat import Beat
from pager.core.report import Malformed
from pager.log import log
from pager.sources.event import short
from pager.sources.opsgenie import wrong_with
from pager.sources.wire import decode_object
from pager.store import alerts, incidents
from pager.store.alerts import KnownAlert
from pager.store.database import Tx

routes = web.RouteTableDef()
DIALECT = "opsgenie"
Said = dict[str, Any]
MOST, USUAL = 100, 20
_MASK = (1 << 64) - 1


@routes.post("/v2/alerts")
async def create(request: web.Request) -> web.Response:
    """202: the alert is kept. An alias that is open is the same alert again; without one it is a new alert."""
    try:
        body = decode_object(await small_body(request))
        if wrong := wrong_with(body):
            return _refused(wrong)
        alias = body.get("alias") or str(uuid4())
        await take_in(request, DIALECT, _said("create", alias, body))
    except Malformed as error:
        return _refused({error.path: error.what})
    return _promised(_key(request, alias))


@routes.get("/v2/alerts")
async def listed(request: web.Request) -> web.Response:
    """The alerts of the source, `?limit=` and `?offset=`, of `?query=` the status alone."""
    query = request.query
    status = re.search(r"status\s*[:=]\s*(open|closed)", query.get("query", ""))
    firing = None if status is None else status[1] == "open"
    limit, offset = min(_number(query.get("limit"), USUAL), MOST), _number(query.get("offset"), 0)
    source, eyes = _source(request), eyes_of(request)

    def read(tx: Tx) -> list[Said]:
        found = alerts.of_source(tx, source, firing=firing, limit=limit, offset=offset)
        return [_json(tx, known) for known in eyes.alerts(tx, found)]

    return _answer(await request.app[DATABASE].read(read))


@routes.get("/v2/alerts/requests/{request}")
async def outcome(request: web.Request) -> web.Response:
    """What became of a request. 404 while the alert is not worked yet."""
    key = _key_in(request.match_info["request"].replace("-", "")[:16])
    known = await _known(request, key)
    done = {"success": True, "isSuccess": True, "action": "Processed", "status": "Processed"}
    return _answer({**done, "alertId": _id(known.state.key), "alias": known.state.identity})


@routes.get("/v2/alerts/{ident:.+}")
async def one(request: web.Request) -> web.Response:
    """One alert, by `?identifierType=`: id, alias or tiny."""
    known = await _known(request, _asked(request))
    return _answer(await request.app[DATABASE].read(lambda tx: _json(tx, known)))


@routes.delete("/v2/alerts/{ident:.+}")
async def delete(request: web.Request) -> web.Response:
    """As close: what was an alert is not forgotten."""
    return await _act(request, "close")


@routes.post("/v2/alerts/{ident:.+}/{verb}")
@routes.put("/v2/alerts/{ident:.+}/{verb}")
async def act(request: web.Request) -> web.Response:
    """202, also for an alert that nobody knows: close, acknowledge, snooze and the like; other verbs are noted."""
    verb = request.match_info["verb"]
    if verb == "create":
        raise Problem(404, "post to /v2/alerts to create one")
    return await _act(request, verb)


@routes.get("/v2/heartbeats/{name}/ping")
@routes.post("/v2/heartbeats/{name}/ping")
@routes.put("/v2/heartbeats/{name}/ping")
@routes.patch("/v2/heartbeats/{name}/ping")
async def ping(request: web.Request) -> web.Response:
    """202: it was heard; one that the files do not name is for the log alone, as it is for Opsgenie."""
    name = request.match_info["name"]
    if why := unheard(request.app[ENGINE].catalog, name):
        log.info("a heartbeat was not heard", source=_source(request), name=name[:100], why=why, often=True)
    else:
        await heard(request, Beat(name))
    return web.json_response({"result": "PONG - Heartbeat received", **_took()}, status=202)


async def _act(request: web.Request, verb: str) -> web.Response:
    key = _asked(request)
    try:
        raw = await small_body(request)
        body = decode_object(raw) if raw.strip() else dict(request.query)
        alias = await _alias(request, key)
        if alias:
            await take_in(request, DIALECT, _said(verb, alias, body))
    except Malformed as error:
        return _refused({error.path: error.what})
    return _promised(key)


async def _alias(request: web.Request, key: int) -> str:
    """The alias that the path names, be the alert known or not; "" for an id that is none."""
    if _kind(request) == "alias":
        return _ident(request)
    found = await request.app[DATABASE].read(lambda tx: alerts.load(tx, [key]).get(key))
    return found.state.identity if found is not None and found.state.source == _source(request) else ""


def _said(action: str, alias: str, body: Said) -> bytes:
    return msgspec.json.encode({"action": action, "alias": alias, "body": body})


def _source(request: web.Request) -> str:
    return request[CALLER].source or DIALECT


def _key(request: web.Request, alias: str) -> int:
    return alert_key(_source(request), short(alias.strip()), {})


def _kind(request: web.Request) -> str:
    return request.query.get("identifierType", "id").lower()


def _ident(request: web.Request) -> str:
    return request.match_info["ident"].strip()


def _asked(request: web.Request) -> int:
    """The key of the alert that the path names. Problem 422 for what is no way to name one."""
    kind, ident = _kind(request), _ident(request)
    if kind == "alias":
        return _key(request, ident)
    if kind == "tiny":
        number = int(ident) if ident.isascii() and ident.isdigit() and len(ident) < 21 else 0
        return _signed(number & _MASK)
    if kind == "id":
        digits = ident.replace("-", "")
        return _key_in(digits[:16] if digits[:16] == digits[16:] else "")
    raise Problem(422, "identifierType is id, alias or tiny", path="identifierType")


def _id(key: int) -> str:
    return _uuid(f"{key & _MASK:016x}" * 2)


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _key_in(digits: str) -> int:
    return _signed(int(digits, 16)) if re.fullmatch("[0-9a-f]{16}", digits) else 0


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else usual


async def _known(request: web.Request, key: int) -> KnownAlert:
    source, eyes = _source(request), eyes_of(request)

    def read(tx: Tx) -> KnownAlert | None:
        found = alerts.load(tx, [key]).get(key)
        return eyes.alerts(tx, [found])[0] if found is not None and found.state.source == source else None

    found = await request.app[DATABASE].read(read)
    if found is None:
        raise Problem(404, "no such alert, or it is not worked yet")
    return found


# How it is told.


def _took() -> Said:
    return {"took": 0.001, "requestId": str(uuid4())}


def _answer(data: Any) -> web.Response:
    return web.json_response({"data": data, **_took()})


def _promised(key: int) -> web.Response:
    """202, with a request id by which the alert can be asked for."""
    request_id = _uuid(f"{key & _MASK:016x}{uuid4().hex[:16]}")
    said = {"result": "Request will be processed", **_took(), "requestId": request_id}
    return web.json_response(said, status=202)


def _refused(errors: dict[str, str]) -> web.Response:
    said = {"message": "Request body is not processable. Please check the errors.", "errors": errors, **_took()}
    return web.json_response(said, status=422)


def _json(tx: Tx, known: KnownAlert) -> Said:
    state = known.state
    standing = incidents.standing(tx, [known.incident]) if known.incident is not None else {}
    incident = standing.get(known.incident) if known.incident is not None else None
    labels, annotations = state.labels, state.annotations
    return {
        "id": _id(state.key),
        "tinyId": str(state.key & _MASK),
        "alias": state.identity,
        "message": annotations.get("summary") or labels.get("alertname", ""),
        "description": annotations.get("description", ""),
        "status": "open" if state.counts_as_firing else "closed",
        "acknowledged": incident is not None and incident.state in ("acknowledged", "mitigated"),
        "isSeen": incident is not None and incident.state != "triggered",
        "snoozed": False,
        "count": len(state.firings) or 1,
        "createdAt": rfc3339(state.starts_at),
        "updatedAt": rfc3339(known.heard_at),
        "lastOccurredAt": rfc3339(known.heard_at),
        "source": state.source,
        "owner": "",
        "priority": labels.get("priority") or "P3",
        "entity": labels.get("entity", ""),
        "tags": [tag for tag in labels.get("tags", "").split(",") if tag],
        "details": dict(labels),
        "responders": [],
        "actions": [],
        "integration": {"id": state.source, "name": state.source, "type": "API"},
        "report": {},
    }
