"""Maintenance of the files: windows that come again, by the wall clock of their zone, for a length of elapsed time."""

from bisect import bisect_right
from datetime import datetime
from functools import lru_cache

from pager.core.cron import handoff_instants
from pager.core.rule import Maintenance
from pager.core.wall import datetime_of

Window = tuple[datetime, datetime]
"""Half-open, from and to."""


def window_at(maintenance: Maintenance, now: datetime) -> Window | None:
    """The window that is open at `now`, or None; windows that touch or overlap are one, within a year or two.

    A start that the clocks skip is the first instant after it, one that they show twice is the first.
    """
    starts, lasts = _starts(maintenance.starts, maintenance.timezone, now.year), maintenance.lasts
    first = last = bisect_right(starts, now, key=datetime_of) - 1
    if last < 0 or datetime_of(starts[last]) + lasts <= now:
        return None
    while first and datetime_of(starts[first - 1]) + lasts >= datetime_of(starts[first]):
        first -= 1
    while last + 1 < len(starts) and datetime_of(starts[last]) + lasts >= datetime_of(starts[last + 1]):
        last += 1
    return datetime_of(starts[first]), datetime_of(starts[last]) + lasts


def next_start(maintenance: Maintenance, now: datetime) -> datetime | None:
    """When a window starts after `now`; None: not this year or the next."""
    starts = _starts(maintenance.starts, maintenance.timezone, now.year)
    at = bisect_right(starts, now, key=datetime_of)
    return datetime_of(starts[at]) if at < len(starts) else None


@lru_cache(maxsize=1024)
def _starts(text: str, zone: str, year: int) -> tuple[int, ...]:
    """The UTC minutes of the starts in the years around `year`, ascending."""
    return tuple(start for near in (year - 1, year, year + 1) for start in handoff_instants(text, zone, near))
