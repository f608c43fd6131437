"""The page about you, /me: who you are, your next turns, and the browsers that you are signed in with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from pager.api.doors import SESSION, cookie_name, is_https
from pager.api.parts import ENGINE, PARTS, SESSIONS
from pager.core.catalog import Catalog
from pager.core.oncall import runs, timeline
from pager.core.text import clock
from pager.store.sessions import Session
from pager.web.seat import form_of, seat_of, see_other, shown
from pager.web.view import rough

routes = web.RouteTableDef()
AHEAD = timedelta(weeks=4)
MOST_TURNS = 20
DONE = {"ended": "That browser is signed out."}


@dataclass(frozen=True, slots=True)
class Signed:
    """A browser that is signed in, in words."""

    id: str
    agent: str
    since: str
    seen: str
    is_this: bool


@routes.get("/me")
async def show(request: web.Request) -> web.Response:
    """Who sits there, what comes for them, and where they are signed in."""
    seat, catalog, now = seat_of(request), request.app[ENGINE].catalog, request.app[PARTS].clock()
    # Weeks of turns are compiled beside the loop.
    turns = await asyncio.to_thread(_turns, catalog, seat.person, seat.zone, now) if seat.person else []
    opened = request.get(SESSION)
    found = await request.app[SESSIONS].of(opened) if opened else []
    signed = [_signed(one, seat.zone, now, opened is not None and one.id == opened.session.id) for one in found]
    done = DONE.get(request.query.get("done", ""), "")
    return shown(request, "me.html", turns=turns, signed=signed, done=done, named=seat.badge in catalog.people)


@routes.post("/me")
async def act(request: web.Request) -> web.Response:
    """Say who you are (`be`), sign another browser out (`end`), or this one (`leave`)."""
    seat = seat_of(request)
    form, opened = await form_of(request, seat), request.get(SESSION)
    action = form.get("action", "")
    if action == "be":
        chosen = form.get("person", "")
        return see_other("/me", chosen if chosen in dict(seat.people) else "")
    if action == "end" and opened is not None:
        await request.app[SESSIONS].end(opened, form.get("id", ""))
        return see_other("/me?done=ended")
    if action == "leave" and opened is not None:
        await request.app[SESSIONS].end(opened, opened.session.id)
    response = see_other("/login")
    response.del_cookie(cookie_name(request), path="/", secure=is_https(request), httponly=True, samesite="Lax")
    return response


def _turns(catalog: Catalog, person: str, zone: str, now: datetime) -> Sequence[tuple[str, str, str]]:
    """The person's turns of the next weeks: schedule, from, to; the first ones first."""
    found = [
        (segment.start, segment.end, name)
        for name, schedule in catalog.schedules.items()
        for segment in runs(timeline(schedule, now, now + AHEAD, catalog.overrides.get(name, ())))
        if person in segment.people
    ]
    return [
        (name, "now" if start <= now else clock(start, zone, now), clock(end, zone, now))
        for start, end, name in sorted(found)[:MOST_TURNS]
    ]


def _signed(session: Session, zone: str, now: datetime, is_this: bool) -> Signed:
    if session.has_ended(now):
        return Signed(session.id, session.agent, clock(session.created_at, zone, now), "ended", is_this)
    seen = f"seen {rough(now - session.used_at)} ago"
    return Signed(session.id, session.agent or "a browser", clock(session.created_at, zone, now), seen, is_this)
