"""`pagerctl user`: who of the files may sign in, links by which they choose a password, and their browsers."""

import sys
from typing import Any
from urllib.parse import quote, urlencode

import click

from pager.cli.client import Client, asks_server
from pager.cli.incidents import by_option
from pager.cli.output import Session, now, print_json
from pager.cli.words import age, print_rows


@click.group()
def user() -> None:
    """Users: the people of the files, how they sign in, and where they are signed in.

    What they may is their `role:` in the files: viewer, responder or admin.
    """


@user.command("list")
@asks_server
def listed(session: Session, client: Client) -> None:
    """List who may sign in, as what, and how far they are."""
    found = client.get("/api/v1/users")
    if session.is_json:
        print_json(found)
    elif not found["users"]:
        click.echo("no people; write them into `people:` of the files")
    else:
        rows = ((one["person"], one["role"] or "-", _standing(one), *_seen(one)) for one in found["users"])
        print_rows(("PERSON", "ROLE", "STATE", "SESSIONS", "SEEN"), rows, session.colour)


@user.command()
@click.argument("name")
@click.option("--expires", default="", help="How long the link lasts, such as 2h; 24h, if left out, 7d at most.")
@click.option("--no-qr", is_flag=True, help="No QR code, also on a terminal.")
@by_option
@asks_server
def enroll(session: Session, client: Client, name: str, expires: str, no_qr: bool, by: str) -> None:
    """Make a link by which a person of the files chooses a password, and print it: it is shown only now.

    It works once. Give it to them by a way that only they read; on a terminal it is a QR code, too, for their phone.
    Whoever forgot their password gets a new link; the old password works until they have used it.
    """
    made = client.post(f"/api/v1/users/{quote(name, safe='')}/enrolment", {"expires": expires, "by": by})
    if session.is_json:
        print_json(made)
    else:
        if sys.stdout.isatty() and not no_qr:
            _print_code(made["url"])
        click.echo(made["url"])
        click.echo(
            f"{name} chooses a password there, once, until {made['expires_at']}; it is not shown again", err=True
        )
    if made["first"]:
        click.echo(
            "it is the first: from now on everybody has to sign in, and every other request over TCP needs a token, "
            "also those of senders: pagerctl token create NAME --scope ingest; the socket on this machine needs none",
            err=True,
        )


@user.command()
@click.argument("name")
@by_option
@asks_server
def disable(session: Session, client: Client, name: str, by: str) -> None:
    """Keep a person out, at once, whichever way they come; their browsers are signed out. Pages still reach them."""
    answer = client.post(f"/api/v1/users/{quote(name, safe='')}/disable", {"by": by})
    if session.is_json:
        print_json(answer)
        return
    click.echo(f"{name}: {'kept out' if answer['disabled'] else 'was kept out before'}, {_signed_out(answer)}")
    for token in answer["tokens"]:
        click.echo(f"the token {token} still opens; end it, too: pagerctl token revoke {token}", err=True)


@user.command()
@click.argument("name")
@by_option
@asks_server
def enable(session: Session, client: Client, name: str, by: str) -> None:
    """Let a person in again by the password that they had."""
    answer = client.post(f"/api/v1/users/{quote(name, safe='')}/enable", {"by": by})
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{name}: {'may come in again' if answer['enabled'] else 'was not kept out'}")


@user.command()
@click.argument("name")
@asks_server
def sessions(session: Session, client: Client, name: str) -> None:
    """List the browsers that a person is signed in with."""
    found = client.get(f"/api/v1/users/{quote(name, safe='')}/sessions")
    if session.is_json:
        print_json(found)
    elif not found["sessions"]:
        click.echo(f"{name} is signed in nowhere")
    else:
        rows = map(_browser, found["sessions"])
        print_rows(("ID", "BY", "SINCE", "SEEN", "FROM", "BROWSER"), rows, session.colour)


@user.command()
@click.argument("name")
@click.argument("id", required=False, default="")
@by_option
@asks_server
def revoke(session: Session, client: Client, name: str, id: str, by: str) -> None:
    """Sign a person out everywhere; with an ID of `pagerctl user sessions` only that browser."""
    one = f"/{quote(id, safe='')}" if id else ""
    answer = client.delete(f"/api/v1/users/{quote(name, safe='')}/sessions{one}?{urlencode({'by': by})}")
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{name}: {_signed_out(answer)}")


def _print_code(url: str) -> None:
    """The link as a phone's camera reads it, be the terminal dark or light."""
    import segno

    segno.make(url, error="m").terminal(out=sys.stdout, border=2, compact=True)


def _signed_out(answer: dict[str, Any]) -> str:
    count = answer["ended"]
    return f"signed out of {count} browser{'' if count == 1 else 's'}"


def _standing(one: dict[str, Any]) -> str:
    """How far somebody is, in a few words."""
    if not one["in_files"]:
        return "not in the files"
    if one["disabled_at"]:
        return f"disabled by {one['disabled_by']}" if one["disabled_by"] else "disabled"
    if one["link_expires_at"]:
        return f"has a link until {one['link_expires_at'][:16].replace('T', ' ')}Z"
    return "has a password" if one["password_set_at"] else "no password"


def _browser(one: dict[str, Any]) -> tuple[str, ...]:
    since, seen = age(one["created_at"], now()), age(one["used_at"], now())
    return one["id"], one["way"], since, seen, one["address"] or "-", one["agent"]


def _seen(one: dict[str, Any]) -> tuple[str, str]:
    return str(one["sessions"]), f"{age(one['seen_at'], now())} ago" if one["seen_at"] else "-"
