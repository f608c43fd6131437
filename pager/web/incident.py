"""The page of an incident, /i/<code>: all that is known of it, and all that can be done about it."""

from collections.abc import Mapping

from aiohttp import web
from msgspec.structs import replace

from pager.api.parts import DATABASE, ENGINE
from pager.api.privacy import Eyes, eyes_of, reader_of
from pager.api.problems import Problem
from pager.api.reading import cursor_in
from pager.core.code import code_of, number_of
from pager.core.incident import Incident
from pager.engine import CannotMerge, UnknownIncident
from pager.metrics import acting
from pager.store import incidents
from pager.store.database import Tx
from pager.web.acts import DONE, MERGE, PAGE, Unfit, event_of, page_of
from pager.web.link import not_veiled, plan_of, runbook_of, seen_by, template_of
from pager.web.seat import form_of, seat_of, see_other, shown, who_in
from pager.web.view import Seen, View

routes = web.RouteTableDef()
UNKNOWN = "There is no incident of that code. A code has three letters or more, such as 7KQ."
MOST_OTHERS = 50
"""Open incidents that are offered to merge with; the code of any other may be written."""
LENGTHS = ("30m", "1h", "2h", "4h", "8h", "1d")


@routes.get("/i/{code}")
async def show(request: web.Request) -> web.Response:
    return _page(request, await _look(request), done=DONE.get(request.query.get("done", ""), ""))


@routes.post("/i/{code}")
async def act(request: web.Request) -> web.Response:
    """Do what the form's `action` says, as whoever sits there. Safe to repeat."""
    seat = seat_of(request)
    form, seen = await form_of(request, seat), not_veiled(await _look(request))
    action = form.get("action", "")
    try:
        who = who_in(form, seat)
        with acting("web"):
            incident = await _do(request, form, who, seen)
    except Unfit as unfit:
        return _page(request, seen, status=unfit.status, error=unfit.words)
    except Problem as problem:
        return _page(request, seen, status=problem.status, error=problem.detail)
    back = "/" if form.get("back") == "/" else f"/i/{code_of(incident.number)}"
    return see_other(f"{back}?done={action}" if action in DONE else back, who)


async def _do(request: web.Request, form: Mapping[str, str], who: str, seen: Seen) -> Incident:
    """The incident after it: another one where it was merged. Raises Unfit."""
    engine, number, reader = request.app[ENGINE], seen.incident.number, reader_of(request)
    if form.get("action", "") == PAGE:
        name, text = page_of(form, code_of(number), engine.catalog.people)
        await engine.page(name, who, text, reader=reader)
        return seen.incident
    if form.get("action", "") != MERGE:
        event = event_of(form, who, seen.incident, seen.now, people=engine.catalog.people, teams=engine.catalog.teams)
        return await engine.act(number, event, reader=reader)
    other = number_of(form.get("into", ""))
    try:
        return await engine.merge(number, other or 0, who, reader=reader, to_private=form.get("private", "") == "yes")
    except UnknownIncident:
        raise Unfit(400, "Write the code of the incident that it is one with, such as 7KQ.") from None
    except CannotMerge as error:
        raise Unfit(409, f"{error}.") from None


@routes.get("/i/{code}/runbook")
async def runbook(request: web.Request) -> web.Response:
    """The incident's runbook, as the page link has it."""
    seen = not_veiled(await _look(request))
    view = View(seen, request.app[ENGINE].catalog, _link(seen))
    html = await runbook_of(request, view)
    return shown(request, "runbook.html", v=view, what="runbook", html=html, path=seen.incident.runbook)


@routes.get("/i/{code}/plan")
async def plan(request: web.Request) -> web.Response:
    """How to recover instead of repairing, as the page link has it."""
    seen = not_veiled(await _look(request))
    view = View(seen, request.app[ENGINE].catalog, _link(seen))
    html = await plan_of(request, seen)
    return shown(request, "runbook.html", v=view, what="plan", html=html, path=seen.incident.plan)


async def _look(request: web.Request) -> Seen:
    """The incident as it stands, in one snapshot. Problem 404."""
    number, person, eyes = number_of(request.match_info["code"]), seat_of(request).person, eyes_of(request)
    before = max(0, cursor_in(request.query, 0))
    seen = None
    if number is not None:
        seen = await request.app[DATABASE].read(lambda tx: _read(tx, number, person, eyes, before))
    if seen is None:
        raise Problem(404, UNKNOWN)
    return seen


def _read(tx: Tx, number: int, person: str, eyes: Eyes, before: int) -> Seen | None:
    kept = incidents.get(tx, number)
    if kept is None:
        return None
    found = incidents.urgent(tx, after=0, limit=MOST_OTHERS) if kept.incident.is_open else []
    others = [one.incident for one in found if eyes.sees(one.incident)]
    return replace(seen_by(tx, person, kept, eyes, before), mark=incidents.mark(tx), others=others)


def _page(request: web.Request, seen: Seen, status: int = 200, *, error: str = "", done: str = "") -> web.Response:
    view = View(seen, request.app[ENGINE].catalog, _link(seen), error=error, done=done)
    return shown(request, template_of(seen), status, v=view, lengths=LENGTHS)


def _link(seen: Seen) -> str:
    return f"/i/{code_of(seen.incident.number)}"
