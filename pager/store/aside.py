"""A damaged file of SQLite is moved aside with its log, when somebody asks to go on without it."""

import contextlib
from datetime import datetime
from pathlib import Path

from pager.store import CorruptDatabase
from pager.store.lock import FileLock
from pager.store.sqlite import connect

WITH_IT = ("", "-wal", "-shm")


def move_damaged(path: Path, now: datetime) -> Path | None:
    """Where a damaged file went: `pager.db.corrupt-20261121T080000Z` beside it; None: it is whole, or not there.

    A whole file is never moved, so that whoever forgets the flag loses nothing. Raises DatabaseInUse and OSError.
    """
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        connect(path, check=True).close()
    except CorruptDatabase:
        aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%dT%H%M%SZ}")
        for end in WITH_IT:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
        return aside
    finally:
        lock.release(clean=False)
    return None
