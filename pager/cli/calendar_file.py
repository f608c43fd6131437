"""A calendar file that somebody exported: its events, recurring ones one by one, as entries with a start and an end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import icalendar
import recurring_ical_events
from msgspec import Struct, field

from pager.cli.words import plain
from pager.core.absence import Entry
from pager.core.hygiene import cut
from pager.core.moment import parse_moment

_TOO_OFTEN = {"SECONDLY", "MINUTELY", "HOURLY"}
_WITHIN_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")
_MINUTE = timedelta(minutes=1)


class Remarks(Struct):
    """What was left out and why, in the order in which it was met; the same again is counted."""

    found: Counter[str] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        self.found[text] += 1

    def __iter__(self) -> Iterator[str]:
        return (text if count == 1 else f"{text} ({count} times)" for text, count in self.found.items())


def titled(event: Any) -> str:
    """The title of an event as a message can quote it."""
    return repr(cut(plain(str(event.get("SUMMARY", ""))), 60))


def entries_in(data: bytes, start: datetime, end: datetime, remarks: Remarks) -> list[Entry]:
    """All that lies in [start, end) or reaches into it, by its start; cancelled events are left out.

    Raises ValueError for what is no calendar.
    """
    calendars = _calendars(data)
    found: list[Entry] = []
    for calendar in calendars:
        for series in _series(calendar, remarks):
            events = _expanded(calendar, series, start, end, remarks)
            found += [entry for event in events if (entry := _entry(event, calendar, remarks))]
    return sorted(found, key=lambda one: one.start.minute)


def _calendars(data: bytes) -> list[Any]:
    try:
        found = icalendar.Calendar.from_ical(data, multiple=True)
    except ValueError as error:
        raise ValueError(f"not a calendar that can be read: {cut(plain(str(error)), 120)}") from None
    if not found or any(one.name != "VCALENDAR" for one in found):
        raise ValueError("not a calendar: such a file begins with BEGIN:VCALENDAR")
    return list(found)


def _series(calendar: Any, remarks: Remarks) -> Iterable[list[Any]]:
    """The events by their UID: an occurrence that was moved stands beside its series."""
    found: dict[object, list[Any]] = defaultdict(list)
    for number, event in enumerate(calendar.walk("VEVENT")):
        if "DTSTART" not in event:
            remarks.add(f"{titled(event)} has no start: left out")
        elif _is_backwards(event):
            remarks.add(f"{titled(event)} ends before it starts: left out")
        elif _too_often(event):
            remarks.add(f"{titled(event)} comes several times a day, which is no absence: left out")
        else:
            found[event.get("UID") or number].append(event)
    return found.values()


def _is_backwards(event: Any) -> bool:
    """What is read by others as the stretch between, or not at all."""
    try:
        return "DTEND" in event and bool(event["DTEND"].dt < event["DTSTART"].dt)
    except TypeError:  # a day and a time, or one with a zone and one without
        return True


def _too_often(event: Any) -> bool:
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if set(rule.get("FREQ", ())) & _TOO_OFTEN or any(len(rule.get(key, ())) > 1 for key in _WITHIN_A_DAY):
            return True
    return False


def _expanded(calendar: Any, series: list[Any], start: datetime, end: datetime, remarks: Remarks) -> list[Any]:
    alone = calendar.copy()  # its properties, of which one may be a zone
    for event in series:
        alone.add_component(event)
    try:
        return list(recurring_ical_events.of(alone).between(start, end))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        # A series of a stranger that makes no sense: the others still do.
        remarks.add(f"{titled(series[0])} cannot be read: {plain(str(error))[:100]}: left out")
        return []


def _entry(event: Any, calendar: Any, remarks: Remarks) -> Entry | None:
    first = event["DTSTART"].dt
    last = event["DTEND"].dt if "DTEND" in event else first
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or str(calendar.get("METHOD", "")).upper() == "CANCEL":
        remarks.add(f"{titled(event)} is cancelled: left out")
        return None
    begin, end = parse_moment(first), parse_moment(_up(last))
    if begin.exact != end.exact or end.minute <= begin.minute:
        remarks.add(f"{titled(event)} has no length: left out")
        return None
    return Entry(
        begin, end, plain(str(event.get("SUMMARY", ""))), _people(event, "ATTENDEE"), _people(event, "ORGANIZER")
    )


def _up(at: Any) -> Any:
    """To the whole minute: what ends within one is over after it."""
    if isinstance(at, datetime) and (at.second or at.microsecond):
        return at.replace(second=0, microsecond=0) + _MINUTE
    return at


def _people(event: Any, key: str) -> tuple[str, ...]:
    """Names and mail addresses of those who stand there and have not declined."""
    written = event.get(key, [])
    found: list[str] = []
    for one in written if isinstance(written, list) else [written]:
        said = getattr(one, "params", {})
        if str(said.get("PARTSTAT", "")).upper() != "DECLINED":
            address = str(one)
            found += [plain(str(said.get("CN", ""))), address[7:] if address.lower().startswith("mailto:") else address]
    return tuple(filter(None, found))
