"""Wall time and instants: what a local clock reads, and the first instant at which it reads so.

One sentence covers every clock change: a wall-clock time means the first instant at which the local clock
shows that time or a later one. In a gap that is the end of the gap, in a fold the first pass, on a day that
a country skipped the first instant after it. Touching stretches of wall time therefore touch as instants.

Inside, both are whole minutes since 1970-01-01 00:00: `wall` minutes on the local clock, `instant` minutes in UTC.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

MINUTE = timedelta(minutes=1)
DAY = 24 * 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1980, 9990
"""The years that may be written. Before 1980 some zones were off by seconds; the calendar itself ends in 9999."""

_EPOCH_NAIVE = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock has no zone
_EPOCH_DAY = _EPOCH_NAIVE.toordinal()
_MARGIN = 3 * DAY  # more than any zone is away from UTC, twice
_PROBE = 5 * DAY  # since 1980 no zone has changed its clock twice within a week
_NEVER = 1 << 62


def minute_of(at: datetime) -> int:
    """The minute in which `at` falls, in minutes since 1970 UTC. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"not an instant: {at.isoformat()!r} has no zone; write 2026-01-05T09:00+01:00")
    return (at - EPOCH) // MINUTE


def datetime_of(instant: int) -> datetime:
    """The instant as a datetime in UTC."""
    return EPOCH + instant * MINUTE


def wall_minute(wall: datetime) -> int:
    """What a clock reads, as minutes since 1970 on that same clock. A zone, if there is one, is left aside."""
    return (wall.replace(tzinfo=None) - _EPOCH_NAIVE) // MINUTE


def day_start(year: int, month: int = 1, day: int = 1) -> int:
    """Wall minute of 00:00 on that day."""
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY


def date_of(minute: int) -> date:
    """The calendar day of a minute, wall or UTC."""
    return date.fromordinal(minute // DAY + _EPOCH_DAY)


def check_zone(name: object) -> str:
    """The name itself, if it is an IANA zone. Raises ValueError with the nearest name beside it."""
    try:
        return ZoneInfo(name).key if isinstance(name, str) and name else _refuse_zone(name)
    except (KeyError, ValueError, OSError):  # unknown, not a relative path, a folder such as "Europe"
        return _refuse_zone(name)


@lru_cache(maxsize=1 << 14)
def instant_of(wall: int, zone: str) -> int:
    """The first instant at which a clock in `zone` reads `wall` or later. Never decreases as `wall` grows."""
    return _table(zone, date_of(wall).year).instant(wall)


def instants_of(walls: Sequence[int], zone: str, year: int) -> tuple[int, ...]:
    """`instant_of` for many: ascending wall minutes, all of one `year`."""
    table, instants, at = _table(zone, year), list[int](), 0
    for start, offset, reads in zip(table.starts, table.offsets, table.reads, strict=True):
        upto = bisect_left(walls, reads, at)
        instants += [max(start, wall - offset) for wall in walls[at:upto]]
        at = upto
    return tuple(instants)


def wall_of(instant: int, zone: str) -> int:
    """The lowest wall minute whose instant is `instant` or later: `wall < wall_of(t)` is `instant_of(wall) < t`.

    Outside gaps and folds that is what the clock reads. In the second pass of a fold it is the end of the fold,
    because every earlier reading was passed before.
    """
    return _table(zone, date_of(instant).year).wall(instant)


def first_instant(wall: datetime, zone: str) -> datetime:
    """The UTC instant of a naive wall-clock time in `zone`, to the minute."""
    return datetime_of(instant_of(wall_minute(wall), zone))


class _Table(Struct, frozen=True):
    """One zone around one year: stretches of one offset, from `starts[i]` (UTC) on.

    `reads[i]` is the highest reading, exclusive, that the clock has shown when stretch i ends.
    """

    starts: tuple[int, ...]
    offsets: tuple[int, ...]
    reads: tuple[int, ...]

    def instant(self, wall: int) -> int:
        at = bisect_right(self.reads, wall)
        return max(self.starts[at], wall - self.offsets[at])

    def wall(self, instant: int) -> int:
        at = bisect_right(self.starts, instant) - 1
        if at <= 0:
            return instant + self.offsets[0]
        passed = self.reads[at - 1]
        # Exactly at a change every reading that was jumped over has its first instant here, too.
        return passed if instant == self.starts[at] else max(instant + self.offsets[at], passed)


@lru_cache(maxsize=4096)
def _table(zone: str, year: int) -> _Table:
    clock = ZoneInfo(zone)
    begin, end = day_start(year) - _MARGIN, day_start(year + 1) + _MARGIN
    changes = [begin]
    for low, high in pairwise(range(begin, end + _PROBE, _PROBE)):
        if _offset(clock, low) != _offset(clock, high):
            changes.append(_change_between(clock, low, high))
    offsets = [_offset(clock, start) for start in changes]
    passed = [upto + offset for upto, offset in zip(changes[1:], offsets, strict=False)]
    return _Table(tuple(changes), tuple(offsets), (*accumulate(passed, max), _NEVER))


def _offset(clock: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant * 60, clock).utcoffset() or timedelta()
    return offset // MINUTE


def _change_between(clock: ZoneInfo, low: int, high: int) -> int:
    """The first minute in (low, high] that has another offset than `low`."""
    before = _offset(clock, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(clock, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _refuse_zone(name: object) -> str:
    near = get_close_matches(str(name), available_timezones(), n=1)
    raise ValueError(f"not a time zone: {name!r}; write {near[0] if near else 'Europe/Berlin'}")
