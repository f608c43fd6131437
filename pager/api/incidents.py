"""Incidents over HTTP: lists, one by its code, what happened to it, and what people do to it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import web

from pager.api import answers
from pager.api.declared import Parameter, told
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.privacy import eyes_of, reader_of
from pager.api.problems import Problem
from pager.api.reading import (
    CURSOR,
    LIMIT,
    Choice,
    Length,
    Name,
    cursor_in,
    known_in,
    limit_in,
    name_in,
    number_in,
    read_body,
    text_in,
    up_to,
)
from pager.api.shapes import entry_json, incident_json, page_json
from pager.api.tags import changed, check_seen
from pager.core.code import code_of, number_of
from pager.core.duration import parse_duration
from pager.core.incident import (
    Acked,
    Escalated,
    Event,
    Incident,
    MadePrivate,
    MadePublic,
    Mitigated,
    Noted,
    Reassigned,
    Resolved,
    RoleTaken,
    SeveritySet,
    Snoozed,
    Unacked,
)
from pager.core.privacy import MOST as MOST_NAMED
from pager.core.privacy import known_names
from pager.core.severity import Level, parse_level
from pager.engine import CannotMerge, UnknownIncident, VersionMismatch
from pager.metrics import acting
from pager.store import incidents, pages
from pager.store.database import Tx
from pager.store.incidents import Kept

routes = web.RouteTableDef()
STATE = Choice("state", "open", ("open", "all", "triggered", "acknowledged", "mitigated", "resolved"))
TEAM = Parameter("team", "Only those of this team.", {"type": "string"})
NEWEST = 2**62
MERGE = "merge"
LONGEST_TITLE = 200
LONGEST_NOTE = 10_000
Named = Annotated[list[str], msgspec.Meta(max_length=MOST_NAMED)]
Severity = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^ *[Ss][Ee][Vv]-?[1-5] *$"}, examples=["SEV-2"])]


class Act(msgspec.Struct, forbid_unknown_fields=True):
    """What a person does. `version`: only if the incident is still as it was seen. The others by act:

    snooze: `for`; note: `text`; severity: `severity`; reassign: `to`; roles: `role`, and `to` if it is not theirs;
    merge: `into`, the code of the other incident, and `private` where they are not seen by the same people: the whole
    is private then, and seen by both; private: `named`, who sees it beside `by`.
    """

    by: Name
    version: int | None = None
    lasts: Length = msgspec.field(default="", name="for")
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] = ""
    severity: str = ""
    to: str = ""
    role: str = ""
    into: str = ""
    named: Named = []
    private: bool = False


class Declared(msgspec.Struct, forbid_unknown_fields=True):
    """An incident by hand; `policy` is that of `defaults:` if nothing is said.

    `private`: seen by `by`, by these people and teams (`team:security`), by those who are paged for it, and by admins.
    """

    title: Annotated[str, up_to(LONGEST_TITLE, 1)]
    severity: Severity
    by: Name
    policy: str = ""
    private: bool | Named = False


@routes.get("/api/v1/incidents")
@told(answers.Incidents, LIMIT, CURSOR, STATE.parameter, TEAM)
async def listed(request: web.Request) -> web.Response:
    """Incidents, newest first, those that are open if nothing else is asked for."""
    query = request.query
    limit, below = limit_in(query), cursor_in(query, NEWEST)
    state, team = STATE.of(query), query.get("team", "")
    found = await request.app[DATABASE].read(
        lambda tx: incidents.page_of(tx, state=state, team=team, below=below, limit=limit + 1)
    )
    shown = found[:limit]
    following = str(shown[-1].incident.number) if len(found) > limit else None
    if team:  # Whose it is, is no more for everybody than what it is.
        shown = [kept for kept in shown if eyes_of(request).sees(kept.incident)]
    answer: answers.Incidents = {"incidents": [_json(request, kept) for kept in shown], "next": following}
    return web.json_response(answer)


@routes.post("/api/v1/incidents")
@told(answers.Incident, status=201, body=Declared, located=True)
async def declare(request: web.Request) -> web.Response:
    """Open an incident by hand; it pages at once."""
    said = await read_body(request, Declared)
    engine = request.app[ENGINE]
    if said.policy:
        known_in(engine.catalog.policies, said.policy, "policy", "policy")
    # What the files leave out is built in: an alert that names no policy goes there, too.
    policy = said.policy or engine.catalog.policy("")[0]
    title = text_in(said.title, "title", LONGEST_TITLE)
    level, by = _level(said.severity, "severity"), name_in(said.by)
    incident = await engine.declare(title, level, policy, by, _private(request, said))
    kept = await _read(request, incident.number)
    where = {"Location": f"/api/v1/incidents/{code_of(incident.number)}"}
    return web.json_response(_json(request, kept), status=201, headers=where)


@routes.get("/api/v1/incidents/{code}")
@told(answers.Incident)
async def one(request: web.Request) -> web.Response:
    """One incident."""
    return web.json_response(_json(request, await _read(request, number_in(request))))


@routes.get("/api/v1/incidents/{code}/timeline")
@told(answers.Timeline, LIMIT, CURSOR)
async def timeline(request: web.Request) -> web.Response:
    """What happened, oldest first; `?cursor=` goes on after an entry."""
    number, limit, after = number_in(request), limit_in(request.query), cursor_in(request.query, 0)
    eyes = eyes_of(request)

    def read(tx: Tx) -> list[incidents.Written]:
        eyes.check(_known(incidents.get(tx, number), number).incident)
        return incidents.timeline(tx, number, after=after, limit=limit + 1)

    found = await request.app[DATABASE].read(read)
    shown = found[:limit]
    following = str(shown[-1].seq) if len(found) > limit else None
    # An event that changed a clock and nothing else has no words.
    answer: answers.Timeline = {
        "timeline": [entry_json(entry) for entry in shown if entry.said],
        "next": following,
    }
    return web.json_response(answer)


@routes.get("/api/v1/incidents/{code}/pages")
@told(answers.Pages)
async def paged(request: web.Request) -> web.Response:
    """Who was paged, by which contacts, and what became of each attempt; oldest first."""
    number, eyes = number_in(request), eyes_of(request)

    def read(tx: Tx) -> list[Any]:
        eyes.check(_known(incidents.get(tx, number), number).incident)
        return pages.of_incident(tx, number)

    found = await request.app[DATABASE].read(read)
    answer: answers.Pages = {"pages": [page_json(page, deliveries) for page, deliveries in found]}
    return web.json_response(answer)


def _private(request: web.Request, said: Declared) -> tuple[str, ...] | None:
    if isinstance(said.private, bool):
        return () if said.private else None
    return _named(request, said.private, "private")


async def _merge(request: web.Request, number: int, said: Act, by: str) -> Incident:
    into = number_of(said.into)
    if into is None:
        raise Problem(400, "write the code of the other incident, such as 7KQ", path="into")
    try:
        reader = reader_of(request)
        return await request.app[ENGINE].merge(number, into, by, reader=reader, to_private=said.private)
    except CannotMerge as error:
        raise Problem(409, str(error), path="into") from None


def _snoozed(request: web.Request, said: Act, by: str) -> Event:
    try:
        lasts = parse_duration(said.lasts)
    except ValueError as error:
        raise Problem(400, str(error), path="for") from None
    if not lasts:
        raise Problem(400, "write how long, such as 2h", path="for")
    return Snoozed(by, request.app[PARTS].clock() + lasts)


def _level(written: str, path: str) -> Level:
    try:
        return parse_level(written)
    except ValueError as error:
        raise Problem(400, str(error), path=path) from None


def _severity_set(_: web.Request, said: Act, by: str) -> Event:
    return SeveritySet(by, _level(said.severity or said.to, "severity"))


def _reassigned(request: web.Request, said: Act, by: str) -> Event:
    known_in(request.app[ENGINE].catalog.people, said.to, "person", "to")
    return Reassigned(by, said.to)


def _made_private(request: web.Request, said: Act, by: str) -> Event:
    return MadePrivate(by, _named(request, said.named, "named"))


def _named(request: web.Request, names: Sequence[str], path: str) -> tuple[str, ...]:
    catalog = request.app[ENGINE].catalog
    try:
        return known_names(list(names), catalog.people, catalog.teams)
    except ValueError as error:
        raise Problem(400, str(error), path=path) from None


def _role_taken(request: web.Request, said: Act, by: str) -> Event:
    catalog = request.app[ENGINE].catalog
    known_in(catalog.roles, said.role, "role", "role")
    if said.to:
        known_in(catalog.people, said.to, "person", "to")
    return RoleTaken(by, said.role, said.to or by)


ACTS: dict[str, Callable[[web.Request, Act, str], Event]] = {
    "ack": lambda request, said, by: Acked(by),
    "unack": lambda request, said, by: Unacked(by),
    "resolve": lambda request, said, by: Resolved(by),
    "mitigate": lambda request, said, by: Mitigated(by),
    "snooze": _snoozed,
    "escalate": lambda request, said, by: Escalated(by),
    "note": lambda request, said, by: Noted(by, text_in(said.text, "text", LONGEST_NOTE)),
    "severity": _severity_set,
    "reassign": _reassigned,
    "private": _made_private,
    "public": lambda request, said, by: MadePublic(by),
    "roles": _role_taken,
}


@routes.post("/api/v1/incidents/{code}/{act:(?!(?:explain|pages|timeline)$)[^{}/]+}")
@told(answers.Incident, body=Act, path={"act": {"enum": [*ACTS, MERGE]}}, refuses=(409,), if_match=True)
async def act(request: web.Request) -> web.Response:
    """Do what the path says; the incident after it, which is another one where it was merged. Safe to repeat."""
    number, name = number_in(request), request.match_info["act"]
    if name not in ACTS and name != MERGE:
        raise Problem(404, f"no act {name[:50]!r}; there are: {', '.join((*ACTS, MERGE))}")
    said = await read_body(request, Act)
    by = name_in(said.by)
    version = await _seen(request, number, said)
    with acting("api"):
        if name == MERGE:
            incident = await _merge(request, number, said, by)
        else:
            event = ACTS[name](request, said, by)
            incident = await _told(request, number, event, version)
    return web.json_response(_json(request, await _read(request, incident.number)))


async def _seen(request: web.Request, number: int, said: Act) -> int | None:
    """The version that the act is for, None for any: the body's, or that of what `If-Match` names. Problem 412."""
    if "If-Match" not in request.headers:
        return said.version
    kept = await _read(request, number)
    check_seen(request, _json(request, kept))
    if said.version not in (None, kept.version):
        raise changed()
    return kept.version


async def _told(request: web.Request, number: int, event: Event, version: int | None) -> Incident:
    try:
        return await request.app[ENGINE].act(number, event, version=version, reader=reader_of(request))
    except VersionMismatch:
        if "If-Match" in request.headers:
            raise changed() from None
        raise


async def _read(request: web.Request, number: int) -> Kept:
    return _known(await request.app[DATABASE].read(lambda tx: incidents.get(tx, number)), number)


def _known(kept: Kept | None, number: int) -> Kept:
    if kept is None:
        raise UnknownIncident(f"no incident {code_of(number)}")
    return kept


def _json(request: web.Request, kept: Kept) -> answers.Incident:
    return incident_json(eyes_of(request).shown(kept), request.app[ENGINE].catalog, request.app[PARTS].url)
