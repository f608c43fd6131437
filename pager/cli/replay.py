"""`pagerctl replay`: what really came in, worked again by other files: who would have been paged instead."""

import asyncio
import sys
import tempfile
from base64 import b64decode
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from pager.cli.client import Client, asks_server
from pager.cli.output import FAILED, Session, counted, load, now, print_json, print_table, stamp
from pager.cli.words import instant_of, plain

if TYPE_CHECKING:
    from pager.core.catalog import Catalog
    from pager.replay import Outcome, Received, Titled

_MOST = 20
_FOLDERS = ("rules", "schedules", "runbooks")


@click.command()
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="How far to look back.")
@click.option("--rules", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Other rules: a folder.")
@click.option("--ack-after", default="5m", show_default=True, help="When whoever is paged acknowledges, such as 5m.")
@asks_server
def replay(session: Session, client: Client, days: int, rules: Path | None, ack_after: str) -> None:
    """Work again what came in: `pagerctl replay --days 30 --rules ../proposal/rules`.

    The requests that pagerd has kept run through the files of the config folder and, beside them, through those of
    --rules (a rules folder, or a whole config folder), by the daemon's own engine on a virtual clock. Nothing is sent.
    People are taken to acknowledge, so that both are compared alike; what they really did is not replayed.
    """
    from pager.core.duration import parse_duration

    try:
        answered = parse_duration(ack_after)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ack-after") from None
    if answered <= timedelta():
        raise click.BadParameter("nobody answers before the page: write 5m", param_hint="--ack-after")
    catalogs = [load(session), *([_proposed(session, rules)] if rules is not None else [])]
    received = _received(client, now() - timedelta(days=days))
    if not received:
        click.echo(f"nothing that changed anything was kept in the last {counted(days, 'day')}", err=True)
        sys.exit(FAILED)
    outcomes = _played(catalogs, received, answered)
    if session.is_json:
        print_json(_as_json(received, ack_after, outcomes))
    else:
        _print(received, ack_after, outcomes)


def _played(catalogs: "list[Catalog]", received: "list[Received]", answered: timedelta) -> "list[Outcome]":
    from pager.replay import replay as play

    # What the engine logs of its own troubles is no part of the answer.
    with redirect_stdout(sys.stderr):
        return [asyncio.run(play(catalog, received, answered)) for catalog in catalogs]


def _received(client: Client, since: datetime) -> "list[Received]":
    from pager.replay import Received

    return [
        Received(instant_of(one["at"]).astimezone(UTC), one["source"], one["dialect"], b64decode(one["body"]))
        for one in client.every("/api/v1/requests", "requests", since=stamp(since))
    ]


def _proposed(session: Session, rules: Path) -> "Catalog":
    """The files with other rules; what a whole config folder has besides counts, too."""
    own = session.folder()
    parts = {name: rules / name for name in _FOLDERS if (rules / name).is_dir()} or {"rules": rules}
    with tempfile.TemporaryDirectory(prefix="pagerctl-replay-") as place:
        for name in _FOLDERS:
            source = parts.get(name, own / name)
            if source.is_dir():
                copytree(source, Path(place) / name, symlinks=True)
        return load(Session(config=Path(place)))


# For people.


def _print(received: "list[Received]", ack_after: str, outcomes: "list[Outcome]") -> None:
    first, last = received[0].at.astimezone(), received[-1].at.astimezone()
    click.echo(
        f"replayed {counted(len(received), 'request')} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}; "
        f"whoever is paged acknowledges after {ack_after}"
    )
    if outcomes[0].unread:
        click.echo(f"{counted(outcomes[0].unread, 'request')} could not be read and stayed out")
    click.echo()
    print_table(("", "BEFORE", "AFTER")[: 1 + len(outcomes)], _rows(outcomes))
    changed = _changed(outcomes)
    if len(outcomes) > 1:
        click.echo("\nwhat changes most, in pages" if changed else "\nno incident pages otherwise")
    for title, before, after in changed[:_MOST]:
        click.echo(f"  {_of(before)} -> {_of(after)}  {plain(title)}")


def _rows(outcomes: "list[Outcome]") -> list[tuple[str, ...]]:
    levels = sorted({level for one in outcomes for level in one.incidents})
    people = sorted({name for one in outcomes for name in one.pages})
    rows = [("incidents", *(str(one.incidents.total()) for one in outcomes))]
    rows += [(f"  {level}", *(str(one.incidents[level]) for one in outcomes)) for level in levels]
    rows += [("pages", *(str(one.pages.total()) for one in outcomes))]
    rows += [(f"  {plain(name)}", *(_paged(one, name) for one in outcomes)) for name in people]
    return rows


def _paged(one: "Outcome", name: str) -> str:
    night = f" ({one.nights[name]} at night)" if one.nights[name] else ""
    return f"{one.pages[name]}{night}"


def _of(titled: "Titled | None") -> str:
    return f"{titled.severity} {counted(titled.pages, 'page')}" if titled is not None else "no incident"


def _changed(outcomes: "list[Outcome]") -> "list[tuple[str, Titled | None, Titled | None]]":
    """The titles that went otherwise, those with the greatest difference first."""
    if len(outcomes) < 2:
        return []
    before, after = outcomes[0].by_title, outcomes[1].by_title
    found = [(title, before.get(title), after.get(title)) for title in {**before, **after}]
    other = [one for one in found if one[1] != one[2]]
    return sorted(other, key=lambda one: (-abs(_pages(one[1]) - _pages(one[2])), one[0]))


def _pages(titled: "Titled | None") -> int:
    return titled.pages if titled is not None else 0


# For scripts.


def _told(one: "Outcome") -> dict[str, Any]:
    return {
        "incidents": dict(one.incidents),
        "pages": dict(one.pages),
        "nights": dict(one.nights),
        "by_title": {title: asdict(titled) for title, titled in one.by_title.items()},
        "unread": one.unread,
    }


def _as_json(received: "list[Received]", ack_after: str, outcomes: "list[Outcome]") -> dict[str, Any]:
    told = [_told(one) for one in outcomes]
    return {
        "requests": len(received),
        "from": stamp(received[0].at),
        "to": stamp(received[-1].at),
        "ack_after": ack_after,
        "before": told[0],
        "after": told[1] if len(told) > 1 else None,
        "changed": [
            {"title": title, "before": asdict(old) if old else None, "after": asdict(new) if new else None}
            for title, old, new in _changed(outcomes)
        ],
    }
