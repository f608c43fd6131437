"""What people are told of their turns, beside any incident: that one moved, is covered, comes soon, or begins.

Nothing is told more than an hour late, and nothing twice: kind, person, schedule and instant name a notice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Literal

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.hygiene import cut, one_line
from pager.core.incident import Incident
from pager.core.oncall import Segment, runs, timeline
from pager.core.override import Wanted
from pager.core.people import Person
from pager.core.privacy import TITLE, Reader, may_see
from pager.core.shiftdiff import Moved, Span
from pager.core.wall import first_instant

Kind = Literal["cover", "covered", "moved", "reminder", "hand-over", "silence", "digest", "test", "asked"]

LATE = timedelta(hours=1)
"""What is later than this is not told any more: pager was down."""
BACK = timedelta(days=4)
"""Whoever comes back after a night or a weekend without anybody goes on with the turn they had."""
MOST_LISTED = 10
_ALL_PROVEN: Mapping[str, Sequence[str]] = {}
_DAY = timedelta(days=1)


class Notice(Struct, frozen=True):
    """One message to one person; it is sent from `due_at` on. `schedule` is "" for one about several."""

    kind: Kind
    person: str
    schedule: str
    at: datetime
    due_at: datetime
    title: str
    body: str


class Beginning(Struct, frozen=True):
    """Somebody comes on call at `start`, until `end` (None: for longer than a year); `before` had it until then."""

    schedule: str
    person: str
    start: datetime
    end: datetime | None
    before: tuple[str, ...] = ()


class Handed(Struct, frozen=True):
    """An open incident, as a hand-over lists it; `private` is the whole of one that is."""

    code: str
    severity: str
    title: str
    policy: str
    private: Incident | None = None

    def title_for(self, person: str, catalog: Catalog) -> str:
        hidden = self.private is not None and not may_see(Reader(person), self.private, catalog.teams)
        return TITLE if hidden else self.title


def beginnings(catalog: Catalog, start: datetime, end: datetime) -> list[Beginning]:
    """Who comes on call in which schedule in [start, end), by instant; people without contacts are left out."""
    found: list[Beginning] = []
    for name, schedule in catalog.schedules.items():
        line = runs(timeline(schedule, start - BACK, end, catalog.overrides.get(name, ())))
        found += (one for one in _begins(catalog, name, line) if one.start >= start)
    return sorted(found, key=lambda one: (one.start, one.schedule, one.person))


def longest_lead(catalog: Catalog) -> timedelta:
    """How long before a turn the first reminder of anybody comes."""
    return max((lead for person in catalog.people.values() for lead in person.remind), default=timedelta())


def reminders(
    begin: Beginning, catalog: Catalog, now: datetime, unproven: Mapping[str, Sequence[str]] = _ALL_PROVEN
) -> list[Notice]:
    """Those that are due now. In quiet hours they wait; one that would wait until the turn has begun is left out.

    `unproven` names, by person, the contacts that no test page has proven of late: whoever comes on call hears of it
    while there is time to test them.
    """
    person = catalog.people.get(begin.person)
    found: list[Notice] = []
    for lead in person.remind if person else ():
        at = begin.start - lead
        if not at <= now < min(at + LATE, begin.start):
            continue
        due_at = awake_at(catalog, begin.person, now)
        if person is not None and due_at < begin.start:
            title = f"{_turn(begin)} begins {when(begin.start, person)}"
            lines = (_until(begin, person), _unproven(begin.person, unproven.get(begin.person, ())))
            body = "\n".join(line for line in lines if line)
            found.append(Notice("reminder", begin.person, begin.schedule, at, due_at, title, body))
    return found


def is_begun(begin: Beginning, now: datetime) -> bool:
    """Whether a hand-over is due: the turn has begun, less than an hour ago."""
    return begin.start <= now < begin.start + LATE


def hand_over(
    begin: Beginning, incidents: Sequence[Handed], last_day: dict[str, int], catalog: Catalog, now: datetime
) -> Notice:
    """What whoever comes on call is told at once, also at night: who had it, what is open, and how the day was.

    `incidents` are all that are open, worst first; `last_day` counts the incidents of the last 24 h by policy. Where
    policies page the schedule, theirs are told of, else all.
    """
    person = catalog.people[begin.person]
    policies = paging(catalog, begin.schedule)
    mine = [one for one in incidents if not policies or one.policy in policies]
    count = sum(number for policy, number in last_day.items() if not policies or policy in policies)
    lines = [_until(begin, person), f"Before you: {', '.join(begin.before)}." if begin.before else ""]
    lines.append(f"{_counted(len(mine), 'open incident')}{':' if mine else '.'}")
    lines += [f"{one.severity} {one.code} {_short(one.title_for(begin.person, catalog))}" for one in mine[:MOST_LISTED]]
    lines.append(f"and {len(mine) - MOST_LISTED} more" if len(mine) > MOST_LISTED else "")
    lines.append(f"In the last 24 h: {_counted(count, 'incident')}.")
    body = "\n".join(line for line in lines if line)
    title = f"{_turn(begin)} has begun"
    return Notice("hand-over", begin.person, begin.schedule, begin.start, now, title, body)


def of_override(
    wanted: Wanted, moved: Sequence[Moved], catalog: Catalog, now: datetime, *, removed: bool = False, by: str = ""
) -> list[Notice]:
    """Both sides of an override that was made or removed are told, each in their own words and zone."""
    gains, loses = [one for one in moved if one.gained], [one for one in moved if one.lost]
    found: list[Notice] = []
    for one in gains:
        start = f"You are on call in {one.schedule} again" if removed else f"You cover {one.schedule}"
        instead = f"Instead of {_names(loses, one)}." if _names(loses, one) and not removed else ""
        found += _told(
            "cover", one.person, one.schedule, start, one.gained, (instead, *_whys(wanted, by)), catalog, now
        )
    for one in loses:
        start = f"You no longer cover {one.schedule}" if removed else f"You are covered in {one.schedule}"
        by_whom = f"On call then: {_names(gains, one) or 'nobody new'}."
        found += _told(
            "covered", one.person, one.schedule, start, one.lost, (by_whom, *_whys(wanted, by)), catalog, now
        )
    return found


def of_reload(moved: Iterable[Moved], catalog: Catalog, now: datetime) -> list[Notice]:
    """One message for each person whose running or next turn is another by the new files, whatever the schedules."""
    by_person: dict[str, list[Moved]] = {}
    for one in moved:
        if one.soon:
            by_person.setdefault(one.person, []).append(one)
    found: list[Notice] = []
    for name, theirs in by_person.items():
        person = catalog.people.get(name)
        if person is not None and person.contacts:
            title = f"Your turns moved: {', '.join(one.schedule for one in theirs)}"
            lines = [line for one in theirs for line in _moves(one, person)]
            due_at = awake_at(catalog, name, now)
            found.append(Notice("moved", name, "", now, due_at, title, "\n".join(["The files have changed.", *lines])))
    return found


def awake_at(catalog: Catalog, name: str, now: datetime) -> datetime:
    """`now`, or the end of the quiet hours in which it falls for that person."""
    person = catalog.people.get(name)
    if person is None or not catalog.is_quiet(name, now, "SEV-5"):
        return now
    end, local = time.fromisoformat(person.quiet.partition("-")[2]), now.astimezone(person.zone)
    day = local.date() if local.time() < end else local.date() + _DAY
    # Where the clocks go back, an end may have been read before: then it has passed.
    return max(now, first_instant(datetime.combine(day, end), person.timezone))


def paging(catalog: Catalog, schedule: str) -> frozenset[str]:
    """The policies that have a step which pages `schedule`."""
    return frozenset(
        name
        for name, policy in catalog.policies.items()
        if any(target.kind == "schedule" and target.name == schedule for step in policy.steps for target in step.page)
    )


def when(at: datetime, person: Person) -> str:
    """`Mon 2 Mar 10:00 CET`, on the reader's own clock."""
    local = at.astimezone(person.zone)
    return f"{local:%a} {local.day} {local:%b %H:%M %Z}"


def _begins(catalog: Catalog, schedule: str, line: Sequence[Segment]) -> Iterator[Beginning]:
    """Each person who comes on call within `line`, unless they had it last before a gap of nobody."""
    last: tuple[str, ...] | None = None
    for segment in line:
        if last is not None and segment.people:
            before = tuple(name for name in last if name not in segment.people)
            end = segment.end if segment is not line[-1] else catalog.on_call(schedule, segment.start).until
            for name in segment.people:
                person = catalog.people.get(name)
                if name not in last and person is not None and person.contacts:
                    yield Beginning(schedule, name, segment.start, end, before)
        last = segment.people or last or ()


def _told(
    kind: Kind,
    name: str,
    schedule: str,
    start: str,
    spans: Sequence[Span],
    more: Sequence[str],
    catalog: Catalog,
    now: datetime,
) -> list[Notice]:
    person = catalog.people.get(name)
    if person is None or not person.contacts:
        return []
    first, *others = _spans(spans, person)
    body = "\n".join(line for line in (*(f"also {other}" for other in others), *more) if line)
    return [Notice(kind, name, schedule, now, awake_at(catalog, name, now), f"{start}: {first}", body)]


def _spans(spans: Sequence[Span], person: Person) -> list[str]:
    shown = [f"{when(start, person)} to {when(end, person)}" for start, end in spans[:MOST_LISTED]]
    return [*shown, f"{len(spans) - MOST_LISTED} more"] if len(spans) > MOST_LISTED else shown


def _moves(one: Moved, person: Person) -> Iterator[str]:
    for word, spans in (("no more", one.lost), ("new", one.gained)):
        if spans:
            more = f", and {len(spans) - 1} more" if len(spans) > 1 else ""
            yield f"{one.schedule}, {word}: {_spans(spans[:1], person)[0]}{more}"


def _whys(wanted: Wanted, by: str) -> tuple[str, str]:
    who = by or wanted.by
    return (f"Why: {one_line(wanted.why)}" if wanted.why else "", f"By {one_line(who)}." if who else "")


def _names(moved: Iterable[Moved], without: Moved) -> str:
    return ", ".join(dict.fromkeys(one.person for one in moved if one.person != without.person))


def _turn(begin: Beginning) -> str:
    return f"Your turn in {begin.schedule}"


def _unproven(person: str, contacts: Sequence[str]) -> str:
    if not contacts:
        return ""
    which = f"contact {contacts[0]} is" if len(contacts) == 1 else f"contacts {', '.join(contacts)} are"
    return f"Your {which} not proven of late: run pagerctl page test {person}"


def _until(begin: Beginning, person: Person) -> str:
    return f"Until {when(begin.end, person)}." if begin.end else ""


def _counted(number: int, word: str) -> str:
    return f"{number or 'No'} {word}{'' if number == 1 else 's'}"


def _short(title: str) -> str:
    return cut(one_line(title), 100)
