"""The link by which somebody sets their password, /enrol/<token>: GET shows a form, POST sets it, once."""

from aiohttp import web

from pager.api.auditing import remark
from pager.api.doors import slow_down
from pager.api.parts import ACCOUNTS, ENGINE, PARTS
from pager.api.problems import Problem
from pager.core.password import SHORTEST, WeakPassword
from pager.core.text import clock
from pager.passwords import TooMany
from pager.store.accounts import Account
from pager.store.sessions import Holder
from pager.web.login import BUSY, let_in
from pager.web.render import page
from pager.web.seat import fields_of

routes = web.RouteTableDef()
UNKNOWN = "This link was used, or has ended, or was never made. Ask whoever runs pager for a new one."
DIFFER = "The two are not the same: write it once more."


@routes.get("/enrol/{token}")
async def show(request: web.Request) -> web.Response:
    """The form. Whatever fetches the link to look at it uses nothing up."""
    return _page(request, await _look(request))


@routes.post("/enrol/{token}")
async def accept(request: web.Request) -> web.Response:
    """Set the password and sign in; the link is used up."""
    found, form = await _look(request), await fields_of(request)
    password, now = form.get("password", ""), request.app[PARTS].clock()
    if password != form.get("again", ""):
        return _page(request, found, 400, error=DIFFER)
    try:
        person = await request.app[ACCOUNTS].accept(request.match_info["token"], password, now)
    except WeakPassword as weak:
        return _page(request, found, 400, error=f"That password is {weak}.")
    except TooMany:
        return _page(request, found, 503, error=BUSY)
    if person is None:
        raise Problem(404, UNKNOWN)
    remark(request, who=person, object=f"user {person}")
    return await let_in(request, Holder(person=person, way="password"), "/")


async def _look(request: web.Request) -> Account:
    """Whose link it is. Problem 404 for one that does not open, and 429 for whoever tries many."""
    found = await request.app[ACCOUNTS].invited(request.match_info["token"], request.app[PARTS].clock())
    if found is None:
        slow_down(request, "link")
        raise Problem(404, UNKNOWN)
    return found


def _page(request: web.Request, found: Account, status: int = 200, *, error: str = "") -> web.Response:
    person, now = request.app[ENGINE].catalog.people[found.person], request.app[PARTS].clock()
    return page(
        "enrol.html",
        status,
        person=found.person,
        name=person.name or found.person,
        by=found.invited_by,
        ends=clock(found.invite_ends, person.timezone, now),
        shortest=SHORTEST,
        error=error,
    )
