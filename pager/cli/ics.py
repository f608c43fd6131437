"""`pagerctl schedule ics`: turns as a calendar that can be imported."""

from datetime import timedelta

import click

from pager.cli.output import Session, known, load, now, session_options


@click.command()
@click.argument("name", required=False)
@click.option("--person", help="Only the turns of this person, in all schedules.")
@click.option("--weeks", type=click.IntRange(1, 104), default=26, show_default=True, help="How far ahead.")
@session_options
def ics(session: Session, name: str | None, person: str | None, weeks: int) -> None:
    """Print the turns in NAME, or those of one person, as iCalendar: `pagerctl schedule ics --person ana > ana.ics`.

    Four weeks of the past are in it, too. Times are exact instants; calendars show them in the reader's zone.
    """
    from pager.core.ics import ics as text_of
    from pager.core.ics import person_events, schedule_events
    from pager.core.oncall import schedule_people

    if (name is None) == (person is None):
        raise click.UsageError("name a schedule or, with --person, a person")
    catalog, at = load(session, schedules_only=True), now()
    start, end = at - timedelta(weeks=4), at + timedelta(weeks=weeks)
    if name is not None:
        known(name, catalog.schedules, "schedule")
        text = text_of(f"On call: {name}", schedule_events(catalog, name, start, end), at)
    else:
        people = {one for schedule in catalog.schedules.values() for one in schedule_people(schedule)}
        who = known(person or "", people | set(catalog.people), "person")
        text = text_of(f"{who} on call", person_events(catalog, who, start, end), at)
    click.echo(text.encode(), nl=False)
