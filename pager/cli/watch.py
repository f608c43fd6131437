"""`pagerctl incidents watch`: what happens to incidents, as it happens, a line each."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click

from pager.cli.client import Client, Unreachable, asks_server
from pager.cli.output import FAILED, Session
from pager.cli.words import instant_of, paint, plain

PATH = "/api/v1/events"
PATIENCE = 45.0
"""Seconds without a word, where pagerd says every 15 s that it is there."""
PAUSE = 0.2
"""Seconds between the end of a stream, which pagerd makes every few minutes, and the next."""
PAUSES = (1.0, 2.0, 5.0)
Json = dict[str, Any]


@click.command()
@click.argument("code", required=False, default="")
@click.option("--after", metavar="ID", help="Begin behind this event, as -o json names it; 0 is all that is kept.")
@asks_server
def watch(session: Session, client: Client, code: str, after: str | None) -> None:
    """Follow what happens to incidents, or to one: `pagerctl incidents watch 7KQ`. Ctrl-C ends it.

    With -o json each line is one event, as webhooks tell it, with its id. When the connection breaks it goes on where
    it left off.
    """
    client.timeout = PATIENCE
    day = datetime.now().astimezone().date()
    try:
        for event in follow(client, code, after, said=lambda text: click.echo(text, err=True)):
            if session.is_json:
                click.echo(json.dumps(event, ensure_ascii=False))
            elif event["type"] == "lost":
                click.echo("some of what happened is not kept any more; see pagerctl incidents", err=True)
            else:
                at = instant_of(event["timestamp"]).astimezone()
                if at.date() != day:
                    day = at.date()
                    click.echo(f"-- {at:%a %Y-%m-%d}")
                click.echo(line_of(event, at, session.colour))
            sys.stdout.flush()
    except KeyboardInterrupt:
        # It has no other end: nothing went wrong.
        return
    except BrokenPipeError:
        # Whoever read has gone, as `head` does.
        sys.stderr.close()
        sys.exit(FAILED)


def follow(client: Client, code: str, after: str | None, said: Callable[[str], None]) -> Iterator[Json]:
    """Events for ever, each with its `id`. Raises Unreachable only where pagerd was never reached, and Refused."""
    reached, failed = False, 0
    while True:
        read = after
        try:
            for name, value in _fields(client.lines(PATH, after, incident=code)):
                if not reached:
                    said(f"following {client.place}; Ctrl-C ends it")
                elif failed:
                    said("connected again")
                reached, failed = True, 0
                if name == "id":
                    read = value
                elif name == "data":
                    yield {"id": read, **json.loads(value)}
                elif not name:  # Only a whole event was read: one that broke off comes again.
                    after = read
            time.sleep(PAUSE)
        except Unreachable as error:
            if not reached:
                raise
            if not failed:
                said(f"{error.message}; trying again")
            time.sleep(PAUSES[min(failed, len(PAUSES) - 1)])
            failed += 1


def _fields(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The fields of server-sent events, of each its id first, as pagerd writes them. Comments are ("", "")."""
    for line in lines:
        name, _, value = line.partition(":")
        yield name, value.removeprefix(" ") if name else ""


def line_of(event: Json, at: datetime, colour: bool = False) -> str:
    """`03:04:12  7KQ  SEV-2  acknowledged by ana  CheckoutDown`."""
    data = event["data"]
    incident = data["incident"]
    level = incident.get("severity", "")
    title = incident.get("title") or ("private" if incident.get("private") else "")
    shown = (f"{at:%H:%M:%S}", incident["code"], paint(level, level, colour), _said(event["type"], data), plain(title))
    return "  ".join(part for part in shown if part)


def _said(kind: str, data: Json) -> str:
    """What happened, in words that need no manual."""
    by = f" by {plain(data['by'])}" if data.get("by") else ""
    word = kind.removeprefix("incident.")
    known = _WORDS.get(word)
    try:
        return plain(known(data, by)) if known else f"{word}{by}"
    except KeyError:  # Of what is private there is no more to say.
        return f"{word}{by}"


def _resolved(data: Json, by: str) -> str:
    into = data["incident"].get("merged_into")
    return f"merged into {into}{by}" if into else f"resolved{_BY_ITSELF.get(by, by)}"


def _unacknowledged(data: Json, by: str) -> str:
    had = data["had"] or "nobody"
    return f"nobody has it: {'let go' + by if data['why'] == 'let go' else data['why']} ({had} had it)"


def _escalated(data: Json, by: str) -> str:
    to = data["to"]
    paged = ", ".join(to[:3]) + (f" and {len(to) - 3} more" if len(to) > 3 else "")
    step = "end of the steps" if data["last"] else f"step {data['step']}"
    return f"{f'escalated{by}' if by else step}: {paged} paged"


def _held(data: Json, _: str) -> str:
    hold = data["incident"]["hold"] or {"reason": "", "name": "", "until": None}
    until = f" until {instant_of(hold['until']).astimezone():%H:%M}" if hold["until"] else ""
    return f"held: {hold['reason']} {hold['name']}".rstrip() + until


_BY_ITSELF = {" by source": ", its alerts ended", " by not heard of": ", its alerts are not heard of any more"}
_WORDS: dict[str, Callable[[Json, str], str]] = {
    "resolved": _resolved,
    "unacknowledged": _unacknowledged,
    "escalated": _escalated,
    "held": _held,
    "released": lambda data, by: "not held any more",
    "reopened": lambda data, by: f"fires again: re-opened{by}",
    "severity": lambda data, by: f"{data['from']} -> {data['to']}{by}",
    "reassigned": lambda data, by: f"handed to {data['to']}{by}",
    "snoozed": lambda data, by: f"snoozed{by} until {instant_of(data['until']).astimezone():%H:%M}",
    "merged": lambda data, by: f"{data['merged']} merged into it{by}",
    "note": lambda data, by: f"{data['by'] or 'pager'} says: {data['text']}",
    "role": lambda data, by: f"{data['person']} is {data['role']}",
}
