"""`pagerctl import opsgenie` and its like: the export of another pager as files of ours, with a report."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pager.cli.output import FAILED, Session, counted, instant, print_json, session_options, stamp

if TYPE_CHECKING:
    from pager.core.importing.compare import Compared
    from pager.core.importing.folder import Folder

_SYSTEMS = {"goalert": "GoAlert", "grafana-oncall": "Grafana OnCall", "opsgenie": "Opsgenie", "pagerduty": "PagerDuty"}
_KINDS = {
    "lost": "Not carried over",
    "differs": "Means something else here",
    "fill in": "To fill in",
    "note": "To know",
}
_LARGEST = 200 * 1024 * 1024
_HELP = """Turn an export of {name} into rules and schedules: `pagerctl import {system} dump --to pager-config`.

PATH is a folder of JSON files, answers of its API, or one file; `pagerctl help import` says how to get them. With --to
the files are written there, and none that is there already is ever changed; without it they are printed. The report
on standard error says what could not be carried over, what means something else here, and where the export's own word
on who is on call is another than ours.
"""


def commands() -> Iterator[click.Command]:
    """A command for each system that can be left."""
    for system, name in _SYSTEMS.items():
        yield _command(system, name)


def _command(system: str, name: str) -> click.Command:
    @click.command(
        system, help=_HELP.format(name=name, system=system), short_help=f"Turn an export of {name} into files."
    )
    @click.argument("path", type=click.Path(exists=True, path_type=Path))
    @click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="The folder to write into.")
    @click.option("--at", help="As if it were then; now, if left out.")
    @session_options
    def command(session: Session, path: Path, folder: Path | None, at: str | None) -> None:
        _import(session, system, path, folder, at)

    return command


def _import(session: Session, system: str, path: Path, folder: Path | None, at: str | None) -> None:
    from pager.core.importing.reading import Unreadable
    from pager.core.importing.systems import imported

    now = instant(at, "--at")
    try:
        made = imported(system, read(path), now)
    except Unreadable as error:
        raise click.ClickException(str(error)) from None
    problems = 0
    if folder is not None:
        _write(folder, made.texts)
        problems = _checked(session, folder)
    if session.is_json:
        print_json({**report(made), "folder": str(folder) if folder else None, "errors": problems})
    else:
        if folder is None:
            for name, text in made.texts.items():
                click.echo(f"# {name}\n{text}")
        click.echo("\n".join(told(made)), err=True)
    sys.exit(FAILED if problems else 0)


def read(path: Path) -> dict[str, Any]:
    """The JSON of a file, or of all of a folder, by name. Raises click's ClickException with the file and why not."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*.json") if file.is_file())
    if not files:
        raise click.ClickException(f"{path}: no JSON files in it; `pagerctl help import` says how to get them")
    return {file.name if file == path else str(file.relative_to(path)): _json(file) for file in files}


def _json(file: Path) -> Any:
    try:
        if file.stat().st_size > _LARGEST:
            raise click.ClickException(f"{file}: larger than {_LARGEST // 1024**2} MB")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise click.ClickException(f"{file}: no JSON: line {error.lineno}: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError):
        raise click.ClickException(f"{file}: no JSON: it cannot be read as text, or is nested too deep") from None


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """All files, or none: what is there is never changed."""
    there = [name for name in texts if (folder / name).exists()]
    if there:
        named = ", ".join(there[:3]) + (" ..." if len(there) > 3 else "")
        raise click.ClickException(f"{folder} has {named} already; nothing was written. Name another folder with --to")
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def _checked(session: Session, folder: Path) -> int:
    """How many errors `check` finds in the folder, whatever else stands there; they are printed."""
    from pager.cli.output import now
    from pager.files import load_catalog
    from pager.problems import render

    loaded = load_catalog(folder, now())
    errors = [problem for problem in loaded.problems if problem.level == "error"]
    if errors:
        click.echo(render(errors, loaded.texts), err=True)
    if not session.is_json:
        warnings = len(loaded.problems) - len(errors)
        found = f"{counted(len(errors), 'error')}, {counted(warnings, 'warning')}"
        click.echo(f"written to {folder}; pagerctl check: {found}")
    return len(errors)


def report(made: "Folder") -> dict[str, Any]:
    """All that is to be known, for machines."""
    return {
        "files": list(made.texts),
        "counts": dict(made.counts),
        "remarks": [{"kind": one.kind, "where": one.where, "said": one.said} for one in made.remarks],
        "compared": [_as_json(one) for one in made.compared],
    }


def _as_json(one: "Compared") -> dict[str, Any]:
    return {
        "schedule": one.roster,
        "from": stamp(one.start),
        "to": stamp(one.end),
        "differences": one.found,
        "first": [
            {"from": stamp(each.start), "to": stamp(each.end), "there": list(each.there), "here": list(each.here)}
            for each in one.differences
        ],
    }


def told(made: "Folder") -> Iterator[str]:
    """The report for people, line by line."""
    counts = made.counts
    people = f"{counts['people']} {'person' if counts['people'] == 1 else 'people'}"
    kinds = ("teams", "schedules", "policies")
    named = (f"{counts[kind]} {kind}" if counts[kind] != 1 else counted(1, _one(kind)) for kind in kinds)
    yield f"{people}, {', '.join(named)}"
    for kind, title in _KINDS.items():
        found = [one for one in made.remarks if one.kind == kind]
        if found:
            yield f"\n{title}:"
            yield from (f"  {one.where}: {one.said}" for one in found)
    if made.compared:
        yield "\nWho is on call, by the export and here:"
        for one in made.compared:
            yield from _differences(one)


def _one(kind: str) -> str:
    return kind[:-3] + "y" if kind.endswith("ies") else kind[:-1]


def _differences(one: "Compared") -> Iterator[str]:
    stretch = f"{one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M} UTC"
    yield f"  {one.roster}: {stretch}: {counted(one.found, 'difference') if one.found else 'the same'}"
    for each in one.differences:
        there, here = (", ".join(people) or "nobody" for people in (each.there, each.here))
        yield f"    {each.start:%Y-%m-%d %H:%M} to {each.end:%Y-%m-%d %H:%M}: there {there}, here {here}"
    if one.found > len(one.differences):
        yield f"    and {one.found - len(one.differences)} more"
