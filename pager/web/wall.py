"""The page for a screen on a wall, /wall: what is open, in letters to be read across a room, and who is on call."""

from aiohttp import web

from pager.api.parts import DATABASE, ENGINE
from pager.api.privacy import Eyes
from pager.core.privacy import STRANGER
from pager.core.text import clock
from pager.store import incidents
from pager.web.now import ills_of, unheld_in, watches_of
from pager.web.seat import seat_of, shown
from pager.web.view import Seen, View

routes = web.RouteTableDef()
MOST = 8


@routes.get("/wall")
async def show(request: web.Request) -> web.Response:
    """The most urgent ones, as many as a screen holds. Nothing can be done here."""
    seat, catalog = seat_of(request), request.app[ENGINE].catalog
    found, count, at, mark = await request.app[DATABASE].read(
        lambda tx: (
            incidents.urgent(tx, after=0, limit=MOST),
            incidents.count_open(tx),
            tx.now(),
            incidents.mark(tx),
        )
    )
    # Whoever passes by reads it.
    eyes = Eyes(STRANGER, catalog.teams)
    views = [
        View(Seen(seat.person, kept.incident, kept.version, (), (), (), at), catalog, "")
        for kept in map(eyes.shown, found)
    ]
    return shown(
        request,
        "wall.html",
        views=views,
        count=count,
        more=max(0, count - MOST),
        unheld=unheld_in(views, count),
        watches=watches_of(catalog, seat, at),
        ills=ills_of(request),
        mark=mark,
        clock=clock(at, seat.zone, at),
    )
