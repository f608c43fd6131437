"""The report of load over HTTP, /api/v1/load: hours, pages and nights per person, noisy rules, times to an answer."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from pager.api import answers_admin as answers
from pager.api.declared import told as declared
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.reading import Choice
from pager.api.shapes import rfc3339
from pager.core.catalog import Catalog
from pager.core.load import Load, Sent, Span, Told, load
from pager.core.oncall import runs, timeline
from pager.core.override import layered
from pager.store import load as rows
from pager.store import overrides
from pager.store.load import Known

routes = web.RouteTableDef()
DAYS = ("7", "30", "90")
LAST = Choice("days", "30", DAYS, "So many days, until now.")
MOST = 20_000
"""Incidents that one report looks at, the newest ones."""
NEWEST = 2**62
PRIVATE = "private incidents"
_NOBODY = ("source", "not heard of")


class Report(Struct, frozen=True):
    """The load of so many days; `truncated`: there were more incidents than MOST."""

    days: int
    load: Load
    truncated: bool


@routes.get("/api/v1/load")
@declared(answers.Load, LAST.parameter)
async def told(request: web.Request) -> web.Response:
    """The last `?days=` 7, 30 or 90, until now."""
    report = await report_of(request)
    found = report.load
    answer: answers.Load = {
        "from": rfc3339(found.start),
        "to": rfc3339(found.end),
        "days": report.days,
        "people": [
            {
                "person": one.person,
                "hours": hours(one.on_call),
                "pages": one.pages,
                "night_pages": one.night_pages,
                "nights": one.nights,
            }
            for one in found.people
        ],
        "rules": [
            {"rule": one.rule or None, "incidents": one.incidents, "pages": one.pages, "by_itself": one.by_itself}
            for one in found.rules
        ],
        "answers": [
            {
                "severity": one.severity or None,
                "paged": one.paged,
                "acked": one.acked,
                "median_seconds": seconds(one.median),
                "worst_seconds": seconds(one.worst),
            }
            for one in found.answers
        ],
        "truncated": report.truncated,
    }
    return web.json_response(answer)


async def report_of(request: web.Request) -> Report:
    """The report that `?days=` asks for. Problem 400."""
    days = int(LAST.of(request.query))
    database, catalog, end = request.app[DATABASE], request.app[ENGINE].catalog, request.app[PARTS].clock()
    start = end - timedelta(days=days)
    messages = await database.read(
        lambda tx: [Sent(name, at) for name in catalog.people for at in rows.sent_to(tx, name, start, end)]
    )
    laid = await database.read(lambda tx: overrides.standing(tx, start))
    known: list[Told] = []
    below: int | None = NEWEST
    while below is not None and len(known) < MOST:
        found, below = await database.read(
            lambda tx, below=below: rows.opened(tx, start, end, below)  # type: ignore[misc]
        )
        known += map(_told, found)
    # Months of turns are compiled beside the loop.
    files = layered(catalog, laid)
    turns = await asyncio.to_thread(_turns, files, start, end)
    zones = {name: person.timezone for name, person in catalog.people.items()}
    return Report(days, load(start, end, messages, known, turns, zones), below is not None)


def _told(known: Known) -> Told:
    incident = known.incident
    ended = incident.state == "resolved" and incident.merged_into is None and incident.resolved_by in _NOBODY
    return Told(
        # The name of its rule would tell what a private one is about, and a report is for everybody.
        rule=PRIVATE if incident.private else incident.rule,
        severity=incident.severity,
        pages=known.pages,
        paged_at=known.paged_at,
        acked_at=known.acked_at,
        by_itself=ended and known.acked_at is None,
    )


def _turns(catalog: Catalog, start: datetime, end: datetime) -> dict[str, Sequence[Span]]:
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for name, schedule in catalog.schedules.items():
        for segment in runs(timeline(schedule, start, end, catalog.overrides.get(name, ()))):
            for who in segment.people:
                found[who].append((segment.start, segment.end))
    return dict(found)


def hours(length: timedelta) -> float:
    return round(length / timedelta(hours=1), 1)


def seconds(length: timedelta | None) -> float | None:
    return None if length is None else round(length.total_seconds(), 1)
