"""The page about you, /me: who you are, your next turns, your password, and the browsers you are signed in with."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from pager.api.auditing import remark
from pager.api.doors import SESSION, address_of, cookie_name, is_https
from pager.api.parts import ACCOUNTS, BACKOFF, ENGINE, PARTS, SESSIONS
from pager.core.catalog import Catalog
from pager.core.oncall import runs, timeline
from pager.core.password import SHORTEST, WeakPassword
from pager.core.text import clock
from pager.passwords import TooMany
from pager.sessions import Opened
from pager.store.sessions import Session
from pager.web.contacts import reached
from pager.web.enrol import DIFFER
from pager.web.login import BUSY, WAIT
from pager.web.seat import form_of, seat_of, see_other, shown
from pager.web.view import rough

routes = web.RouteTableDef()
AHEAD = timedelta(weeks=4)
MOST_TURNS = 20
DONE = {
    "tested": "A test page is on its way to each of your contacts. Load this page again to see what became of it.",
    "ended": "That browser is signed out.",
    "others": "All other browsers are signed out.",
    "password": "Your password is changed. All other browsers are signed out.",
}


class Signed(Struct, frozen=True):
    """A browser that is signed in, in words."""

    id: str
    agent: str
    since: str
    seen: str
    place: str
    is_this: bool


@routes.get("/me")
async def show(request: web.Request) -> web.Response:
    """Who sits there, what comes for them, and where they are signed in."""
    return await _page(request, done=DONE.get(request.query.get("done", ""), ""))


async def _page(request: web.Request, status: int = 200, *, done: str = "", error: str = "") -> web.Response:
    seat, catalog, now = seat_of(request), request.app[ENGINE].catalog, request.app[PARTS].clock()
    # Weeks of turns are compiled beside the loop.
    turns = await asyncio.to_thread(_turns, catalog, seat.person, seat.zone, now) if seat.person else []
    opened = request.get(SESSION)
    found = await request.app[SESSIONS].of(opened) if opened else []
    signed = [_signed(one, seat.zone, now, opened is not None and one.id == opened.session.id) for one in found]
    named, how = seat.badge in catalog.people, await reached(request, seat)
    values = {
        "turns": turns,
        "signed": signed,
        "done": done,
        "error": error,
        "named": named,
        "reached": how,
        "shortest": SHORTEST,
    }
    return shown(request, "me.html", status, **values)


@routes.post("/me")
async def act(request: web.Request) -> web.Response:
    """Say who you are (`be`), sign another browser out (`end`), all others (`others`), or this one (`leave`).

    `password` puts a new password in the place of the old one.
    """
    seat = seat_of(request)
    form, opened = await form_of(request, seat), request.get(SESSION)
    action = form.get("action", "")
    if action == "be":
        chosen = form.get("person", "")
        return see_other("/me", chosen if chosen in dict(seat.people) else "")
    if action == "password" and opened is not None and opened.caller.via == "password":
        return await _change(request, opened, form)
    if action == "end" and opened is not None:
        remark(request, act="sign out", object=f"session {form.get('id', '')}")
        await request.app[SESSIONS].end(opened, form.get("id", ""))
        return see_other("/me?done=ended")
    if action == "others" and opened is not None:
        ended = await request.app[SESSIONS].end_others(opened)
        remark(request, act="sign out", object="all other sessions", ended=ended)
        return see_other("/me?done=others")
    if action == "leave" and opened is not None:
        remark(request, act="sign out", object=f"session {opened.session.id}")
        await request.app[SESSIONS].end(opened, opened.session.id)
    response = see_other("/login")
    response.del_cookie(cookie_name(request), path="/", secure=is_https(request), httponly=True, samesite="Lax")
    return response


async def _change(request: web.Request, opened: Opened, form: Mapping[str, str]) -> web.Response:
    """A wrong old password is a guess like any other: it may be somebody at a browser that was left open."""
    person, address, new = opened.session.person, address_of(request), form.get("password", "")
    backoff, now = request.app[BACKOFF], request.app[PARTS].clock()
    if wait := backoff.wait(person, address):
        return await _page(request, 429, error=WAIT.format(wait))
    if new != form.get("again", ""):
        return await _page(request, 400, error=DIFFER)
    try:
        changed = await request.app[ACCOUNTS].change(person, form.get("old", ""), new, now)
    except WeakPassword as weak:
        return await _page(request, 400, error=f"That password is {weak}.")
    except TooMany:
        return await _page(request, 503, error=BUSY)
    if not changed:
        backoff.wrong(person, address)
        return await _page(request, 403, error="Your old password is another one.")
    backoff.right(person, address)
    await request.app[SESSIONS].end_others(opened)
    remark(request, act="set password", object=f"user {person}")
    return see_other("/me?done=password")


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
    seen = "ended" if session.has_ended(now) else f"seen {rough(now - session.used_at)} ago"
    since, place = clock(session.created_at, zone, now), f"from {session.address}" if session.address else ""
    return Signed(session.id, session.agent or "a browser", since, seen, place, is_this)
