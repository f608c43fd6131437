"""Overrides over HTTP: made, listed and taken away; and who could cover a stretch."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.api.reading import choice_in, cursor_in, limit_in, name_in, read_body, text_in
from pager.api.shapes import Json, rfc3339
from pager.core.catalog import Catalog
from pager.core.cover import candidates
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
_STATES = ("standing", "all")
_HOW = "write one of who, replace with `with`, add, remove"


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """An override as somebody asks for it: a stretch as in a schedule's file, and one of the four kinds.

    `from` and `to` are `2026-03-02 09:00` in the schedule's zone, exact with an offset, or as on the command line.
    """

    schedule: str
    by: str
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    who: list[str] | None = None
    replace: str | None = None
    stand_ins: list[str] | None = msgspec.field(default=None, name="with")
    add: list[str] | None = None
    remove: list[str] | None = None
    why: str = ""


@routes.get("/api/v1/overrides")
async def listed(request: web.Request) -> web.Response:
    """Those that stand, or `?state=all`, of all schedules or `?schedule=` one, oldest first."""
    query = request.query
    limit, after = limit_in(query), cursor_in(query, 0)
    state, schedule = choice_in(query, "state", "standing", _STATES), query.get("schedule", "")
    found = await request.app[DATABASE].read(
        lambda tx: rows.page_of(tx, state=state, schedule=schedule, after=after, limit=limit + 1)  # type: ignore[arg-type]
    )
    shown = found[:limit]
    following = str(shown[-1].id) if len(found) > limit else None
    return web.json_response({"overrides": [_json(request, one) for one in shown], "next": following})


@routes.post("/api/v1/overrides")
async def make(request: web.Request) -> web.Response:
    """Lay one over the files and over all others. 201, or 200 if the same one stands already. In force at once."""
    asked = await read_body(request, Asked)
    engine, now = request.app[ENGINE], request.app[PARTS].clock()
    changed = await engine.overrides.add(wanted_of(asked, engine.catalog, now))
    where = {"Location": f"/api/v1/overrides/{changed.override.id}"}
    return web.json_response(_answer(request, changed), status=201 if changed.is_new else 200, headers=where)


@routes.delete("/api/v1/overrides/{id}")
async def remove(request: web.Request) -> web.Response:
    """Take one away, `?by=` somebody; the files say again who is on call. Safe to repeat."""
    written = request.match_info["id"]
    by = name_in(request.query["by"]) if "by" in request.query else ""
    try:
        number = int(written) if written.isascii() and written.isdigit() and len(written) < 19 else 0
        changed = await request.app[ENGINE].overrides.remove(number, by)
    except UnknownOverride:
        raise Problem(404, f"there is no override {written[:20]!r}") from None
    return web.json_response(_answer(request, changed))


@routes.get("/api/v1/schedules/{name}/cover")
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
    answer: Json = {"schedule": name, "from": rfc3339(start), "to": rfc3339(end)}
    answer["on_call"] = [
        {"from": rfc3339(one.start), "to": rfc3339(one.end), "people": list(one.people)} for one in segments
    ]
    answer["candidates"] = [
        {
            "person": one.person,
            "days_apart": one.days_apart,
            "hours_carried": round(one.carried / timedelta(hours=1), 1),
            "also_on_call": list(one.elsewhere),
        }
        for one in found
    ]
    return web.json_response(answer)


def wanted_of(asked: Asked, catalog: Catalog, now: datetime) -> Wanted:
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


def _kind(asked: Asked) -> tuple[Kind, Sequence[str]]:
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


def _answer(request: web.Request, changed: Changed) -> Json:
    return {**_json(request, changed.override), "moved": [_moved_json(one) for one in changed.moved]}


def _json(request: web.Request, one: RunOverride) -> Json:
    """`applied` is false while the files have no such schedule or person; `problem` says which."""
    wanted = one.wanted
    over = one.is_over(request.app[PARTS].clock())
    why_not = "" if over else request.app[ENGINE].overrides.why_not(one)
    return {
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


def _moved_json(one: Moved) -> Json:
    spans: Mapping[str, Sequence[tuple[datetime, datetime]]] = {"gains": one.gained, "loses": one.lost}
    told = {key: [{"from": rfc3339(a), "to": rfc3339(b)} for a, b in found] for key, found in spans.items()}
    return {"person": one.person, **told}
