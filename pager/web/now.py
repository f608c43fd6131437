"""The page of now, /: what is open and who has it, who is on call, and whether pager itself is well."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from msgspec import Struct

from pager.api.health import STALLED, STARTED_AT
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.privacy import eyes_of
from pager.api.reading import cursor_in
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.text import clock
from pager.store import incidents
from pager.web.acts import DONE
from pager.web.seat import Seat, seat_of, shown
from pager.web.view import Seen, View

routes = web.RouteTableDef()
MOST = 30


class Watch(Struct, frozen=True):
    """One schedule now: who is on call, "" for nobody, and until when, "" for no end in sight."""

    schedule: str
    people: str
    until: str
    is_mine: bool
    gaps_are_meant: bool


@routes.get("/")
async def now(request: web.Request) -> web.Response:
    """Open incidents, those that nobody has first, then by severity; `?cursor=` goes on after so many."""
    seat, eyes, after = seat_of(request), eyes_of(request), max(0, cursor_in(request.query, 0))
    found, count, at, mark = await request.app[DATABASE].read(
        lambda tx: (
            incidents.urgent(tx, after=after, limit=MOST),
            incidents.count_open(tx),
            tx.now(),
            incidents.mark(tx),
        )
    )
    catalog = request.app[ENGINE].catalog
    views = [
        View(Seen(seat.person, kept.incident, kept.version, (), (), (), at), catalog, _link(kept))
        for kept in map(eyes.shown, found)
    ]
    more = after + MOST if after + MOST < count else None
    done = DONE.get(request.query.get("done", ""), "")
    unheld = unheld_in(views, count) if not after else ""
    about: dict[str, Any] = {"unheld": unheld, "count": count, "more": more, "done": done, "mark": mark}
    return shown(
        request, "now.html", views=views, watches=watches_of(catalog, seat, at), ills=ills_of(request), **about
    )


def unheld_in(views: Sequence[View], count: int) -> str:
    """How many of `count` open incidents nobody has, "" for none; `8 or more` where not all are among the views."""
    found = sum(view.incident.state == "triggered" and view.incident.hold is None for view in views)
    # Those that nobody has come first: what is not shown may be more of them only where nothing else is shown.
    more = count > len(views) and all(view.incident.state == "triggered" for view in views)
    return f"{found}{' or more' if more else ''}" if found else ""


def watches_of(catalog: Catalog, seat: Seat, at: datetime, zone: str = "") -> Sequence[Watch]:
    """Who is on call in each schedule at `at`; times on the reader's clock, or in `zone`."""
    found = []
    for name, schedule in catalog.schedules.items():
        on_call = catalog.on_call(name, at)
        until = clock(on_call.until, zone or seat.zone, at) if on_call.until else ""
        people = " and ".join(named(catalog, who) for who in on_call.people)
        found.append(Watch(name, people, until, seat.person in on_call.people, schedule.gaps == "ok"))
    return found


def named(catalog: Catalog, who: str) -> str:
    """A person as people call them."""
    known = catalog.people.get(who)
    return (known.name if known else "") or who


def ills_of(request: web.Request) -> list[str]:
    """What is not well with pager itself, a line each; none: it is."""
    parts, loop_now = request.app[PARTS], asyncio.get_running_loop().time()
    stalled = sorted(
        name for name, at in parts.beats().items() if loop_now - max(at, request.app[STARTED_AT]) > STALLED
    )
    told = [f"It is not ready: {why}."] if (why := parts.not_ready()) else []
    told += [f"A loop has not come round for {STALLED:.0f} s: {', '.join(stalled)}."] if stalled else []
    return [*told, *parts.remarks()]


def _link(kept: incidents.Kept) -> str:
    return f"/i/{code_of(kept.incident.number)}"
