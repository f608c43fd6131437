"""`pagerctl report`: what on-call cost whom, which rules are noisy, and how soon pages were answered."""

from datetime import timedelta
from typing import Any

import click

from pager.cli.client import Client, asks_server
from pager.cli.output import Session, print_json
from pager.cli.words import print_rows, rough

NOISIEST = 15


@click.command()
@click.option("--days", type=click.Choice(["7", "30", "90"]), default="30", show_default=True, help="How far back.")
@asks_server
def report(session: Session, client: Client, days: str) -> None:
    """Print who was on call and woken how often, what is noisy, and how soon pages were answered.

    A night is 22:00 to 07:00 on the clock of whoever sleeps. `/reports` shows the same, and has it as CSV.
    """
    told = client.get("/api/v1/load", days=days)
    if session.is_json:
        print_json(told)
        return
    people = [
        (one["person"], f"{one['hours']:.0f}h", str(one["pages"]), str(one["night_pages"]), str(one["nights"]))
        for one in told["people"]
    ]
    if people:
        print_rows(("PERSON", "ON CALL", "PAGES", "AT NIGHT", "NIGHTS"), people, session.colour)
    else:
        click.echo("nobody was on call, and nobody was paged")
    if told["rules"]:
        click.echo()
        rules = [
            (one["rule"] or "(no rule)", str(one["incidents"]), str(one["pages"]), str(one["by_itself"]))
            for one in told["rules"][:NOISIEST]
        ]
        print_rows(("RULE", "INCIDENTS", "PAGES", "ENDED BY ITSELF"), rules, session.colour)
    _say_answers(told["answers"][0], truncated=told["truncated"])


def _say_answers(whole: dict[str, Any], *, truncated: bool) -> None:
    """`3 incidents paged, 2 acknowledged: median 2m, worst 10m`."""
    if not whole["paged"]:
        return
    said = f"\nincidents that paged: {whole['paged']}; acknowledged: {whole['acked']}"
    if whole["acked"]:
        median, worst = (rough(timedelta(seconds=whole[key])) for key in ("median_seconds", "worst_seconds"))
        said += f", median {median}, worst {worst}"
    click.echo(said)
    if truncated:
        click.echo("there were very many: rules and answers count the newest ones", err=True)
