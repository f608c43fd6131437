"""The link of a test page, /p/proof/<token>: GET shows one button, POST says that the message reached a person."""

from aiohttp import web

from pager.api.auditing import remark
from pager.api.doors import slow_down
from pager.api.parts import DATABASE
from pager.api.problems import Problem
from pager.store import proofs
from pager.store.sql import Row
from pager.web.render import page

routes = web.RouteTableDef()
UNKNOWN = "There is no such test page."


@routes.get("/p/proof/{token}")
async def show(request: web.Request) -> web.Response:
    found = await _look(request)
    return page("proof.html", person=found.person, contact=found.contact, done=found.acked_at is not None)


@routes.post("/p/proof/{token}")
async def press(request: web.Request) -> web.Response:
    """The contact is proven. Safe to repeat: the first time counts."""
    found, token = await _look(request), request.match_info["token"]
    await request.app[DATABASE].write(lambda tx: proofs.answer(tx, token))
    remark(request, who=found.person, object=f"contact {found.person}.{found.contact}")
    return page("proof.html", person=found.person, contact=found.contact, done=True)


async def _look(request: web.Request) -> Row:
    token = request.match_info["token"]
    found = await request.app[DATABASE].read(lambda tx: proofs.find(tx, token))
    if found is None:
        slow_down(request, "link")
        raise Problem(404, UNKNOWN)
    return found
