"""`pagerctl source status`: who sends what, who is over a quota, and whose token is unused or came from elsewhere."""

from typing import Any

import click

from pager.cli.client import Client, asks_server
from pager.cli.output import Session, now, print_json
from pager.cli.words import age, plain, print_rows


@click.command()
@asks_server
def status(session: Session, client: Client) -> None:
    """Show each source: when it spoke, what it sent within a day, and what of that is not as it should be.

    LATE alerts were over the quota of the source and worked behind all others; REFUSED requests were told to come
    back; UNROUTED alerts began to fire without a rule for them; INVALID bodies, or parts of them, were left out.
    """
    found = client.get("/api/v1/sources")
    if session.is_json:
        print_json(found)
        return
    if not found["sources"]:
        click.echo("no sources: nobody has sent anything yet, and none stand below sources: in rules/")
        return
    heads = ("SOURCE", "DIALECT", "SPOKE", "ALERTS", "LATE", "REFUSED", "UNROUTED", "INVALID", "OPEN", "TOKEN")
    print_rows(heads, map(_row, found["sources"]), session.colour)
    for one in found["sources"]:
        for said in _ills(one):
            click.echo(plain(said))


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    spoke = f"{age(one['spoke_at'], now())} ago" if one["spoke_at"] else "never"
    numbers = (str(one["day"][name]) for name in ("alerts", "late", "refused", "unrouted", "invalid"))
    return one["name"], one["dialect"], spoke, *numbers, str(one["open"]), _token(one["token"])


def _token(token: dict[str, Any] | None) -> str:
    if token is None:
        return "-"
    return f"used {age(token['used_at'], now())} ago" if token["used_at"] else "never used"


def _ills(one: dict[str, Any]) -> list[str]:
    quota, token, said = one["quota"], one["token"], list[str]()
    if one["over_quota"]:
        said.append(
            f"{one['name']} is over its quota of {quota['alerts']} alerts and {quota['bytes']} bytes a minute, "
            f"{quota['open']} open: {one['waiting']} requests wait behind all others"
        )
    if token and token["unused"]:
        said.append(f"{one['name']}: nobody has shown its token for 7 days")
    if token and token["new_networks"]:
        said.append(f"{one['name']}: its token came from new networks: {', '.join(token['new_networks'])}")
    return said
