"""Shifts of Grafana OnCall as layers: events that recur by the calendar, and the people who take turns at them."""

from calendar import monthrange

from pager.core.importing.index import Index
from pager.core.importing.model import Layer, Ring
from pager.core.importing.reading import Node
from pager.core.importing.turning import weekday, weekly
from pager.core.wall import DAY, datetime_of, minute_of, wall_of

_WEEK = 7 * DAY
_UNITS = {"hourly": 60, "daily": DAY, "weekly": _WEEK}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CRON = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTH = 28 * DAY
LONGEST = 400 * 86_400  # seconds


def layer_of(index: Index, node: Node, zone: str, web: bool, where: str) -> Layer | None:
    """The layer of one shift, its wall times read in its own zone or else `zone`; None if nobody has it."""
    zone = node.zone("time_zone", zone)
    name, length = node.text("name", "") or node.key(), node.number("duration", least=60, most=LONGEST) // 60
    ring = _ring(index, node, where)
    if not any(ring):
        index.export.remark("lost", where, f"shift {name} has nobody in it: left out")
        return None
    start, level = node.minutes("start", zone), node.number("level", 0)
    if node.text("type") == "single_event":
        return Layer(name, zone, ring[:1], start, start, until=start + length, level=level)
    until = wall_of(minute_of(node.moment("until")), zone) if node.value.get("until") else None
    kind, interval = node.text("frequency"), node.number("interval", 1, 1, 1000)
    days = _days(node)
    if node.value.get("by_month"):
        index.export.remark("differs", where, f"shift {name}: by_month is not carried over, it is all the year here")
    if kind == "monthly":
        return _monthly(
            index, node, Layer(name, zone, ring, start, start, until=until, level=level), length, interval, where
        )
    if kind not in _UNITS:
        raise node.refuse("frequency", f"unknown: {kind!r}; hourly, daily, weekly and monthly are known")
    anchor, begun = _anchor(node, zone, start, length, _UNITS[kind] * interval, web)
    if days and kind == "daily" and weekday(anchor) not in days:
        anchor = next(at for at in range(anchor, anchor + _WEEK, DAY) if weekday(at) in days)
    if days and kind == "daily" and len(ring) > 1:
        clock = datetime_of(anchor)
        cron = f"{clock.minute} {clock.hour} * * {','.join(_CRON[day] for day in sorted(days))}"
        hours = weekly((day, anchor % DAY, min(length, DAY)) for day in sorted(days))
        return Layer(
            name, zone, ring, anchor, anchor, handoff=cron, every=interval, until=until, hours=hours, level=level
        )
    return _regular(index, node, Layer(name, zone, ring, anchor, begun, until=until, level=level), length, days, where)


def _ring(index: Index, node: Node, where: str) -> Ring:
    kind = node.text("type")
    if kind == "rolling_users":
        found = node.value.get("rolling_users") or []
        if not isinstance(found, list) or not all(isinstance(group, list) for group in found):
            raise node.refuse("rolling_users", "not a list of lists of users")
        groups = [tuple(index.who(str(one), "", where) for one in group) for group in found if group]
        first = node.number("start_rotation_from_user_index", 0, 0) % max(1, len(groups))
        return tuple(groups[first:] + groups[:first])
    if kind not in ("recurrent_event", "single_event"):
        raise node.refuse(
            "type", f"unknown: {kind!r}; rolling_users, recurrent_event, single_event, override are known"
        )
    users = [index.who(one, "", where) for one in node.texts("users")]
    return (tuple(dict.fromkeys(users)),)


def _days(node: Node) -> set[int]:
    found = node.texts("by_day")
    for day in found:
        if day not in _DAYS:
            raise node.refuse("by_day", f"not a weekday: {day!r}; write MO, TU ...")
    return {_DAYS.index(day) for day in found}


def _anchor(node: Node, zone: str, start: int, length: int, step: int, web: bool) -> tuple[int, int]:
    """The event with which the first of the ring begins, and since when somebody is on call.

    With a `rotation_start` those are apart. Weeks and months are counted from `start` all the same. Days and hours
    are counted from the first event at or after it, in schedules of the web page the first that ends after it, but
    only where that comes within a month.
    """
    if node.text("type") != "rolling_users" or not node.value.get("rotation_start"):
        return start, start
    begun = node.minutes("rotation_start", zone)
    wanted = begun - length + 1 if web else begun
    if wanted <= start:
        return start, start
    first = start + -(-(wanted - start) // step) * step
    day = datetime_of(start)
    if node.text("frequency") == "weekly" or first > start + monthrange(day.year, day.month)[1] * DAY:
        return start, begun
    return first, first


def _regular(index: Index, node: Node, layer: Layer, length: int, days: set[int], where: str) -> Layer:
    """Turns of whole units, of which somebody may be on call for a part."""
    kind, interval = node.text("frequency"), node.number("interval", 1)
    unit, anchor = _UNITS[kind], layer.anchor
    hours: tuple[str, ...] = ()
    if kind == "weekly" and days:
        anchor = _first_of_week(node, anchor, days)
        hours, active = weekly((day, anchor % DAY, min(length, DAY)) for day in _from(weekday(anchor), days)), 1
        if length > DAY:
            said = f"shift {layer.name}: events of more than a day on several weekdays; here a day each"
            index.export.remark("differs", where, said)
    elif days:
        hours, active = weekly((day, anchor % DAY, min(length, DAY)) for day in sorted(days)), interval
    else:
        active = min(-(-length // unit), interval)
        if length < unit:
            hours = _part(unit, anchor, length)
        elif length % unit:
            said = f"shift {layer.name}: {length / 60:g} h is no whole number of its turns; here it is all of them"
            index.export.remark("differs", where, said)
    if unit == 60 and length < unit:
        index.export.remark(
            "differs", where, f"shift {layer.name}: parts of hours cannot be said here; it is the whole hour"
        )
    ring = tuple(entry for group in layer.ring for entry in (group,) * active + ((),) * (interval - active))
    if active == interval:
        ring, unit = layer.ring, unit * interval
    start = max(layer.start, anchor)
    return Layer(layer.name, layer.zone, ring, anchor, start, unit, until=layer.until, hours=hours, level=layer.level)


def _first_of_week(node: Node, anchor: int, days: set[int]) -> int:
    """The first event of the week that `anchor`, moved to a day on which there is one, lies in."""
    begins = _DAYS.index(node.text("week_start", "SU")) if node.text("week_start", "SU") in _DAYS else 6
    first = min(days, key=lambda day: (day - begins) % 7)
    if weekday(anchor) not in days:
        anchor += (first - weekday(anchor)) % 7 * DAY
    return anchor - ((weekday(anchor) - begins) % 7 - (first - begins) % 7) * DAY


def _from(first: int, days: set[int]) -> list[int]:
    return sorted(days, key=lambda day: (day - first) % 7)


def _part(unit: int, anchor: int, length: int) -> tuple[str, ...]:
    if unit == _WEEK:
        return weekly([(weekday(anchor), anchor % DAY, length)])
    return weekly((day, anchor % DAY, length) for day in range(7)) if unit == DAY else ()


def _monthly(index: Index, node: Node, layer: Layer, length: int, interval: int, where: str) -> Layer:
    days, begun = node.value.get("by_monthday") or [], datetime_of(layer.start)
    day = days[0] if days and isinstance(days[0], int) and 1 <= days[0] <= 28 else min(begun.day, 28)
    if length < _MONTH or len(days) > 1 or node.value.get("by_day") or (days and day != days[0]):
        said = f"shift {layer.name}: parts of months cannot be said here; it is on call from the {day}th for the month"
        index.export.remark("differs", where, said)
    cron = f"{begun.minute} {begun.hour} {day} * *"
    ring, start = layer.ring, layer.start
    if len(ring) == 1 and interval > 1:
        ring, interval = (*ring, *((),) * (interval - 1)), 1
    return Layer(
        layer.name, layer.zone, ring, start, start, handoff=cron, every=interval, until=layer.until, level=layer.level
    )
