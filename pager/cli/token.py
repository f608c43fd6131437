"""`pagerctl token`: tokens for senders, people and scripts, made, listed and revoked."""

from datetime import datetime
from urllib.parse import quote

import click

from pager.cli.client import Client, asks_server
from pager.cli.output import Session, print_json
from pager.cli.words import print_rows
from pager.core.scope import SCOPES


@click.group()
def token() -> None:
    """Tokens: who may send, read, respond, or do everything."""


@token.command()
@click.argument("name")
@click.option("--scope", type=click.Choice(SCOPES), required=True, help="What it may do.")
@click.option("--expires", default="", help="How long it lasts, such as 90d; until it is revoked, if left out.")
@asks_server
def create(session: Session, client: Client, name: str, scope: str, expires: str) -> None:
    """Make a token, and print it: it is shown only now.

    ingest: to send alerts, as the source NAME. calendar: to ask for feeds, by ?token= in their addresses. read: to
    look. respond: to look, and to work on incidents. admin: all.
    """
    made = client.post("/api/v1/tokens", {"name": name, "scope": scope, "expires": expires})
    if session.is_json:
        print_json(made)
    else:
        click.echo(made["token"])
        until = f" until {made['expires_at']}" if made["expires_at"] else ""
        click.echo(f"{name} may {scope}{until}; keep it now, it is not shown again", err=True)
    if made["first"]:
        click.echo(
            "it is the first: from now on every request over TCP needs a token, also those of senders; "
            "the socket on this machine needs none",
            err=True,
        )


@token.command("list")
@asks_server
def listed(session: Session, client: Client) -> None:
    """List tokens without their secrets. Those of `sources:` are in the files, and not here."""
    found = client.get("/api/v1/tokens")
    if session.is_json:
        print_json(found)
    elif not found["tokens"]:
        click.echo("no tokens; make one with: pagerctl token create NAME --scope SCOPE")
    else:
        rows = ((one["name"], one["scope"], *_times(one)) for one in found["tokens"])
        print_rows(("NAME", "SCOPE", "CREATED", "LAST USED", "EXPIRES"), rows, session.colour)


@token.command()
@click.argument("name")
@asks_server
def revoke(session: Session, client: Client, name: str) -> None:
    """Let a token open nothing any more, at once."""
    answer = client.delete(f"/api/v1/tokens/{quote(name, safe='')}")
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{name}: revoked")


def _times(one: dict[str, str | None]) -> tuple[str, str, str]:
    end = _day(one["expires_at"]) or "never"
    return _day(one["created_at"]), _day(one["used_at"]) or "never", f"{end} (over)" if one["expired"] else end


def _day(at: str | None) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%MZ}" if at else ""
