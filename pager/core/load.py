"""Load: what being on call cost whom, which rules are noisy, and how soon pages were answered, over a stretch of time.

A night is 22:00 to 07:00 on the clock of the person who sleeps. Times to an answer count from the first page.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from msgspec import Struct

from pager.core.severity import LEVELS

NIGHT_FROM, NIGHT_TO = time(22), time(7)
Span = tuple[datetime, datetime]
"""From and to, exclusive; UTC."""


class Sent(Struct, frozen=True):
    """A message that woke `person`, or could have: a page, or one that carried several."""

    person: str
    at: datetime


class Told(Struct, frozen=True):
    """An incident of the stretch. `paged_at` is its first page, `acked_at` its first acknowledgement; None: never.

    `by_itself`: it ended, and no person had it by then or ended it.
    """

    rule: str
    severity: str
    pages: int = 0
    paged_at: datetime | None = None
    acked_at: datetime | None = None
    by_itself: bool = False


class Burden(Struct, frozen=True):
    """What one person carried. `nights` are those that were interrupted, each once."""

    person: str
    on_call: timedelta
    pages: int
    night_pages: int
    nights: int


class Noise(Struct, frozen=True):
    """What one rule caused; `by_itself` of its incidents paged and ended before anybody had them."""

    rule: str
    incidents: int
    pages: int
    by_itself: int


class Answers(Struct, frozen=True):
    """How pages of one level were answered, all levels together for ""; lengths are None where nothing was."""

    severity: str
    paged: int
    acked: int
    median: timedelta | None
    worst: timedelta | None


class Load(Struct, frozen=True):
    """A report: people by nights and pages, rules by pages, answers by level and first of all together."""

    start: datetime
    end: datetime
    people: tuple[Burden, ...]
    rules: tuple[Noise, ...]
    answers: tuple[Answers, ...]


def load(
    start: datetime,
    end: datetime,
    sent: Iterable[Sent],
    told: Sequence[Told],
    turns: Mapping[str, Sequence[Span]],
    zones: Mapping[str, str],
) -> Load:
    """The report of [start, end). `turns` are those of each person, in any order, and may overlap; `zones` their zones.

    Who had nothing to do with it is left out.
    """
    by_person: defaultdict[str, list[datetime]] = defaultdict(list)
    for message in sent:
        if start <= message.at < end:
            by_person[message.person].append(message.at)
    burdens = (
        _burden(person, by_person.get(person, ()), on_call(turns.get(person, ()), start, end), zones.get(person, "UTC"))
        for person in sorted({*by_person, *turns})
    )
    people = sorted((one for one in burdens if one.pages or one.on_call), key=_heaviest)
    return Load(start, end, tuple(people), tuple(_noise(told)), tuple(_answers(told)))


def on_call(turns: Iterable[Span], start: datetime, end: datetime) -> timedelta:
    """How long at least one of `turns` lasted within [start, end): two at once are one."""
    total, until = timedelta(), start
    for begins, ends in sorted(turns):
        first, last = max(begins, until), min(ends, end)
        if first < last:
            total += last - first
            until = last
    return total


def night_of(at: datetime, zone: str) -> date | None:
    """The evening of the night that `at` is in, on the clock of `zone`; None by day."""
    here = at.astimezone(ZoneInfo(zone))
    if here.time() >= NIGHT_FROM:
        return here.date()
    return here.date() - timedelta(days=1) if here.time() < NIGHT_TO else None


def _burden(person: str, pages: Sequence[datetime], length: timedelta, zone: str) -> Burden:
    nights = [night for at in pages if (night := night_of(at, zone)) is not None]
    return Burden(person, length, len(pages), len(nights), len(set(nights)))


def _heaviest(one: Burden) -> tuple[int, int, timedelta, str]:
    return -one.nights, -one.pages, -one.on_call, one.person


def _noise(told: Iterable[Told]) -> list[Noise]:
    by_rule: defaultdict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_rule[one.rule].append(one)
    found = [
        Noise(rule, len(all_), sum(one.pages for one in all_), sum(one.by_itself and one.pages > 0 for one in all_))
        for rule, all_ in by_rule.items()
    ]
    return sorted(found, key=lambda one: (-one.pages, -one.incidents, one.rule))


def _answers(told: Sequence[Told]) -> list[Answers]:
    shelves = [("", told), *((level, [one for one in told if one.severity == level]) for level in LEVELS)]
    return [_answer(level, shelf) for level, shelf in shelves if not level or any(one.paged_at for one in shelf)]


def _answer(level: str, told: Iterable[Told]) -> Answers:
    paged = [one for one in told if one.paged_at is not None]
    waits = [
        max(timedelta(), one.acked_at - one.paged_at)
        for one in paged
        if one.acked_at is not None and one.paged_at is not None
    ]
    middle = timedelta(seconds=median(wait.total_seconds() for wait in waits)) if waits else None
    return Answers(level, len(paged), len(waits), middle, max(waits, default=None))
