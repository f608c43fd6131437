"""Auditing: what people change is written down, by one door for all routes, with who, by what, from where.

What a request asked for is kept field by field, and only fields that are named here: a secret has no name here.
"""

import asyncio
import json
import pwd
import socket
import struct
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.access import SAFE, needed
from pager.api.doors import CALLER, SESSION, address_of
from pager.api.parts import DATABASE
from pager.api.problems import handler_of
from pager.core.code import number_of
from pager.core.hygiene import one_line
from pager.core.incident import Incident
from pager.log import log
from pager.store import StoreUnavailable, audit, incidents
from pager.store.audit import Deed
from pager.web.render import is_page
from pager.web.seat import seat_of

REMARK = web.RequestKey("remark", dict[str, Any])
PATIENCE = 2.0
"""Seconds that an answer waits for its audit: an ack must not wait for a full disk."""
LONGEST = 200
MOST = 20
LARGEST = 64 * 1024
FIELDS = frozenset(
    """
    action by code comment createdBy days end endsAt expires for from grace into kind lasts mail match matchers merge
    name named note people person policy private reason replace role schedule scope severity start starts startsAt team
    text timezone
    title to until what who why with
    """.split()  # noqa: SIM905 - a list of words is read as one.
)
STANDING = ("state", "severity", "acked_by", "private")
NAMES = ("code", "name", "silenceID", "id", "to", "file")
"""What an answer calls the thing that was made."""
WORDS: Mapping[str, tuple[str, str]] = {
    "POST /api/v1/incidents": ("declare", "incident"),
    "POST /api/v1/incidents/{code}/{act}": ("", "incident"),
    "POST /i/{code}": ("", "incident"),
    "POST /p/{token}": ("", "incident"),
    "POST /p/{token}/": ("", "incident"),
    "POST /p/proof/{token}": ("prove", "contact"),
    "POST /declare": ("declare", "incident"),
    "POST /oncall/{name}": ("override", "schedule"),
    "POST /silences": ("", "silence"),
    "POST /maintenance": ("", "maintenance"),
    "POST /system": ("reload", "config"),
    "POST /-/reload": ("reload", "config"),
    "POST /login": ("sign in", "session"),
    "GET /login/back": ("sign in", "session"),
    "POST /me": ("", "session"),
    "POST /enrol/{token}": ("set password", "user"),
    "POST /api/v1/users/{name}/enrolment": ("enroll", "user"),
    "POST /api/v1/users/{name}/disable": ("disable", "user"),
    "POST /api/v1/users/{name}/enable": ("enable", "user"),
    "DELETE /api/v1/users/{name}/sessions": ("sign out", "user"),
    "DELETE /api/v1/users/{name}/sessions/{id}": ("sign out", "user"),
    "POST /api/v1/people/{name}/page": ("page", "person"),
    "POST /api/v1/people/{name}/tests": ("test", "person"),
}
"""Route -> act ("": the path or the form names it) and the kind of thing. Another route goes by its method and path."""
DOORS = {"here": "this machine"}
VERBS = {"POST": "make", "PUT": "put", "PATCH": "change", "DELETE": "remove"}


def remark(request: web.Request, **said: Any) -> None:
    """Say more of this request than its body does: `who`, `via`, `act`, `object`; all else goes into the detail."""
    request[REMARK] = {**request.get(REMARK, {}), **said}


@web.middleware
async def audits(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write down what worked and changed something, before it is answered."""
    before = await _incident(request)
    response = await handler(request)
    if _changes(request) and response.status < 400:
        if before is not None and (after := await _incident(request)) is not None:
            remark(request, **change_of(before, after))
        deed = await _deed(request, response)
        log.info("acted", who=deed.who, token=_token(request), route=handler_of(request), status=response.status)
        await _keep(request, deed)
    return response


def change_of(before: Incident, after: Incident) -> dict[str, dict[str, str]]:
    """What an act changed of how an incident stands, and for whom: how it `was`, and is `now`; {} for nothing."""
    was, now = ({name: str(getattr(one, name)) for name in STANDING} for one in (before, after))
    changed = [name for name in STANDING if was[name] != now[name]]
    return (
        {"was": {name: was[name] for name in changed}, "now": {name: now[name] for name in changed}} if changed else {}
    )


async def _incident(request: web.Request) -> Incident | None:
    """The incident of the path, as it stands, where somebody acts on one."""
    number = number_of(request.match_info.get("code", "")) if request.method not in SAFE else None
    if number is None:
        return None
    try:
        kept = await request.app[DATABASE].read(lambda tx: incidents.get(tx, number))
    except StoreUnavailable:  # Whoever acts is told so by what they ask for.
        return None
    return kept.incident if kept else None


def _changes(request: web.Request) -> bool:
    route = handler_of(request)
    if REMARK in request:
        return True
    return request.method not in SAFE and needed(request.method, route) not in ("ingest", "calendar")


async def _keep(request: web.Request, deed: Deed) -> None:
    """In time or later; what was done is done, so that it is answered as done if the audit cannot be written."""
    written = asyncio.ensure_future(request.app[DATABASE].write(lambda tx: audit.append(tx, deed)))
    try:
        await asyncio.wait_for(asyncio.shield(written), PATIENCE)
    except TimeoutError:
        written.add_done_callback(_tell)
    except StoreUnavailable as error:
        log.error("an act is not in the audit", who=deed.who, act=deed.act, object=deed.object, error=str(error))
    except Exception:  # A fence: what was done must not be answered as if it was not.
        log.exception("an act is not in the audit", who=deed.who, act=deed.act, object=deed.object)


def _tell(written: "asyncio.Future[int]") -> None:
    if not written.cancelled() and (error := written.exception()) is not None:
        log.error("an act is not in the audit", error=type(error).__name__)


async def _deed(request: web.Request, response: web.StreamResponse) -> Deed:
    said, more = await _asked(request), dict(request.get(REMARK, {}))
    act, kind = _words(request, said)
    who = more.pop("who", "") or _who(request, said)
    act, about = more.pop("act", act), more.pop("object", "")
    told = {name: value for name, value in said.items() if name not in ("by", "action")}
    if request.method == "DELETE" and (was := _told(_answered(response))):
        more.setdefault("was", was)
    return Deed(
        who=_short(who),
        via=_short(more.pop("via", "") or _via(request)),
        address=address_of(request),
        act=_short(act),
        object=_short(about or f"{kind} {_name(request, response)}".strip()),
        detail={**told, **{name: _value(value) for name, value in more.items()}},
    )


def _words(request: web.Request, said: Mapping[str, Any]) -> tuple[str, str]:
    route = handler_of(request)
    act, kind = WORDS.get(f"{request.method} {route}", (VERBS.get(request.method, request.method), ""))
    if not kind:
        parts = [part for part in route.split("/") if part and not part.startswith("{")]
        kind = parts[-1].removesuffix("s") if parts else "page"
    return act or request.match_info.get("act", "") or str(said.get("action", "")), kind


def _name(request: web.Request, response: web.StreamResponse) -> str:
    """What the thing is called: by the path, else by the answer, else by where the answer leads."""
    for name in ("code", "name", "id", "mapping"):
        if found := request.match_info.get(name, ""):
            return found
    if told := _answered(response):
        return str(next((told[name] for name in NAMES if told.get(name)), ""))
    if request.match_info.get("token") or response.status not in (302, 303):
        return ""
    place = urlsplit(response.headers.get("Location", "")).path
    return place.rpartition("/")[2] if place.startswith("/i/") else ""


def _who(request: web.Request, said: Mapping[str, Any]) -> str:
    """Who it was: the person who signed in, else whom the request names, else the token's own name."""
    caller = request[CALLER]
    if caller.via in ("password", "oidc", "proxy"):
        return caller.name
    named = said.get("by") or said.get("createdBy") or request.query.get("by", "")
    if not named and caller.via and is_page(request.path):
        named = seat_of(request).person
    return str(named) or caller.name or (_user(request) if caller.via == "socket" else "")


def _via(request: web.Request) -> str:
    """By which door."""
    caller = request[CALLER]
    opened = request.get(SESSION)
    if caller.via == "socket":
        return f"socket {_user(request)}".strip()
    if not caller.via:
        return "link"
    way = f"token {caller.name}" if caller.via == "token" else DOORS.get(caller.via, caller.via)
    return f"{way}, session {opened.session.id}" if opened else way


def _token(request: web.Request) -> str:
    return request[CALLER].name if request[CALLER].via == "token" else ""


def _user(request: web.Request) -> str:
    """Whose process is at the other end of the socket."""
    found = request.transport.get_extra_info("socket") if request.transport else None
    if found is None or not hasattr(socket, "SO_PEERCRED"):
        return ""
    _, uid, _ = struct.unpack("3i", found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


async def _asked(request: web.Request) -> dict[str, Any]:
    """The named fields of the body, be it JSON or a form, short."""
    body = await request.read()
    if not body or len(body) > LARGEST:
        return {}
    if request.content_type == "application/x-www-form-urlencoded":
        try:
            found: dict[str, Any] = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=50))
        except ValueError:
            return {}
    else:
        found = _json(body)
    return _told(found)


def _answered(response: web.StreamResponse) -> dict[str, Any]:
    """The JSON of an answer, {} for another kind."""
    if not isinstance(response, web.Response) or response.content_type != "application/json":
        return {}
    return _json(response.body) if isinstance(response.body, bytes) and len(response.body) <= LARGEST else {}


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(found[name]) for name in sorted(found) if name in FIELDS and found[name] not in ("", None)}


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list):
        return [_value(one) for one in value[:MOST]]
    if isinstance(value, dict):
        return {_short(str(name)): _value(one) for name, one in list(value.items())[:MOST] if _is_told(str(name))}
    return _short(str(value))


def _is_told(name: str) -> bool:
    return not any(word in name.lower() for word in ("token", "secret", "password", "key", "url"))


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
