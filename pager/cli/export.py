"""`pagerctl export`: texts to paste elsewhere, such as the checks of a repository in its CI."""

from importlib import resources

import click


@click.group()
def export() -> None:
    """Print what belongs into another place."""


@export.command("alert-rules")
def alert_rules() -> None:
    """Print Prometheus rules that watch pager itself. Route them by another way than pager."""
    click.echo(snippet("alert-rules"), nl=False)


@export.command("dashboard")
def dashboard() -> None:
    """Print a Grafana dashboard of what pager measures: `pagerctl export dashboard > pager.json`, then import it."""
    click.echo(snippet("dashboard", "json"), nl=False)


@export.command("ci-github")
def ci_github() -> None:
    """Print a GitHub workflow: check, and a comment that says whose shifts move."""
    click.echo(snippet("ci-github"), nl=False)


@export.command("ci-gitlab")
def ci_gitlab() -> None:
    """Print a GitLab job: check, and a comment that says whose shifts move."""
    click.echo(snippet("ci-gitlab"), nl=False)


@export.command("pre-commit")
def pre_commit() -> None:
    """Print a configuration for pre-commit: check before a commit."""
    click.echo(snippet("pre-commit"), nl=False)


def snippet(name: str, kind: str = "yaml") -> str:
    """The text that ships under this name."""
    return resources.files("pager").joinpath("snippets", f"{name}.{kind}").read_text(encoding="utf-8")
