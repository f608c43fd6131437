"""`pagerctl declare`: open an incident by hand."""

import click

from pager.cli.client import Client, asks_server
from pager.cli.incidents import by_option, sees_option
from pager.cli.output import Session, print_json
from pager.cli.words import plain


@click.command()
@click.argument("title")
@click.option("--severity", required=True, help="SEV-1 (worst) to SEV-5; when unsure between two, the higher.")
@click.option("--policy", default="", help="Whose it is; the default policy, if left out.")
@click.option("--private", is_flag=True, help="Seen by you, by who is paged for it, and by admins.")
@sees_option
@by_option
@asks_server
def declare(
    session: Session,
    client: Client,
    title: str,
    severity: str,
    policy: str,
    private: bool,
    sees: tuple[str, ...],
    by: str,
) -> None:
    """Open an incident and page at once: `pagerctl declare "checkout is slow" --severity SEV-2 --policy payments`.

    With `--private` everybody else sees only that there is one; `--sees team:security` lets others see it.
    """
    said = {"title": title, "severity": severity, "policy": policy, "by": by, "private": list(sees) or private}
    incident = client.post("/api/v1/incidents", said)
    if session.is_json:
        print_json(incident)
        return
    click.echo(f"{incident['code']}  {incident['severity']}  opened  {plain(incident['title'])}")
    if incident.get("veiled"):
        return
    click.echo(f"  paged      {', '.join(incident['paged']) or 'nobody yet'} (policy {incident['policy']})")
    click.echo(f"  take it    pagerctl ack {incident['code']}")
