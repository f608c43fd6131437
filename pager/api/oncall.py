"""Who is on call, over HTTP: the same answer that pages go by."""

import asyncio
from datetime import timedelta

from aiohttp import web

from pager.api.parts import ENGINE, PARTS
from pager.api.problems import Problem
from pager.api.reading import instant_in
from pager.api.shapes import on_call_json, schedule_json
from pager.core.oncall import runs
from pager.core.oncall import timeline as segments_of

routes = web.RouteTableDef()
USUAL = timedelta(days=28)
LONGEST = timedelta(days=732)


@routes.get("/api/v1/oncall")
async def now_or_at(request: web.Request) -> web.Response:
    """Who is on call in every schedule, now or `?at=` an instant."""
    catalog = request.app[ENGINE].catalog
    at = instant_in(request.query, "at", request.app[PARTS].clock().replace(microsecond=0))
    found = [on_call_json(name, at, catalog.on_call(name, at)) for name in catalog.schedules]
    return web.json_response({"at": found[0]["at"] if found else None, "oncall": found})


@routes.get("/api/v1/schedules/{name}")
async def stretch(request: web.Request) -> web.Response:
    """The turns of one schedule from `?from=` (now) to `?to=` (28 days later), two years at most."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["name"]
    schedule = catalog.schedules.get(name)
    if schedule is None:
        raise Problem(404, f"no schedule {name[:50]!r}; there are: {', '.join(catalog.schedules) or 'none'}")
    start = instant_in(request.query, "from", request.app[PARTS].clock().replace(microsecond=0))
    end = instant_in(request.query, "to", start + USUAL)
    if not start < end <= start + LONGEST:
        raise Problem(400, f"to must lie after from, {LONGEST.days} days at most", path="to")
    # Years of turns are compiled beside the loop.
    found = await asyncio.to_thread(segments_of, schedule, start, end, catalog.overrides.get(name, ()))
    return web.json_response(schedule_json(name, runs(found)))
