"""`pagerctl webhook`: how the webhooks are that are told of events, a test of one, and switching it on again."""

import sys
from typing import Any
from urllib.parse import quote

import click

from pager.cli.client import Client, asks_server
from pager.cli.output import FAILED, Session, print_json
from pager.cli.words import plain, print_rows

PATH = "/api/v1/webhooks"
PATIENCE = 30.0


@click.group(invoke_without_command=True)
@click.pass_context
def webhook(context: click.Context) -> None:
    """Look after the webhooks of the files; without a command, list them."""
    if context.invoked_subcommand is None:
        context.invoke(listed)


@webhook.command("list")
@asks_server
def listed(session: Session, client: Client) -> None:
    """List them: how each is, what waits for it, and why."""
    answer = client.get(PATH)
    if session.is_json:
        print_json(answer)
    elif not answer["webhooks"]:
        click.echo("no webhooks; they stand below webhooks: in rules/ (pagerctl help webhooks)")
    else:
        heads = ("NAME", "STATE", "WAITING", "DELIVERED", "DROPPED", "TO")
        print_rows(heads, map(_row, answer["webhooks"]), session.colour)
        for one in answer["webhooks"]:
            if one["why"]:
                click.echo(f"{one['name']}: {plain(one['why'])}")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (one["name"], one["state"], str(one["waiting"]), str(one["delivered"]), str(one["dropped"]), one["to"])


@webhook.command()
@click.argument("name")
@asks_server
def test(session: Session, client: Client, name: str) -> None:
    """Send an event `pager.test` now, and say what came of it. The exit status is 1 when it was not taken."""
    client.timeout = PATIENCE
    answer = client.post(f"{PATH}/{quote(name, safe='')}/test")
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{name}: {plain(answer['said'])}")
    sys.exit(0 if answer["taken"] else FAILED)


@webhook.command()
@click.argument("name")
@asks_server
def on(session: Session, client: Client, name: str) -> None:
    """Tell it again of what happens from now on, when its receiver had said that it is gone."""
    answer = client.post(f"{PATH}/{quote(name, safe='')}/on")
    if session.is_json:
        print_json(answer)
    else:
        click.echo(f"{name}: {answer['state']}")
