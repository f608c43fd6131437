"""Silences, maintenance and the pause over HTTP: made, listed with what they hide, ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from pager.api import answers_turns as answers
from pager.api.declared import told
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.privacy import eyes_of
from pager.api.problems import Problem
from pager.api.reading import (
    BY,
    CURSOR,
    LIMIT,
    Choice,
    Length,
    Name,
    cursor_in,
    limit_in,
    name_in,
    read_body,
    text_in,
    up_to,
)
from pager.api.shapes import rfc3339
from pager.api.tags import check_seen
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.duration import parse_duration
from pager.core.instant import parse_instant
from pager.core.maintenance import next_start, window_at
from pager.core.matcher import Matcher, parse_matcher
from pager.core.rule import Maintenance
from pager.core.silence import Kind, Silence, Wanted, check, check_matchers
from pager.holding import Expired, UnknownSilence
from pager.judge import Hidden, hidden
from pager.store import silences as rows
from pager.store.database import Tx

routes = web.RouteTableDef()
LONGEST_WHY = 500
LONGEST_TITLE = 100
LONGEST_MATCHER = 1000
MOST_MATCHERS = 20
STATE = Choice("state", "standing", ("standing", "all"))
Moment = Annotated[
    str, msgspec.Meta(examples=["2026-03-02T14:00+01:00", "2026-03-02 14:00 Europe/Berlin", "20:00", "+2h"])
]
Matchers = Annotated[
    list[Annotated[str, up_to(LONGEST_MATCHER, 1)]],
    msgspec.Meta(extra_json_schema={"maxItems": MOST_MATCHERS}, examples=[["alertname = Down", 'env =~ "prod.*"']]),
]


class HoldAsked(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody asks for: `for` how long, or `until` when; `from` now, if nothing else is said.

    Instants as on the command line: `2026-03-02T14:00+01:00`, `2026-03-02 14:00 Europe/Berlin`, `20:00`, `+2h`.
    """

    by: Name
    why: Annotated[str, up_to(LONGEST_WHY, 1)]
    match: Matchers = []
    start: Moment = msgspec.field(name="from", default="now")
    lasts: Length = msgspec.field(name="for", default="")
    until: Moment | Literal[""] = ""
    name: Annotated[str, up_to(LONGEST_TITLE)] = ""


@routes.get("/api/v1/silences")
@told(answers.Silences, LIMIT, CURSOR, STATE.parameter)
async def listed(request: web.Request) -> web.Response:
    """Those that stand, pending ones among them, or `?state=all`; oldest first, with what each hides right now."""
    found, following = await _page(request, "silence")
    answer: answers.Silences = {"silences": await _all(request, found), "next": following}
    return web.json_response(answer)


@routes.post("/api/v1/silences")
@told(answers.Silence, status=201, body=HoldAsked, located=True)
async def make(request: web.Request) -> web.Response:
    """Make one: in force, and all open incidents judged, when the answer comes. 201."""
    return await _made(request, await read_body(request, HoldAsked), "silence", "/api/v1/silences")


@routes.get("/api/v1/silences/{id}")
@told(answers.Silence)
async def one(request: web.Request) -> web.Response:
    """One silence, also one that is over."""
    return web.json_response(await _one(request, "silence"))


@routes.delete("/api/v1/silences/{id}")
@told(answers.SilenceEnded, BY, if_match=True)
async def expire(request: web.Request) -> web.Response:
    """End one now, `?by=` somebody: what it hid and still fires pages at once. Safe to repeat."""
    return web.json_response(await _ended(request, "silence"))


@routes.get("/api/v1/maintenance")
@told(answers.Maintenance, LIMIT, CURSOR, STATE.parameter)
async def maintained(request: web.Request) -> web.Response:
    """The windows of the files, and what was started by hand and stands, or `?state=all`."""
    found, following = await _page(request, "maintenance")
    catalog, now = request.app[ENGINE].catalog, request.app[PARTS].clock()
    hides = await hidden_now(request, {place: written.match for place, written in enumerate(catalog.maintenance)})
    windows = [_window(written, hides[place], now) for place, written in enumerate(catalog.maintenance)]
    answer: answers.Maintenance = {
        "windows": windows,
        "maintenance": await _all(request, found),
        "next": following,
    }
    return web.json_response(answer)


@routes.post("/api/v1/maintenance")
@told(answers.Silence, status=201, body=HoldAsked, located=True)
async def start(request: web.Request) -> web.Response:
    """Start one by hand. 201."""
    return await _made(request, await read_body(request, HoldAsked), "maintenance", "/api/v1/maintenance")


@routes.get("/api/v1/maintenance/{id}")
@told(answers.Silence)
async def one_maintenance(request: web.Request) -> web.Response:
    """One that was started by hand, also one that is over."""
    return web.json_response(await _one(request, "maintenance"))


@routes.delete("/api/v1/maintenance/{id}")
@told(answers.SilenceEnded, BY, if_match=True)
async def stop(request: web.Request) -> web.Response:
    """End one that was started by hand, `?by=` somebody. Safe to repeat; those of the files end in the files."""
    return web.json_response(await _ended(request, "maintenance"))


@routes.get("/api/v1/pause")
@told(answers.Paused)
async def paused(request: web.Request) -> web.Response:
    """Whether all pages are paused, and by whom."""
    pause = request.app[ENGINE].holding.pause(request.app[PARTS].clock())
    answer: answers.Paused = {
        "paused": pause is not None,
        "pause": (await _all(request, [pause]))[0] if pause else None,
    }
    return web.json_response(answer)


@routes.post("/api/v1/pause")
@told(answers.Silence, status=201, body=HoldAsked, located=True)
async def pause(request: web.Request) -> web.Response:
    """Pause all pages but those about pager itself, for 24 hours at most. 201."""
    asked = await read_body(request, HoldAsked)
    if asked.match:
        raise Problem(400, "a pause holds everything; for some alerts make a silence", path="match")
    return await _made(request, asked, "pause", "/api/v1/pause")


@routes.delete("/api/v1/pause")
@told(answers.Resumed, BY)
async def resume(request: web.Request) -> web.Response:
    """Pages go out again, `?by=` somebody: what still fires and nobody has pages at once. Safe to repeat."""
    holding, now, by = request.app[ENGINE].holding, request.app[PARTS].clock(), _by(request)
    standing = [found for found in holding.standing(now) if found.wanted.kind == "pause"]
    for found in standing:
        await holding.expire(found.id, "pause", by)
    answer: answers.Resumed = {"paused": False, "ended": [found.id for found in standing]}
    return web.json_response(answer)


async def _made(request: web.Request, asked: HoldAsked, kind: Kind, path: str) -> web.Response:
    engine, now = request.app[ENGINE], request.app[PARTS].clock()
    made = await engine.holding.add(wanted_of(asked, kind, now))
    where = {"Location": path if kind == "pause" else f"{path}/{made.id}"}
    return web.json_response((await _all(request, [made]))[0], status=201, headers=where)


async def _one(request: web.Request, kind: Kind) -> answers.Silence:
    number = _number(request)
    found = await request.app[DATABASE].read(lambda tx: rows.get(tx, number))
    if found is None or found.wanted.kind != kind:
        raise Problem(404, f"there is no {kind} {request.match_info['id'][:20]!r}")
    return (await _all(request, [found]))[0]


async def _ended(request: web.Request, kind: Kind) -> answers.SilenceEnded:
    number = _number(request)
    try:
        before = await request.app[DATABASE].read(lambda tx: rows.get(tx, number))
        hid = (await _all(request, [before]))[0] if before else None
        if hid is not None:
            check_seen(request, hid)
        done: Expired = await request.app[ENGINE].holding.expire(number, kind, _by(request))
    except UnknownSilence:
        raise Problem(404, f"there is no {kind} {request.match_info['id'][:20]!r}") from None
    # What it hid until now: that is what is judged afresh.
    hides, found = (hid["hides"], hid["incidents"]) if done.stood and hid else (0, [])
    now = (await _all(request, [done.silence]))[0]
    return {**now, "hides": hides, "incidents": found, "ended": done.stood}


async def _page(request: web.Request, kind: Kind) -> tuple[Sequence[Silence], str | None]:
    query = request.query
    limit, after = limit_in(query), cursor_in(query, 0)
    every = STATE.of(query) == "all"
    found = await request.app[DATABASE].read(
        lambda tx: rows.page_of(tx, kind, every=every, after=after, limit=limit + 1)
    )
    shown = found[:limit]
    return shown, str(shown[-1].id) if len(found) > limit else None


def wanted_of(asked: HoldAsked, kind: Kind, now: datetime) -> Wanted:
    """What is asked for, checked. Problem 400, naming the field."""
    starts_at = _instant(asked.start, now, "from")
    wanted = Wanted(
        kind=kind,
        matchers=_matchers(asked.match, kind),
        starts_at=starts_at,
        ends_at=_end(asked, starts_at),
        by=name_in(asked.by),
        why=text_in(asked.why, "why", LONGEST_WHY),
        name=text_in(asked.name, "name", LONGEST_TITLE) if asked.name else "",
    )
    if kind == "pause" and starts_at > now:
        raise Problem(400, "a pause begins now", path="from")
    try:
        check(wanted, now)
    except ValueError as error:
        raise Problem(400, str(error), path="for" if asked.lasts else "until") from None
    return wanted


def _matchers(written: Sequence[str], kind: Kind) -> tuple[Matcher, ...]:
    if len(written) > MOST_MATCHERS:
        raise Problem(400, f"{MOST_MATCHERS} matchers at most", path="match")
    found = []
    for at, text in enumerate(written):
        try:
            if len(text) > LONGEST_MATCHER:
                raise ValueError(f"a matcher has {LONGEST_MATCHER} characters at most")
            found.append(parse_matcher(text))
        except ValueError as error:
            raise Problem(400, str(error), path=f"match[{at}]") from None
    try:
        if kind != "pause":
            check_matchers(found)
    except ValueError as error:
        raise Problem(400, str(error), path="match") from None
    return tuple(found)


def _end(asked: HoldAsked, starts_at: datetime) -> datetime:
    """The end: exactly one of `for` and `until`."""
    if bool(asked.lasts) == bool(asked.until):
        raise Problem(400, "until when? write for: 2h, or until: an instant", path="for")
    if asked.until:
        return _instant(asked.until, starts_at, "until")
    try:
        return starts_at + parse_duration(asked.lasts)
    except (ValueError, OverflowError) as error:
        raise Problem(400, str(error), path="for") from None


def _instant(written: str, now: datetime, path: str) -> datetime:
    try:
        return parse_instant(written, now)
    except (ValueError, OverflowError) as error:
        raise Problem(400, str(error), path=path) from None


def _number(request: web.Request) -> int:
    written = request.match_info["id"]
    return int(written) if written.isascii() and written.isdigit() and len(written) < 19 else 0


def _by(request: web.Request) -> str:
    return name_in(request.query["by"]) if "by" in request.query else ""


# How they are told.


async def _all(request: web.Request, found: Sequence[Silence]) -> list[answers.Silence]:
    now, catalog = request.app[PARTS].clock(), request.app[ENGINE].catalog
    active = {silence.id: silence.wanted.matchers for silence in found if silence.state(now) == "active"}
    hides = await hidden_now(request, active)
    return [_json(silence, hides.get(silence.id, Hidden()), catalog, now) for silence in found]


async def hidden_now(request: web.Request, asked: Mapping[int, Sequence[Matcher]]) -> dict[int, Hidden]:
    """What each of these lists of matchers hides right now, by its name in `asked`, as far as whoever asks sees it."""
    catalog, eyes = request.app[ENGINE].catalog, eyes_of(request)

    def read(tx: Tx) -> dict[int, Hidden]:
        return hidden(tx, catalog, asked, eyes.seen)

    return await request.app[DATABASE].read(read) if asked else {}


def _json(silence: Silence, hides: Hidden, catalog: Catalog, now: datetime) -> answers.Silence:
    """`timezone` is its author's, for whoever reads it; `incidents` are the first of those that it hides alerts of."""
    wanted = silence.wanted
    author = catalog.people.get(wanted.by)
    return {
        "id": silence.id,
        "kind": wanted.kind,
        "name": wanted.name or None,
        "state": silence.state(now),
        "match": [str(matcher) for matcher in wanted.matchers],
        "starts_at": rfc3339(wanted.starts_at),
        "ends_at": rfc3339(silence.ends_at),
        "by": wanted.by,
        "why": wanted.why,
        "timezone": author.timezone if author else "UTC",
        "created_at": rfc3339(silence.created_at),
        "expired_by": silence.expired_by or None,
        "hides": hides.alerts,
        "incidents": [code_of(number) for number in hides.incidents],
    }


def _window(written: Maintenance, hides: Hidden, now: datetime) -> answers.Window:
    """A window of the files: the one that is open, else the next."""
    window, following = window_at(written, now), next_start(written, now)
    begins = window[0] if window else following
    ends = window[1] if window else following + written.lasts if following else None
    return {
        "name": written.name,
        "state": "active" if window else "pending",
        "match": [str(matcher) for matcher in written.match],
        "starts_at": rfc3339(begins),
        "ends_at": rfc3339(ends),
        "starts": written.starts,
        "timezone": written.timezone,
        "owner": written.owner or None,
        "why": written.why,
        "hides": hides.alerts if window else 0,
        "incidents": [code_of(number) for number in hides.incidents] if window else [],
    }
