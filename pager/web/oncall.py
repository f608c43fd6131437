"""The pages of the rotations, /oncall: who has it now, four weeks as a picture and a table, and overrides by hand."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from msgspec import Struct

from pager.api.overrides import OverrideAsked, wanted_of
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.core.catalog import Catalog
from pager.core.oncall import Segment, runs, timeline
from pager.core.override import RunOverride
from pager.core.picture import picture
from pager.overrides import UnknownOverride
from pager.store import overrides as rows
from pager.web.now import named, watches_of
from pager.web.seat import form_of, seat_of, see_other, shown, who_in

routes = web.RouteTableDef()
WEEKS = 4
MOST_TURNS = 200
MOST_OVERRIDES = 100
DONE = {
    "taken": "The override is in force. Whoever it is about is told.",
    "removed": "The override is gone: the files say again who is on call.",
}
PICTURE_CSP = "default-src 'none'; style-src 'unsafe-inline'"


class Turn(Struct, frozen=True):
    """A row of the table: who, on the clock of the schedule; `start` and `end` as a form takes them."""

    people: str
    told: str
    length: str
    start: str
    end: str
    is_now: bool
    is_mine: bool


class Laid(Struct, frozen=True):
    """An override that stands, in words."""

    id: int
    what: str
    told: str
    by: str
    why: str
    problem: str


@routes.get("/oncall")
async def listed(request: web.Request) -> web.Response:
    """Every schedule, with who is on call now."""
    seat, catalog, now = seat_of(request), request.app[ENGINE].catalog, request.app[PARTS].clock()
    return shown(request, "oncall.html", watches=watches_of(catalog, seat, now))


@routes.get("/oncall/{name}")
async def one(request: web.Request) -> web.Response:
    """One schedule; `?from=` and `?to=` fill in the form, for a turn that somebody wants to take."""
    query = request.query
    return await _page(request, start=query.get("from", ""), end=query.get("to", ""))


@routes.get("/oncall/{name}/picture.svg")
async def drawn(request: web.Request) -> web.Response:
    """The picture of four weeks, from this one on."""
    catalog, name, now = _known(request)
    over = catalog.overrides.get(name, ())
    text = await asyncio.to_thread(picture, catalog.schedules[name], now, WEEKS, now, over)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": PICTURE_CSP, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=text, content_type="image/svg+xml", headers=headers)


@routes.post("/oncall/{name}")
async def act(request: web.Request) -> web.Response:
    """Lay an override over the schedule, or take one away; it counts when the page is there again."""
    catalog, name, now = _known(request)
    seat, engine = seat_of(request), request.app[ENGINE]
    form = await form_of(request, seat)
    start, end = form.get("from", ""), form.get("to", "")
    try:
        by = who_in(form, seat)
        if form.get("action") == "remove":
            await engine.overrides.remove(_number(form.get("id", "")), by)
            return see_other(f"/oncall/{name}?done=removed", by)
        who = form.get("who", "") or by
        asked = OverrideAsked(name, by, _written(start), _written(end), who=[who], why=form.get("why", ""))
        await engine.overrides.add(wanted_of(asked, catalog, now))
    except Problem as problem:
        return await _page(request, problem.status, error=f"{problem.detail}.", start=start, end=end)
    except UnknownOverride:
        return await _page(request, 404, error="That override is not there any more.")
    return see_other(f"/oncall/{name}?done=taken", by)


async def _page(
    request: web.Request, status: int = 200, *, error: str = "", start: str = "", end: str = ""
) -> web.Response:
    catalog, name, now = _known(request)
    seat, schedule = seat_of(request), catalog.schedules[name]
    found = await request.app[DATABASE].read(
        lambda tx: rows.page_of(tx, state="standing", schedule=name, after=0, limit=MOST_OVERRIDES)
    )
    # Weeks of turns are compiled beside the loop.
    over = catalog.overrides.get(name, ())
    segments = runs(await asyncio.to_thread(timeline, schedule, now, now + timedelta(weeks=WEEKS), over))
    zone = ZoneInfo(schedule.timezone)
    return shown(
        request,
        "schedule.html",
        status,
        schedule=schedule,
        name=name,
        place=catalog.places.get(("schedules", name), ""),
        watch=next(watch for watch in watches_of(catalog, seat, now, schedule.timezone) if watch.schedule == name),
        turns=list(_turns(segments[:MOST_TURNS], catalog, seat.person, zone)),
        gaps=[turn for turn in _turns(segments, catalog, "", zone) if not turn.people],
        laid=[_laid(one, catalog, zone, request.app[ENGINE].overrides.why_not(one)) for one in found],
        start=start or _field(now, zone),
        end=end or _field(now + timedelta(hours=8), zone),
        error=error,
        done=DONE.get(request.query.get("done", ""), ""),
    )


def _known(request: web.Request) -> tuple[Catalog, str, datetime]:
    """What is in force, and the schedule of the path. Problem 404."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    if name not in catalog.schedules:
        raise Problem(404, f"There is no schedule {name[:50]!r}; there are: {', '.join(catalog.schedules) or 'none'}.")
    return catalog, name, request.app[PARTS].clock().replace(second=0, microsecond=0)


def _turns(segments: Iterable[Segment], catalog: Catalog, me: str, zone: ZoneInfo) -> Iterable[Turn]:
    for number, segment in enumerate(segments):
        yield Turn(
            people=" and ".join(named(catalog, who) for who in segment.people),
            told=_span(segment.start, segment.end, zone),
            length=f"{(segment.end - segment.start) / timedelta(hours=1):.0f} h",
            start=_field(segment.start, zone),
            end=_field(segment.end, zone),
            is_now=number == 0,
            is_mine=me in segment.people,
        )


def _laid(one: RunOverride, catalog: Catalog, zone: ZoneInfo, problem: str) -> Laid:
    wanted = one.wanted
    names = " and ".join(named(catalog, who) for who in wanted.names) or "nobody"
    what = {
        "who": f"{names} instead of all others",
        "replace": f"{names} for {named(catalog, wanted.replaced)}",
        "add": f"{names} as well",
        "remove": f"without {names}",
    }
    told = _span(wanted.start, wanted.end, zone)
    return Laid(one.id, what[wanted.kind], told, named(catalog, wanted.by), wanted.why, problem)


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`Mon 16 Feb 10:00 to Mon 23 Feb 10:00`, the second day only if it is another."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = "" if first.date() == last.date() else f"{last:%a %-d %b} "
    return f"{first:%a %-d %b %H:%M} to {day}{last:%H:%M}"


def _field(at: datetime, zone: ZoneInfo) -> str:
    """As a form's field of the type datetime-local has it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _written(field: str) -> str:
    """A field's time as a file has it."""
    return field.strip().replace("T", " ")[:40]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
