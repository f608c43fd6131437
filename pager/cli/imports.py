"""`pagerctl import`: what stands elsewhere: absences and holidays as dated lines to paste, other pagers as files."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from pager.cli.imported import commands
from pager.cli.output import Session, instant, known, load, print_json, session_options
from pager.core.wall import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from pager.cli.calendar_file import Remarks
    from pager.core.absence import Absence, Entry
    from pager.core.catalog import Catalog

_BACK, _AHEAD = timedelta(days=30), timedelta(days=400)
_NO_CALENDARS = (
    "this needs icalendar and recurring-ical-events, which read calendars: install pagerd[calendar], "
    "or pip install 'icalendar>=7.3' 'recurring-ical-events>=3.8'"
)
_NO_HOLIDAYS = "this needs holidays, which knows them: install pagerd[holidays], or pip install 'holidays>=0.109'"


@click.group("import")
def import_() -> None:
    """Print absences and public holidays as lines to paste into a schedule, or make files of another pager's export."""


for _command in commands():
    import_.add_command(_command)


@import_.command(short_help="Turn a calendar file into `away` lines.")
@click.argument("file", type=click.File("rb"))
@click.option("--who", help="Whose calendar it is; by the entries themselves, if left out.")
@click.option("--schedule", "name", help="Only people of this schedule, and only what it does not say already.")
@click.option("--at", help="As if it were then; now, if left out.")
@session_options
def absences(session: Session, file: Any, who: str | None, name: str | None, at: str | None) -> None:
    """Turn the calendar FILE (iCalendar, - for standard input) into `away` lines: `pagerctl import absences ana.ics`.

    Every entry from 30 days back to 400 days ahead counts as an absence, recurring ones one by one, so give it a
    calendar that has nothing else in it. Without --who an entry belongs to those who attend it, else to whoever its
    title names ("Ana Lima: vacation"), else to its organizer. Titles are not printed: they may be private.

    Whole days last from 00:00 in the zone of the schedule; other times are exact. YAML goes to standard output, what
    was left out to standard error.
    """
    catalog, now = load(session, schedules_only=True), instant(at, "--at")
    people = {key: person.name for key, person in catalog.people.items()}
    if who is not None:
        known(who, people, "person")
    if name is not None:
        known(name, catalog.schedules, "schedule")
    try:
        from pager.cli.calendar_file import Remarks, entries_in
    except ImportError:
        raise click.ClickException(_NO_CALENDARS) from None
    remarks = Remarks()
    try:
        entries = entries_in(file.read(), now - _BACK, now + _AHEAD, remarks)
    except ValueError as error:
        raise click.ClickException(f"{getattr(file, 'name', '-')}: {error}") from None
    found = _of_people(entries, who, people, remarks)
    if name is not None:
        found = _new(found, catalog, name, remarks)
    zone = catalog.schedules[name].timezone if name else ""
    _remark_places(found, catalog, name, remarks)
    _print(session, "away", [one.keys(zone) for one in found], [*remarks])


@import_.command("holidays", short_help="Print public holidays as dated lines.")
@click.argument("place")
@click.argument("years", type=click.IntRange(FIRST_YEAR, LAST_YEAR - 1), nargs=-1, required=True)
@click.option("--who", "away", multiple=True, help="Who is away then; may be given several times.")
@click.option("--on-call", "covering", multiple=True, help="Who is on call then, in the place of all others.")
@click.option("--hours", help="Only this part of each day, such as 08:00-20:00; the whole day, if left out.")
@session_options
def holidays_(
    session: Session,
    place: str,
    years: tuple[int, ...],
    away: Sequence[str],
    covering: Sequence[str],
    hours: str | None,
) -> None:
    """Print the public holidays of PLACE as dated lines: `pagerctl import holidays DE-BE 2027 --who ana`.

    With --who they are `away` lines: somebody else of the ring stands in. With --on-call they are `overrides`. With
    neither they are comments, to look at first. pagerd itself knows no holidays: what is in the file is what counts,
    whichever release of a library comes.

    To close the hours of a layer on holidays, name all its people with --who and write `when_away: gap` in it: the
    layer below shows through.
    """
    if away and covering:
        raise click.UsageError("--who and --on-call together: those are two lists; ask twice")
    if away or covering:
        people = load(session, schedules_only=True).people
        for name in (*away, *covering):
            known(name, people, "person")
    try:
        from pager.cli.public_holidays import days_of, parts_of, place_of
    except ImportError:
        raise click.ClickException(_NO_HOLIDAYS) from None
    try:
        country, part = place_of(place)
        spans = [(_part_of_day(day, hours), day, why) for day, why in days_of(country, part, years).items()]
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    remarks = []
    if not part and (parts := parts_of(country)):
        remarks.append(f"only those of all {country}; for a part write {country}-{parts[0]}, of: {', '.join(parts)}")
    if covering:
        lines = [{**span, "who": [*covering], "why": why} for span, _, why in spans]
        _print(session, "overrides", lines, remarks)
    elif away:
        lines = [{"who": who, **span, "why": why} for who in away for span, _, why in spans]
        _print(session, "away", lines, remarks)
    elif session.is_json:
        print_json({"holidays": [{**span, "why": why} for span, _, why in spans], "remarks": remarks})
    else:
        for _, day, why in spans:
            click.echo(f"# {day:%a %Y-%m-%d}  {why}")
        _print(session, "", (), remarks)


def _part_of_day(day: date, hours: str | None) -> dict[str, str]:
    """The whole day, or its `hours`, which may end on the next one. Raises ValueError."""
    from pager.core.hours import parse_hours
    from pager.core.moment import Moment, parse_moment

    if hours is None:
        return {"from": str(day), "through": str(day)}
    weekdays, first, length = parse_hours(hours)
    if len(weekdays) < 7:
        raise ValueError(f"no weekdays here: {hours!r}; write 08:00-20:00")
    start = parse_moment(day).minute + first
    return {"from": str(Moment(start)), "to": str(Moment(start + length))}


def _of_people(
    entries: "Iterable[Entry]", who: str | None, people: Mapping[str, str], remarks: "Remarks"
) -> "list[Absence]":
    from pager.core.absence import Absence, merged, whose

    found = []
    for entry in entries:
        names = (who,) if who else whose(entry, people)
        if not names:
            said = (entry.title, *entry.attendees, *entry.organizers)
            remarks.add(f"nobody of the folder is named in {', '.join(filter(None, said))!r}: left out; see --who")
        found += [Absence(one, entry.start, entry.end) for one in names]
    return merged(found)


def _new(found: "Sequence[Absence]", catalog: "Catalog", name: str, remarks: "Remarks") -> "list[Absence]":
    """Those of people of the schedule `name`, without what stands there."""
    from pager.core.schedule import schedule_people

    schedule, new = catalog.schedules[name], []
    people = schedule_people(schedule)
    for one in found:
        if one.who not in people:
            remarks.add(f"{one.who} is not in the schedule {name}: left out")
        elif one.stands_in(schedule.away, schedule.timezone):
            remarks.add(f"{one.who} from {one.keys(schedule.timezone)['from']} stands in {name} already: left out")
        else:
            new.append(one)
    return new


def _remark_places(found: "Sequence[Absence]", catalog: "Catalog", name: str | None, remarks: "Remarks") -> None:
    """Where the lines belong."""
    from pager.core.schedule import schedule_people

    if not found:
        remarks.add("no absence to add")
    elif name is not None:
        if catalog.schedules[name].away:
            remarks.add(f"{name} has away: already; paste the lines below the others there, without their first")
    else:
        places: dict[str, list[str]] = {}
        for who in dict.fromkeys(one.who for one in found):
            having = ", ".join(key for key, one in catalog.schedules.items() if who in schedule_people(one))
            places.setdefault(having, []).append(who)
        for having, people in places.items():
            belongs = f"belong into {having}" if having else "belong nowhere: they are in no schedule"
            remarks.add(f"the lines of {', '.join(people)} {belongs}")


def _print(session: Session, key: str, lines: Sequence[Mapping[str, Any]], remarks: Sequence[str]) -> None:
    from pager.core.absence import line

    if session.is_json:
        print_json({key: lines, "remarks": remarks})
        return
    if lines:
        click.echo("\n".join((f"{key}:", *(f"  {line(keys)}" for keys in lines))))
    for remark in remarks:
        click.echo(remark, err=True)
