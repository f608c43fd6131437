"""The page link, /p/<token>: GET shows what is wrong and one big button, POST acts. No GET ever changes anything."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from markupsafe import Markup

from pager.api.doors import slow_down
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.core.hygiene import clean
from pager.core.incident import Acked, Act, Escalated, Noted, Resolved, SeveritySet, Unacked
from pager.core.severity import parse_level
from pager.metrics import acting
from pager.store import alerts, incidents, pages, tokens
from pager.store.database import Tx
from pager.web.render import page
from pager.web.runbook import as_html, read_runbook
from pager.web.view import MOST_ALERTS, MOST_ENTRIES, Seen, View, can_undo

routes = web.RouteTableDef()
LONGEST_NOTE = 10_000
PLAIN: Mapping[str, Callable[[str], Act]] = {
    "ack": Acked,
    "undo": Unacked,
    "escalate": Escalated,
    "resolve": Resolved,
}
DONE = {
    "undo": "Taken back: nobody has it.",
    "escalate": "Escalated: the next step is paged.",
    "note": "Noted.",
    "severity": "The severity is changed.",
}
UNKNOWN = "There is no such link. Look for the newest message, or ask whoever runs pager."
TOO_LATE = "It is too late to undo: that is for 60 seconds, and for whoever has it. Escalate instead."
OVER = "This link has ended: its incident was resolved more than a day ago."


class Unfit(Exception):
    """What was sent cannot be done; the words are shown on the page."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@routes.get("/p/{token}")
@routes.get("/p/{token}/")
async def show(request: web.Request) -> web.Response:
    return _page(request, await _look(request), done=DONE.get(request.query.get("done", ""), ""))


@routes.post("/p/{token}")
@routes.post("/p/{token}/")
async def act(request: web.Request) -> web.Response:
    """Act as the link's person; the page that follows shows what it did. Safe to repeat."""
    seen, form = await _look(request), await _form(request)
    action = form.get("action", "")
    try:
        event = _event(action, form, seen)
    except Unfit as unfit:
        return _page(request, seen, status=unfit.status, error=unfit.words)
    with acting("link"):
        await request.app[ENGINE].act(seen.incident.number, event)
    done = f"?done={action}" if action in DONE else ""
    return web.Response(status=303, text="done\n", headers={"Location": f"{_link(request)}{done}", **_NO_STORE})


@routes.get("/p/{token}/runbook")
async def runbook(request: web.Request) -> web.Response:
    """The incident's runbook: a file of the config folder as a page, or a link to where it is. Never a redirect."""
    seen = await _look(request)
    view = View(seen, request.app[ENGINE].catalog, _link(request))
    html, path = None, seen.incident.runbook
    folder = request.app[PARTS].folder
    if folder is not None and not view.has_foreign_runbook:
        text = await asyncio.to_thread(read_runbook, folder, path)
        html = Markup(as_html(text)) if text is not None else None
    return page("runbook.html", v=view, html=html, path=path)


_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


def _event(action: str, form: Mapping[str, str], seen: Seen) -> Act:
    """What the form asks for. Raises Unfit, in words for the page."""
    who = seen.person
    if action == "undo" and not can_undo(seen.incident, who, seen.now):
        raise Unfit(409, TOO_LATE)
    if action == "note":
        return Noted(who, _note(form.get("text", "")))
    if action == "severity":
        return SeveritySet(who, _level(form.get("to", "")))
    if action not in PLAIN:
        raise Unfit(400, "That cannot be done here. Use the buttons: ack, undo, escalate, resolve, note, severity.")
    return PLAIN[action](who)


def _note(text: str) -> str:
    written = clean(text).strip()
    if not 0 < len(written) <= LONGEST_NOTE:
        raise Unfit(400, f"Write a note of 1 to {LONGEST_NOTE} characters.")
    return written


def _level(text: str) -> Any:
    try:
        return parse_level(text)
    except ValueError:
        raise Unfit(400, "Choose a severity, SEV-1 to SEV-5.") from None


async def _look(request: web.Request) -> Seen:
    """What the link shows, in one snapshot. Problem 404 for an unknown link, 410 for one that has ended."""
    token = request.match_info["token"]
    seen = await request.app[DATABASE].read(lambda tx: _read(tx, token))
    if seen is None:
        slow_down(request, "link")
        raise Problem(404, UNKNOWN)
    ended = seen.incident.resolved_at
    if ended is not None and not seen.incident.is_open and seen.now >= ended + tokens.AFTER_RESOLVE:
        raise Problem(410, OVER)
    return seen


def _read(tx: Tx, token: str) -> Seen | None:
    found = tokens.page_token(tx, token)
    kept = incidents.get(tx, found.incident) if found else None
    if found is None or kept is None:
        return None
    number = kept.incident.number
    return Seen(
        person=found.name,
        incident=kept.incident,
        version=kept.version,
        alerts=alerts.of_incident(tx, number, limit=MOST_ALERTS),
        pages=[row for row, _ in pages.of_incident(tx, number)],
        timeline=incidents.timeline(tx, number, after=max(0, kept.seq - MOST_ENTRIES)),
        now=tx.now(),
    )


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form, whatever its Content-Type says."""
    body = (await request.read()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=20, errors="replace"))
    except ValueError:
        raise Problem(400, "That is no form of this page.") from None


def _page(request: web.Request, seen: Seen, status: int = 200, *, error: str = "", done: str = "") -> web.Response:
    view = View(seen, request.app[ENGINE].catalog, _link(request), error=error, done=done)
    return page("incident.html", status, v=view)


def _link(request: web.Request) -> str:
    return f"/p/{request.match_info['token']}"
