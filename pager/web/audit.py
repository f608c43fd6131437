"""What people changed, /audit: the newest first, for admins."""

from aiohttp import web

from pager.api.audit import detail_of
from pager.api.parts import DATABASE, PARTS
from pager.api.reading import cursor_in
from pager.core.text import clock
from pager.store import audit
from pager.web.seat import seat_of, shown

routes = web.RouteTableDef()
NEWEST = 2**62
SHOWN = 100


@routes.get("/audit")
async def show(request: web.Request) -> web.Response:
    """A hundred at a time; `?who=` and `?about=` narrow it down."""
    below, query = cursor_in(request.query, NEWEST), request.query
    who, about = query.get("who", "")[:200], query.get("about", "")[:200]
    found = await request.app[DATABASE].read(
        lambda tx: audit.page_of(tx, below=below, limit=SHOWN + 1, who=who, about=about)
    )
    seat, now = seat_of(request), request.app[PARTS].clock()
    rows = [(clock(one.at, seat.zone, now), one.deed, detail_of(one.deed)) for one in found[:SHOWN]]
    following = found[SHOWN - 1].id if len(found) > SHOWN else None
    return shown(request, "audit.html", rows=rows, who=who, about=about, following=following)
