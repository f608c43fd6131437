"""`pagerctl rota`: let somebody join or leave a rotation by a dated version, so that nobody's turn moves before it."""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click
from msgspec import Struct

from pager.cli.output import FAILED, Session, instant, known, load, session_options

if TYPE_CHECKING:
    from pager.core.moment import Moment
    from pager.core.rota import Next
    from pager.core.schedule import Schedule

_NO_EXTRA = "this needs ruamel.yaml, which edits YAML: install pagerd[fmt], or pip install 'ruamel.yaml>=0.19'"


class _Place(Struct, frozen=True):
    """A schedule and where it is written: the name of the file, its text and which of its documents."""

    schedule: "Schedule"
    file: str
    text: str
    document: int


@click.group()
def rota() -> None:
    """Let somebody join or leave a rotation."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--at", help="As if it were then; now, if left out."),
        click.option("--dry-run", is_flag=True, help="Only show what would be written."),
        click.option("-y", "--yes", is_flag=True, help="Write without asking."),
        click.option("--layer", default="", help="Which layer, where the schedule has several."),
        click.option("--from", "start", help="Not before this day or time; the next turn, if left out."),
        click.option("--schedule", "name", required=True, help="The schedule."),
        click.argument("who"),
    ):
        command = option(command)
    return command


@rota.command("add")
@_options
@click.option("--after", default="", help="Whose turn comes before theirs; the last of the ring, if left out.")
@session_options
def add_(
    session: Session,
    who: str,
    name: str,
    start: str | None,
    after: str,
    layer: str,
    yes: bool,
    dry_run: bool,
    at: str | None,
) -> None:
    """Let WHO take turns: `pagerctl rota add dee --schedule payments --after chi --from 2026-03-02`.

    A dated version is appended to the file, with the ring turned so that whoever is due then stays first. The change
    is shown first, and refused if anybody's turn before the take-over would move.
    """
    from pager.core.rota import add

    now = instant(at, "--at")
    known(who, load(session, schedules_only=True).people, "person")
    _change(session, name, now, yes, dry_run, lambda s: add(s, who, now, start=_day(start), after=after, layer=layer))


@rota.command("remove")
@_options
@session_options
def remove_(
    session: Session, who: str, name: str, start: str | None, layer: str, yes: bool, dry_run: bool, at: str | None
) -> None:
    """Let WHO take no more turns: `pagerctl rota remove bo --schedule payments --from 2026-03-02`.

    A dated version without WHO is appended to the file; a turn that would be theirs passes to the next.
    """
    from pager.core.rota import remove

    now = instant(at, "--at")
    _change(session, name, now, yes, dry_run, lambda s: remove(s, who, now, start=_day(start), layer=layer))


def _day(written: str | None) -> "Moment | None":
    from pager.core.moment import parse_moment

    try:
        return None if written is None else parse_moment(written)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from") from None


def _change(
    session: Session, name: str, now: datetime, yes: bool, dry_run: bool, version_of: "Callable[[Schedule], Next]"
) -> None:
    place = _place(session, name)
    try:
        version = version_of(place.schedule)
        text = _edited(place, version, now)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _show(place, text, version)
    if dry_run:
        return
    if not yes and not click.confirm(f"Write this to {place.file}?"):
        sys.exit(FAILED)
    _write((session.folder() / place.file).resolve(), text)
    click.echo(f"written: {place.file}; `pagerctl diff --base HEAD` shows whose turns move after that")


def _place(session: Session, name: str) -> _Place:
    from pager.core.schedule import Schedule
    from pager.documents import read_documents
    from pager.files import read_folder

    schedules = load(session, schedules_only=True).schedules
    wanted = known(name, schedules, "schedule")
    for file in read_folder(session.folder(), schedules_only=True).texts:
        text = (session.folder() / file).read_bytes().decode()  # as it is, line ends and all
        for part in read_documents(file, text).parts:
            if isinstance(part.content, Schedule) and part.content.name == wanted:
                return _Place(part.content, file, text, part.document)
    raise click.ClickException(f"{name} was moved to another file just now; try again")


def _edited(place: _Place, version: "Next", now: datetime) -> str:
    """The new text of the file. Raises ValueError if it would not say what was meant, or move a turn too early."""
    from pager.core.rota import appended
    from pager.documents import read_documents

    try:
        from pager.cli.version_text import append_version
    except ImportError:
        raise click.ClickException(_NO_EXTRA) from None
    text = append_version(place.text, place.document, version.path, str(version.from_), version.people)
    reading = read_documents(place.file, text)
    wanted = appended(place.schedule, version)
    if reading.problems or [part.content for part in reading.parts if part.document == place.document][:1] != [wanted]:
        raise ValueError(f"{place.file} is written in a way that this cannot add to; append by hand: {version.people}")
    _check_nobody_moves(place.schedule, wanted, version.takes_over, now)
    return text


def _check_nobody_moves(before: "Schedule", after: "Schedule", takes_over: datetime, now: datetime) -> None:
    from pager.core.shiftdiff import PAST, differences

    moved = differences(before, after, now - PAST, takes_over)
    if moved:
        raise ValueError(f"the turn from {moved[0].start:%Y-%m-%d %H:%M} UTC would move; nothing was written")


def _show(place: _Place, text: str, version: "Next") -> None:
    zone = place.schedule.timezone
    lines = unified_diff(place.text.splitlines(), text.splitlines(), place.file, place.file, lineterm="")
    click.echo("\n".join(lines))
    at = version.takes_over.astimezone(ZoneInfo(zone))
    ring = ", ".join("+".join(entry) for entry in version.ring)
    click.echo(f"\ntakes over {at:%a %Y-%m-%d %H:%M} {zone}, and nobody's turn moves before it: {ring}")


def _write(path: Path, text: str) -> None:
    """All or nothing, with the rights that the file has."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
