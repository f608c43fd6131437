"""`pagerctl override`: who is on call instead, for a stretch; made at run time, layered over the files."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import click

from pager.cli.client import Client, asks_server
from pager.cli.incidents import by_option
from pager.cli.output import Session, print_json
from pager.cli.words import plain, print_rows

PATH = "/api/v1/overrides"
_PLAIN = re.compile(r"(?!(?:true|false|null)\Z)[A-Za-z][A-Za-z0-9_-]*", re.IGNORECASE | re.ASCII)


def _stretch(command: Callable[..., None]) -> Callable[..., None]:
    """SCHEDULE, --from and --to, read by pagerd: a time without a zone is one of the schedule's."""
    for option in (
        click.option("--to", "end", required=True, help="Where it ends, exclusive; +12h and 20:00 count from --from."),
        click.option("--from", "start", default="now", help="Such as 2026-06-24 08:00, sat 08:00; now, if left out."),
        click.argument("schedule"),
    ):
        command = option(command)
    return command


why_option = click.option("--why", default="", help="Why, for whoever reads it later.")


@click.group()
def override() -> None:
    """Say who is on call instead, for a stretch.

    Overrides are kept by pagerd, lie over the files, and end by themselves; no reload and no deploy deletes them.
    """


@override.command()
@_stretch
@click.option("--who", help="These people are on call, and nobody else: ana,bo. An empty one: nobody.")
@click.option("--replace", help="Whenever this person would be on call, --with is.")
@click.option("--with", "stand_ins", help="Who stands in for --replace.")
@click.option("--add", help="These people, too.")
@click.option("--remove", help="Without these people.")
@why_option
@by_option
@asks_server
def add(
    session: Session,
    client: Client,
    schedule: str,
    start: str,
    end: str,
    who: str | None,
    replace: str | None,
    stand_ins: str | None,
    add: str | None,
    remove: str | None,
    why: str,
    by: str,
) -> None:
    """Lay an override over SCHEDULE: `pagerctl override add payments --from "sat 08:00" --to +12h --who chi`.

    The people whose turns it moves are told.
    """
    lists = {"who": who, "with": stand_ins, "add": add, "remove": remove}
    said: dict[str, Any] = {kind: _names(names) for kind, names in lists.items() if names is not None}
    if replace is not None:
        said["replace"] = replace.strip()
    _make(session, client, schedule, start, end, said, why, by)


@override.command()
@_stretch
@why_option
@by_option
@asks_server
def take(session: Session, client: Client, schedule: str, start: str, end: str, why: str, by: str) -> None:
    """Be on call yourself, instead of whoever it would be: `pagerctl override take payments --to +2h --by ana`."""
    _make(session, client, schedule, start, end, {"who": [by]}, why, by)


@override.command()
@_stretch
@click.option("--to-person", "other", required=True, help="Who is on call instead of you.")
@why_option
@by_option
@asks_server
def give(session: Session, client: Client, schedule: str, start: str, end: str, other: str, why: str, by: str) -> None:
    """Give your turns in a stretch to somebody: `pagerctl override give payments --to +1d --to-person bo --by ana`."""
    _make(session, client, schedule, start, end, {"replace": by, "with": [other]}, why, by)


@override.command("list")
@click.argument("schedule", required=False, default="")
@click.option("--all", "every", is_flag=True, help="Also those that are over or were removed.")
@click.option("--yaml", "as_yaml", is_flag=True, help="As YAML to paste into the document of the schedule.")
@asks_server
def listed(session: Session, client: Client, schedule: str, every: bool, as_yaml: bool) -> None:
    """List the overrides that stand, of all schedules or of SCHEDULE, in the order in which they apply."""
    state = "all" if every else "standing"
    found = list(client.every(PATH, "overrides", schedule=schedule, state=state))
    if session.is_json:
        print_json({"overrides": found, "next": None})
    elif as_yaml:
        click.echo("\n".join(as_yaml_lines(found)))
    elif not found:
        click.echo("no overrides" if every else "no overrides stand")
    else:
        rows = ((str(one["id"]), one["schedule"], _day(one["from"]), _day(one["to"]), *_words(one)) for one in found)
        print_rows(("ID", "SCHEDULE", "FROM", "TO", "BY", "ON CALL", "WHY"), rows, session.colour)


@override.command()
@click.argument("number", metavar="ID")
@by_option
@asks_server
def remove(session: Session, client: Client, number: str, by: str) -> None:
    """Take an override away; the files say again who is on call. The people whose turns it moves are told."""
    answer = client.delete(f"{PATH}/{quote(number, safe='')}?by={quote(by, safe='')}")
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"override {answer['id']} in {answer['schedule']}: removed")
        _print_moved(answer["moved"])


@override.command()
@_stretch
@asks_server
def ask(session: Session, client: Client, schedule: str, start: str, end: str) -> None:
    """Print who could cover a stretch of SCHEDULE, best first: `pagerctl override ask payments --to +1d`.

    First come those whose own turns are furthest away, then those who carry the fewest hours in the four weeks before
    and after, all schedules counted. Nobody is asked by this: agree, then `override take` or `override give`.
    """
    answer = client.get(f"/api/v1/schedules/{quote(schedule, safe='')}/cover", **{"from": start, "to": end})
    if session.is_json:
        print_json(answer)
        return
    for one in answer["on_call"]:
        people = ", ".join(one["people"]) or "nobody"
        click.echo(f"{_day(one['from'])} to {_day(one['to'])}: {plain(people)}")
    if not answer["candidates"]:
        click.echo("nobody else of this schedule is free")
        return
    rows = ((one["person"], _apart(one), f"{one['hours_carried']:g}", _busy(one)) for one in answer["candidates"])
    print_rows(("PERSON", "OWN TURN", "HOURS IN 8 WEEKS", "ALSO ON CALL IN"), rows, session.colour)


def as_yaml_lines(found: Iterable[dict[str, Any]]) -> list[str]:
    """Overrides of the API as YAML, a block for each schedule, with exact times."""
    blocks: dict[str, list[str]] = {}
    for one in found:
        keys = ("who", "replace", "with", "add", "remove")
        parts = [f"from: {_exact(one['from'])}", f"to: {_exact(one['to'])}"]
        parts += [f"{key}: {_spelled(one[key])}" for key in keys if key in one]
        parts += [f"why: {json.dumps(one['why'], ensure_ascii=False)}"] if one["why"] else []
        blocks.setdefault(one["schedule"], []).append(f"  - {{{', '.join(parts)}}}")
    lines: list[str] = []
    for schedule, entries in blocks.items():
        lines += [f"# in the document of the schedule {plain(schedule)}:", "overrides:", *entries]
    return lines


def _make(
    session: Session, client: Client, schedule: str, start: str, end: str, said: dict[str, Any], why: str, by: str
) -> None:
    body = {"schedule": schedule, "from": start, "to": end, **said, "why": why, "by": by}
    answer = client.post(PATH, body)
    if session.is_json:
        print_json(answer)
        return
    click.echo(
        f"override {answer['id']} in {schedule}, {_day(answer['from'])} to {_day(answer['to'])}: {_body(answer)}"
    )
    _print_moved(answer["moved"])
    if not answer["moved"]:
        click.echo("nobody's turn moves by it now", err=True)


def _print_moved(moved: Iterable[dict[str, Any]]) -> None:
    for one in moved:
        for key, word in (("gains", "is on call"), ("loses", "is not on call")):
            for span in one[key]:
                click.echo(f"  {plain(one['person'])} {word} {_day(span['from'])} to {_day(span['to'])}")


def _names(written: str) -> list[str]:
    return [name.strip() for name in written.split(",") if name.strip()]


def _words(one: dict[str, Any]) -> tuple[str, str, str]:
    state = " (removed)" if one["removed_at"] else f" (not applied: {one['problem']})" if one["problem"] else ""
    return one["by"], _body(one) + state, one["why"] or ""


def _body(one: dict[str, Any]) -> str:
    from pager.core.override import spelled

    return spelled({key: one[key] for key in ("who", "replace", "with", "add", "remove") if key in one})


def _apart(one: dict[str, Any]) -> str:
    days = one["days_apart"]
    return "none in 4 weeks" if days is None else f"{days} days away" if days != 1 else "1 day away"


def _busy(one: dict[str, Any]) -> str:
    return ", ".join(one["also_on_call"]) or "-"


def _exact(at: str) -> str:
    from pager.core.moment import parse_moment

    return str(parse_moment(at))


def _spelled(value: str | list[str]) -> str:
    """A name or a list of names as YAML: quoted unless it can be nothing but a word."""
    if isinstance(value, list):
        return f"[{', '.join(map(_spelled, value))}]"
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _day(at: str) -> str:
    return f"{datetime.fromisoformat(at):%a %Y-%m-%d %H:%MZ}"
