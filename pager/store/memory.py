"""A database in memory for trials: the same tables and transactions as a file of SQLite, without threads or a disk."""

import runpy
import sqlite3
import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TypeVar
from uuid import uuid4

from msgspec import Struct

from pager.store import bundles, migrations
from pager.store.database import Clock, Database, Tx
from pager.store.sql import instant
from pager.store.sqlite import SqliteTx

T = TypeVar("T")
_NOWHERE = Path(":memory:")


class _MemoryTx(SqliteTx):
    __slots__ = ()
    has_feed = False


class MemoryDatabase(Database):
    """Work runs where it is asked for, one piece after the other; nothing outlives `close`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.writes = 0
        """How often somebody wrote: what was read since the last time is as it was."""
        self._clock = clock
        self._connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self._cursor = self._connection.cursor()

    async def open(self) -> None:
        self._connection.deserialize(tables())
        self._connection.execute("BEGIN")

    async def close(self) -> None:
        self._connection.close()

    async def write(self, work: Callable[[Tx], T], *, urgent: bool = False) -> T:
        self.writes += 1
        self._cursor.execute("SAVEPOINT work")
        try:
            result = work(self._tx())
        except BaseException:
            self._cursor.execute("ROLLBACK TO work")
            raise
        finally:
            self._cursor.execute("RELEASE work")
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        return work(self._tx())

    def _tx(self) -> _MemoryTx:
        return _MemoryTx(self._connection, _NOWHERE, self._clock, self._cursor)

    async def changed(self, topic: str, timeout: float) -> bool:
        return False

    def empty(self) -> None:
        """Forget every row; numbers begin with 1 again."""
        # All that was written since the last time is one transaction, which is not wanted any more.
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN")


class Due(Struct, frozen=True):
    """When a clock of an incident or of an alert comes next, and when a page or a bundle is due."""

    clock_at: datetime | None
    page_at: datetime | None

    @property
    def soonest(self) -> datetime | None:
        return earliest(self.clock_at, self.page_at)


def earliest(*found: datetime | None) -> datetime | None:
    return min((at for at in found if at is not None), default=None)


def next_due(tx: Tx) -> Due:
    """What comes by itself next, in one look: it is asked all the time."""
    row = tx.one(
        "SELECT (SELECT min(due_at) FROM incidents WHERE due_at IS NOT NULL) AS clock_at, "
        "(SELECT min(settles_at) FROM alerts WHERE settles_at IS NOT NULL) AS settles_at, "
        "(SELECT min(due_at) FROM pages WHERE due_at IS NOT NULL) AS page_at, "
        "EXISTS (SELECT 1 FROM bundling WHERE due_at > 0) AS bundles"
    )
    assert row is not None
    bundle_at = bundles.next_due(tx) if row.bundles else None
    return Due(earliest(_at(row.clock_at), _at(row.settles_at)), earliest(_at(row.page_at), bundle_at))


def _at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


@cache
def tables() -> bytes:
    """The database as the migrations make it; made once in a process."""
    try:
        return _plain()
    except (AttributeError, ImportError):  # a migration that does more than run statements
        return by_alembic()


def _plain() -> bytes:
    """The migrations' own statements; Alembic takes longer to load than some hundred trials to run."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    stand_in, known = ModuleType("alembic"), sys.modules.get("alembic")
    stand_in.op = _Op(connection)  # type: ignore[attr-defined]
    sys.modules["alembic"] = stand_in
    try:
        for file in sorted(migrations.VERSIONS.glob("[0-9]*_*.py")):
            runpy.run_path(str(file))["upgrade"]()
        return connection.serialize()
    finally:
        connection.close()
        if known is None:
            del sys.modules["alembic"]
        else:
            sys.modules["alembic"] = known


class _Op:
    """What our migrations ask of Alembic: to run a statement, and which engine it is for."""

    dialect = SimpleNamespace(name="sqlite")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get_bind(self) -> "_Op":
        return self

    def execute(self, statement: str) -> None:
        self._connection.execute(statement.replace("\\:", ":"))


def by_alembic() -> bytes:
    """The same as the daemon makes it."""
    # The migrations run over connections of their own: a name lets these share the memory.
    address = f"file:{uuid4().hex}?mode=memory&cache=shared"
    shared = _connect(address)
    try:
        migrations.upgrade("sqlite", lambda: _connect(address), migrations.VERSIONS)
        return shared.serialize()
    finally:
        shared.close()


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
