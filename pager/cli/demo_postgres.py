"""A PostgreSQL for the demo: the programs of this machine run one of its own, which is gone afterwards."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import click

PATIENCE = 30.0
MISSING = (
    "the demo of several nodes needs PostgreSQL: install its programs (Debian: apt install postgresql), "
    "or name an empty database with --database postgresql://user@host/name"
)
_SETTINGS = ("listen_addresses=", "fsync=off", "shared_buffers=16MB", "log_min_messages=fatal")


@contextmanager
def temporary_postgres(folder: Path) -> Iterator[str]:
    """The address of a new database, run from `folder`. ClickException where PostgreSQL is not installed."""
    initdb, server = _program("initdb"), _program("postgres")
    run_as = _run_as(folder)
    made = subprocess.run(
        [*run_as, initdb, "-D", folder / "data", "-U", "pager", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        capture_output=True,
        cwd=folder,
    )
    if made.returncode:
        raise click.ClickException(f"PostgreSQL cannot be set up: {made.stderr.decode(errors='replace').strip()}")
    options = [f"-c{setting}" for setting in _SETTINGS]
    process = subprocess.Popen(
        [*run_as, server, "-D", folder / "data", "-k", folder, *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"postgresql://pager@/postgres?host={quote(str(folder), safe='')}"
    try:
        _wait(process, folder / ".s.PGSQL.5432")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program(name: str) -> str:
    # Debian keeps these out of PATH, since a machine may have several versions: the newest is taken.
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: place.parent.name, reverse=True)
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, places)) or os.devnull)
    if found is None:
        raise click.ClickException(MISSING)
    return found


def _run_as(folder: Path) -> list[str]:
    """PostgreSQL does not run as root: there its own user runs it."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = None
    if setpriv is None or user is None:
        raise click.ClickException(
            "PostgreSQL does not run as root: run the demo as another user, or give it --database"
        )
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _wait(process: "subprocess.Popen[bytes]", socket: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise click.ClickException("PostgreSQL did not start")
        time.sleep(0.05)
