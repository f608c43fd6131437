"""`pagerctl diff`: what a change of the schedules does to shifts, for a terminal, a script or a pull request."""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from pager.cli.output import FAILED, Session, counted, instant, print_json, stamp

if TYPE_CHECKING:
    from pager.core.catalog import Catalog
    from pager.core.shiftdiff import Comparison, Moved, Rewritten

_MOST_REWRITTEN = 5  # stretches of one schedule that are told one by one


@click.command()
@click.option("--base", required=True, help="The branch, tag or commit to compare with, such as origin/main.")
@click.option("--weeks", type=click.IntRange(1, 520), default=8, show_default=True, help="How far to look ahead.")
@click.option("--at", help="As if it were then, such as 2026-03-30T09:00+02:00; now, if left out.")
@click.option("--accept", is_flag=True, help="End with 0 although the past or a running turn changes.")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The config folder.")
@click.option("-o", "--output", type=click.Choice(["text", "json", "markdown"]), help="How to answer.")
def diff(base: str, weeks: int, at: str | None, accept: bool, config: Path | None, output: str | None) -> None:
    """Print whose shifts move: `pagerctl diff --base origin/main`.

    The schedules as they stand in the folder are compared with those of the git commit BASE: a line a person who
    gains or loses turns in the next weeks. The exit status is 1 when the last 90 days or a running turn would
    change, unless --accept says that this is meant.
    """
    from pager.core.shiftdiff import compare

    session: Session = click.get_current_context().obj or Session()
    folder = config or session.folder()
    form = output or session.output
    now = instant(at, "--at")
    commit, old = _base(folder, base, now)
    new = _read(folder, now, "these files")
    compared = compare(old, new, now, timedelta(weeks=weeks))
    zones = {name: schedule.timezone for known in (old, new) for name, schedule in known.schedules.items()}
    if form == "json":
        print_json(answer(compared, base, commit, now, weeks, accept))
    else:
        lines = markdown(compared, zones, base, weeks) if form == "markdown" else text(compared, zones, weeks)
        click.echo("\n".join(lines))
    if compared.rewritten and not accept:
        click.echo("the past or a running turn changes: append a dated version, or say --accept", err=True)
        sys.exit(FAILED)


def text(compared: "Comparison", zones: Mapping[str, str], weeks: int) -> Iterator[str]:
    """Lines for a terminal: a block a schedule, errors first, then a line a person."""
    if not (names := _names(compared)):
        yield f"no shift moves in the next {counted(weeks, 'week')}"
    for name in names:
        yield f"{name} ({zones[name]}){_state(compared, name)}"
        yield from (f"  error  {line}" for line in _rewritten(compared, name, zones[name]))
        people = [_cells(moved, zones[name]) for moved in compared.moved if moved.schedule == name]
        widths = [max(len(row[column]) for row in people) for column in range(4)] if people else []
        for row in people:
            *cells, first = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield f"  {'  '.join(cells)}  first change {first}".rstrip()


def markdown(compared: "Comparison", zones: Mapping[str, str], base: str, weeks: int) -> Iterator[str]:
    """A comment for a pull request."""
    yield f"### On-call shifts against `{_plain(base)}`, the next {counted(weeks, 'week')}"
    names = _names(compared)
    if not names:
        yield "\nNo shift moves."
    for name in names:
        yield f"\n**{_plain(name)}** ({zones[name]}){_state(compared, name)}"
        broken = [f"- :x: {_plain(line)}" for line in _rewritten(compared, name, zones[name])]
        yield from ("", *broken) if broken else ()
        rows = [_cells(moved, zones[name]) for moved in compared.moved if moved.schedule == name]
        if rows:
            yield "\n| Person | On call | Change | First change |\n| --- | --- | --- | --- |"
            yield from ("| " + " | ".join(map(_plain, row)) + " |" for row in rows)
    if compared.rewritten:
        yield "\nAn edit should not change the past or a running turn: append a dated version (`pagerctl rota add`)."


def answer(compared: "Comparison", base: str, commit: str, now: datetime, weeks: int, accepted: bool) -> dict[str, Any]:
    """What scripts get."""
    return {
        "base": base,
        "commit": commit,
        "at": stamp(now),
        "weeks": weeks,
        "ok": accepted or not compared.rewritten,
        "added": list(compared.added),
        "removed": list(compared.removed),
        "rewritten": [
            {
                "schedule": wrong.schedule,
                "of": wrong.of,
                "from": stamp(wrong.change.start),
                "to": stamp(wrong.change.end),
                "before": list(wrong.change.before),
                "after": list(wrong.change.after),
            }
            for wrong in compared.rewritten
        ],
        "moved": [_moved_json(moved) for moved in compared.moved],
    }


def _moved_json(moved: "Moved") -> dict[str, Any]:
    def spans(found: Iterable[tuple[datetime, datetime]]) -> list[dict[str, str]]:
        return [{"from": stamp(start), "to": stamp(end)} for start, end in found]

    return {
        "schedule": moved.schedule,
        "person": moved.person,
        "lost": spans(moved.lost),
        "gained": spans(moved.gained),
        "hours_before": moved.had / timedelta(hours=1),
        "hours_after": moved.has / timedelta(hours=1),
        "first": stamp(moved.first),
        "soon": moved.soon,
    }


def _base(folder: Path, base: str, now: datetime) -> tuple[str, "Catalog"]:
    from pager.cli.git import NoBase, commit_of, write_base

    with tempfile.TemporaryDirectory(prefix="pagerctl-diff-") as place:
        try:
            commit = commit_of(folder, base)
            write_base(folder, commit, Path(place))
        except NoBase as error:
            click.echo(str(error), err=True)
            sys.exit(FAILED)
        (Path(place) / "schedules").mkdir(exist_ok=True)  # a base from before there were any has none
        return commit, _read(Path(place), now, base)


def _read(folder: Path, now: datetime, what: str) -> "Catalog":
    from pager.files import load_catalog
    from pager.problems import render

    loaded = load_catalog(folder, now, schedules_only=True)
    if loaded.catalog is not None:
        return loaded.catalog
    errors = [problem for problem in loaded.problems if problem.level == "error"]
    click.echo(render(errors, loaded.texts), err=True)
    click.echo(f"{what}: {counted(len(errors), 'error')} in the schedules; nothing can be compared", err=True)
    sys.exit(FAILED)


def _names(compared: "Comparison") -> list[str]:
    named = [*compared.added, *compared.removed, *(moved.schedule for moved in compared.moved)]
    return sorted({*named, *(wrong.schedule for wrong in compared.rewritten)})


def _state(compared: "Comparison", name: str) -> str:
    return ": new" if name in compared.added else ": removed" if name in compared.removed else ""


def _rewritten(compared: "Comparison", name: str, zone: str) -> Iterator[str]:
    found = [wrong for wrong in compared.rewritten if wrong.schedule == name]
    yield from (_told(wrong, zone) for wrong in found[:_MOST_REWRITTEN])
    if len(found) > _MOST_REWRITTEN:
        yield f"and {len(found) - _MOST_REWRITTEN} more"


def _told(wrong: "Rewritten", zone: str) -> str:
    what = "the past" if wrong.of == "past" else "the running turn"
    change = wrong.change
    before, after = (", ".join(people) or "nobody" for people in (change.before, change.after))
    return f"{what} changes: {_local(change.start, zone)} - {_local(change.end, zone)}, {before} -> {after}"


def _cells(moved: "Moved", zone: str) -> tuple[str, str, str, str]:
    lost, gained = (sum((end - start for start, end in spans), timedelta()) for spans in (moved.lost, moved.gained))
    parts = [f"{word} {_length(length)}" for word, length in (("loses", lost), ("gains", gained)) if length]
    soon = ", current or next turn" if moved.soon else ""
    hours = f"{_length(moved.had)} -> {_length(moved.has)}"
    return moved.person, hours, ", ".join(parts), f"{_local(moved.first, zone)}{soon}"


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def _length(length: timedelta) -> str:
    """`14d`, `7d1h`, `0h`."""
    minutes = round(length / timedelta(minutes=1))
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "m"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0h"


def _plain(text: str) -> str:
    """Text that means itself in Markdown: a name in a file is not to make links or mentions."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<()#!|~@" else sign for sign in text)
