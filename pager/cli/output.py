"""What the commands share: the session, the config folder, times as people write them, and how answers look."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from pager.core.catalog import Catalog
    from pager.files import Loaded

FAILED, FINDINGS, UNREACHABLE, WAITED = 1, 3, 4, 5
F = TypeVar("F", bound=Callable[..., Any])


class Session(Struct, frozen=True):
    """The global options as they were given."""

    config: Path | None = None
    server: str | None = None
    output: str = "text"
    colours: bool = True
    token_file: Path | None = None

    @property
    def is_json(self) -> bool:
        return self.output == "json"

    @property
    def colour(self) -> bool:
        """Whether standard output may be coloured."""
        return self.colours and not os.environ.get("NO_COLOR") and sys.stdout.isatty()

    def folder(self) -> Path:
        """The config folder, whether it is there or not."""
        from pager.files import config_folder

        return config_folder(self.config, os.environ, Path.cwd())


def session_options(command: F) -> F:
    """`-c` and `-o` after the command's name, too; the command gets a Session as its first argument."""

    @wraps(command)
    def with_session(config: Path | None, output: str | None, **arguments: Any) -> Any:
        session = click.get_current_context().obj or Session()
        session = replace(session, config=config or session.config, output=output or session.output)
        return command(session, **arguments)

    config_option = click.option("-c", "--config", type=click.Path(path_type=Path), help="The config folder.")
    output_option = click.option("-o", "--output", type=click.Choice(["text", "json"]), help="How to answer.")
    return output_option(config_option(with_session))  # type: ignore[return-value]


def load(session: Session, *, schedules_only: bool = False) -> "Catalog":
    """The catalog of the session's folder. Where it has errors they are printed, and the command ends with 1."""
    from pager.files import load_catalog

    loaded = load_catalog(session.folder(), now(), schedules_only=schedules_only)
    return loaded.catalog if loaded.catalog is not None else _refuse(loaded)


def _refuse(loaded: "Loaded") -> NoReturn:
    from pager.problems import render

    errors = [problem for problem in loaded.problems if problem.level == "error"]
    click.echo(render(errors, loaded.texts), err=True)
    click.echo(f"{loaded.path}: {counted(len(errors), 'error')}; nothing can be answered from it", err=True)
    sys.exit(FAILED)


def now() -> datetime:
    return datetime.now(UTC)


def instant(text: str | None, option: str, zone: str = "UTC") -> datetime:
    """The instant that an option names, or now. Raises click's BadParameter."""
    from pager.core.instant import parse_instant

    if text is None:
        return now()
    try:
        return parse_instant(text, now(), zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def known(name: str, names: Iterable[str], kind: str) -> str:
    """`name` itself if it is one of `names`. Raises click's UsageError with the one that was probably meant."""
    from pager.problems import suggest

    every = sorted(names)
    if name in every:
        return name
    meant = suggest(name, every) or f"there are: {', '.join(every) or 'none'}"
    raise click.UsageError(f"no {kind} {name!r}; {meant}")


def stamp(at: datetime) -> str:
    """`2026-02-23T09:00:00Z`."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def print_json(answer: Any) -> None:
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest word."""
    table = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def counted(number: int, word: str) -> str:
    """`1 rule`, `2 rules`, `3 policies`."""
    if number == 1:
        return f"1 {word}"
    return f"{number} {word[:-1]}ies" if word.endswith("y") else f"{number} {word}s"
