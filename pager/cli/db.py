"""`pagerctl db`: copies of the database, made, checked and put back."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from pager.cli.client import Client, Refused, asks_server
from pager.cli.output import FAILED, Session, counted, now, print_json, session_options, stamp

PATIENCE = 900.0


@click.group()
def db() -> None:
    """Copies of the database: made, checked and put back."""


@db.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@asks_server
def backup(session: Session, client: Client, file: Path | None) -> None:
    """Let pagerd copy its database now, and check the copy. With FILE, put one there as well.

    Without being asked pagerd does it every 15 minutes.
    """
    client.timeout = PATIENCE
    made = client.post("/api/v1/backups")
    if file is not None:
        made["file"] = str(_fetch(Path(made["file"]), file))
    if session.is_json:
        print_json(made)
    else:
        click.echo(f"{made['file']}: {made['bytes']} bytes, whole, in {made['seconds']:.1f} s")


def _fetch(made: Path, file: Path) -> Path:
    """A second copy of what pagerd made; only its user, on its machine, may read that."""
    from pager.store.backup import place

    try:
        place(made, file)
    except OSError as error:
        raise Refused(0, f"the copy is at {made}, and cannot be put at {file}: {error.strerror}", {}) from None
    return file.absolute()


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@session_options
def verify(session: Session, file: Path) -> None:
    """Read a copy from end to end, and say what is in it. The exit status is 1 when it cannot be used."""
    from pager.store import StoreError
    from pager.store.backup import verify as read_whole

    try:
        found = read_whole(file)
    except (StoreError, OSError) as error:
        _fail(error)
    last = stamp(found.last_at) if found.last_at else None
    if session.is_json:
        counts = {"incidents": found.incidents, "open": found.open}
        print_json({"file": str(file), "schema": found.schema, "bytes": found.size, **counts, "last_at": last})
    else:
        until = f", until {last}" if last else ""
        held = f"{counted(found.incidents, 'incident')}, {found.open} open{until}"
        click.echo(f"{file}: whole, schema {found.schema}, {held}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--database", help="Where to: sqlite:///PATH; that of the settings, if left out.")
@session_options
def restore(session: Session, file: Path, database: str | None) -> None:
    """Put a copy in the place of the database. pagerd must not run; what was there is kept beside it."""
    from pager.store import StoreError
    from pager.store.backup import file_of
    from pager.store.backup import restore as put_back

    try:
        target = file_of(database or _of_settings(session))
        aside = put_back(file, target, now())
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except (StoreError, OSError) as error:
        _fail(error)
    if session.is_json:
        print_json({"database": str(target), "before": str(aside) if aside else None})
        return
    click.echo(f"{target} is what {file} holds; start pagerd")
    if aside is not None:
        click.echo(f"what was there is kept: {aside}")


def _of_settings(session: Session) -> str:
    from pager.settings import load_settings

    return load_settings(session.folder()).database


def _fail(error: Exception) -> NoReturn:
    named = isinstance(error, OSError) and error.filename
    click.echo(f"{error.filename}: {error.strerror}" if named else str(error), err=True)  # type: ignore[attr-defined]
    sys.exit(FAILED)
