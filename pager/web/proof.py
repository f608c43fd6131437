"""The link of a test page, /p/proof/<token>: GET shows one button, POST says that the message reached a person.

A call has no link to press: whoever has proven another contact by the same test page says there that it rang.
"""

from aiohttp import web

from pager.api.doors import slow_down
from pager.api.parts import DATABASE, ENGINE
from pager.api.problems import Problem
from pager.core.contact_url import channel_class
from pager.store import proofs
from pager.store.database import Tx
from pager.store.sql import Row
from pager.web.render import page

routes = web.RouteTableDef()
UNKNOWN = "There is no such test page."


@routes.get("/p/proof/{token}")
async def show(request: web.Request) -> web.Response:
    return await _shown(request, await _look(request))


@routes.post("/p/proof/{token}")
async def press(request: web.Request) -> web.Response:
    """The contact is proven, or the call that the form names. Safe to repeat: the first time counts."""
    found, token = await _look(request), request.match_info["token"]
    call = str((await request.post()).get("call", ""))

    def answer(tx: Tx) -> None:
        if call in _calls(request, found.person, proofs.beside(tx, token)):
            proofs.answer_beside(tx, token, call)
        elif not call:
            proofs.answer(tx, token)

    await request.app[DATABASE].write(answer)
    return await _shown(request, await _look(request))


async def _shown(request: web.Request, found: Row) -> web.Response:
    beside = await request.app[DATABASE].read(lambda tx: proofs.beside(tx, request.match_info["token"]))
    calls = _calls(request, found.person, beside)
    return page("proof.html", person=found.person, contact=found.contact, done=found.acked_at is not None, calls=calls)


def _calls(request: web.Request, person: str, contacts: list[str]) -> list[str]:
    """Those that a voice speaks to."""
    known = request.app[ENGINE].catalog.people.get(person)
    urls = known.contacts if known else {}
    return [name for name in contacts if name in urls and channel_class(urls[name]) == "voice"]


async def _look(request: web.Request) -> Row:
    token = request.match_info["token"]
    found = await request.app[DATABASE].read(lambda tx: proofs.find(tx, token))
    if found is None:
        slow_down(request, "link")
        raise Problem(404, UNKNOWN)
    return found
