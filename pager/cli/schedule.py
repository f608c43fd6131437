"""`pagerctl schedule`: the calendar of a rotation."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from pager.cli.calendar import calendar
from pager.cli.ics import ics
from pager.cli.output import Session, instant, known, print_json, print_table, session_options, stamp
from pager.cli.picture import svg
from pager.cli.standing import load_standing

if TYPE_CHECKING:
    from pager.core.oncall import Segment

_LONGEST = timedelta(days=3660)


@click.group()
def schedule() -> None:
    """Show the calendar of a rotation."""


schedule.add_command(svg)
schedule.add_command(ics)


@schedule.command()
@click.argument("name")
@click.option("--from", "start", help="Where to begin, such as 2026-03-30; now, if left out.")
@click.option("--to", "end", help="Where to end; --weeks after the begin, if left out.")
@click.option("--weeks", type=click.IntRange(1, 520), default=4, show_default=True, help="How long, without --to.")
@session_options
def show(session: Session, name: str, start: str | None, end: str | None, weeks: int) -> None:
    """Print who is on call in NAME, from when to when: `pagerctl schedule show payments --from 2026-03-30`.

    Each turn comes first with its length, then a calendar of whole weeks. A time without a zone is read in the zone of
    the schedule. `pagerctl --server URL schedule show` lays the overrides over the files that this pagerd keeps.
    """
    from pager.core.oncall import runs, timeline

    catalog = load_standing(session)
    found = catalog.schedules[known(name, catalog.schedules, "schedule")]
    first = instant(start, "--from", found.timezone)
    last = instant(end, "--to", found.timezone) if end else _weeks_later(first, weeks, ZoneInfo(found.timezone))
    if not first < last <= first + _LONGEST:
        raise click.BadParameter("it must lie after --from, at most ten years", param_hint="--to")
    segments = runs(timeline(found, first, last, catalog.overrides.get(name, ())))
    if session.is_json:
        print_json({"schedule": name, "segments": [answer(segment) for segment in segments]})
    else:
        _print_text(segments, found.timezone)
        click.echo()
        for line in calendar(found, first, last, catalog.overrides.get(name, ()), colour=session.colour):
            click.echo(line)


def _weeks_later(first: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """The same time on the wall clock, so that a calendar does not end an hour late after a clock change."""
    return (first.astimezone(zone) + timedelta(weeks=weeks)).astimezone(UTC)


def answer(segment: "Segment") -> dict[str, Any]:
    """One stretch as scripts know it: half-open, nobody is an empty list."""
    return {"from": stamp(segment.start), "to": stamp(segment.end), "people": list(segment.people)}


def _print_text(segments: Sequence["Segment"], timezone: str) -> None:
    zone = ZoneInfo(timezone)
    rows = []
    for one in segments:
        people = ", ".join(one.people) or "nobody"
        rows.append((_local(one.start, zone), _local(one.end, zone), _length(one.end - one.start), people))
    print_table(("FROM", "TO", "LENGTH", f"ON CALL ({timezone})"), rows)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _length(length: timedelta) -> str:
    """Elapsed time: a shift over a clock change is an hour longer or shorter."""
    minutes = length // timedelta(minutes=1)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "m"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0m"
