"""Times as people write them: `2026-03-02`, `2026-03-02 09:00` on the wall clock, or RFC 3339 with an offset.

A time without an offset is what the clock of the schedule's zone reads; one with an offset is exact in any zone.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from msgspec import Struct
from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from pager.core.wall import (
    DAY,
    FIRST_YEAR,
    LAST_YEAR,
    check_zone,
    datetime_of,
    instant_of,
    minute_of,
    wall_minute,
    wall_of,
)

_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ Tt](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?\s?([Zz]|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_HOW = "write 2026-03-02, 2026-03-02 09:00 or 2026-03-02T09:00+01:00"
_ZONE_HOW = "an IANA time zone such as Europe/Berlin"


class Moment(Struct, frozen=True):
    """A written time: `minute` since 1970 in UTC if `exact`, else on the wall clock of whoever reads it."""

    minute: int
    exact: bool = False

    def instant(self, zone: str) -> int:
        """UTC minutes; a wall time by the first instant at which the clock in `zone` reads so or later."""
        return self.minute if self.exact else instant_of(self.minute, zone)

    def wall(self, zone: str) -> int:
        """The lowest wall minute in `zone` whose instant is this one or later."""
        return wall_of(self.minute, zone) if self.exact else self.minute

    def __str__(self) -> str:
        """The shortest spelling that `parse_moment` reads back."""
        at = datetime_of(self.minute)
        if self.exact:
            return f"{at:%Y-%m-%dT%H:%MZ}"
        return f"{at:%Y-%m-%d %H:%M}" if self.minute % DAY else f"{at:%Y-%m-%d}"


def parse_moment(written: object) -> Moment:
    """The time that was written. Raises ValueError with the right form beside the input.

    Written seconds other than 00 are refused; of a datetime object the seconds are dropped.
    """
    if isinstance(written, Moment):
        return written
    if isinstance(written, datetime):
        return _in_range(written, written)
    if isinstance(written, date):
        return _in_range(datetime(written.year, written.month, written.day), written)  # noqa: DTZ001  wall time
    return _in_range(_read(written), written)


def parse_day(written: object) -> Moment:
    """A whole day, as its 00:00. Raises ValueError when a time of day was written."""
    day = parse_moment(written)
    if day.exact or day.minute % DAY:
        raise ValueError(f"not a whole day: {written!r}; write 2026-07-19, or to: with a time, which is exclusive")
    return day


def _read(written: object) -> datetime:
    shape = _SHAPE.fullmatch(written.strip()) if isinstance(written, str) else None
    if shape is None:
        raise ValueError(f"not a time: {written!r}; {_HOW}")
    if (shape[3] or "00") != "00":
        raise ValueError(f"seconds have no meaning here: {written!r}; {_HOW}")
    try:
        return datetime.fromisoformat(f"{shape[1]}T{shape[2] or '00:00'}{(shape[4] or '').upper()}")
    except ValueError:
        raise ValueError(f"no such time: {written!r}; {_HOW}") from None


def _in_range(at: datetime, written: object) -> Moment:
    if not FIRST_YEAR <= at.year < LAST_YEAR:
        raise ValueError(f"too far away: {str(written)!r}; write a year from {FIRST_YEAR} to {LAST_YEAR - 1}")
    return Moment(wall_minute(at)) if at.tzinfo is None else Moment(minute_of(at.astimezone(UTC)), exact=True)


def day_after(day: Moment) -> Moment:
    """00:00 of the next day: where a stretch `through` that day ends."""
    return Moment(day.minute + DAY)


def spoken(instant: int) -> str:
    """An instant for messages: `2026-03-02T08:00Z`."""
    return f"{datetime_of(instant):%Y-%m-%dT%H:%MZ}"


When = Annotated[
    Moment,
    PlainValidator(parse_moment),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "description": _HOW}),
]
"""A pydantic field written as a time."""

Day = Annotated[
    Moment,
    PlainValidator(parse_day),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "description": "a whole day, included: 2026-07-19"}),
]
"""A pydantic field written as a day, included."""

Zone = Annotated[str, BeforeValidator(check_zone), WithJsonSchema({"type": "string", "description": _ZONE_HOW})]
"""A pydantic field written as the name of an IANA zone."""
