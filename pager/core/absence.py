"""Absences as calendars tell them: whose an entry is, and the `away` lines of a schedule that say the same."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from pager.core.moment import Moment
from pager.core.schedule import Away
from pager.core.wall import DAY, datetime_of

_WORDS = re.compile(r"[^\W_]+")
_PLAIN = re.compile(r"(?!(?:null|true|false)$)[a-z][a-z0-9-]*", re.ASCII)
_TIMES = ("from", "to", "through")


class Entry(Struct, frozen=True):
    """What stands in a calendar from `start` to `end`, exclusive: whole days and floating times on the wall clock.

    `attendees` and `organizers` are names and mail addresses; who declined is not among them.
    """

    start: Moment
    end: Moment
    title: str = ""
    attendees: tuple[str, ...] = ()
    organizers: tuple[str, ...] = ()


class Absence(Struct, frozen=True):
    """`who` is away from `start` to `end`, exclusive; both exact, or both on the wall clock of the schedule."""

    who: str
    start: Moment
    end: Moment

    def keys(self, zone: str = "") -> dict[str, str]:
        """As people write it: whole days `through` the last one, exact times with the offset of `zone`, or in UTC."""
        first = {"who": self.who, "from": _spelled(self.start, zone)}
        if self.start.exact or self.start.minute % DAY or self.end.minute % DAY:
            return {**first, "to": _spelled(self.end, zone)}
        return {**first, "through": str(Moment(self.end.minute - DAY))}

    def stands_in(self, away: Iterable[Away], zone: str) -> bool:
        """Whether one of these absences says it already."""
        start, end = self.start.instant(zone), self.end.instant(zone)
        spans = (one.span(zone) for one in away if one.who == self.who)
        return any(begin <= start and end <= stop for begin, stop in spans)


def whose(entry: Entry, people: Mapping[str, str]) -> tuple[str, ...]:
    """Which of `people`, key -> full name, are away: those who attend, else who is in the title, else the organizer.

    The title comes before the organizer: whoever keeps the calendar of a team enters the holidays of others.
    """
    for texts, match in ((entry.attendees, called), ((entry.title,), named_in), (entry.organizers, called)):
        found = dict.fromkeys(who for text in texts for who in match(text, people))
        if found:
            return tuple(found)
    return ()


def called(text: str, people: Mapping[str, str]) -> tuple[str, ...]:
    """Who is called exactly so: `Ana Lima`, `Lima, Ana`, `ana`, or ana.lima@ before any host."""
    words = _words(text.partition("@")[0])
    return tuple(
        key for key, name in people.items() if words and (words == _words(key) or sorted(words) == sorted(_words(name)))
    )


def named_in(text: str, people: Mapping[str, str]) -> tuple[str, ...]:
    """Whose name stands in a sentence, in whole words; a full name counts for more than a short one."""
    said = f" {' '.join(_words(text))} "
    full = tuple(key for key, name in people.items() if _stands(name, said))
    return full or tuple(key for key in people if _stands(key, said))


def merged(absences: Iterable[Absence]) -> list[Absence]:
    """The same time away in as few stretches as can be, by person and start."""
    found: list[Absence] = []
    for one in sorted(absences, key=lambda one: (one.who, one.start.exact, one.start.minute)):
        last = found[-1] if found else None
        if last and (last.who, last.start.exact) == (one.who, one.start.exact) and one.start.minute <= last.end.minute:
            found[-1] = replace(last, end=max(last.end, one.end, key=lambda end: end.minute))
        else:
            found.append(one)
    return found


def line(keys: Mapping[str, str | list[str]]) -> str:
    """An entry of a list as YAML on one line: `- {who: ana, from: 2026-07-06, through: 2026-07-19}`."""
    parts = (f"{key}: {_as_yaml(key, value)}" for key, value in keys.items())
    return f"- {{{', '.join(parts)}}}"


def _as_yaml(key: str, value: str | list[str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_as_yaml('', one) for one in value)}]"
    return value if key in _TIMES or _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _spelled(moment: Moment, zone: str) -> str:
    if not (moment.exact and zone):
        return str(moment)
    return datetime_of(moment.minute).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


def _stands(name: str, said: str) -> bool:
    words = " ".join(_words(name))
    return bool(words) and f" {words} " in said


def _words(text: str) -> list[str]:
    """In small letters and without accents, since mail addresses have none."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return _WORDS.findall("".join(sign for sign in apart if not unicodedata.combining(sign)))
