"""Who is on call, over HTTP: the same answer that pages go by."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from aiohttp import web

from pager.api import answers_turns as answers
from pager.api.declared import Media, Parameter, told
from pager.api.parts import ENGINE, PARTS
from pager.api.problems import Problem
from pager.api.reading import instant_in, moment
from pager.api.shapes import on_call_json, schedule_json
from pager.core.catalog import Catalog
from pager.core.ics import Event, ics, person_events, schedule_events
from pager.core.oncall import runs, schedule_people
from pager.core.oncall import timeline as segments_of
from pager.core.picture import picture
from pager.core.schedule import Schedule

routes = web.RouteTableDef()
USUAL = timedelta(days=28)
LONGEST = timedelta(days=732)
MOST_WEEKS = 53
WEEKS = Parameter("weeks", "Calendar weeks.", {"type": "integer", "minimum": 1, "maximum": MOST_WEEKS, "default": 4})
PAST, AHEAD = timedelta(weeks=4), timedelta(weeks=26)
"""What a calendar feed has."""
_Find = Callable[[Catalog, str, datetime, datetime], list[Event]]


@routes.get("/api/v1/oncall")
@told(answers.OnCalls, moment("at", "Now, if left out."))
async def now_or_at(request: web.Request) -> web.Response:
    """Who is on call in every schedule, now or `?at=` an instant."""
    catalog = request.app[ENGINE].catalog
    at = instant_in(request.query, "at", request.app[PARTS].clock().replace(microsecond=0))
    found = [on_call_json(name, at, catalog.on_call(name, at)) for name in catalog.schedules]
    answer: answers.OnCalls = {"at": found[0]["at"] if found else None, "oncall": found}
    return web.json_response(answer)


@routes.get("/oncall/{name}.txt")
async def names(request: web.Request) -> web.Response:
    """Who is on call now, a name a line, for scripts that know no JSON; nobody is an empty text."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    _known(catalog, name)
    people = catalog.on_call(name, request.app[PARTS].clock()).people
    return web.Response(text="".join(f"{one}\n" for one in people))


@routes.get("/api/v1/schedules/{name}.svg")
@told(Media("image/svg+xml"), moment("from", "The first week is that of this instant."), WEEKS)
async def drawn(request: web.Request) -> web.Response:
    """The picture of `?weeks=` calendar weeks (4), 53 at most, from that of `?from=` (now) on."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    schedule, now = _known(catalog, name), request.app[PARTS].clock()
    start, written = instant_in(request.query, "from", now), request.query.get("weeks", "4")
    weeks = int(written) if written.isascii() and written.isdigit() and len(written) < 3 else 0
    if not 0 < weeks <= MOST_WEEKS:
        raise Problem(400, f"not a number of weeks: {written[:50]!r}; write 1 to {MOST_WEEKS}", path="weeks")
    text = await asyncio.to_thread(picture, schedule, start, weeks, now, catalog.overrides.get(name, ()))
    return web.Response(text=text, content_type="image/svg+xml")


@routes.get("/schedules/{name}.ics")
async def schedule_feed(request: web.Request) -> web.Response:
    """The turns of a schedule for a calendar: four weeks back, 26 ahead."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    _known(catalog, name)
    return await _feed(request, f"On call: {name}", schedule_events, catalog, name)


@routes.get("/people/{name}.ics")
async def person_feed(request: web.Request) -> web.Response:
    """The turns of a person in all schedules for a calendar: four weeks back, 26 ahead."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    named = {one for schedule in catalog.schedules.values() for one in schedule_people(schedule)}
    if name not in catalog.people and name not in named:
        raise Problem(404, f"there is no {name[:50]!r} in the files")
    return await _feed(request, f"{name} on call", person_events, catalog, name)


async def _feed(request: web.Request, title: str, find: _Find, catalog: Catalog, name: str) -> web.Response:
    now = request.app[PARTS].clock()
    events = await asyncio.to_thread(find, catalog, name, now - PAST, now + AHEAD)
    headers = {"Cache-Control": "private, no-store"}
    return web.Response(text=ics(title, events, now), content_type="text/calendar", charset="utf-8", headers=headers)


@routes.get("/api/v1/schedules/{name}")
@told(answers.Schedule, moment("from", "Now, if left out."), moment("to", "28 days later, if left out."))
async def stretch(request: web.Request) -> web.Response:
    """The turns of one schedule from `?from=` (now) to `?to=` (28 days later), two years at most."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    schedule = _known(catalog, name)
    start = instant_in(request.query, "from", request.app[PARTS].clock().replace(microsecond=0))
    end = instant_in(request.query, "to", start + USUAL)
    if not start < end <= start + LONGEST:
        raise Problem(400, f"to must lie after from, {LONGEST.days} days at most", path="to")
    # Years of turns are compiled beside the loop.
    found = await asyncio.to_thread(segments_of, schedule, start, end, catalog.overrides.get(name, ()))
    return web.json_response(schedule_json(name, runs(found)))


def _known(catalog: Catalog, name: str) -> Schedule:
    """The schedule of that name. Problem 404."""
    schedule = catalog.schedules.get(name)
    if schedule is None:
        raise Problem(404, f"no schedule {name[:50]!r}; there are: {', '.join(catalog.schedules) or 'none'}")
    return schedule
