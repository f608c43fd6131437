"""`pagerd`: run the daemon."""

import os
import sys
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
@click.version_option(__version__, prog_name="pagerd")
def pagerd(config: Path | None, listen: str | None, database: str | None, url: str | None, check: bool) -> None:
    """Take alerts in, find who is on call, and page until somebody has it."""
    from pager.settings import BadSettings, load_settings

    folder = files.config_folder(config, os.environ, Path.cwd())
    try:
        settings = load_settings(folder, listen=listen, database=database, url=url)
    except BadSettings as error:
        raise click.UsageError(str(error)) from None
    sys.exit(_run(settings, only_check=check))


def _run(settings: Any, *, only_check: bool) -> int:
    from pager import app, logs

    logs.configure(settings.log_format, settings.log_level, journal="JOURNAL_STREAM" in os.environ)
    try:
        catalog = app.read_catalog(settings.config, colour=sys.stderr.isatty())
    except app.BadConfig as error:
        click.echo(f"{error}\npagerd cannot start with these files: {settings.config}", err=True)
        return 1
    if only_check:
        return 0
    try:
        _loop(app.serve(settings, catalog))
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
