"""A calendar for the terminal: a week a row, a day a column, whoever is on call in the cell; 80 columns wide."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from pager.core.lanes import Bar, Week
    from pager.core.schedule import Override, Schedule

LABEL, CELL = 8, 10
MOST = 6
"""Lines of a day; what is left is counted."""
_COLOURS = ("blue", "yellow", "green", "magenta", "cyan", "bright_blue", "bright_magenta", "bright_green")

Cell = tuple[str, str]  # the text, and the colour that it may have


def calendar(
    schedule: "Schedule", first: datetime, last: datetime, overrides: Sequence["Override"], *, colour: bool
) -> list[str]:
    """Lines for the weeks that [first, last) touches. A day begins with who has it at 00:00, then the hand-offs."""
    from pager.core.lanes import lanes_of, weeks_from

    zone = ZoneInfo(schedule.timezone)
    monday = weeks_from(first, 1, schedule.timezone)[0].days[0]
    days = ((last - timedelta(minutes=1)).astimezone(zone).date() - monday).days
    weeks = weeks_from(first, days // 7 + 1, schedule.timezone)
    bars = lanes_of(schedule, weeks[0].edges[0], weeks[-1].edges[-1], overrides)[-1].bars
    hues = _hues(schedule, overrides) if colour else {}
    heads = "".join(f"{day:%a}".ljust(CELL) for day in weeks[0].days)
    lines = [" " * LABEL + heads.rstrip()]
    for week in weeks:
        lines += _week(week, bars, zone, hues)
    return lines


def _week(week: "Week", bars: Sequence["Bar"], zone: ZoneInfo, hues: dict[str, str]) -> Iterator[str]:
    columns = [_day(week, number, bars, zone, hues) for number in range(7)]
    for number, row in enumerate(zip_longest(*columns, fillvalue=("", ""))):
        label = f"{week.days[0]:%-d %b}" if number == 0 else ""
        # A rule, since a hand-off fills its cell: "13:00 dee 06:00 eli" would be read across.
        cells = "│".join(_painted(text, shade, hues) for text, shade in row)
        yield f"{label.ljust(LABEL - 1)}│{cells}".rstrip(" │")


def _day(week: "Week", number: int, bars: Sequence["Bar"], zone: ZoneInfo, hues: dict[str, str]) -> list[Cell]:
    from pager.core.lanes import cut

    begin, end = week.edges[number : number + 2]
    if begin == end:
        return [("(skipped)", "")]
    cells = []
    for bar in cut(bars, begin, end):
        name = "+".join(bar.people) or "nobody"
        since = f"{bar.start.astimezone(zone):%H:%M} " if bar.start > begin else ""
        if len(since + name) >= CELL:
            since = since.replace(":00", "")
        shade = hues.get(bar.people[0], "") if bar.people else "red"
        cells.append((_short(since + name), shade))
    left = len(cells) - MOST
    return [*cells[: MOST - 1], (f"+ {left + 1} more", "")] if left > 0 else cells


def _short(text: str) -> str:
    return text if len(text) < CELL else text[: CELL - 2] + "…"


def _painted(text: str, shade: str, hues: dict[str, str]) -> str:
    padded = text.ljust(CELL - 1)
    return click.style(text, fg=shade) + padded[len(text) :] if hues and shade else padded


def _hues(schedule: "Schedule", overrides: "Sequence[Override]") -> dict[str, str]:
    from pager.core.picture import colours_of

    return {name: _COLOURS[hue % len(_COLOURS)] for name, hue in colours_of(schedule, overrides).items()}
