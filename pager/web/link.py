"""The page link, /p/<token>: GET shows what is wrong and one big button, POST acts. No GET ever changes anything."""

import asyncio
from collections.abc import Mapping

from aiohttp import web
from markupsafe import Markup
from msgspec.structs import replace

from pager.api.auditing import change_of, remark
from pager.api.doors import slow_down
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.privacy import Eyes
from pager.api.problems import Problem
from pager.api.reading import cursor_in
from pager.core.code import code_of
from pager.core.incident import Incident
from pager.core.people import Team
from pager.core.privacy import WHY_NOT, Private, Reader, is_veiled
from pager.engine import Engine
from pager.metrics import acting
from pager.store import alerts, incidents, pages, tokens
from pager.store.database import Tx
from pager.web.acts import DONE, OF_A_LINK, OF_THE_WHOLE, PAGE, Unfit, event_of, page_of
from pager.web.render import page
from pager.web.runbook import as_html, read_runbook
from pager.web.seat import fields_of
from pager.web.view import MOST_ALERTS, MOST_ENTRIES, Seen, View, is_link

routes = web.RouteTableDef()
UNKNOWN = "There is no such link. Look for the newest message, or ask whoever runs pager."
OVER = "This link has ended: its incident was resolved more than a day ago."


@routes.get("/p/{token}")
@routes.get("/p/{token}/")
async def show(request: web.Request) -> web.Response:
    return _page(request, await _look(request), done=DONE.get(request.query.get("done", ""), ""))


@routes.post("/p/{token}")
@routes.post("/p/{token}/")
async def act(request: web.Request) -> web.Response:
    """Act as the link's person; the page that follows shows what it did. Safe to repeat."""
    seen, form = not_veiled(await _look(request)), await fields_of(request)
    remark(request, who=seen.person, object=f"incident {code_of(seen.incident.number)}")
    action = form.get("action", "")
    try:
        _is_what_was_seen(seen, form, action)
        with acting("link"):
            after = await _do(request.app[ENGINE], form, seen)
    except Unfit as unfit:
        return _page(request, seen, status=unfit.status, error=unfit.words)
    remark(request, **change_of(seen.incident, after))
    done = f"?done={action}" if action in DONE else ""
    return web.Response(status=303, text="done\n", headers={"Location": f"{_link(request)}{done}", **_NO_STORE})


async def _do(engine: Engine, form: Mapping[str, str], seen: Seen) -> Incident:
    """The incident after it. Raises Unfit."""
    number, who, people = seen.incident.number, seen.person, engine.catalog.people
    if form.get("action", "") == PAGE and seen.incident.is_open:
        name, text = page_of(form, code_of(number), people)
        await engine.page(name, who, text, reader=Reader(who))
        return seen.incident
    return await engine.act(number, event_of(form, who, seen.incident, seen.now, OF_A_LINK), reader=Reader(who))


def _is_what_was_seen(seen: Seen, form: Mapping[str, str], action: str) -> None:
    """Unfit for what would end more than whoever pressed has read about: it was merged since."""
    code = code_of(seen.incident.number)
    if seen.asked is not None and action in OF_THE_WHOLE and form.get("of", "") != code:
        raise Unfit(
            409, f"{code_of(seen.asked.number)} was merged into {code}, which is this one. Read it, then press again."
        )


@routes.get("/p/{token}/runbook")
async def runbook(request: web.Request) -> web.Response:
    """The incident's runbook: a file of the config folder as a page, or a link to where it is. Never a redirect."""
    seen = not_veiled(await _look(request))
    view = View(seen, request.app[ENGINE].catalog, _link(request))
    return page(
        "runbook.html", v=view, what="runbook", html=await runbook_of(request, view), path=seen.incident.runbook
    )


@routes.get("/p/{token}/plan")
async def plan(request: web.Request) -> web.Response:
    """How to recover instead of repairing, as the runbook is shown."""
    seen = not_veiled(await _look(request))
    view = View(seen, request.app[ENGINE].catalog, _link(request))
    return page("runbook.html", v=view, what="plan", html=await plan_of(request, seen), path=seen.incident.plan)


_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


async def _look(request: web.Request) -> Seen:
    """What the link shows, in one snapshot. Problem 404 for an unknown link, 410 for one that has ended."""
    token, teams = request.match_info["token"], request.app[ENGINE].catalog.teams
    before = max(0, cursor_in(request.query, 0))
    seen = await request.app[DATABASE].read(lambda tx: _read(tx, token, teams, before))
    if seen is None:
        slow_down(request, "link")
        raise Problem(404, UNKNOWN)
    ended = seen.incident.resolved_at
    if ended is not None and not seen.incident.is_open and seen.now >= ended + tokens.AFTER_RESOLVE:
        raise Problem(410, OVER)
    return seen


def not_veiled(seen: Seen) -> Seen:
    """What may be acted on. Raises Private."""
    if is_veiled(seen.incident):
        raise Private(f"{code_of(seen.incident.number)} {WHY_NOT}")
    return seen


def template_of(seen: Seen) -> str:
    return "private.html" if is_veiled(seen.incident) else "incident.html"


async def runbook_of(request: web.Request, view: View) -> Markup | None:
    """The runbook as HTML; None when it is kept elsewhere, or not written."""
    return await _paper(request, view.incident.runbook)


async def plan_of(request: web.Request, seen: Seen) -> Markup | None:
    """The plan as HTML; None when it is kept elsewhere, or not written. Problem 404 where the rule names none."""
    if not seen.incident.plan:
        raise Problem(404, f"no rule names a plan for {code_of(seen.incident.number)}")
    return await _paper(request, seen.incident.plan)


async def _paper(request: web.Request, path: str) -> Markup | None:
    folder = request.app[PARTS].folder
    if folder is None or is_link(path):
        return None
    text = await asyncio.to_thread(read_runbook, folder, path)
    return Markup(as_html(text)) if text is not None else None


def seen_by(tx: Tx, person: str, kept: incidents.Kept, eyes: Eyes, before: int = 0) -> Seen:
    """All of an incident that a page shows to `person`, who sees it with these eyes.

    Of its timeline what is just `before` an entry, 0 the last.
    """
    if not eyes.sees(kept.incident):
        return Seen(person, eyes.shown(kept).incident, kept.version, (), (), (), tx.now())
    number, end = kept.incident.number, min(before or kept.seq + 1, kept.seq + 1)
    return Seen(
        person=person,
        incident=kept.incident,
        version=kept.version,
        alerts=alerts.of_incident(tx, number, limit=MOST_ALERTS),
        pages=[row for row, _ in pages.of_incident(tx, number)],
        timeline=incidents.timeline(tx, number, after=max(0, end - 1 - MOST_ENTRIES), limit=min(MOST_ENTRIES, end - 1)),
        now=tx.now(),
        before=before,
        may_publish=eyes.may_publish(kept.incident),
    )


def _read(tx: Tx, token: str, teams: Mapping[str, Team], before: int) -> Seen | None:
    found = tokens.page_token(tx, token)
    asked = incidents.get(tx, found.incident) if found else None
    if found is None or asked is None:
        return None
    kept = incidents.get(tx, incidents.after_merges(tx, found.incident)) or asked
    was_merged = kept.incident.number != asked.incident.number
    seen = seen_by(tx, found.name, kept, Eyes(Reader(found.name), teams), before)
    return replace(seen, asked=asked.incident if was_merged else None)


def _page(request: web.Request, seen: Seen, status: int = 200, *, error: str = "", done: str = "") -> web.Response:
    view = View(seen, request.app[ENGINE].catalog, _link(request), error=error, done=done)
    return page(template_of(seen), status, v=view)


def _link(request: web.Request) -> str:
    return f"/p/{request.match_info['token']}"
