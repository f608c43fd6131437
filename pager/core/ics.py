"""Calendars: the turns of a schedule or of a person as iCalendar text, for any calendar that can subscribe.

Events are concrete and in UTC, since the rule by which a hand-off meets a clock change cannot be said as a recurrence.
An event's UID is its schedule, its role and the start of its turn, so that an edit elsewhere leaves it alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.hygiene import one_line
from pager.core.oncall import Segment, runs, timeline

_LINE = 75  # octets, without the line end
_Wanted = Callable[[tuple[str, ...]], bool]


class Event(Struct, frozen=True):
    """From `start` to `end`, UTC, half-open, `people` are on call in `schedule`."""

    schedule: str
    start: datetime
    end: datetime
    people: tuple[str, ...]
    zone: str
    role: str = "rank-1"

    @property
    def uid(self) -> str:
        """The same for as long as this turn of this schedule begins then."""
        name = sha256(f"{self.schedule}\0{self.role}\0{_stamp(self.start)}".encode()).hexdigest()[:32]
        return f"{name}@pager"


def schedule_events(catalog: Catalog, name: str, start: datetime, end: datetime) -> list[Event]:
    """Everybody's turns in the schedule `name` in [start, end); a turn that runs at `start` has its own start.

    Raises KeyError for a schedule that is not there.
    """
    return list(_events(catalog, name, start, end, bool))


def person_events(catalog: Catalog, person: str, start: datetime, end: datetime) -> list[Event]:
    """The turns of `person` in all schedules in [start, end), by their start. A change beside them parts a turn."""
    found = [
        event
        for name in catalog.schedules
        for event in _events(catalog, name, start, end, lambda people: person in people)
    ]
    return sorted(found, key=lambda event: (event.start, event.schedule))


def ics(title: str, events: Iterable[Event], now: datetime) -> str:
    """The text of a calendar by RFC 5545. The same events at the same `now` give the same text."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//pager//on call//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [f"NAME:{_escaped(title)}", f"X-WR-CALNAME:{_escaped(title)}"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"]
    for event in events:
        lines += _lines(event, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _events(catalog: Catalog, name: str, start: datetime, end: datetime, wanted: _Wanted) -> Iterator[Event]:
    schedule = catalog.schedules[name]
    overrides = catalog.overrides.get(name, ())
    for turn in _whole(catalog, name, runs(timeline(schedule, start, end, overrides))):
        if wanted(turn.people):
            yield Event(name, turn.start, turn.end, turn.people, schedule.timezone)


def _whole(catalog: Catalog, name: str, turns: Sequence[Segment]) -> Iterator[Segment]:
    """The same turns, the first and the last with their own edges and not those of the look."""
    for number, turn in enumerate(turns):
        begin, end = turn.start, turn.end
        if number == 0:
            begin = catalog.on_call(name, turn.start).since or begin
        if number == len(turns) - 1:
            end = catalog.on_call(name, turn.start).until or end
        yield Segment(begin, end, turn.people, turn.ranks, turn.layer)


def _lines(event: Event, now: datetime) -> list[str]:
    people = ", ".join(event.people)
    return [
        "BEGIN:VEVENT",
        f"UID:{event.uid}",
        f"SEQUENCE:{_sequence(event)}",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(event.start)}",
        f"DTEND:{_stamp(event.end)}",
        f"SUMMARY:{_escaped(f'{people} on call: {event.schedule}')}",
        f"DESCRIPTION:{_escaped(f'Zone of the schedule: {event.zone}')}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _sequence(event: Event) -> int:
    """A number that is another when the event says something else; no state is kept that could count."""
    said = "\0".join((_stamp(event.end), *event.people))
    return int.from_bytes(sha256(said.encode()).digest()[:4]) >> 1


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    plain = one_line(text).replace("\\", "\\\\")
    return plain.replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """Lines of 75 octets at most; no character is cut in two."""
    parts, part, room = list[str](), "", _LINE
    for letter in line:
        if len(part.encode()) + len(letter.encode()) > room:
            parts.append(part)
            part, room = "", _LINE - 1
        part += letter
    return "\r\n ".join([*parts, part])
