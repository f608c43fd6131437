"""`pagerctl schedule svg`: weeks of a schedule in one picture."""

from pathlib import Path

import click

from pager.cli.output import Session, instant, known, now, session_options
from pager.cli.standing import load_standing


@click.command()
@click.argument("name")
@click.option("--from", "start", help="A day in the first week, such as 2026-03-30; today, if left out.")
@click.option("--weeks", type=click.IntRange(1, 53), default=4, show_default=True, help="How many weeks.")
@click.option("--now", "at", help="Where the line for now stands; now, if left out.")
@click.option("-f", "--file", type=click.Path(path_type=Path, dir_okay=False), help="Write it there, and not out.")
@session_options
def svg(session: Session, name: str, start: str | None, weeks: int, at: str | None, file: Path | None) -> None:
    """Draw who is on call in NAME, week by week: `pagerctl schedule svg payments -f payments.svg`.

    Each layer has a lane of its own above who is on call; nobody is red, what an override changes is hatched.
    `pagerctl --server URL schedule svg` lays the overrides over the files that this pagerd keeps.
    """
    from pager.core.picture import picture

    catalog = load_standing(session)
    found = catalog.schedules[known(name, catalog.schedules, "schedule")]
    first = instant(start, "--from", found.timezone)
    line = instant(at, "--now", found.timezone) if at else now()
    drawn = picture(found, first, weeks, line, catalog.overrides.get(name, ()))
    if file is None:
        click.echo(drawn, nl=False)
        return
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
