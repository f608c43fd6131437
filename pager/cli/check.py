"""`pagerctl check`: every problem of the config folder, for people and for the usual machines."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pager.cli.output import FAILED, FINDINGS, Session, counted, now, session_options

if TYPE_CHECKING:
    from pager.files import Loaded
    from pager.problems import Problem

FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit")


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="End with 3 when there are warnings.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to tell of problems; text, if left out.")
@session_options
def check(session: Session, folder: Path | None, strict: bool, form: str | None) -> None:
    """Print every problem of the rules and schedules at once, with file, line and column.

    FOLDER is the config folder, if it is not the one of --config. No secret is needed. The exit status is 1 with
    errors, 3 with --strict and warnings, else 0.
    """
    from pager.files import load_catalog

    started = time.perf_counter()
    loaded = load_catalog(folder or session.folder(), now())
    form = form or ("json" if session.is_json else "text")
    if form == "text":
        _print_text(loaded, session, time.perf_counter() - started)
    else:
        _print_for_machines(loaded, form)
    sys.exit(FAILED if loaded.errors else FINDINGS if strict and loaded.problems else 0)


def _print_text(loaded: "Loaded", session: Session, seconds: float) -> None:
    from pager.problems import render

    if loaded.problems:
        click.echo(render(loaded.problems, loaded.texts, session.colour))
    what = ", ".join(counted(loaded.counts[f"{word}s"], word) for word in ("rule", "schedule"))
    people = loaded.counts["people"]
    found = f"{counted(loaded.errors, 'error')}, {counted(len(loaded.problems) - loaded.errors, 'warning')}"
    click.echo(f"checked {what}, {people} {'person' if people == 1 else 'people'} in {seconds:.2f} s: {found}")


def _print_for_machines(loaded: "Loaded", form: str) -> None:
    from pager import problems

    found = loaded.problems if form == "json" else _from_here(loaded)
    if form == "junit":
        prefix = _prefix(loaded.path)
        text = problems.as_junit(found, [prefix + file for file in loaded.texts])
    else:
        writers = {"json": problems.as_json, "github": problems.as_github, "gitlab": problems.as_gitlab}
        text = writers.get(form, problems.as_sarif)(found)
    if text:
        click.echo(text)


def _from_here(loaded: "Loaded") -> "list[Problem]":
    """Problems with file names from the current folder on, since that is what forges show lines by."""
    from msgspec.structs import replace

    prefix = _prefix(loaded.path)
    return [replace(problem, file=prefix + problem.file) for problem in loaded.problems]


def _prefix(folder: Path) -> str:
    here, there = Path.cwd(), folder.resolve()
    return f"{there.relative_to(here).as_posix()}/" if there != here and there.is_relative_to(here) else ""
