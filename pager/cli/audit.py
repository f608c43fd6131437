"""`pagerctl audit`: what people changed, and whether that was written down whole."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from pager.cli.client import Client, asks_server
from pager.cli.output import FAILED, Session, print_json
from pager.cli.words import print_rows

MANY = 50


@click.command()
@click.option("--who", default="", help="Only what this person did.")
@click.option("--about", default="", help='Only about this, as "incident 7KQ".')
@click.option("--act", default="", help="Only this act, as ack or enroll.")
@click.option("--limit", type=click.IntRange(1), default=MANY, show_default=True, help="How many.")
@click.option("--verify", is_flag=True, help="Say whether it is whole; exit status 1 if not.")
@asks_server
def audit(session: Session, client: Client, who: str, about: str, act: str, limit: int, verify: bool) -> None:
    """Show what people changed, newest first: who, by which door, from where.

    Each entry's hash covers the one before, so that --verify finds one that was altered or taken away.
    """
    if verify:
        _verify(session, client.get("/api/v1/audit/check"))
        return
    found = list(client.every("/api/v1/audit", "audit", limit, who=who, about=about, act=act))
    if session.is_json:
        print_json({"audit": found})
    elif not found:
        click.echo("nothing yet")
    else:
        rows = [(_day(one["at"]), one["who"] or "-", *_deed(one)) for one in found]
        print_rows(("AT", "WHO", "BY", "DID", "WHAT", "MORE"), rows, session.colour)


def _verify(session: Session, found: dict[str, Any]) -> None:
    if session.is_json:
        print_json(found)
    elif found["whole"]:
        click.echo(f"whole: {found['entries']} entries, each fits the one before")
    else:
        click.echo(f"not whole: entry {found['broken_at']} was altered, or taken away", err=True)
    sys.exit(0 if found["whole"] else FAILED)


def _deed(one: dict[str, Any]) -> tuple[str, str, str, str]:
    by = f"{one['via']} {one['address'] or ''}".strip()
    return by, one["act"], one["object"], _said(one["detail"])


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_said(part)}" for name, part in value.items())
    return ",".join(map(_said, value)) if isinstance(value, list) else str(value)


def _day(at: str) -> str:
    return at[:19].replace("T", " ") + "Z"
