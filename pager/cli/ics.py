"""`pagerctl schedule ics`: turns as a calendar to import, or the address at which a calendar can subscribe to them."""

import re
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from pager.cli.output import Session, known, now, print_json, session_options
from pager.cli.standing import load_standing

if TYPE_CHECKING:
    from pager.cli.client import Client

TOKENS = "/api/v1/tokens"


@click.command()
@click.argument("name", required=False)
@click.option("--person", help="Only the turns of this person, in all schedules.")
@click.option("--weeks", type=click.IntRange(1, 104), default=26, show_default=True, help="How far ahead.")
@click.option("--address", is_flag=True, help="Ask pagerd for an address to subscribe to instead, with a new token.")
@click.option("-y", "--yes", is_flag=True, help="With --address: make the token without asking if it is the first.")
@session_options
def ics(session: Session, name: str | None, person: str | None, weeks: int, address: bool, yes: bool) -> None:
    """Print the turns in NAME, or those of one person, as iCalendar: `pagerctl schedule ics --person ana > ana.ics`.

    Four weeks of the past are in it, too. Times are exact instants; calendars show them in the reader's zone.
    `pagerctl --server URL schedule ics` lays the overrides over the files that this pagerd keeps.

    `pagerctl schedule ics payments --address` prints an address that a calendar can subscribe to, and stays up to date
    by. Its token has the scope `calendar`, is shown only then, and is taken back with `pagerctl token revoke`.
    """
    if (name is None) == (person is None):
        raise click.UsageError("name a schedule or, with --person, a person")
    if address:
        kind, whose = ("schedules", name) if name else ("people", person or "")
        _print_address(session, f"/{kind}/{quote(whose, safe='')}.ics", whose, yes)
    else:
        _print_turns(session, name, person or "", weeks)


def _print_turns(session: Session, name: str | None, person: str, weeks: int) -> None:
    from pager.core.ics import ics as text_of
    from pager.core.ics import person_events, schedule_events
    from pager.core.oncall import schedule_people

    catalog, at = load_standing(session), now()
    start, end = at - timedelta(weeks=4), at + timedelta(weeks=weeks)
    if name is not None:
        known(name, catalog.schedules, "schedule")
        text = text_of(f"On call: {name}", schedule_events(catalog, name, start, end), at)
    else:
        people = {one for schedule in catalog.schedules.values() for one in schedule_people(schedule)}
        who = known(person, people | set(catalog.people), "person")
        text = text_of(f"{who} on call", person_events(catalog, who, start, end), at)
    click.echo(text.encode(), nl=False)


def _print_address(session: Session, path: str, whose: str, yes: bool) -> None:
    """The address of the feed at `path`, with a token of its own, so that one calendar can be cut off alone."""
    from pager.cli.client import Client, places_of, token_of

    client = Client(places_of(session), token=token_of(session))
    client.get(path)  # no token for a feed that is not there
    made = _made(client, whose, yes)
    address = f"{made['url']}{path}?token={made['token']}"
    if session.is_json:
        print_json({"address": address, "token": made["name"], "first": made["first"]})
        return
    click.echo(address)
    click.echo(
        "whoever has it reads the calendars of all schedules and people; it is not shown again. To take it back:\n"
        f"  pagerctl token revoke {made['name']}",
        err=True,
    )
    if not address.startswith("https:"):
        click.echo("most calendars subscribe over https alone: start pagerd with its PAGER_URL=https://...", err=True)


def _made(client: "Client", whose: str, yes: bool) -> dict[str, str]:
    known_tokens = client.get(TOKENS)
    if not known_tokens["closed"] and not yes:
        click.confirm(
            "There is no token yet. From the first one on every request over TCP needs one, also those of senders: "
            "an alert without it is refused. Make it?",
            abort=True,
            err=True,
        )
    name = _free_name(whose, {one["name"] for one in known_tokens["tokens"]})
    answer: dict[str, str] = client.post(TOKENS, {"name": name, "scope": "calendar"})
    return answer


def _free_name(whose: str, taken: Collection[str]) -> str:
    """`calendar-ana`, or `calendar-ana-2` where that is taken."""
    base, number = f"calendar-{re.sub(r'[^A-Za-z0-9._-]+', '-', whose)}"[:56], 1
    while (name := f"{base}-{number}" if number > 1 else base) in taken:
        number += 1
    return name
