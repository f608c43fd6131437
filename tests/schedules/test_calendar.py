"""The calendar of `pagerctl schedule show`: who is in which cell, and nothing beyond 80 columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from hypothesis import given, settings

from pager.cli.calendar import calendar
from pager.core.oncall import Schedule
from tests.schedules.strategies import looks

PAYMENTS: dict[str, Any] = {
    "schedule": "payments",
    "timezone": "Europe/Berlin",
    "rotation": [{"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo", "bartholomew"]}],
    "overrides": [{"from": "2026-01-07 08:00", "to": "2026-01-07 20:00", "who": []}],
}
SHOWN = """\
        Mon       Tue       Wed       Thu       Fri       Sat       Sun
5 Jan  │nobody   │ana      │ana      │ana      │ana      │ana      │ana
       │10:00 ana│         │08 nobody
       │         │         │20:00 ana
12 Jan │ana      │bo       │bo       │bo       │bo       │bo       │bo
       │10:00 bo
19 Jan │bo       │bartholo…│bartholo…│bartholo…│bartholo…│bartholo…│bartholo…
       │10 barth…"""


def shown(doc: dict[str, Any], weeks: int = 3, *, colour: bool = False) -> str:
    first = datetime(2026, 1, 6, 12, tzinfo=UTC)
    lines = calendar(Schedule.model_validate(doc), first, first + timedelta(weeks=weeks - 1), (), colour=colour)
    return "\n".join(lines)


def test_a_week_is_a_row_and_hand_offs_stand_below_the_day() -> None:
    assert shown(PAYMENTS) == SHOWN


def test_colours_change_no_letter_and_nobody_is_red() -> None:
    painted = shown(PAYMENTS, colour=True)

    assert click.unstyle(painted) == SHOWN
    assert click.style("nobody", fg="red") in painted


@settings(max_examples=40)
@given(looks())
def test_every_line_fits_80_columns(look: tuple[dict[str, Any], datetime]) -> None:
    doc, day = look

    assert all(
        len(line) <= 80
        for line in calendar(Schedule.model_validate(doc), day, day + timedelta(days=8), (), colour=False)
    )
