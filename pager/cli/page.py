"""`pagerctl page` and `pagerctl contacts`: page a person by hand, test how one is reached, and see what is proven."""

import time
from typing import Any
from urllib.parse import quote

import click

from pager.cli.client import Client, asks_server
from pager.cli.incidents import by_option
from pager.cli.output import WAITED, Session, print_json
from pager.cli.words import plain, print_rows

EVERY = 1.0


@click.command()
@click.argument("who")
@click.argument("text")
@click.option("--wait", default=120.0, show_default=True, help="Of a test: seconds to wait for answers.")
@by_option
@asks_server
def page(session: Session, client: Client, who: str, text: str, wait: float, by: str) -> None:
    """Page a person: `pagerctl page bo "need you on 7KQ"`; incidents named by their codes note it.

    `pagerctl page test ana` sends a test page to each contact of ana and measures until it was accepted and until she
    pressed the link in it: that contact is proven. Exits 5 when some contact was not answered in time.
    """
    if who == "test":
        _test(session, client, text, wait, by)
        return
    answer = client.post(f"/api/v1/people/{quote(who, safe='')}/page", {"text": text, "by": by})
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{plain(answer['to'])} is paged: {plain(answer['text'])}")


def _test(session: Session, client: Client, who: str, wait: float, by: str) -> None:
    path = f"/api/v1/people/{quote(who, safe='')}/tests"
    made = client.post(path, {"by": by})
    if not session.is_json:
        click.echo(f"a test page goes to {plain(who)}; waiting up to {wait:g} s for its links to be pressed", err=True)
    ends = time.monotonic() + wait
    told = client.get(f"{path}/{made['at']}")
    while not all(map(_is_over, told["contacts"])) and time.monotonic() < ends:
        time.sleep(EVERY)
        told = client.get(f"{path}/{made['at']}")
    if session.is_json:
        print_json(told)
    else:
        print_rows(("CONTACT", "ACCEPTED", "ANSWERED"), map(_row, told["contacts"]), session.colour)
    if any(one["answered_after"] is None for one in told["contacts"]):
        raise SystemExit(WAITED)


def _is_over(one: dict[str, Any]) -> bool:
    return one["answered_after"] is not None


def _row(one: dict[str, Any]) -> tuple[str, str, str]:
    accepted, answered = one["accepted_after"], one["answered_after"]
    how = f"{accepted:g} s" if accepted is not None else f"{one['outcome'] or 'not yet'} {one['detail']}".strip()
    return plain(one["contact"]), plain(how), f"{answered:g} s: proven" if answered is not None else "no"


@click.command()
@click.option("--unproven", is_flag=True, help="Only those that nobody answered by for 30 days.")
@asks_server
def contacts(session: Session, client: Client, unproven: bool) -> None:
    """List the contacts of all people, and when each was proven: a person answered a test page by it."""
    listed = [one for one in client.get("/api/v1/contacts")["contacts"] if not (unproven and one["proven"])]
    if session.is_json:
        print_json({"contacts": listed})
        return
    rows = [(plain(one["person"]), plain(one["contact"]), _proven(one)) for one in listed]
    print_rows(("PERSON", "CONTACT", "PROVEN"), rows, session.colour)


def _proven(one: dict[str, Any]) -> str:
    if one["proven_at"] is None:
        return "never -> pagerctl page test " + plain(one["person"])
    return str(one["proven_at"])[:10] + ("" if one["proven"] else ", too long ago")
