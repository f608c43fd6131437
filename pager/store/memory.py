"""A database in memory for trials: the same tables and transactions as a file of SQLite, without threads or a disk."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from pager.store import bundles, migrations
from pager.store.database import Clock, Database, Tx
from pager.store.sql import instant
from pager.store.sqlite import SqliteTx

T = TypeVar("T")
_NOWHERE = Path(":memory:")
_KEPT = ("alembic_version", "lanes")


class MemoryDatabase(Database):
    """Work runs where it is asked for, one transaction after the other; nothing outlives `close`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self._tables: list[str] = []

    async def open(self) -> None:
        self._connection.deserialize(_tables())
        found = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._tables = [name for (name,) in found if name not in _KEPT]

    async def close(self) -> None:
        self._connection.close()

    async def write(self, work: Callable[[Tx], T], *, urgent: bool = False) -> T:
        self._connection.execute("BEGIN")
        try:
            result = work(SqliteTx(self._connection, _NOWHERE, self._clock))
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        return work(SqliteTx(self._connection, _NOWHERE, self._clock))

    async def changed(self, topic: str, timeout: float) -> bool:
        return False

    def empty(self) -> None:
        """Forget every row; numbers begin with 1 again."""
        for table in self._tables:
            self._connection.execute(f'DELETE FROM "{table}"')


def next_due(tx: Tx) -> datetime | None:
    """When something comes by itself next: a clock, a page or a bundle, a flapping alert that settles."""
    row = tx.one(
        "SELECT min(at) AS at FROM (SELECT min(due_at) AS at FROM incidents WHERE due_at IS NOT NULL "
        "UNION ALL SELECT min(due_at) FROM pages WHERE due_at IS NOT NULL "
        "UNION ALL SELECT min(settles_at) FROM alerts WHERE settles_at IS NOT NULL)"
    )
    found = (instant(row.at) if row is not None and row.at is not None else None, bundles.next_due(tx))
    return min((at for at in found if at is not None), default=None)


@cache
def _tables() -> bytes:
    """The database as the migrations make it."""
    # They run over connections of their own: a name lets these share the memory.
    address = f"file:{uuid4().hex}?mode=memory&cache=shared"
    shared = _connect(address)
    try:
        migrations.upgrade("sqlite", lambda: _connect(address), migrations.VERSIONS)
        return shared.serialize()
    finally:
        shared.close()


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
