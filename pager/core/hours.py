"""Weekly hours such as `mon-fri 09:00-17:00`: when they are open and when they open next."""

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pager.core.wall import first_instant

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHAPE = re.compile(r"(?:(\w{3})(?:-(\w{3}))?\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_HOW = 'write "mon-fri 09:00-17:00" or "20:00-08:00"'
_MINUTE = timedelta(minutes=1)


def check_hours(text: str) -> str:
    """`text` itself if it is hours. Raises ValueError with the right form."""
    parse_hours(text)
    return text


@lru_cache(maxsize=256)
def parse_hours(text: str) -> tuple[frozenset[int], int, int]:
    """(weekdays, first minute, length in minutes); an overnight window belongs to the day it starts."""
    shape = _SHAPE.fullmatch(text.strip().lower())
    if shape is None:
        raise ValueError(f"not hours: {text!r}; {_HOW}")
    start, end = int(shape[3]) * 60 + int(shape[4]), int(shape[5]) * 60 + int(shape[6])
    if start >= 1440 or end > 1440 or int(shape[4]) > 59 or int(shape[6]) > 59:
        raise ValueError(f"no such time of day in {text!r}; {_HOW}")
    return _weekdays(shape[1], shape[2], text), start, (end - start) % 1440 or 1440


def is_open(text: str, zone: str, at: datetime) -> bool:
    """Whether the hours `text`, on the wall clock of `zone`, are open at `at`."""
    return _window(text, zone, at)[0] <= at


def opens_at(text: str, zone: str, at: datetime) -> datetime:
    """`at` itself while open, else the next instant at which the hours open."""
    return max(at, _window(text, zone, at)[0])


def next_opening(text: str, zone: str, at: datetime) -> datetime:
    """The first opening strictly after the window that `at` lies in, or the next one when closed."""
    start, end = _window(text, zone, at)
    return start if start > at else _window(text, zone, end)[0]


def _window(text: str, zone: str, at: datetime) -> tuple[datetime, datetime]:
    """The window that holds `at`, else the next one; always found, since every week has one."""
    weekdays, first, length = parse_hours(text)
    day = at.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    for _ in range(10):
        if day.weekday() in weekdays:
            start, end = _instant(day, first, zone), _instant(day, first + length, zone)
            if at < end and start < end:
                return start, end
        day += timedelta(days=1)
    raise ValueError(f"hours never open: {text!r}")


def _instant(day: date, minutes: int, zone: str) -> datetime:
    return first_instant(datetime.combine(day, time(), None) + minutes * _MINUTE, zone)


def _weekdays(first: str | None, last: str | None, text: str) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    if first not in _DAYS or (last or first) not in _DAYS:
        raise ValueError(f"no such weekday in {text!r}; {_HOW}")
    start = _DAYS.index(first)
    span = (_DAYS.index(last or first) - start) % 7
    return frozenset((start + offset) % 7 for offset in range(span + 1))
