"""Copies of the SQLite file: made while it is written, checked before they count, and put back."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from shutil import copyfile, disk_usage

from msgspec import Struct

from pager.store import CorruptDatabase, StoreFull, migrations
from pager.store.lock import FileLock
from pager.store.sql import instant
from pager.store.sqlite import connect_reader, reraise

STEP = 2000
"""Pages of the file that are copied in a row."""
SPARE = 64 * 1024 * 1024
"""Bytes that must stay free: a copy must not be what fills the disk."""
_SIDES = ("-wal", "-shm")


class Contents(Struct, frozen=True):
    """What a copy holds: its schema, how many incidents, how many of them open, and when the last thing happened."""

    schema: str
    incidents: int
    open: int
    last_at: datetime | None
    size: int


def file_of(url: str) -> Path:
    """The file of a database URL. Raises ValueError for a database that is no file of ours."""
    scheme, _, rest = url.partition("://")
    path = rest.removeprefix("/")
    if scheme != "sqlite":
        raise ValueError("this is for SQLite; PostgreSQL has its own: pg_dump, pg_restore and its continuous archiving")
    if path in ("", ":memory:"):
        raise ValueError("a private database has no file")
    return Path(path)


def copy(source: Path, into: Path) -> None:
    """Write a whole, checked, single-file copy of the database at `source` to `into`, atomically, mode 0600.

    The database may be in use: it is read through a connection that can neither write nor checkpoint, from one
    snapshot, however much is written meanwhile. Raises StoreError or OSError; then `into` is as it was.
    """
    _check_room(source, into.parent)
    with _fresh(into) as draft:
        try:
            _copy_pages(source, draft)
        except sqlite3.Error as error:
            reraise(error, source)
        _settle(draft, into)


def place(made: Path, file: Path) -> None:
    """Put the checked copy `made` at `file` too, atomically, mode 0600. Raises OSError."""
    with _fresh(file) as draft:
        copyfile(made, draft)
        _settle(draft, file)


def verify(file: Path, versions: Path = migrations.VERSIONS) -> Contents:
    """Read the whole copy, and tell what is in it. Raises CorruptDatabase, NewerSchema, StoreError and OSError."""
    size = file.stat().st_size
    try:
        connection = connect_reader(file)
        with contextlib.closing(connection):
            _check_whole(connection)
            schema = migrations.found_in(lambda sql: list(connection.execute(sql)), "sqlite")
            if schema is None:
                raise CorruptDatabase(f"{file} is a whole SQLite file, but not one of pager's")
            migrations.needed(schema, versions)
            return _contents(connection, schema, size)
    except sqlite3.Error as error:
        reraise(error, file)


def restore(file: Path, target: Path, now: datetime) -> Path | None:
    """Put the copy `file` in the place of the database `target`; where the one before it was kept, if there was one.

    Raises DatabaseInUse while a pagerd has it, what `verify` raises for a copy that cannot be used, and OSError.
    """
    verify(file)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = (target if target.exists() else target.parent).stat()
    lock = FileLock(target)
    try:
        with _fresh(target) as draft:
            copyfile(file, draft)
            for place in (draft, Path(f"{target}.lock")):
                if os.geteuid() == 0:
                    os.chown(place, owner.st_uid, owner.st_gid)
            aside = _put_aside(target, now)
            _settle(draft, target)
            return aside
    finally:
        # Not in order: the next start reads the whole file before it trusts it.
        lock.release(clean=False)


def _put_aside(target: Path, now: datetime) -> Path | None:
    """Keep what is there. Its log goes first: one that stayed would be played into the file that comes."""
    if not target.exists():
        return None
    aside = Path(f"{target}.before-{now:%Y%m%dT%H%M%S}Z")
    for side in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{target}{side}").rename(f"{aside}{side}")
    aside.hardlink_to(target)
    return aside


def _check_room(source: Path, folder: Path) -> None:
    wanted = sum(place.stat().st_size for place in (source, Path(f"{source}-wal")) if place.exists())
    if disk_usage(folder).free < wanted + SPARE:
        raise StoreFull(f"no room for a copy of {source} in {folder}: {wanted + SPARE} bytes are wanted")


@contextlib.contextmanager
def _fresh(into: Path) -> Iterator[Path]:
    """An empty file beside `into` that only its owner may read, gone afterwards if it is still there."""
    draft = into.with_name(f".{into.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        for side in ("", *_SIDES, "-journal"):
            Path(f"{draft}{side}").unlink(missing_ok=True)


def _copy_pages(source: Path, draft: Path) -> None:
    with contextlib.closing(connect_reader(source)) as reading, contextlib.closing(_draft(draft)) as writing:
        # From here on one snapshot is read: without it a write in between would begin the copy anew, for ever.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=STEP)
        # The copy says that it has a log, as its original does: it must stand alone.
        writing.execute("PRAGMA journal_mode = DELETE")
        _check_whole(writing)


def _draft(draft: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(draft, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")  # synced once, at the end
    return connection


def _check_whole(connection: sqlite3.Connection) -> None:
    faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
    if faults != ["ok"]:
        raise CorruptDatabase(f"the copy is damaged: {' '.join(faults[0].split())}")


def _settle(draft: Path, into: Path) -> None:
    _sync(draft)
    draft.replace(into)
    _sync(into.parent)


def _sync(place: Path) -> None:
    number = os.open(place, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _contents(connection: sqlite3.Connection, schema: str, size: int) -> Contents:
    (incidents, still_open) = connection.execute(
        "SELECT count(*), coalesce(sum(state <> 'resolved'), 0) FROM incidents WHERE version > 0"
    ).fetchone()
    (last,) = connection.execute("SELECT max(at) FROM timeline").fetchone()
    return Contents(schema, incidents, still_open, instant(last) if last is not None else None, size)
