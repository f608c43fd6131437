"""PostgreSQL: several threads, each with a connection of its own, and one more that listens for news of other nodes."""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pager.store import CorruptDatabase, Moved, StoreError, StoreFull, StoreUnavailable, migrations
from pager.store.database import BaseTx, Clock, Database, Job, Jobs, Tx
from pager.store.sql import Engine, Row, instant, micros, prepare, rows_of, spelled

try:
    import psycopg
    from psycopg.abc import Buffer, PQGen
    from psycopg.adapt import Dumper, Loader
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import TransactionStatus
except ImportError as missing:
    raise StoreError("PostgreSQL needs psycopg: pip install 'pagerd[postgres]'") from missing

RV = TypeVar("RV")
GROUP_JOBS = 64
URGENT, WRITERS, READERS = 2, 4, 2

# Lost a race, was chosen to end a deadlock, waited too long for a lock: the whole transaction is repeated.
REPEATED = frozenset({"40001", "40P01", "55P03"})
MOST_REPEATS = 5
FIRST_PAUSE = 0.02  # seconds; doubled each time, and a random part of it is waited

CHANNEL = "pager"
LISTEN_SECONDS = 0.25  # how late the listener may see that all is over
RECONNECT_SECONDS = 1.0
ANSWER_SECONDS = 10.0
"""How long one statement is waited for. Where packets vanish nothing else says for minutes that nobody is there."""
BEGIN_SECONDS = 5.0
"""How long the first statement of a transaction is waited for, before the connection is made anew."""
AGAIN_SECONDS = (0.5, 1.5)
"""How long nobody tries to connect after it failed: at random, so that nodes do not come back in step."""
PING_SECONDS = 20.0

# A node that dies, is stopped or cut off half-way loses its locks by itself, and its late commit is refused.
_LIMITS = b"SET LOCAL idle_in_transaction_session_timeout = '10s'; SET LOCAL lock_timeout = '5s'"
_WRITE = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; " + _LIMITS
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; " + _LIMITS

# What the address says goes before these. A peer that vanished is noticed within about a minute.
_CONNECT: Mapping[str, Any] = {
    "application_name": "pagerd",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    # Of several hosts in the address it is the one that takes writes, also after a fail-over.
    "target_session_attrs": "read-write",
}

# The server that we are connected to has become a standby, or is going: another may be there.
_LEFT = ("25006", "57P01", "57P02", "57P03")

# Lost for now, rather than wrong: connection, resources, operator, system, log-in, database, timeout, standby.
_UNAVAILABLE = ("08", "53", "57", "58", "28", "3D", "25P03", "25006")


class _Flag(Dumper):
    """A bool is a 0 or 1, as it is on SQLite."""

    oid = 21  # int2

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _Instant(Dumper):
    """A datetime is microseconds since the epoch, as it is on SQLite."""

    oid = 20  # int8

    def dump(self, obj: datetime) -> Buffer:
        return str(micros(obj)).encode()


class _Number(Loader):
    """A sum of whole numbers is an int, as it is on SQLite; any other numeric is a float."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


class PostgresTx(BaseTx):
    """A `Tx` on one connection; its clock is the database's, unless another is given."""

    __slots__ = ("_connection", "engine")

    def __init__(self, connection: "psycopg.Connection[Any]", clock: Clock | None) -> None:
        super().__init__(clock or self._database_clock)
        self.engine: Engine = "postgres"
        self._connection = connection

    def all(self, sql: str, **args: object) -> list[Row]:
        cursor = self._execute(sql, args)
        return rows_of(cursor.description, cursor.fetchall()) if cursor.description else []

    def one(self, sql: str, **args: object) -> Row | None:
        rows = self.all(sql, **args)
        return rows[0] if rows else None

    def run(self, sql: str, **args: object) -> int:
        return max(self._execute(sql, args).rowcount, 0)

    def many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(spelled("postgres", sql).encode(), rows)

    def locking(self) -> str:
        return " FOR UPDATE"

    def skip_locked(self) -> str:
        return " FOR UPDATE SKIP LOCKED"

    def _execute(self, sql: str, args: Mapping[str, object]) -> "psycopg.Cursor[Any]":
        text, flat = prepare("postgres", sql, args)
        return self._connection.execute(text.encode(), flat)

    def _database_clock(self) -> datetime:
        # now() stands still from BEGIN on; this one does not.
        found = self.all("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at")
        return instant(found[0].at)


class _Connection(psycopg.Connection[Any]):
    """A connection that gives a statement up after `patience` seconds: what became of it is then unknown."""

    patience = ANSWER_SECONDS

    def wait(self, gen: "PQGen[RV]", interval: float = 0.1, timeout: float | None = None) -> RV:
        return super().wait(gen, interval, self.patience if timeout is None else timeout)


def connect(settings: Mapping[str, Any]) -> "_Connection":
    """A connection that begins and ends no transaction by itself, and prepares nothing (poolers would mind)."""
    connection = _Connection.connect(**settings, autocommit=True, prepare_threshold=None)
    connection.adapters.register_dumper(bool, _Flag)
    connection.adapters.register_dumper(datetime, _Instant)
    connection.adapters.register_loader("numeric", _Number)
    return connection


def as_store_error(error: psycopg.Error) -> Exception:
    """What the driver's error means to the store's callers; an error of ours (syntax, constraint) stays as it is."""
    state = error.sqlstate or ""
    if state == "53100":
        return StoreFull(f"no room in PostgreSQL: {error}")
    if state in ("XX001", "XX002"):
        return CorruptDatabase(f"PostgreSQL found damage in its files: {error}")
    lost = not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if lost or state in REPEATED or state.startswith(_UNAVAILABLE):
        return StoreUnavailable(f"cannot use PostgreSQL now: {error}")
    return error


class Door:
    """Where all threads of a node connect: while nobody opens, those who come are told so without a wait each."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._again_at = 0.0
        self._why = ""

    def connect(self) -> "_Connection":
        """A new connection. Raises OperationalError, at once where another thread has just failed."""
        if time.monotonic() < self._again_at:
            raise psycopg.OperationalError(self._why)
        try:
            return connect(self._settings)
        except psycopg.OperationalError as error:
            self._why = str(error)
            self._again_at = time.monotonic() + random.uniform(*AGAIN_SECONDS)
            raise


class Session:
    """One thread's connection: made when it is needed, and made anew when it was lost."""

    def __init__(self, door: Door, clock: Clock | None, begin: bytes) -> None:
        self._door = door
        self._clock = clock
        self._begin = begin
        self._connection: _Connection | None = None

    def serve(self, jobs: Jobs, settle: Callable[[list[Job]], None]) -> None:
        """Work `jobs` until they are over; a thread's whole life."""
        while not jobs.over:
            if (first := jobs.take()) is not None:
                settle(self._group(first, jobs))
        self._drop()

    def _group(self, first: Job, jobs: Jobs) -> list[Job]:
        """`first`, and what else waits where it is urgent: promises share a commit, as long as all of them go well."""
        group = [first]
        while first.urgent and len(group) < GROUP_JOBS and (job := jobs.beside(first)):
            group.append(job)
        if len(group) == 1 or not self._work_together(group):
            for job in group:
                self._work(job)
        return group

    def _work_together(self, group: list[Job]) -> bool:
        """Whether it is settled what became of all; if not, nothing is stored, and each is worked by itself."""
        try:
            results, topics = self._transact(lambda tx: [job.work(tx) for job in group])
        except Exception as error:  # The fence: by itself it is found out whose it is.
            if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or error.sqlstate:
                return False
            # The connection was lost: perhaps it is stored, so that it must not be done again.
            for job in group:
                job.fail(as_store_error(error))
            return True
        for job, result in zip(group, results, strict=True):
            job.result, job.topics = result, topics
        return True

    def _work(self, job: Job) -> None:
        for attempt in range(MOST_REPEATS + 1):
            try:
                job.result, job.topics = self._transact(job.work)
                break
            except psycopg.Error as error:
                if error.sqlstate in _LEFT:
                    self._drop()
                if error.sqlstate not in REPEATED or attempt == MOST_REPEATS:
                    job.fail(as_store_error(error))
                    break
            except Exception as error:  # The fence: whatever the work raises is its caller's to know.
                if not isinstance(error, Moved) or attempt == MOST_REPEATS:
                    job.fail(error)
                    break
            time.sleep(random.uniform(0, FIRST_PAUSE * 2**attempt))

    def _transact(self, work: Callable[[Tx], Any]) -> tuple[Any, Iterable[str]]:
        connection = self._begun()
        try:
            tx = PostgresTx(connection, self._clock)
            result = work(tx)
            for topic in tx.topics:
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, topic))
            if connection.execute("COMMIT").statusmessage != "COMMIT":
                raise StoreError("PostgreSQL undid the transaction: the work caught an error and went on")
        except BaseException:
            self._undo()
            raise
        return result, tx.topics

    def _begun(self) -> "_Connection":
        """The connection, in a new transaction. BEGIN is the ping: a connection that died while idle is replaced."""
        if self._connection is not None:
            try:
                return self._begin_on(self._connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._drop()
        self._connection = self._door.connect()
        return self._begin_on(self._connection)

    def _begin_on(self, connection: _Connection) -> _Connection:
        connection.patience = BEGIN_SECONDS
        connection.execute(self._begin)
        connection.patience = ANSWER_SECONDS
        return connection

    def _undo(self) -> None:
        if self._connection is None:
            return
        try:
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresDatabase(Database):
    """A database of PostgreSQL that several nodes share; `clock` None is the database's own."""

    def __init__(self, url: str, clock: Clock | None, versions: Path) -> None:
        super().__init__()
        try:
            self._settings = {**_CONNECT, **conninfo_to_dict(url)}
        except psycopg.ProgrammingError:
            # The driver would repeat the address, and a password in it.
            raise ValueError("not a PostgreSQL address; write postgresql://user@host/name") from None
        self._door = Door(self._settings)
        self._clock = clock
        self._versions = versions
        self._urgent = Jobs()
        self._closing = threading.Event()

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        listener = await asyncio.to_thread(self._prepare)
        for jobs, threads, begin, name in (
            (self._urgent, URGENT, _WRITE, "urgent"),
            (self._writing, WRITERS, _WRITE, "writer"),
            (self._reading, READERS, _READ, "reader"),
        ):
            jobs.open()
            for _ in range(threads):
                session = Session(self._door, self._clock, begin)
                self._start(partial(session.serve, jobs, self._settle), name)
        self._start(partial(self._listen, listener), "listener")

    async def close(self) -> None:
        self._closing.set()
        await self._finish(self._urgent, self._writing, self._reading)

    def _prepare(self) -> "_Connection":
        """Bring the schema up to date, and give a connection that already listens."""
        try:
            connection = connect(self._settings)
            with contextlib.ExitStack() as undo:
                undo.callback(connection.close)
                self._upgrade(lambda sql: connection.execute(sql.encode()).fetchall())
                connection.execute(f"LISTEN {CHANNEL}".encode())
                undo.pop_all()
                return connection
        except psycopg.Error as error:
            known = as_store_error(error)
            if known is error:
                raise
            raise known from error

    def _upgrade(self, rows: Callable[[str], list[Any]]) -> None:
        found = migrations.found_in(rows, "postgres")
        if migrations.needed(found, self._versions, migrations.works_with_in(rows)):
            # Poolers mind prepared statements.
            connect = partial(psycopg.connect, **self._settings, prepare_threshold=None)
            migrations.upgrade("postgres", connect, self._versions)
        elif found != (mine := migrations.known(self._versions)[-1]):
            self.warnings = (f"the database has schema {found}, made by a newer node; this one knows {mine}",)

    def _listen(self, connection: "_Connection | None") -> None:
        """Wake our loops when another node says so; the listening thread's whole life.

        Behind a pooler that gives connections out by the transaction nothing is heard: every loop asks by itself
        once a second. So late news are possible, and none is lost.
        """
        asked_at = time.monotonic()
        while not self._closing.is_set():
            try:
                if connection is None:
                    connection = self._door.connect()
                    connection.execute(f"LISTEN {CHANNEL}".encode())
                    self._in_loop(self._wakeups.wake_all)
                if time.monotonic() - asked_at >= PING_SECONDS:
                    asked_at = time.monotonic()
                    connection.execute("SELECT 1")
                for news in connection.notifies(timeout=LISTEN_SECONDS):
                    self._in_loop(partial(self._wakeups.wake, [news.payload]))
            except psycopg.Error:
                if connection is not None:
                    connection.close()
                connection = None
                self._closing.wait(RECONNECT_SECONDS)
        if connection is not None:
            connection.close()
