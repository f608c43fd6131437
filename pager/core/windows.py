"""The hours of a layer: weekly windows on the wall clock, and the stretches of time they leave open.

`mon-fri 09:00-17:00`, or without days for every day. A window that ends at or before its start belongs to the day
it starts, so `fri 20:00-08:00` ends on Saturday; `08:00-08:00` is 24 hours, and `24:00` may stand as an end.
"""

import re
from functools import lru_cache
from typing import Annotated

from msgspec import Struct
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from pager.core.wall import DAY, instant_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHAPE = re.compile(r"(?:([a-z][a-z, -]*?)\s+)?(\d?\d:\d\d)\s?-\s?(\d?\d:\d\d)", re.ASCII)
_HOW = 'write "mon-fri 09:00-17:00", "sat,sun 10:00-22:00" or "20:00-08:00"'
_THURSDAY = 3  # 1970-01-01 was one
_MARGIN = 3  # days: the zone's distance from UTC and a window over midnight


class Window(Struct, frozen=True):
    """A window of the week: `weekdays` on which it starts (Monday = 0), its start and length in minutes."""

    text: str
    weekdays: frozenset[int]
    start: int
    length: int


def parse_windows(written: object) -> tuple[Window, ...]:
    """One text or a list of them. Raises ValueError with the right form beside the input."""
    if isinstance(written, str):
        return (parse_window(written),)
    if not isinstance(written, list | tuple) or not written:
        raise ValueError(f"not hours: {written!r}; {_HOW}, or a list of such")
    return tuple(text if isinstance(text, Window) else parse_window(text) for text in written)


def parse_window(text: object) -> Window:
    """One window. Raises ValueError with the right form beside the input."""
    shape = _SHAPE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if shape is None:
        raise ValueError(f"not hours: {text!r}; {_HOW}")
    start, end = _minute(shape[2], text), _minute(shape[3], text)
    if start == DAY:
        raise ValueError(f"24:00 can only be an end: {text!r}; {_HOW}")
    return Window(str(text).strip(), _weekdays(shape[1], text), start, (end - start) % DAY or DAY)


@lru_cache(maxsize=4096)
def stretches(windows: tuple[Window, ...], zone: str, begin: int, end: int) -> tuple[tuple[int, int], ...]:
    """The open stretches that touch [begin, end), in UTC minutes: half-open, ascending, apart from each other.

    Both edges of a window are the first instants of their wall times, so it may be an hour longer or shorter,
    and one whose edges become one instant is not there that day.
    """
    first, last = begin // DAY - _MARGIN, end // DAY + _MARGIN
    opens = [
        (day * DAY + window.start, day * DAY + window.start + window.length)
        for window in windows
        for day in range(first, last + 1)
        if (day + _THURSDAY) % 7 in window.weekdays
    ]
    merged: list[tuple[int, int]] = []
    for opened, closed in _joined(sorted(opens)):
        start, stop = instant_of(opened, zone), instant_of(closed, zone)
        if start < stop and start < end and stop > begin:
            merged.append((start, stop))
    return tuple(merged)


def _joined(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping and touching ones as one."""
    joined: list[tuple[int, int]] = []
    for start, end in stretches:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _minute(clock: str, text: object) -> int:
    hours, minutes = map(int, clock.split(":"))
    if minutes > 59 or hours * 60 + minutes > DAY:
        raise ValueError(f"no such time of day in {text!r}; {_HOW}")
    return hours * 60 + minutes


def _weekdays(days: str | None, text: object) -> frozenset[int]:
    if days is None:
        return frozenset(range(7))
    chosen: set[int] = set()
    for item in days.replace(" ", "").split(","):
        first, _, last = item.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS or item.endswith("-"):
            raise ValueError(f"no such weekday in {text!r}; {_HOW}")
        start, span = _DAYS.index(first), _DAYS.index(last or first) - _DAYS.index(first)
        chosen.update((start + ahead) % 7 for ahead in range(span % 7 + 1))
    return frozenset(chosen)


def _as_written(windows: tuple[Window, ...]) -> list[str]:
    return [window.text for window in windows]


_JSON = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "description": _HOW}
Hours = Annotated[
    tuple[Window, ...],
    PlainValidator(parse_windows),
    PlainSerializer(_as_written, return_type=list[str]),
    WithJsonSchema(_JSON),
]
"""A pydantic field written as hours."""
