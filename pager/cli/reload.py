"""`pagerctl reload`: pagerd reads its files again."""

import sys

import click

from pager.cli.client import Client, Refused, asks_server
from pager.cli.output import FAILED, Session, counted, print_json


@click.command()
@asks_server
def reload(session: Session, client: Client) -> None:
    """Let pagerd read its files again. With errors in them it keeps those before, and the exit status is 1."""
    try:
        answer = client.post("/-/reload")
    except Refused as refused:
        if "report" not in refused.answer:
            raise
        answer = refused.answer
    if session.is_json:
        print_json(answer)
    else:
        if answer["report"]:
            click.echo(answer["report"])
        warnings = sum(problem["level"] == "warn" for problem in answer["problems"])
        found = f"{counted(len(answer['problems']) - warnings, 'error')}, {counted(warnings, 'warning')}"
        stands = "the files are in force" if answer["ok"] else "nothing has changed: the files before stay in force"
        click.echo(f"{found}: {stands}" + (f" ({answer['config'][:12]})" if answer["ok"] else ""))
    sys.exit(0 if answer["ok"] else FAILED)
