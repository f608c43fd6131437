"""`pagerctl oncall`: who is on call, in one schedule or in all."""

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from pager.cli.output import FAILED, Session, instant, known, print_json, print_table, session_options, stamp
from pager.cli.standing import load_standing

if TYPE_CHECKING:
    from pager.core.catalog import Catalog


@click.command()
@click.argument("name", required=False)
@click.option("--at", help="An instant, such as 2026-03-30T09:00+02:00 or sat 03:04; now, if left out.")
@session_options
def oncall(session: Session, name: str | None, at: str | None) -> None:
    """Print who is on call: `pagerctl oncall payments --at 2026-03-30T09:00+02:00`.

    A time without a zone is read in the zone of the schedule NAME; without NAME, in UTC. Without NAME all schedules
    are shown. The exit status is 1 when nobody is on call in NAME. This is what the files say; `pagerctl --server URL
    oncall` lays the overrides over them that this pagerd keeps.
    """
    catalog = load_standing(session)
    if name is None:
        _print_all(session, catalog, instant(at, "--at"))
        return
    schedule = catalog.schedules[known(name, catalog.schedules, "schedule")]
    when = instant(at, "--at", schedule.timezone)
    people = catalog.on_call(name, when).people
    if session.is_json:
        print_json(answer(catalog, name, when))
    else:
        click.echo(", ".join(people) or "nobody")
    sys.exit(0 if people else FAILED)


def answer(catalog: "Catalog", name: str, at: datetime) -> dict[str, Any]:
    """Who is on call in `name` at `at`, as scripts know it. `until` is null when it never ends."""
    now = catalog.on_call(name, at)
    return {
        "schedule": name,
        "at": stamp(at),
        "people": list(now.people),
        "ranks": [list(rank) for rank in now.ranks],
        "until": stamp(now.until) if now.until else None,
    }


def _print_all(session: Session, catalog: "Catalog", at: datetime) -> None:
    if session.is_json:
        print_json({"at": stamp(at), "schedules": [answer(catalog, name, at) for name in catalog.schedules]})
    else:
        rows = [_row(catalog, name, at) for name in sorted(catalog.schedules)]
        print_table(("SCHEDULE", "NOW", "UNTIL", "NEXT", "ZONE", ""), rows)


def _row(catalog: "Catalog", name: str, at: datetime) -> tuple[str, ...]:
    schedule = catalog.schedules[name]
    now = catalog.on_call(name, at)
    following = catalog.on_call(name, now.until).people if now.until else ()
    ends = _until(now.until, at, ZoneInfo(schedule.timezone)) if now.until else "no end"
    after = ", ".join(following) or ("nobody" if now.until else "-")
    if now.people:
        return name, ", ".join(now.people), ends, after, schedule.timezone, ""
    meant = schedule.gaps == "ok"
    return name, "-", f"gap until {ends}" if now.until else ends, after, schedule.timezone, "" if meant else "<- nobody"


def _until(end: datetime, at: datetime, zone: ZoneInfo) -> str:
    """`Mon 09:00 (2d)`, with the date when it is further than a week away."""
    local, left = end.astimezone(zone), end - at
    day = f"{local:%a %H:%M}" if left < timedelta(days=7) else f"{local:%a %Y-%m-%d %H:%M}"
    return f"{day} ({_rough(left)})"


def _rough(left: timedelta) -> str:
    minutes = left // timedelta(minutes=1)
    return f"{minutes // 1440}d" if minutes >= 2880 else f"{minutes // 60}h" if minutes >= 120 else f"{minutes}m"
