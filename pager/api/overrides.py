"""Overrides over HTTP: made, listed and taken away; and who could cover a stretch."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, cast

import msgspec
from aiohttp import web

from pager.api import answers_turns as answers
from pager.api.declared import Parameter, told
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.api.reading import BY, CURSOR, LIMIT, Choice, Name, cursor_in, limit_in, name_in, read_body, text_in, up_to
from pager.api.shapes import rfc3339, turns_json
from pager.api.tags import check_seen
from pager.core.catalog import Catalog
from pager.core.cover import Candidate, candidates
from pager.core.instant import parse_instant
from pager.core.moment import parse_moment
from pager.core.oncall import runs, timeline
from pager.core.override import Kind, RunOverride, Wanted
from pager.core.shiftdiff import Moved
from pager.core.wall import datetime_of
from pager.overrides import Changed, UnknownOverride
from pager.problems import suggest
from pager.store import overrides as rows

routes = web.RouteTableDef()
LONGEST = timedelta(days=366)
FURTHEST = timedelta(days=732)
LONGEST_WHY = 500
MOST_NAMES = 50
STATE = Choice("state", "standing", ("standing", "all"))
SCHEDULE = Parameter("schedule", "Only those of this schedule.", {"type": "string"})
FROM = Parameter("from", "As on the command line; now, if left out.", {"type": "string", "default": "now"})
TO = Parameter("to", "As on the command line.", {"type": "string", "examples": ["+8h"]}, required=True)
Moment = Annotated[str, msgspec.Meta(examples=["2026-03-02 09:00", "2026-03-02T09:00+01:00", "+8h"])]
Names = Annotated[list[str], msgspec.Meta(extra_json_schema={"maxItems": MOST_NAMES, "uniqueItems": True})]
_HOW = "write one of who, replace with `with`, add, remove"


class OverrideAsked(msgspec.Struct, forbid_unknown_fields=True):
    """An override as somebody asks for it: a stretch as in a schedule's file, and one of the four kinds.

    `from` and `to` are `2026-03-02 09:00` in the schedule's zone, exact with an offset, or as on the command line.
    """

    schedule: str
    by: Name
    start: Moment = msgspec.field(name="from")
    end: Moment = msgspec.field(name="to")
    who: Names | None = None
    replace: str | None = None
    stand_ins: Names | None = msgspec.field(default=None, name="with")
    add: Names | None = None
    remove: Names | None = None
    why: Annotated[str, up_to(LONGEST_WHY)] = ""


@routes.get("/api/v1/overrides")
@told(answers.Overrides, LIMIT, CURSOR, STATE.parameter, SCHEDULE)
async def listed(request: web.Request) -> web.Response:
    """Those that stand, or `?state=all`, of all schedules or `?schedule=` one, oldest first."""
    query = request.query
    limit, after = limit_in(query), cursor_in(query, 0)
    state, schedule = STATE.of(query), query.get("schedule", "")
    found = await request.app[DATABASE].read(
        lambda tx: rows.page_of(tx, state=state, schedule=schedule, after=after, limit=limit + 1)  # type: ignore[arg-type]
    )
    shown = found[:limit]
    following = str(shown[-1].id) if len(found) > limit else None
    answer: answers.Overrides = {"overrides": [_json(request, one) for one in shown], "next": following}
    return web.json_response(answer)


@routes.post("/api/v1/overrides")
@told(answers.OverrideChanged, status=201, also={200: answers.OverrideChanged}, body=OverrideAsked, located=True)
async def make(request: web.Request) -> web.Response:
    """Lay one over the files and over all others. 201, or 200 if the same one stands already. In force at once."""
    asked = await read_body(request, OverrideAsked)
    engine, now = request.app[ENGINE], request.app[PARTS].clock()
    changed = await engine.overrides.add(wanted_of(asked, engine.catalog, now))
    where = {"Location": f"/api/v1/overrides/{changed.override.id}"}
    return web.json_response(_answer(request, changed), status=201 if changed.is_new else 200, headers=where)


@routes.get("/api/v1/overrides/{id}")
@told(answers.Override)
async def one(request: web.Request) -> web.Response:
    """One override, also one that is over or taken away."""
    return web.json_response(await _one(request))


@routes.delete("/api/v1/overrides/{id}")
@told(answers.OverrideChanged, BY, if_match=True)
async def remove(request: web.Request) -> web.Response:
    """Take one away, `?by=` somebody; the files say again who is on call. Safe to repeat."""
    by = name_in(request.query["by"]) if "by" in request.query else ""
    if "If-Match" in request.headers:
        check_seen(request, await _one(request))
    try:
        changed = await request.app[ENGINE].overrides.remove(_number(request), by)
    except UnknownOverride:
        raise _unknown(request) from None
    return web.json_response(_answer(request, changed))


async def _one(request: web.Request) -> answers.Override:
    number = _number(request)
    found = await request.app[DATABASE].read(lambda tx: rows.get(tx, number))
    if found is None:
        raise _unknown(request)
    return _json(request, found)


def _number(request: web.Request) -> int:
    written = request.match_info["id"]
    return int(written) if written.isascii() and written.isdigit() and len(written) < 19 else 0


def _unknown(request: web.Request) -> Problem:
    return Problem(404, f"there is no override {request.match_info['id'][:20]!r}")


@routes.get("/api/v1/schedules/{name}/cover")
@told(answers.Cover, FROM, TO)
async def cover(request: web.Request) -> web.Response:
    """Who is on call from `?from=` to `?to=`, and who else could be, best first."""
    catalog, query, now = request.app[ENGINE].catalog, request.query, request.app[PARTS].clock()
    name = request.match_info["name"]
    if name not in catalog.schedules:
        raise Problem(404, f"no schedule {name[:50]!r}; {_meant(name, catalog.schedules)}")
    start, end = _span(query.get("from", "now"), query.get("to", ""), catalog.schedules[name].timezone, now)
    # Weeks of turns are compiled beside the loop.
    found = await asyncio.to_thread(candidates, catalog, name, start, end)
    segments = runs(timeline(catalog.schedules[name], start, end, catalog.overrides.get(name, ())))
    answer: answers.Cover = {
        "schedule": name,
        "from": rfc3339(start),
        "to": rfc3339(end),
        "on_call": turns_json(segments),
        "candidates": [_candidate(one) for one in found],
    }
    return web.json_response(answer)


def _candidate(one: Candidate) -> answers.Candidate:
    return {
        "person": one.person,
        "days_apart": one.days_apart,
        "hours_carried": round(one.carried / timedelta(hours=1), 1),
        "also_on_call": list(one.elsewhere),
    }


def wanted_of(asked: OverrideAsked, catalog: Catalog, now: datetime) -> Wanted:
    """What is asked for, checked against the files. Problem 400, naming the field."""
    schedule = catalog.schedules.get(asked.schedule)
    if schedule is None:
        hint = _meant(asked.schedule, catalog.schedules)
        raise Problem(400, f"no schedule {asked.schedule[:50]!r}; {hint}", path="schedule")
    start, end = _span(asked.start, asked.end, schedule.timezone, now)
    kind, names = _kind(asked)
    wanted = Wanted(
        schedule=asked.schedule,
        start=start,
        end=end,
        kind=kind,
        names=_people("with" if kind == "replace" else kind, names, catalog),
        replaced=_people("replace", [asked.replace], catalog)[0] if asked.replace is not None else "",
        by=name_in(asked.by),
        why=text_in(asked.why, "why", LONGEST_WHY) if asked.why else "",
    )
    try:
        wanted.override()
    except ValueError as error:
        raise Problem(400, str(error)) from None
    return wanted


def _kind(asked: OverrideAsked) -> tuple[Kind, Sequence[str]]:
    lists: dict[Kind, Sequence[str] | None] = {"who": asked.who, "add": asked.add, "remove": asked.remove}
    given: dict[Kind, Sequence[str]] = {kind: names for kind, names in lists.items() if names is not None}
    if asked.replace is not None:
        given["replace"] = asked.stand_ins or ()
    if len(given) != 1:
        said = f"{' and '.join(given)} together" if given else "nothing to do"
        raise Problem(400, f"{said}; {_HOW}", path=list(given)[1] if given else "who")
    if asked.stand_ins is not None and asked.replace is None:
        raise Problem(400, "`with` belongs to `replace`", path="with")
    return next(iter(given.items()))


def _people(path: str, names: Sequence[str], catalog: Catalog) -> tuple[str, ...]:
    """People of the files, each once; nobody at all is for `who` alone."""
    if (not names and path != "who") or len(names) > MOST_NAMES:
        raise Problem(400, f"write 1 to {MOST_NAMES} names", path=path)
    for at, name in enumerate(names):
        place = path if path == "replace" else f"{path}[{at}]"
        if name not in catalog.people:
            raise Problem(400, f"no person {name[:50]!r}; {_meant(name, catalog.people)}", path=place)
        if name in names[:at]:
            raise Problem(400, f"{name!r} stands twice; write each name once", path=place)
    return tuple(names)


def _span(start: str, end: str, zone: str, now: datetime) -> tuple[datetime, datetime]:
    """[from, to) in whole minutes. Problem 400 for what is no stretch, is over, or is no matter for an override."""
    first = _instant(start, now, zone, "from")
    last = _instant(end, first, zone, "to")
    if last <= first:
        raise Problem(400, f"it ends before it starts: from {rfc3339(first)} to {rfc3339(last)}", path="to")
    if last <= now:
        raise Problem(400, f"it is over already: {rfc3339(last)}", path="to")
    if last - first > LONGEST:
        how = "write a dated version of the rotation for what is to last"
        raise Problem(400, f"an override lasts {LONGEST.days} days at most; {how}", path="to")
    if last - now > FURTHEST:
        raise Problem(400, f"too far away: an override ends within {FURTHEST.days} days", path="to")
    return first, last


def _instant(written: str, now: datetime, zone: str, path: str) -> datetime:
    """An instant as in a file, else as on the command line; what is said in words or as a length loses its seconds."""
    try:
        return datetime_of(parse_moment(written).instant(zone))
    except ValueError as error:
        refused = error
    try:
        at = parse_instant(written, now, zone)
    except (ValueError, OverflowError) as error:
        raise Problem(400, str(refused if written[:4].isdigit() else error), path=path) from None
    if written[:4].isdigit() and at.second:
        raise Problem(400, str(refused), path=path)
    return at.replace(second=0, microsecond=0)


def _meant(name: str, known: Iterable[str]) -> str:
    return suggest(name, known) or f"there are: {', '.join(sorted(known)) or 'none'}"


def _answer(request: web.Request, changed: Changed) -> answers.OverrideChanged:
    return {**_json(request, changed.override), "moved": [_moved_json(one) for one in changed.moved]}


def _json(request: web.Request, one: RunOverride) -> answers.Override:
    """`applied` is false while the files have no such schedule or person; `problem` says which."""
    wanted = one.wanted
    over = one.is_over(request.app[PARTS].clock())
    why_not = "" if over else request.app[ENGINE].overrides.why_not(one)
    told = {
        "id": one.id,
        "schedule": wanted.schedule,
        "from": rfc3339(wanted.start),
        "to": rfc3339(wanted.end),
        **wanted.body,
        "why": wanted.why or None,
        "by": wanted.by,
        "created_at": rfc3339(one.created_at),
        "removed_at": rfc3339(one.removed_at),
        "applied": not over and not why_not,
        "problem": why_not or None,
    }
    return cast(answers.Override, told)


def _moved_json(one: Moved) -> answers.Moved:
    return {"person": one.person, "gains": _stretches(one.gained), "loses": _stretches(one.lost)}


def _stretches(found: Sequence[tuple[datetime, datetime]]) -> list[answers.Stretch]:
    return [{"from": rfc3339(start), "to": rfc3339(end)} for start, end in found]
