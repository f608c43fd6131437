"""`pagerd`: run the daemon."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pager import __version__, files


@click.command(name="pagerd", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The folder with rules/ and schedules/.")
@click.option("--listen", help="Where to listen, such as 127.0.0.1:8080.")
@click.option("--database", help="sqlite:///PATH or postgresql://USER@HOST/NAME.")
@click.option("--url", help="The address people reach it by; links in pages begin with it.")
@click.option("--check", is_flag=True, help="Only read the files, and say what is wrong with them.")
@click.option("--start-empty", is_flag=True, help="If the database is damaged, keep it aside and start without it.")
@click.version_option(__version__, prog_name="pagerd")
def pagerd(
    config: Path | None, listen: str | None, database: str | None, url: str | None, check: bool, start_empty: bool
) -> None:
    """Take alerts in, find who is on call, and page until somebody has it."""
    from pager.settings import BadSettings, load_settings

    folder, bad = files.config_folder(config, os.environ, Path.cwd()), ""
    flags: dict[str, Any] = {"listen": listen, "database": database, "url": url}
    try:
        settings = load_settings(folder, **flags)
    except BadSettings as error:
        settings, bad = _settings_before(folder, flags), str(error)
        if settings is None or check:
            raise click.UsageError(bad) from None
    sys.exit(_run(settings, bad, only_check=check, start_empty=start_empty))


def _settings_before(folder: Path, flags: dict[str, Any]) -> Any:
    """The settings of the last good copy, where only pager.toml is to blame; None where there are none."""
    from pager.last_good import copy_of
    from pager.settings import TOML, BadSettings, load_settings

    try:
        state = load_settings(folder, written=Path(os.devnull), **flags).state
        copy = copy_of(state) if state else None
        return load_settings(folder, written=copy / TOML, **flags) if copy else None
    except BadSettings:
        return None


def _run(settings: Any, bad_settings: str, *, only_check: bool, start_empty: bool) -> int:
    from pager import app, logs
    from pager.in_force import find_start
    from pager.secrets import Secrets

    os.umask(0o077)  # What pagerd writes is for nobody else on this machine.
    logs.configure(settings.log_format, settings.log_level, journal="JOURNAL_STREAM" in os.environ)
    state = None if only_check else settings.state
    colour = sys.stderr.isatty()
    # `--check` runs where no secret is.
    known = None if only_check else Secrets()
    now = datetime.now(UTC)
    try:
        start = find_start(settings.config, state, now, secrets=known, bad_settings=bad_settings, colour=colour)
    except app.BadConfig as error:
        click.echo(f"{error}\npagerd cannot start with these files: {settings.config}", err=True)
        if state is not None:
            click.echo(f"and there is no last good copy of them in {state}", err=True)
        return 1
    if only_check:
        return 0
    try:
        _loop(app.serve(settings, start, start_empty=start_empty))
    except app.CANNOT_START as error:
        click.echo(f"pagerd cannot start: {error}", err=True)
        return 1
    return 0


def _loop(main: Any) -> None:
    try:
        import uvloop
    except ImportError:
        import asyncio

        asyncio.run(main)
    else:
        uvloop.run(main)


def main() -> None:
    """The console script."""
    pagerd()


if __name__ == "__main__":
    main()
