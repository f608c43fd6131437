"""A second evaluator of schedules, which shares no code with the product: it steps through time, minute by minute.

Everything hangs on one number: what a clock in the zone has read at most so far. A wall time has come when that
reading is there or past it, which is rule 1 of the semantics, word for word.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MONTHS = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
Doc = dict[str, Any]
Ranks = tuple[tuple[str, ...], ...]


def walk(doc: Doc, begin: datetime, end: datetime, step: int = 1) -> Iterator[tuple[datetime, Ranks]]:
    """(instant, ranks) every `step` minutes of [begin, end); all edges must lie on a multiple of `step`."""
    home = doc.get("timezone", "UTC")
    layers = doc.get("layers", [doc])
    walkers = [Walker(layer, layer.get("timezone", home), begin) for layer in layers]
    clock = Clock(home, begin)
    at = begin
    while at < end:
        clock.advance(at)
        for walker in walkers:
            walker.advance(at)
        yield at, ranks_at(doc, walkers, clock, at)
        at += timedelta(minutes=step)


class Clock:
    """The highest reading that a local clock has shown up to now."""

    def __init__(self, zone: str, begin: datetime) -> None:
        self.zone = ZoneInfo(zone)
        self.reading = datetime.fromisoformat("0001-01-01")
        hours = [begin - timedelta(hours=ago) for ago in range(27)]
        # Only a change of the clock can have left a reading that is above the present one.
        minutes = 1 if len({at.astimezone(self.zone).utcoffset() for at in hours}) == 1 else 26 * 60
        for ago in range(minutes - 1, -1, -1):
            self.advance(begin - timedelta(minutes=ago))

    def advance(self, at: datetime) -> None:
        self.reading = max(self.reading, at.astimezone(self.zone).replace(tzinfo=None))

    def has_come(self, written: str, at: datetime) -> bool:
        moment = read(written)
        return at >= moment if moment.tzinfo else self.reading >= moment


class Walker:
    """One layer: how many hand-offs of each version have come so far."""

    def __init__(self, layer: Doc, zone: str, begin: datetime) -> None:
        self.layer, self.zone = layer, zone
        self.clock = Clock(zone, begin)
        self.versions: list[Doc] = []
        for version in layer["rotation"]:
            known = self.versions[-1] if self.versions else {"every": 1}
            self.versions.append({**known, **version})
        self.counts = [0] * len(self.versions)
        self.done = [last_before(version["from"], zone) for version in self.versions]
        self.advance(begin)

    def advance(self, at: datetime) -> None:
        self.clock.advance(at)
        for number, version in enumerate(self.versions):
            if version.get("handoff") is not None and self.done[number] < self.clock.reading:
                self.counts[number] += count(version["handoff"], self.done[number], self.clock.reading)
                self.done[number] = self.clock.reading

    def ring(self, at: datetime) -> list[list[str]]:
        """The entries from the current one on; empty while nobody has a turn."""
        if "until" in self.layer and self.clock.has_come(self.layer["until"], at):
            return []
        if "hours" in self.layer and not is_open(self.layer["hours"], self.clock.reading):
            return []
        for version, handoffs in reversed(list(zip(self.versions, self.counts, strict=True))):
            people = [[entry] if isinstance(entry, str) else list(entry) for entry in version["people"]]
            if version.get("handoff") is None:
                if self.clock.has_come(version["from"], at):
                    return people
            elif handoffs:
                turn = (handoffs - 1) // version["every"]
                return [people[(turn + ahead) % len(people)] for ahead in range(len(people))]
        return []


def ranks_at(doc: Doc, walkers: list[Walker], clock: Clock, at: datetime) -> Ranks:
    away = [a for a in doc.get("away", []) if running(a, clock, at)]
    gone = {a["who"] for a in away}
    ring: list[list[str]] = []
    for walker in reversed(walkers):
        entries = [attend(entry, away, gone) for entry in walker.ring(at)]
        if entries and not entries[0] and walker.layer.get("when_away") == "gap":
            continue
        ring = [entry for entry in entries if entry]
        if ring:
            break
    people = list(ring[0]) if ring else []
    for override in doc.get("overrides", []):
        if running(override, clock, at):
            people = change(people, override)
    ranks = [people]
    for entry in ring:
        ranks.append([name for name in entry if not any(name in rank for rank in ranks)])
    return tuple(tuple(rank) for rank in ranks if rank) if people else ()


def attend(entry: list[str], away: list[Doc], gone: set[str]) -> list[str]:
    there: list[str] = []
    for name in entry:
        if name not in gone:
            there.append(name)
            continue
        covers = [a["cover"] for a in away if a["who"] == name and "cover" in a and a["cover"] not in gone]
        there += covers[:1]
    return [name for at, name in enumerate(there) if name not in there[:at]]


def change(people: list[str], override: Doc) -> list[str]:
    if "who" in override:
        return as_list(override["who"])
    if "add" in override:
        return people + [name for name in as_list(override["add"]) if name not in people]
    if "remove" in override:
        return [name for name in people if name not in as_list(override["remove"])]
    changed: list[str] = []
    for name in people:
        for new in as_list(override["with"]) if name == override["replace"] else [name]:
            if new not in changed:
                changed.append(new)
    return changed


def running(stretch: Doc, clock: Clock, at: datetime) -> bool:
    if "to" in stretch:
        over = clock.has_come(stretch["to"], at)
    else:
        over = clock.reading.date() > date.fromisoformat(stretch["through"])
    return clock.has_come(stretch["from"], at) and not over


def is_open(hours: str | list[str], reading: datetime) -> bool:
    for text in as_list(hours):
        *days, times = text.split(" ")
        start, end = times.split("-")
        for day in (reading.date(), reading.date() - timedelta(days=1)):
            opens, closes = at_clock(day, start), at_clock(day, end)
            if closes <= opens:
                closes = at_clock(day + timedelta(days=1), end)
            if (not days or weekday(day) in named(days[0], DAYS)) and opens <= reading < closes:
                return True
    return False


def at_clock(day: date, clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return datetime.combine(day, time()) + timedelta(hours=int(hours), minutes=int(minutes))


def count(cron: str, after: datetime, upto: datetime) -> int:
    """Matches of the cron in (after, upto], naive."""
    if upto - after <= timedelta(minutes=60):
        minutes = int((upto - after).total_seconds()) // 60
        return sum(matches(cron, after + timedelta(minutes=ahead + 1)) for ahead in range(minutes))
    days = (upto.date() - after.date()).days
    starts = [at_clock(after.date() + timedelta(days=ahead), "00:00") for ahead in range(days + 1)]
    return sum(
        after < start + timedelta(minutes=minute) <= upto
        for start in starts
        if day_matches(cron, start.date())
        for minute in minutes_of_day(cron)
    )


def matches(cron: str, wall: datetime) -> bool:
    return wall.hour * 60 + wall.minute in minutes_of_day(cron) and day_matches(cron, wall.date())


@lru_cache
def minutes_of_day(cron: str) -> tuple[int, ...]:
    minute, hour, *_ = cron.split()
    return tuple(h * 60 + m for h in numbers(hour, 0, 23) for m in numbers(minute, 0, 59))


@lru_cache(maxsize=65536)
def day_matches(cron: str, day: date) -> bool:
    _, _, days, months, weekdays = cron.lower().split()
    if MONTHS[day.month] not in named(months, MONTHS):
        return False
    last = (day + timedelta(days=1)).month != day.month
    if days == "l":
        return last
    if "#" in weekdays:
        name, nth = weekdays.split("#")
        return weekday(day) in named(name, DAYS) and (day.day - 1) // 7 + 1 == int(nth)
    if weekdays.startswith("l"):
        return weekday(day) == DAYS[int(weekdays[1:]) % 7] and (day + timedelta(days=7)).month != day.month
    return day.day in numbers(days, 1, 31) and weekday(day) in named(weekdays, DAYS)


def numbers(field: str, low: int, high: int) -> list[int]:
    found: list[int] = []
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        start, stop = (low, high) if span == "*" else (int(first), int(last or (high if step else first)))
        found += range(start, stop + 1, int(step or 1))
    return sorted(set(found))


def named(field: str, names: list[str]) -> list[str]:
    """The names that a list of names, ranges of them (also over the end) or numbers stands for; all of them for `*`."""
    if field == "*":
        return names
    found = []
    for item in field.lower().split(","):
        first, _, last = item.partition("-")
        at, end = place(first, names), place(last or first, names)
        while True:
            found.append(names[at])
            if at == end:
                break
            at = (at + 1) % len(names)
    return found


def place(name: str, names: list[str]) -> int:
    return int(name) % len(names) if name.isdigit() else names.index(name)


def weekday(day: date) -> str:
    return DAYS[day.isoweekday() % 7]


def last_before(written: str, zone: str) -> datetime:
    """The last reading that is too early to count."""
    moment = read(written)
    if moment.tzinfo is None:
        return moment - timedelta(minutes=1)
    return Clock(zone, moment - timedelta(minutes=1)).reading


def read(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment.astimezone(UTC) if moment.tzinfo else moment


def as_list(written: Any) -> list[str]:
    return [written] if isinstance(written, str) else list(written)
