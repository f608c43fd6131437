"""One layer as its keys in YAML: dated versions with hand-offs on the wall clock, and hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pager.core.importing.model import NOBODY, Layer, Ring
from pager.core.moment import Moment
from pager.core.wall import DAY, minute_of, wall_of

WEEK = 7 * DAY
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONDAY = 4 * DAY  # 1970-01-05 was one
_LOOKS = 400  # days ahead in which a clock changes, if it ever does


def handoff_of(anchor: int, length: int) -> tuple[str, int]:
    """The cron line and `every` of turns of `length` minutes from the wall minute `anchor` on.

    Lengths are whole hours, as `rounded` makes them; of other lengths the hand-offs would come too often for a cron
    line.
    """
    hour, minute = anchor % DAY // 60, anchor % 60
    if length % WEEK == 0:
        return f"{minute} {hour} * * {_DAYS[weekday(anchor)].upper()}", length // WEEK
    if length % DAY == 0:
        return f"{minute} {hour} * * *", length // DAY
    if DAY % length == 0:
        hours = sorted((hour + step) % 24 for step in range(0, 24, length // 60))
        return f"{minute} {','.join(map(str, hours))} * * *", 1
    return f"{minute} * * * *", length // 60


def rounded(length: int) -> int:
    """The whole hours nearest to `length` minutes, at least one."""
    return max(1, round(length / 60)) * 60


def weekday(minute: int) -> int:
    """The weekday of a wall minute, Monday = 0."""
    return (minute - _MONDAY) // DAY % 7


def keys_of(layer: Layer, now: datetime) -> dict[str, Any]:
    """`rotation`, and `hours` and `until` if it has them, as YAML will say them."""
    keys: dict[str, Any] = {"rotation": list(_versions(layer, wall_of(minute_of(now), layer.zone)))}
    if layer.hours:
        keys["hours"] = layer.hours[0] if len(layer.hours) == 1 else list(layer.hours)
    if layer.until is not None:
        keys["until"] = str(Moment(layer.until))
    return keys


def people_of(ring: Ring) -> list[Any]:
    """A ring as people write it."""
    entries = [entry or (NOBODY,) for entry in ring]
    return [entry[0] if len(entry) == 1 else list(entry) for entry in entries]


def _versions(layer: Layer, now: int) -> Iterable[dict[str, Any]]:
    if len(set(layer.ring)) == 1:
        yield {"from": str(Moment(layer.start)), "people": people_of(layer.ring[:1])}
        return
    if layer.handoff:
        yield _version(layer.start, layer.handoff, layer.every, layer.ring)
        return
    handoff, every = handoff_of(layer.anchor, layer.length)
    turn, into = divmod(layer.start - layer.anchor, layer.length)
    running = layer.start - into
    if into and layer.start > now:
        # Somebody begins in the middle of a turn that is still to come: until its end they stand alone.
        yield {"from": str(Moment(layer.start)), "people": people_of(_turned(layer.ring, turn)[:1])}
        turn, running = turn + 1, running + layer.length
    yield _version(running, handoff, every, _turned(layer.ring, turn))


def _version(start: int, handoff: str, every: int, ring: Ring) -> dict[str, Any]:
    steps = {"every": every} if every > 1 else {}
    return {"from": str(Moment(start)), "handoff": handoff, **steps, "people": people_of(ring)}


def _turned(ring: Ring, turns: int) -> Ring:
    """The ring as it stands after so many turns."""
    first = turns % len(ring)
    return ring[first:] + ring[:first]


# Hours.


def weekly(pieces: Iterable[tuple[int, int, int]]) -> tuple[str, ...]:
    """Hours for (weekday, start, length), all in minutes, Monday = 0; days with the same times stand together.

    Of a length of more than a day each day is a piece. A whole week gives no hours: it is always.
    """
    by_time: dict[str, set[int]] = {}
    for day, start, length in pieces:
        if length >= WEEK:
            return ()
        while length > 0:
            now = length if length <= DAY else DAY - start
            by_time.setdefault(_clock(start, now), set()).add(day % 7)
            day, start, length = day + (start + now) // DAY, (start + now) % DAY, length - now
    if set(by_time) == {_clock(0, DAY)} and len(by_time[_clock(0, DAY)]) == 7:
        return ()
    return tuple(f"{_days(days)} {clock}".strip() for clock, days in by_time.items())


def daily(start: int, length: int) -> tuple[str, ...]:
    """Hours of every day; none for a whole day from midnight on."""
    return weekly((day, start, length) for day in range(7)) if length < DAY else ()


def _clock(start: int, length: int) -> str:
    end = start + length if start + length <= DAY else start + length - DAY
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _days(days: set[int]) -> str:
    if len(days) == 7:
        return ""
    order = sorted(days)
    if len(order) > 2 and order[-1] - order[0] == len(order) - 1:
        return f"{_DAYS[order[0]]}-{_DAYS[order[-1]]}"
    return ",".join(_DAYS[day] for day in order)


# Clocks.


def next_change(zone: str, now: datetime) -> datetime | None:
    """The first instant after `now`, to the hour, at which the clock in `zone` has changed; None if it never does."""
    clock, start = ZoneInfo(zone), now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    offset = start.astimezone(clock).utcoffset()
    for day in range(1, _LOOKS):
        if (start + timedelta(days=day)).astimezone(clock).utcoffset() != offset:
            hours = (start + timedelta(days=day - 1, hours=hour) for hour in range(25))
            return next(at for at in hours if at.astimezone(clock).utcoffset() != offset)
    return None


def drift(length: int, zone: str, now: datetime) -> str:
    """What to say of turns of `length` minutes that are no whole days, or "" where it makes no difference."""
    change = None if length % DAY == 0 else next_change(zone, now)
    if change is None:
        return ""
    return (
        f"turns of {length / 60:g} h are counted on the wall clock of {zone} here; if they were counted in hours that "
        f"pass, hand-offs differ by an hour from {change:%Y-%m-%dT%H:%MZ} on"
    )
