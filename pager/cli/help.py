"""`pagerctl help`: what does not fit into the help of a command, from the package, also when the internet is away."""

from collections.abc import Iterator
from importlib import resources

import click

from pager.cli.output import Session, print_json, session_options


@click.command("help")
@click.argument("topic", required=False)
@click.argument("name", required=False)
@session_options
def help_(session: Session, topic: str | None, name: str | None) -> None:
    """Print a topic, such as `pagerctl help nodes`, or how to hear a sender, as in `pagerctl help source mail`.

    Without a topic, what topics there are.
    """
    known = dict(topics())
    if topic in ("source", "sources") and name is not None:
        topic, known = _sender(name, known)
    if topic is None:
        _list(session, known)
        return
    if topic not in known:
        from pager.problems import suggest

        hint = suggest(topic, known) or f"there are: {', '.join(known)}"
        raise click.UsageError(f"no topic {topic!r}; {hint}. For a command: pagerctl {topic} --help")
    if session.is_json:
        print_json({"topic": topic, "text": known[topic]})
    elif session.colour:
        from rich.console import Console
        from rich.markdown import Markdown

        console = Console()
        console.width = min(100, console.width)
        console.print(Markdown(known[topic]))
    else:
        click.echo(known[topic], nl=False)


def _sender(name: str, known: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The topic about a sender, and the topics with it."""
    from pager.cli.source import snippet

    try:
        return name, {**known, name: known.get(name) or snippet(name)}
    except KeyError:
        raise click.UsageError(f"no sender {name!r}; pagerctl source list prints all") from None


def topics() -> Iterator[tuple[str, str]]:
    """Each topic and its Markdown, by name."""
    files = resources.files("pager").joinpath("help").iterdir()
    for file in sorted(files, key=lambda file: file.name):
        if file.name.endswith(".md"):
            yield file.name.removesuffix(".md"), file.read_text(encoding="utf-8")


def _list(session: Session, known: dict[str, str]) -> None:
    titles = {name: text.partition("\n")[0].lstrip("# ") for name, text in known.items()}
    if session.is_json:
        print_json({"topics": [{"topic": name, "title": title} for name, title in titles.items()]})
        return
    for name, title in titles.items():
        click.echo(f"{name:<10}  {title}")
    click.echo("\nOf a command: pagerctl COMMAND --help")
