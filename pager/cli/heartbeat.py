"""`pagerctl heartbeat`: what must speak every so often, when it did, and what is waited for."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import click

from pager.cli.client import Client, Refused, asks_server
from pager.cli.output import Session, now, print_json
from pager.cli.words import age, instant_of, plain, print_rows, rough

HEARTBEATS = "/api/v1/heartbeats"
_KINDS = ("ok", "start", "fail", "log")


@click.group()
def heartbeat() -> None:
    """List heartbeats and dead man's switches, ping one by hand, forget what is gone for good."""


@heartbeat.command("list")
@asks_server
def listed(session: Session, client: Client) -> None:
    """List the heartbeats of the files: what each is, when it was heard, and when it is missing.

    Each Prometheus that sends a watchdog is a row of its own. Below them stand alerts such as Watchdog that some
    sender fires all the time, and whose silence nobody waits for yet.
    """
    found = client.get(HEARTBEATS)
    if session.is_json:
        print_json(found)
        return
    if found["heartbeats"]:
        rows = [_row(one, now()) for one in found["heartbeats"]]
        print_rows(("HEARTBEAT", "STATE", "HEARD", "MISSING", "EVERY", "LEVEL", "LAST WORD"), rows, session.colour)
    else:
        click.echo("no heartbeats: write them below heartbeats: in rules/")
    for one in found["to_expect"]:
        labels = ", ".join(f"{name}={value}" for name, value in sorted(one["labels"].items()) if name != "alertname")
        click.echo(plain(f"nobody waits for {one['alertname']} of {one['source']} ({labels}); to wait for it, write"))
        click.echo(
            plain(f"  heartbeats: [{{name: {_name(one)}, every: 5m, watchdog: ['alertname = {one['alertname']}']}}]")
        )


@heartbeat.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(_KINDS), default="ok", show_default=True, help="What is said.")
@click.option("--word", default="", help="What is kept as its last word.")
@asks_server
def ping(session: Session, client: Client, name: str, kind: str, word: str) -> None:
    """Say by hand that a heartbeat lives: `pagerctl heartbeat ping nightly-backup`.

    A job pings by `curl -fsS -m 10 --retry 5 URL/ping/TOKEN/NAME`, with /start, /fail, /log or /$? after the name.
    """
    answer = client.post(f"{HEARTBEATS}/{quote(name, safe='')}/ping", {"kind": kind, "word": word})
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{plain(name)}: heard" if kind == "ok" else f"{plain(name)}: {kind} heard")


@heartbeat.command()
@click.argument("name")
@click.argument("instance")
@asks_server
def forget(session: Session, client: Client, name: str, instance: str) -> None:
    """Forget an instance of a watchdog that is gone for good: `pagerctl heartbeat forget prometheus 3f2a...`.

    What is told of it ends. When it speaks again, it is waited for again.
    """
    try:
        answer = client.delete(f"{HEARTBEATS}/{quote(name, safe='')}/{quote(instance, safe='')}")
    except Refused as error:
        if error.status != 404:
            raise
        known = [one["instance"] for one in client.get(HEARTBEATS)["heartbeats"] if one["name"] == name]
        there = ", ".join(filter(None, known)) or "none"
        raise click.UsageError(f"no instance {instance!r} of {name!r}; there are: {there}") from None
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{plain(name)} {plain(instance)}: forgotten")


def _row(one: dict[str, Any], at: datetime) -> tuple[str, ...]:
    heard = f"{age(one['heard_at'], at)} ago" if one["heard_at"] else "never"
    left = instant_of(one["due_at"]) - at
    due = "since " + rough(-left) if left.total_seconds() < 0 else "in " + rough(left)
    said = one["word"].strip().splitlines()[-1:] or [""]
    status = "" if one["exit_status"] is None else f"exit status {one['exit_status']}"
    word = ", ".join(filter(None, (status, said[0][:200])))
    every = one["every"] + (f" + {one['grace']}" if one["grace"][0] != "0" else "")
    named = one["title"] + (f" {one['instance']}" if one["instance"] else "")
    return (plain(named), one["state"], heard, due, every, one["severity"], plain(word))


def _name(one: dict[str, Any]) -> str:
    return str(one["labels"].get("job") or one["alertname"]).lower()
