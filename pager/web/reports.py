"""The page of reports, /reports: what on-call cost whom, what is noisy, how soon pages were answered; and as CSV."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from pager.api.load import DAYS, Report, hours, report_of, seconds
from pager.api.parts import ENGINE
from pager.api.problems import Problem
from pager.core.catalog import Catalog
from pager.core.table import csv_of
from pager.web.now import named
from pager.web.render import HEADERS
from pager.web.seat import seat_of, shown
from pager.web.view import rough

routes = web.RouteTableDef()
MOST_RULES = 25


@routes.get("/reports")
async def show(request: web.Request) -> web.Response:
    """The last `?days=` 7, 30 or 90."""
    report, seat = await report_of(request), seat_of(request)
    return shown(
        request,
        "reports.html",
        report=report,
        load=report.load,
        whole=report.load.answers[0],
        choices=[int(days) for days in DAYS],
        rules=report.load.rules[:MOST_RULES],
        called=lambda person: named(request.app[ENGINE].catalog, person),
        length=_length,
        span=_span(report, seat.zone),
        me=seat.person,
    )


@routes.get("/reports/{table}.csv")
async def table(request: web.Request) -> web.Response:
    """One of the tables, for a spreadsheet: `people`, `rules` or `answers`."""
    name = request.match_info["table"]
    if name not in TABLES:
        raise Problem(404, f"There is no such table; there are: {', '.join(TABLES)}.")
    report = await report_of(request)
    file = f'attachment; filename="pager-{name}-{report.load.end:%Y-%m-%d}-{report.days}d.csv"'
    text = TABLES[name](report, request.app[ENGINE].catalog)
    headers = {**HEADERS, "Content-Disposition": file}
    return web.Response(text=text, content_type="text/csv", headers=headers)


def _people(report: Report, catalog: Catalog) -> str:
    heads = ("person", "name", "hours on call", "pages", "pages at night", "nights interrupted")
    return csv_of(
        heads,
        (
            (one.person, named(catalog, one.person), hours(one.on_call), one.pages, one.night_pages, one.nights)
            for one in report.load.people
        ),
    )


def _rules(report: Report, _: Catalog) -> str:
    heads = ("rule", "incidents", "pages", "ended by themselves")
    return csv_of(
        heads, ((one.rule or "no rule", one.incidents, one.pages, one.by_itself) for one in report.load.rules)
    )


def _answers(report: Report, _: Catalog) -> str:
    heads = ("severity", "incidents paged", "acknowledged", "median seconds", "worst seconds")
    return csv_of(
        heads,
        (
            (one.severity or "all", one.paged, one.acked, _known(seconds(one.median)), _known(seconds(one.worst)))
            for one in report.load.answers
        ),
    )


TABLES: Mapping[str, Callable[[Report, Catalog], str]] = {"people": _people, "rules": _rules, "answers": _answers}


def _span(report: Report, zone: str) -> str:
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (report.load.start, report.load.end))
    return f"{first:%-d %b} to {last:%-d %b %Y}"


def _known(value: float | None) -> float | str:
    return "" if value is None else value


def _length(length: timedelta | None) -> str:
    return "" if length is None else rough(length)
