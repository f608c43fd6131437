"""`pagerctl silence`, `maintenance` and `pause`: what pages nobody for a while, who wanted it, and what it hides."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import click

from pager.cli.client import Client, asks_server
from pager.cli.incidents import by_option
from pager.cli.output import Session, counted, now, print_json
from pager.cli.words import instant_of, plain, print_facts, print_rows, rough

SILENCES, MAINTENANCE, PAUSE = "/api/v1/silences", "/api/v1/maintenance", "/api/v1/pause"
_WORD = re.compile(r"[\w.:/-]+", re.ASCII)


def _length(command: Callable[..., None]) -> Callable[..., None]:
    """--for, --until and --why."""
    for option in (
        click.option("--why", required=True, help="Why, for whoever finds it at night."),
        click.option("--until", default="", help="When it ends: 20:00 Europe/Berlin, 2026-03-30T09:00+02:00."),
        click.option("--for", "lasts", default="", help="How long it lasts: 2h, 1h30m."),
    ):
        command = option(command)
    return command


start_option = click.option("--from", "start", default="now", help="When it begins; now, if left out.")
matchers_argument = click.argument("matchers", nargs=-1, required=True, metavar="MATCHER...")
all_option = click.option("--all", "every", is_flag=True, help="Also those that are over.")


@click.group()
def silence() -> None:
    """Keep matching alerts quiet for a while, by hand. Every silence has an author, a reason and an end."""


@silence.command("add")
@matchers_argument
@_length
@start_option
@by_option
@asks_server
def add(
    session: Session, client: Client, matchers: tuple[str, ...], lasts: str, until: str, why: str, start: str, by: str
) -> None:
    """Silence alerts: `pagerctl silence add CheckoutDown 'env =~ "prod.*"' --for 2h --why "deploy 17"`.

    A word alone is the alert's name. What is paged already is held, too; what still fires when the silence ends pages
    then. Watchdog and alerts about pager itself are never silenced.
    """
    said = _said(matchers, lasts, until, start, why, by)
    _made(session, client.post(SILENCES, said), "pagerctl silence expire {id}")


@silence.command("list")
@all_option
@asks_server
def listed(session: Session, client: Client, every: bool) -> None:
    """List the silences that stand: until when, how many firing alerts each hides right now, who made it and why."""
    found = list(client.every(SILENCES, "silences", state="all" if every else "standing"))
    if session.is_json:
        print_json({"silences": found, "next": None})
    elif not found:
        click.echo("no silences" if every else "no silences stand")
    else:
        _print(found, session)


@silence.command("expire")
@click.argument("numbers", nargs=-1, required=True, metavar="ID...")
@by_option
@asks_server
def expire(session: Session, client: Client, numbers: tuple[str, ...], by: str) -> None:
    """End silences now; what they hid and still fires pages at once."""
    _end(session, client, SILENCES, numbers, by)


@click.group()
def maintenance() -> None:
    """List the maintenance windows of the files, and start or stop one by hand."""


@maintenance.command("list")
@all_option
@asks_server
def windows(session: Session, client: Client, every: bool) -> None:
    """List windows: the one that is open, else the next one of the files; and what was started by hand."""
    state = "all" if every else "standing"
    found = list(client.every(MAINTENANCE, "maintenance", state=state))
    written = client.get(MAINTENANCE, state=state, limit=1)["windows"]
    if session.is_json:
        print_json({"windows": written, "maintenance": found, "next": None})
        return
    rows = [{**window, "id": "-", "by": window["owner"] or "files"} for window in written] + found
    if rows:
        _print(rows, session, named=True)
    else:
        click.echo("no maintenance")


@maintenance.command("start")
@matchers_argument
@click.option("--name", default="", help="What it is called; the reason, if left out.")
@_length
@start_option
@by_option
@asks_server
def start_now(
    session: Session,
    client: Client,
    matchers: tuple[str, ...],
    name: str,
    lasts: str,
    until: str,
    why: str,
    start: str,
    by: str,
) -> None:
    """Start maintenance: `pagerctl maintenance start env=staging --for 1h --name "new rack" --why "moving hosts"`."""
    said = {**_said(matchers, lasts, until, start, why, by), "name": name or why[:100]}
    _made(session, client.post(MAINTENANCE, said), "pagerctl maintenance stop {id}")


@maintenance.command("stop")
@click.argument("numbers", nargs=-1, required=True, metavar="ID...")
@by_option
@asks_server
def stop(session: Session, client: Client, numbers: tuple[str, ...], by: str) -> None:
    """Stop maintenance that was started by hand: what it held is listed, and pages now if it still fires."""
    _end(session, client, MAINTENANCE, numbers, by)


@click.group(invoke_without_command=True)
@click.option("--for", "lasts", default="", help="How long: 30m; 24h at most.")
@click.option("--why", default="", help="Why, for whoever wonders at night.")
@by_option
@asks_server
def pause(session: Session, client: Client, lasts: str, why: str, by: str) -> None:
    """Pause ALL pages: `pagerctl pause --for 30m --why migration`; without --for, say whether they are paused.

    Everything is held but what is about pager itself; status, readiness and metrics say so loudly.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    if not lasts:
        _say_paused(session, client.get(PAUSE))
        return
    answer = client.post(PAUSE, {"for": lasts, "why": why, "by": by})
    if session.is_json:
        print_json(answer)
        return
    click.secho(
        f"ALL PAGES ARE PAUSED until {_until(answer)}", fg="red" if session.colour else None, bold=session.colour
    )
    print_facts([("hides", _hides(answer)), ("end it", "pagerctl pause stop")])


@pause.command("stop")
@by_option
@asks_server
def resume(session: Session, client: Client, by: str) -> None:
    """Pages go out again; what still fires and nobody has pages at once."""
    answer = client.delete(f"{PAUSE}?by={quote(by, safe='')}")
    if session.is_json:
        print_json(answer)
    else:
        click.echo("pages go out again" if answer["ended"] else "pages were not paused")


def _say_paused(session: Session, answer: dict[str, Any]) -> None:
    found = answer["pause"]
    if session.is_json:
        print_json(answer)
    elif found is None:
        click.echo("pages are not paused")
    else:
        click.echo(f"ALL PAGES ARE PAUSED until {_until(found)} by {plain(found['by'])}: {plain(found['why'])}")
        print_facts([("hides", _hides(found))])


def _said(matchers: Iterable[str], lasts: str, until: str, start: str, why: str, by: str) -> dict[str, Any]:
    if bool(lasts) == bool(until):
        raise click.UsageError("until when? write --for 2h, or --until 20:00")
    match = [f"alertname = {word}" if _WORD.fullmatch(word) else word for word in matchers]
    return {"match": match, "for": lasts, "until": until, "from": start, "why": why, "by": by}


def _made(session: Session, made: dict[str, Any], end: str) -> None:
    if session.is_json:
        print_json(made)
        return
    begins = f" from {_at(made['starts_at'], made['timezone'])}" if made["state"] == "pending" else ""
    name = f" {plain(made['name'])}" if made["name"] else ""
    click.echo(f"{made['kind']} {made['id']}{name}{begins} until {_until(made)}")
    facts = [("match", ", ".join(made["match"])), ("hides", _hides(made)), ("end it", end.format(id=made["id"]))]
    print_facts(facts)
    if made["state"] == "active" and not made["hides"]:
        click.echo("it hides nothing right now: are the matchers what you mean?", err=True)


def _end(session: Session, client: Client, path: str, numbers: Sequence[str], by: str) -> None:
    ended = [client.delete(f"{path}/{quote(number, safe='')}?by={quote(by, safe='')}") for number in numbers]
    if session.is_json:
        print_json(ended[0] if len(ended) == 1 else ended)
        return
    for one in ended:
        said = f"ended; it hid {_hides(one)}" if one["ended"] else "was over already"
        click.echo(f"{one['kind']} {one['id']}: {said}")


def _print(found: Sequence[dict[str, Any]], session: Session, *, named: bool = False) -> None:
    rows = []
    for one in found:
        about = ", ".join(one["match"])
        title = (one["name"] or "-",) if named else ()
        when = _until(one) if one["state"] == "active" else f"{one['state']}, {_span(one)}"
        rows.append((str(one["id"]), *title, when, str(one["hides"]), one["by"], about, one["why"]))
    heads = ("ID", *(("NAME",) if named else ()), "UNTIL", "HIDES", "BY", "MATCH", "WHY")
    print_rows(heads, rows, session.colour)


def _span(one: dict[str, Any]) -> str:
    if one["starts_at"] is None:
        return "none within a year"
    if one["state"] == "expired":
        return _at(one["ends_at"], one["timezone"])
    return f"{_at(one['starts_at'], one['timezone'], short=True)} to {_at(one['ends_at'], one['timezone'])}"


def _hides(one: dict[str, Any]) -> str:
    """`3 firing alerts of 7KQ, CUP`."""
    count, codes = one["hides"], one["incidents"]
    return (
        counted(count, "firing alert")
        + (f" of {', '.join(codes[:5])}" if codes else "")
        + (f" and {len(codes) - 5} more" if len(codes) > 5 else "")
    )


def _until(one: dict[str, Any]) -> str:
    """`14:30 WET (in 1h58m)` on the clock of whoever made it, with its day unless that is today."""
    return f"{_at(one['ends_at'], one['timezone'])} (in {rough(instant_of(one['ends_at']) - now())})"


def _at(written: str, zone: str, *, short: bool = False) -> str:
    here = ZoneInfo(zone)
    at: datetime = instant_of(written).astimezone(here)
    clock = f"{at:%H:%M}" if at.date() == now().astimezone(here).date() else f"{at:%a} {at.day} {at:%b %H:%M}"
    return clock if short else f"{clock} {at:%Z}"
