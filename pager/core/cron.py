"""Hand-offs as cron lines: which are accepted, why others are not, and the wall times they name in a year.

croniter reads the fields; nothing else of it is used. Given a time with a zone it fires a daily 02:30 twice on
the autumn night, so matches are listed on the naive calendar here and turned into instants elsewhere.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NoReturn

from croniter import croniter
from msgspec import Struct

from pager.core.wall import day_start, instants_of

MOST_A_DAY = 24
_EXAMPLE = '"0 9 * * MON"'
_NAMES = ("minute", "hour", "day of month", "month", "day of week")
_SMALLEST, _LARGEST = (0, 0, 1, 1, 0), (59, 23, 31, 12, 7)
_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 9 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 9 * * MON",
    "@monthly": "0 9 1 * *",
    "@yearly": "0 9 1 1 *",
    "@annually": "0 9 1 1 *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    name: number for number, name in enumerate(_DAYS)
}
_ITEM = re.compile(r"(?P<first>\*|[A-Z]{3}|\d+)(?:-(?P<last>[A-Z]{3}|\d+))?(?:/(?P<step>\d+))?", re.ASCII)
_NTH = re.compile(r"([A-Z]{3}|[0-7])#[1-5]|L[0-7]|L", re.ASCII)
_WEEKDAY_L = re.compile(r"([A-Z]{3}|[0-7])L", re.ASCII)
_WEEKS = {"1-7": 1, "8-14": 2, "15-21": 3, "22-28": 4}
_LAST_WEEK = 6  # stands for `L` among the numbers of weeks
_CYCLE = 400  # years, after which the calendar is the same again, weekdays included
_SAMPLE = range(2024, 2032)  # eight years hold every 29 February; what never matches in them is a mistake


class Cron(Struct, frozen=True):
    """A cron line, read: `times` are minutes of the day; an empty set of days means every day.

    `weekdays` count from Sunday = 0; `weeks` maps some of them to which of the month they are.
    """

    times: tuple[int, ...]
    months: frozenset[int]
    days: frozenset[int]
    last_day: bool
    weekdays: frozenset[int]
    weeks: tuple[tuple[int, frozenset[int]], ...]

    def days_in(self, year: int, month: int) -> Iterator[int]:
        """The days of one month that match, ascending."""
        if month not in self.months:
            return
        first, length = monthrange(year, month)
        weeks = dict(self.weeks)
        for day in range(1, length + 1):
            weekday = (first + day) % 7
            if self._day(day, length) and self._weekday(weekday, day, length, weeks.get(weekday)):
                yield day

    def _day(self, day: int, length: int) -> bool:
        every = not self.days and not self.last_day
        return every or day in self.days or (self.last_day and day == length)

    def _weekday(self, weekday: int, day: int, length: int, weeks: frozenset[int] | None) -> bool:
        if self.weekdays and weekday not in self.weekdays:
            return False
        return weeks is None or (day + 6) // 7 in weeks or (_LAST_WEEK in weeks and day + 7 > length)


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """Read a hand-off. Raises ValueError that quotes it, says why it is refused, and gives the right spelling."""
    fields = _fields(text)
    for place, field in enumerate(fields):
        for item in field.split(","):
            _check_item(text, place, item)
    cron = _expand(text, fields)
    _check_whole(text, fields, cron)
    return cron


def check_cron(text: object) -> str:
    """The text itself, trimmed, if it is an accepted hand-off. Raises ValueError as `parse_cron` does."""
    if not isinstance(text, str):
        raise ValueError(f"not a hand-off: {text!r}; write a cron line in quotes such as {_EXAMPLE}")
    parse_cron(text.strip())
    return text.strip()


@lru_cache(maxsize=2048)
def handoffs(text: str, year: int) -> tuple[int, ...]:
    """The wall minutes that an accepted cron line names in `year`, ascending."""
    cron = parse_cron(text)
    days = [day_start(year, month, day) for month in range(1, 13) for day in cron.days_in(year, month)]
    return tuple(day + time for day in days for time in cron.times)


@lru_cache(maxsize=2048)
def handoff_instants(text: str, zone: str, year: int) -> tuple[int, ...]:
    """The UTC minutes of the same hand-offs in `zone`: as many, in the same order, two perhaps at one instant."""
    return instants_of(handoffs(text, year), zone, year)


@lru_cache(maxsize=8192)
def handoffs_between(text: str, first_year: int, year: int) -> int:
    """How many hand-offs there are from the start of `first_year` to the start of `year`."""
    cycles, rest = divmod(year - first_year, _CYCLE)
    whole = cycles and cycles * handoffs_between(text, first_year, first_year + _CYCLE - 1)
    whole += cycles * len(handoffs(text, first_year + _CYCLE - 1))
    return whole + sum(len(handoffs(text, past)) for past in range(first_year, first_year + rest))


def _fields(text: str) -> list[str]:
    fields = text.upper().split()
    if text.startswith("@"):
        right = _WORDS.get(text.lower())
        _refuse(text, "words hide the hour", f'"{right}"' if right else _EXAMPLE)
    if not text.isascii():
        _refuse(text, "only ASCII is read", _EXAMPLE)
    if len(fields) != 5:
        seconds = "; seconds and years are not accepted" if len(fields) in (6, 7) else ""
        _refuse(text, f"{len(fields)} fields{seconds}, 5 are: {', '.join(_NAMES)}", _EXAMPLE)
    return fields


def _check_item(text: str, place: int, item: str) -> None:
    if place in (2, 4) and _NTH.fullmatch(item):
        return
    name, shape = _NAMES[place], _ITEM.fullmatch(item)
    if shape is None:
        _refuse(text, *_why_not(name, item))
    first, last, step = shape["first"], shape["last"], int(shape["step"] or 1)
    if any(part.isdigit() and not _SMALLEST[place] <= int(part) <= _LARGEST[place] for part in (first, last or "")):
        _refuse(text, f"{item!r} in {name} is not from {_SMALLEST[place]} to {_LARGEST[place]}", _EXAMPLE)
    if last is not None and _number(first) == _number(last):
        _refuse(text, f"{item!r} in {name} starts where it ends, which means every value", f'"{first}" or "*"')
    if last is None and shape["step"] and _is_largest(first, place):
        _refuse(
            text, f"{item!r} in {name} means one value to some and every value to others", f'"{first}" or "*/{step}"'
        )
    if not 1 <= step <= _LARGEST[place]:
        _refuse(text, f"the step of {item!r} in {name} is not from 1 to {_LARGEST[place]}", '"*/2"')


def _why_not(name: str, item: str) -> tuple[str, str]:
    """The reason and the right spelling for an item that has no accepted shape."""
    last = _WEEKDAY_L.fullmatch(item)
    if last:
        return f"{item!r} in {name} has its L behind", f'"L{_number(last[1])}" for the last one of the month'
    if re.match(r"[HR](\W|$)", item):
        kind = "spread by a hash" if item[0] == "H" else "random"
        return f"{item!r} in {name} is {kind}, so nobody can read from it who is on call", "a number"
    if re.fullmatch(r"\d+W|L?W", item):
        return f"{item!r} in {name} is a nearest weekday, which moves the day", '"MON#1" for the first Monday'
    if item == "?":
        return f"'?' in {name} says nothing", '"*"'
    return f"{item!r} is no {name}", _EXAMPLE


def _expand(text: str, fields: list[str]) -> Cron:
    try:
        (minutes, hours, days, months, weekdays), weeks = croniter.expand(" ".join(fields), strict=True)
    except (ValueError, KeyError, IndexError) as error:
        # Its message repeats the line; ours does, too.
        reason = str(error).replace(" ".join(fields).lower(), "the line").replace(" ".join(fields), "the line")
        raise ValueError(f"not a hand-off: {text!r}: {reason}; write {_EXAMPLE}") from None
    hours_of = range(24) if "*" in hours else _ints(hours)
    minutes_of = range(60) if "*" in minutes else _ints(minutes)
    return Cron(
        times=tuple(hour * 60 + minute for hour in hours_of for minute in minutes_of),
        months=frozenset(range(1, 13) if "*" in months else _ints(months)),
        days=frozenset(_ints(days)),
        last_day="l" in days,
        weekdays=frozenset(_ints(weekdays)),
        weeks=tuple(
            (int(day), frozenset(n if isinstance(n, int) else _LAST_WEEK for n in ns)) for day, ns in weeks.items()
        ),
    )


def _check_whole(text: str, fields: list[str], cron: Cron) -> None:
    if len(cron.times) > MOST_A_DAY:
        _refuse(text, f"{len(cron.times)} hand-offs a day, {MOST_A_DAY} at most", '"0 * * * *"')
    if (cron.days or cron.last_day) and cron.weekdays:
        week = _WEEKS.get(fields[2])
        right = f'"{fields[0]} {fields[1]} * {fields[3]} {fields[4]}#{week}"' if week else '"MON#1", or one day field'
        _refuse(text, "with both day fields a day that fits either one counts", right)
    if not any(handoffs_of(cron, year) for year in _SAMPLE):
        _refuse(text, f"no day of {_SAMPLE[0]} to {_SAMPLE[-1]} matches", _EXAMPLE)


def handoffs_of(cron: Cron, year: int) -> bool:
    """Whether any day of `year` matches."""
    return any(day for month in range(1, 13) for day in cron.days_in(year, month))


def _is_largest(first: str, place: int) -> bool:
    return _number(first) >= _LARGEST[place] - (place == 4)


def _number(name: str) -> int:
    return _NUMBERS[name] if name in _NUMBERS else int(name) if name.isdigit() else -1


def _ints(values: Iterable[object]) -> list[int]:
    return sorted(value for value in values if isinstance(value, int))


def _refuse(text: str, reason: str, right: str) -> NoReturn:
    raise ValueError(f"not a hand-off: {text!r}: {reason}; write {right}")
