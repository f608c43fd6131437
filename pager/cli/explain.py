"""`pagerctl explain`: why an incident went as it did, each decision with file, line, config hash and commit."""

from functools import cache
from typing import Any

import click

from pager.cli.client import Client, asks_server, incident_path
from pager.cli.output import Session, print_json
from pager.cli.words import instant_of, paint, plain

_NO_WORD = "decision"


@click.command()
@click.argument("code")
@asks_server
def explain(session: Session, client: Client, code: str) -> None:
    """Print every decision about an incident: `pagerctl explain 7KQ`.

    Why this severity, whose opinion lost, why these people were paged and others not, what held it. Each with its file
    and line, the hash of the files that decided and, where the config folder is in git, the commit and its author.
    """
    told = client.get(incident_path(code, "/explain"))
    _add_commits(session, told["decisions"])
    if session.is_json:
        print_json(told)
        return
    level = paint(told["severity"], told["severity"], session.colour)
    click.echo(f"{told['code']}  {level}  {told['state']}  {plain(told['title'])}")
    config = ""
    for one in told["decisions"]:
        if one["config"] and one["config"] != config:
            config = one["config"]
            click.echo(
                f"  by the files {config[:12]}" + ("" if config == told["config"] else ", not those in force now")
            )
        _print(one)


def _print(one: dict[str, Any]) -> None:
    at = instant_of(one["at"]).astimezone()
    what = f"{one['what']}: " if one["what"] != _NO_WORD else ""
    by = f" ({plain(one['by'])})" if one["by"] else ""
    click.echo(f"  {at:%Y-%m-%d %H:%M:%S}  {what}{plain(one['text'])}{by}")
    if one["file"]:
        commit = one["commit"]
        wrote = f"  {commit['commit']} {plain(commit['author'])}: {plain(commit['subject'])}" if commit else ""
        click.echo(f"  {'':19}    {plain(one['file'])}{wrote}")


def _add_commits(session: Session, decisions: list[dict[str, Any]]) -> None:
    """Put `commit` into each: who wrote that line, as the files stood in git at that time; None where nobody knows."""
    from pager.cli.git import commit_at, line_at

    folder = session.folder()

    @cache
    def stood(at: str) -> str | None:
        return commit_at(folder, instant_of(at)) if folder.is_dir() else None

    @cache
    def wrote(commit: str, place: str) -> dict[str, str] | None:
        found = line_at(folder, commit, place)
        return {"commit": found.commit, "author": found.author, "subject": found.subject} if found else None

    for one in decisions:
        commit = stood(one["at"]) if one["file"] else None
        one["commit"] = wrote(commit, one["file"]) if commit else None
