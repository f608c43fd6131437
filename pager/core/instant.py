"""Instants as people type them: `2026-03-30T09:00+02:00`, `2026-03-30 09:00 Europe/Berlin`, `sat 03:04`, `+2h`."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pager.core.duration import parse_duration
from pager.core.wall import check_zone, first_instant

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AHEAD = {"yesterday": -1, "today": 0, "tomorrow": 1}
_ZONED = re.compile(r"(.*?)(?:\s+([A-Za-z][\w+-]*(?:/[\w+-]+)+|UTC))?", re.ASCII)
_WALL = re.compile(
    r"(?:(?P<date>\d{4}-\d\d-\d\d)|(?P<word>[a-z]+))?(?:(?:^|(?<=\S)[ t]+)(?P<clock>\d\d:\d\d(?::\d\d)?))?",
    re.ASCII | re.IGNORECASE,
)
_HOW = "write 2026-03-30T09:00+02:00, 2026-03-30 09:00 Europe/Berlin, 2026-03-30, sat 03:04, tomorrow 09:00 or +2h"


@lru_cache(maxsize=256)
def parse_instant(text: str, now: datetime, zone: str = "UTC") -> datetime:
    """The UTC instant that `text` names; without a zone of its own it is wall time in `zone`.

    A day without a time is its 00:00. A weekday or a bare time is the next one that is not before `now`. A wall time
    that the clocks skip is the first instant after it. Raises ValueError with the right forms.
    """
    written = text.strip()
    if written.lower() == "now":
        return now.astimezone(UTC)
    if written[:1] in ("+", "-"):
        length = parse_duration(written[1:])
        return (now + length if written[0] == "+" else now - length).astimezone(UTC)
    exact = _exact(written)
    return exact if exact is not None else _wall(written, now, zone)


def _exact(text: str) -> datetime | None:
    """RFC 3339, and its like without seconds; None for what has no offset."""
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if at.tzinfo is None or not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text.upper(), re.ASCII):
        return None
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"too far away: {text!r}; {_HOW}") from None


def _wall(text: str, now: datetime, zone: str) -> datetime:
    zoned = _ZONED.fullmatch(text)
    rest, own = (zoned[1], zoned[2]) if zoned else (text, None)
    zone = check_zone(own or zone)
    shape = _WALL.fullmatch(rest)
    if shape is None or not rest:
        raise ValueError(f"not a time: {text!r}; {_HOW}")
    here = now.astimezone(ZoneInfo(zone))
    try:
        clock = time.fromisoformat((shape["clock"] or "00:00")[:5])
        seconds = timedelta(seconds=int((shape["clock"] or "")[6:8] or 0))
        day, every = _day(shape["date"], shape["word"], here.date())
        at = first_instant(datetime.combine(day, clock), zone) + seconds
        again = first_instant(datetime.combine(day + timedelta(days=every), clock), zone) + seconds
    except (ValueError, OverflowError):
        raise ValueError(f"no such time: {text!r}; {_HOW}") from None
    return again if every and at < now else at


def _day(written: str | None, word: str | None, today: date) -> tuple[date, int]:
    """The day, and after how many days it comes again if its time has passed: 0 for a day that does not."""
    if written:
        return date.fromisoformat(written), 0
    if word is None:
        return today, 1
    if word.lower() in _AHEAD:
        return today + timedelta(days=_AHEAD[word.lower()]), 0
    weekday = next((at for at, name in enumerate(_DAYS) if word.lower() in (name, name[:3])), None)
    if weekday is None:
        raise ValueError(f"not a day: {word!r}")
    return today + timedelta(days=(weekday - today.weekday()) % 7), 7
