"""The page of rules, /routes: each file's rules as they are in force, and a box to try labels on them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.core.alert import Alert
from pager.core.catalog import CHANNEL, Catalog
from pager.core.classify import Decision, classify
from pager.core.duration import format_duration
from pager.core.simulate import lines, simulate
from pager.core.text import clock
from pager.store import load
from pager.web.now import named
from pager.web.seat import seat_of, shown
from pager.web.view import SHAPES

routes = web.RouteTableDef()
MOST_LABELS = 64
MOST_PAGES = 12
LONGEST = 16_000
EXAMPLE = "alertname=CheckoutDown\nenv=prod-eu\nseverity=critical"
LOOKS_BACK, MOST_INCIDENTS = timedelta(days=90), 5000
HOW = "Write a label a line, such as severity=critical; 64 of them at most."


class Tried(Struct, frozen=True):
    """What would happen to an alert: the decision, and each page as (when, how long after, to whom, by what)."""

    decision: Decision
    pages: list[tuple[str, str, str, str]]
    more: int


@routes.get("/routes")
async def rules(request: web.Request) -> web.Response:
    """All rules, and what each has opened; `?labels=` says what would happen to an alert of these, now.

    Nothing is sent, nobody is paged.
    """
    catalog, seat, written = request.app[ENGINE].catalog, seat_of(request), request.query.get("labels", "")[:LONGEST]
    now, tried, error = request.app[PARTS].clock(), None, ""
    if written.strip():
        try:
            labels = _labels(written)
            # Hours of steps are played beside the loop.
            tried = await asyncio.to_thread(_tried, labels, catalog, now, seat.zone)
        except ValueError as refused:
            error = str(refused)
    hits = await request.app[DATABASE].read(lambda tx: load.hits(tx, now - LOOKS_BACK, MOST_INCIDENTS))
    return shown(
        request,
        "rules.html",
        200 if not error else 400,
        files=catalog.rules,
        catalog=catalog,
        written=written or EXAMPLE,
        tried=tried,
        error=error,
        shapes=SHAPES,
        hits=hits,
        days=LOOKS_BACK.days,
        when=lambda at: clock(at, seat.zone, now),
    )


def _labels(written: str) -> dict[str, str]:
    """Raises ValueError, saying how to write them."""
    found = {}
    for line in filter(None, (line.strip() for line in written.splitlines())):
        name, is_label, value = line.partition("=")
        if not is_label or not name.strip():
            raise ValueError(f"{line[:50]!r} is no label. {HOW}")
        found[name.strip()] = value.strip().strip('"')
    if len(found) > MOST_LABELS:
        raise ValueError(HOW)
    return found


def _called(catalog: Catalog, target: str) -> str:
    """A target as people call it: `person:ana` and `channel:ops-chat` are said by their names."""
    return named(catalog, target.removeprefix("person:").removeprefix(CHANNEL))


def _tried(labels: Mapping[str, str], catalog: Catalog, now: datetime, zone: str) -> Tried:
    own = dict(labels)
    alert = Alert(own.pop("source", "") or "alertmanager", "firing", own, now)
    told = [
        (
            clock(now + line.after, zone, now),
            format_duration(line.after),
            _called(catalog, line.to),
            " and ".join(line.via),
        )
        for line in lines(simulate([alert], catalog, now), catalog, now)
    ]
    return Tried(classify(alert, catalog), told[:MOST_PAGES], max(0, len(told) - MOST_PAGES))
