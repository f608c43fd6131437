"""The pages of what people hold, /silences and /maintenance: made with a preview, prolonged, ended, and the pause."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct, field

from pager.api.auditing import remark
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.api.silences import HoldAsked, hidden_now, wanted_of
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.duration import parse_duration
from pager.core.maintenance import next_start, window_at
from pager.core.silence import Kind, Silence, Wanted
from pager.core.text import clock
from pager.holding import UnknownSilence
from pager.judge import Hidden
from pager.store import silences as rows
from pager.web.now import named
from pager.web.seat import NOBODY, form_of, seat_of, see_other, shown, who_in
from pager.web.view import rough

routes = web.RouteTableDef()
MOST, MOST_ENDED = 100, 10
LENGTHS = ("30m", "1h", "2h", "4h", "8h", "1d", "7d")
LONGEST = 4000
KINDS: Mapping[str, Kind] = {"/silences": "silence", "/maintenance": "maintenance"}
DONE = {
    "made": "It is in force.",
    "prolonged": "It lasts longer now.",
    "ended": "It has ended.",
    "paused": "All pages are paused. They go out again by themselves, or here.",
    "resumed": "Pages go out again.",
}
OVER = "That one is over, or was never there. What it hid pages again."
_WORD = re.compile(r"[\w.:/-]+", re.ASCII)


class Line(Struct, frozen=True):
    """One hold in words; `id` is 0 for a window of the files. `hides` is None for what is not open."""

    id: int
    name: str
    match: Sequence[str]
    when: str
    by: str
    why: str
    is_active: bool
    hides: int | None
    codes: Sequence[str]


class Preview(Struct, frozen=True):
    """What somebody is about to make, before they do: `fields` go along with the button."""

    fields: Mapping[str, str]
    span: str
    hides: int
    codes: Sequence[str]
    is_complete: bool


class Draft(Struct, frozen=True):
    """What a form was filled with; `ended` is the number of what was just ended."""

    fields: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    ended: int = 0

    def of(self, name: str, otherwise: str = "") -> str:
        return self.fields.get(name, "")[:LONGEST] or otherwise


@routes.get("/silences")
@routes.get("/maintenance")
async def show(request: web.Request) -> web.Response:
    """What stands and what has ended; `?match=` and the other fields of the form show what that would hide."""
    query = request.query
    ended = _number(query.get("id", "")) if query.get("done") == "ended" else 0
    return await _page(request, Draft(dict(query), ended=ended))


@routes.post("/silences")
@routes.post("/maintenance")
async def act(request: web.Request) -> web.Response:
    """Make one, prolong or end one, pause all pages or let them go out again; done when the page is there again."""
    seat = seat_of(request)
    form = await form_of(request, seat)
    try:
        by = who_in(form, seat)
        done = await _do(request, form, by)
    except Problem as problem:
        return await _page(request, Draft(form, f"{problem.detail}."), problem.status)
    except UnknownSilence:
        return await _page(request, Draft(error=OVER), 404)
    except ValueError as refused:
        return await _page(request, Draft(form, f"{refused}."), 400)
    return see_other(f"{request.path}?done={done}", by)


async def _do(request: web.Request, form: Mapping[str, str], by: str) -> str:
    """What was done, as the address of the page says it. Problem, UnknownSilence, or ValueError in words."""
    holding, now, kind = request.app[ENGINE].holding, request.app[PARTS].clock(), KINDS[request.path]
    action, number = form.get("action", ""), _number(form.get("id", ""))
    if action == "end":
        await holding.expire(number, kind, by)
        remark(request, object=f"{kind} {number}")
        return f"ended&id={number}"
    if action == "prolong":
        stands = next((one for one in holding.standing(now) if one.id == number), None)
        if stands is None:
            raise UnknownSilence
        until = max(now, stands.ends_at) + _length(form.get("for", ""))
        made = await holding.prolong(number, kind, until, by)
        remark(request, object=f"{kind} {number}", becomes=made.id)
        return "prolonged"
    if action == "resume":
        for one in [one for one in holding.standing(now) if one.wanted.kind == "pause"]:
            await holding.expire(one.id, "pause", by)
        return "resumed"
    if action == "pause":
        await holding.add(
            wanted_of(HoldAsked(by, form.get("why", ""), lasts=form.get("for", "").strip()), "pause", now)
        )
        return "paused"
    made = await holding.add(_wanted(form, kind, by, seat_of(request).zone, now))
    remark(request, object=f"{kind} {made.id}")
    return "made"


def _wanted(fields: Mapping[str, str], kind: Kind, by: str, zone: str, now: datetime) -> Wanted:
    """What the form asks for. Problem 400."""
    why, start = fields.get("why", ""), fields.get("from", "").strip().replace("T", " ")
    asked = HoldAsked(
        by=by,
        why=why,
        match=list(_matchers(fields.get("match", ""))),
        start=f"{start} {zone}" if start else "now",
        lasts=fields.get("for", "").strip(),
        name=(fields.get("name", "").strip() or why[:100]) if kind == "maintenance" else "",
    )
    return wanted_of(asked, kind, now)


def _matchers(written: str) -> Iterator[str]:
    """One a line; a word alone is the alert's name, as on the command line."""
    for line in filter(None, (line.strip() for line in written.splitlines())):
        yield f"alertname = {line}" if _WORD.fullmatch(line) else line


async def _page(request: web.Request, draft: Draft, status: int = 200) -> web.Response:
    kind, seat, catalog = KINDS[request.path], seat_of(request), request.app[ENGINE].catalog
    now, holding = request.app[PARTS].clock(), request.app[ENGINE].holding
    stand, over, gone = await request.app[DATABASE].read(
        lambda tx: (
            rows.page_of(tx, kind, every=False, after=0, limit=MOST),
            rows.ended(tx, kind, MOST_ENDED),
            rows.get(tx, draft.ended) if draft.ended else None,
        )
    )
    preview, error = None, draft.error
    if draft.of("match").strip() and not draft.error:
        try:
            preview = await _preview(request, draft, kind)
        except Problem as problem:
            status, error = problem.status, f"{problem.detail}."
    active = {one.id: one.wanted.matchers for one in stand if one.state(now) == "active"}
    if gone is not None and gone.wanted.kind == kind and gone.state(now) == "expired":
        active[gone.id] = gone.wanted.matchers
    hides = await hidden_now(request, active)
    pause = holding.pause(now)
    return shown(
        request,
        "holds.html",
        status,
        kind=kind,
        lines=[_line(one, hides.get(one.id), catalog, seat.zone, now) for one in stand],
        over=[_line(one, None, catalog, seat.zone, now) for one in over],
        windows=await _windows(request, seat.zone, now) if kind == "maintenance" else [],
        pause=_line(pause, None, catalog, seat.zone, now) if pause else None,
        released=_codes(hides.get(draft.ended)) if draft.ended in hides else None,
        freed=hides[draft.ended].alerts if draft.ended in hides else 0,
        preview=preview,
        draft=draft,
        lengths=LENGTHS,
        error=error,
        done=DONE.get(request.query.get("done", ""), "") if request.method == "GET" else "",
    )


async def _preview(request: web.Request, draft: Draft, kind: Kind) -> Preview:
    """What it would hide if it were in force now; without a reason yet, it cannot be made."""
    seat, now = seat_of(request), request.app[PARTS].clock()
    fields = {name: draft.of(name) for name in ("match", "for", "from", "why", "name")}
    asked = {**fields, "why": fields["why"] or "-", "for": fields["for"] or LENGTHS[2]}
    wanted = _wanted(asked, kind, seat.person or NOBODY, seat.zone, now)
    hides = (await hidden_now(request, {0: wanted.matchers}))[0]
    begins = "" if wanted.starts_at <= now else f"from {clock(wanted.starts_at, seat.zone, now)} "
    span = f"{begins}until {clock(wanted.ends_at, seat.zone, now)}"
    return Preview(fields, span, hides.alerts, _codes(hides), bool(fields["why"].strip() and fields["for"]))


async def _windows(request: web.Request, zone: str, now: datetime) -> list[Line]:
    """The windows of the files: the one that is open, else when it opens next."""
    written = request.app[ENGINE].catalog.maintenance
    found = {place: window for place, one in enumerate(written) if (window := window_at(one, now))}
    hides = await hidden_now(request, {place: written[place].match for place in found})
    lines = []
    for place, one in enumerate(written):
        window, following = found.get(place), next_start(one, now)
        opens = f"opens {clock(following, zone, now)}, in {rough(following - now)}" if following else "opens no more"
        lines.append(
            Line(
                id=0,
                name=one.name,
                match=[str(matcher) for matcher in one.match],
                when=f"open until {_until(window[1], zone, now)}" if window else opens,
                by=named(request.app[ENGINE].catalog, one.owner),
                why=one.why,
                is_active=window is not None,
                hides=hides[place].alerts if window else None,
                codes=_codes(hides.get(place)),
            )
        )
    return lines


def _line(one: Silence, hides: Hidden | None, catalog: Catalog, zone: str, now: datetime) -> Line:
    state, wanted = one.state(now), one.wanted
    ended_by = f" by {named(catalog, one.expired_by)}" if one.expired_by else ""
    begins = f"from {clock(wanted.starts_at, zone, now)} until {clock(one.ends_at, zone, now)}"
    when = {
        "active": f"until {_until(one.ends_at, zone, now)}",
        "pending": begins,
        "expired": f"ended {clock(one.ends_at, zone, now)}{ended_by}",
    }
    return Line(
        id=one.id,
        name=wanted.name,
        match=[str(matcher) for matcher in wanted.matchers],
        when=when[state],
        by=named(catalog, wanted.by),
        why=wanted.why,
        is_active=state == "active",
        hides=hides.alerts if hides is not None else None,
        codes=_codes(hides),
    )


def _until(at: datetime, zone: str, now: datetime) -> str:
    return f"{clock(at, zone, now)}, {rough(at - now)} more"


def _codes(hides: Hidden | None) -> list[str]:
    return [code_of(number) for number in hides.incidents] if hides is not None else []


def _length(text: str) -> timedelta:
    lasts = parse_duration(text.strip())
    if not timedelta() < lasts <= timedelta(days=31):
        raise ValueError("write for how much longer, such as 2h")
    return lasts


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
