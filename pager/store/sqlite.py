"""SQLite: one thread with one connection does every write and every checkpoint, and shares each commit among all
who wait for it (group commit); two threads read."""

import asyncio
import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from pager.store import CorruptDatabase, StoreError, StoreFull, StoreUnavailable, migrations
from pager.store.database import BaseTx, Clock, Database, Job, Jobs
from pager.store.lock import FileLock
from pager.store.sql import Engine, Row, kind_of, micros, prepare, spelled

GROUP_JOBS = 1000
GROUP_SECONDS = 0.05  # no job is begun later than this in a group: others wait for its commit
IDLE_SECONDS = 1.0  # the log is emptied into the file after so long without a write
BUSY_MS = 5000  # only foreign programs, such as a sqlite3 shell, ever hold the file
READERS = 2

# Two connections that checkpoint at once can corrupt a file before this version.
SAFE_VERSION = (3, 51, 3)

_WRITER = f"""
PRAGMA page_size = 16384;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = {BUSY_MS};
PRAGMA cache_size = -24576;
PRAGMA journal_size_limit = 67108864;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA mmap_size = 0;
PRAGMA temp_store = MEMORY;
PRAGMA foreign_keys = OFF;
"""
_READER = f"""
PRAGMA query_only = ON;
PRAGMA busy_timeout = {BUSY_MS};
PRAGMA cache_size = -4096;
PRAGMA wal_autocheckpoint = 0;
PRAGMA mmap_size = 0;
PRAGMA temp_store = MEMORY;
"""

_kinds: dict[str, type[Row]] = {}
"""What the rows of each statement are. None selects `*`: the columns stay the same."""
MOST_STATEMENTS = 2048

# The driver would write local text; everybody else counts microseconds.
sqlite3.register_adapter(datetime, micros)


class SqliteTx(BaseTx):
    """A `Tx` on one connection; `fault` is the error after which its transaction is not to be trusted."""

    __slots__ = ("_connection", "_cursor", "_path", "engine", "fault")

    def __init__(
        self, connection: sqlite3.Connection, path: Path, clock: Clock, cursor: sqlite3.Cursor | None = None
    ) -> None:
        super().__init__(clock)
        self.engine: Engine = "sqlite"
        self.fault: StoreError | None = None
        self._connection = connection
        # One for all statements: to make one takes a third of the time of a small statement.
        self._cursor = cursor or connection.cursor()
        self._path = path

    def all(self, sql: str, **args: object) -> list[Row]:
        return self._do(sql, args)[0]

    def one(self, sql: str, **args: object) -> Row | None:
        rows, _ = self._do(sql, args)
        return rows[0] if rows else None

    def run(self, sql: str, **args: object) -> int:
        return max(self._do(sql, args)[1], 0)

    def many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        try:
            self._usable().executemany(spelled("sqlite", sql), rows)
        except sqlite3.Error as error:
            self._fail(error)

    def locking(self) -> str:
        return ""

    def skip_locked(self) -> str:
        return ""

    def _do(self, sql: str, args: Mapping[str, object]) -> tuple[list[Row], int]:
        # Read to the end, always: a statement left half-way would block the commit.
        try:
            statement, args = prepare("sqlite", sql, args)
            cursor = self._usable().execute(statement, args)
            values = cursor.fetchall()
            if not values:
                return [], cursor.rowcount
            kind = _kinds.get(statement)
            if kind is None:
                if len(_kinds) >= MOST_STATEMENTS:
                    _kinds.clear()
                kind = _kinds[statement] = kind_of(cursor.description)
            return list(map(kind, values)), cursor.rowcount
        except sqlite3.Error as error:
            self._fail(error)

    def _usable(self) -> sqlite3.Cursor:
        # SQLite ends a transaction by itself after some errors; what came next would be committed alone.
        if self.fault is not None:
            raise self.fault
        return self._cursor

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        known = as_store_error(error, self._path)
        if not isinstance(known, StoreError):
            raise error
        if is_broken(error) or not self._connection.in_transaction:
            self.fault = known
        raise known from error


def as_store_error(error: sqlite3.Error, path: Path) -> Exception:
    """What the driver's error means to the store's callers; an error of ours (syntax, constraint) stays as it is."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"no room for {path}: {error}")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return CorruptDatabase(
                f"{path} is damaged ({' '.join(str(error).split())}): restore a copy (`pagerctl db restore`), or try "
                "`sqlite3 FILE .recover`, or start once with `pagerd --start-empty`, which keeps the file aside"
            )
        case (
            sqlite3.SQLITE_BUSY
            | sqlite3.SQLITE_LOCKED
            | sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_READONLY
            | sqlite3.SQLITE_PROTOCOL
            | sqlite3.SQLITE_NOMEM
        ):
            return StoreUnavailable(f"cannot use {path}: {error} ({getattr(error, 'sqlite_errorname', 'unknown')})")
    return error


def reraise(error: sqlite3.Error, path: Path) -> NoReturn:
    """Raise the store's own error for this one, or this one."""
    known = as_store_error(error, path)
    if known is error:
        raise error
    raise known from error


def is_broken(error: BaseException | None) -> bool:
    """Whether the connection must be opened anew, and the file checked, before anything is promised again."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect(path: Path, *, check: bool = False) -> sqlite3.Connection:
    """The writing connection, which the caller may hand to another thread; `check` reads the whole file first."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        connection.executescript(_WRITER)
        if check and (faults := [row[0] for row in connection.execute("PRAGMA quick_check(1)")]) != ["ok"]:
            raise _damaged(faults[0])
    except sqlite3.Error as error:
        connection.close()
        reraise(error, path)
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint, not even when it is the last to close."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, cached_statements=512)
    connection.executescript(_READER)
    return connection


def _damaged(fault: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(fault)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def prepare_file(path: Path, versions: Path) -> tuple[FileLock, sqlite3.Connection]:
    """Lock the file, make it if need be, check it after a crash, bring its schema up to date."""
    try:
        with contextlib.ExitStack() as undo:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(path)
            undo.callback(lock.release, clean=False)
            path.touch(mode=0o600)
            path.chmod(0o600)
            connection = connect(path, check=not lock.was_clean)
            undo.callback(connection.close)
            if migrations.needed(migrations.found_in(lambda sql: list(connection.execute(sql)), "sqlite"), versions):
                migrations.upgrade("sqlite", lambda: connect(path), versions)
            undo.pop_all()
            return lock, connection
    except sqlite3.Error as error:
        reraise(error, path)
    except OSError as error:
        raise StoreUnavailable(f"cannot use {path}: {error.strerror}") from error


class Writer:
    """The one connection that writes, and the groups of jobs that share its commits."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock, full: Callable[[], None]) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._path = path
        self._clock = clock
        self._full = full
        self._dirty = True  # the log holds something, for all we know

    def serve(self, jobs: Jobs, settle: Callable[[list[Job]], None]) -> None:
        """Work `jobs` until they are over; the thread's whole life."""
        while not jobs.over:
            job = jobs.take(IDLE_SECONDS if self._dirty else None)
            if job is not None:
                settle(self._group(job, jobs))
            elif self._dirty:
                self._checkpoint()

    def close(self) -> bool:
        """Empty the log into the file and let go; whether all went well."""
        if self._connection is None:
            return False
        self._checkpoint()
        if self._connection is None:
            return False
        self._connection.close()
        return True

    def _group(self, first: Job, jobs: Jobs) -> list[Job]:
        """`first` and what else waits, in one transaction: none of them has succeeded before the one commit has."""
        group = [first]
        try:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            until = time.monotonic() + GROUP_SECONDS
            self._run(connection, first)
            while len(group) < GROUP_JOBS and time.monotonic() < until and (job := jobs.beside(first)):
                group.append(job)
                self._run(connection, job)
            self._dirty = True
            connection.execute("COMMIT")
        except (sqlite3.Error, StoreError) as error:
            self._lose(group, error)
        return group

    def _run(self, connection: sqlite3.Connection, job: Job) -> None:
        """Run one job in a savepoint: its failure undoes its own writes. Raises when the whole group is lost."""
        tx = SqliteTx(connection, self._path, self._clock)
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(tx)
            job.topics = tx.topics
        except (
            Exception
        ) as error:  # The fence: whatever the work raises is its caller's to know, and hurts no other job.
            job.fail(error)
        if tx.fault is not None:
            raise tx.fault
        if not connection.in_transaction:
            raise StoreUnavailable(f"the transaction on {self._path} was ended from inside")
        if job.error is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, check=True)
        return self._connection

    def _lose(self, group: list[Job], error: sqlite3.Error | StoreError) -> None:
        """Undo everything and tell every job so. A connection that saw a broken disk or file is not used again."""
        known = as_store_error(error, self._path) if isinstance(error, sqlite3.Error) else error
        for job in group:
            # An error each: a shared one would gather the tracebacks of all who raise it.
            job.fail(type(known)(*known.args))
        self._undo(broken=is_broken(error) or is_broken(error.__cause__))
        if isinstance(known, StoreFull):
            self._full()
            # What the log has grown to is room, too.
            self._checkpoint()

    def _undo(self, *, broken: bool) -> None:
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            broken = True
        if broken:
            self._connection.close()
            self._connection = None

    def _checkpoint(self) -> None:
        """Move the log into the file and cut it to nothing; a reader in the way puts it off until the next pause."""
        if self._connection is None:
            self._dirty = False
            return
        try:
            self._connection.execute("PRAGMA busy_timeout = 0")
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._dirty = bool(busy)
        except sqlite3.Error as error:
            # What was committed is safe in the log; the next pause, or the next connection, tries again.
            self._undo(broken=is_broken(error))


def serve_reads(jobs: Jobs, path: Path, clock: Clock, settle: Callable[[list[Job]], None]) -> None:
    """Work `jobs`, each on a snapshot of its own, until they are over; a reading thread's whole life."""
    connection: sqlite3.Connection | None = None
    while not jobs.over:
        if (job := jobs.take()) is None:
            continue
        try:
            connection = connection or connect_reader(path)
            _read(connection, job, SqliteTx(connection, path, clock))
        except sqlite3.Error as error:
            job.fail(as_store_error(error, path))
            if connection is not None:
                connection.close()
                connection = None
        settle([job])
    if connection is not None:
        connection.close()


def _read(connection: sqlite3.Connection, job: Job, tx: SqliteTx) -> None:
    connection.execute("BEGIN")
    try:
        job.result = job.work(tx)
    except Exception as error:  # The fence: it is the caller's to know.
        job.fail(error)
    connection.execute("ROLLBACK")


class SqliteDatabase(Database):
    """A file of SQLite; `path` None is a private temporary one."""

    def __init__(self, path: Path | None, clock: Clock, versions: Path) -> None:
        super().__init__()
        self._path = path
        self.folder = path.absolute().parent if path else None
        self._clock = clock
        self._versions = versions
        self._private: str | None = None
        self._writer: Writer | None = None

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._path is None:
            self._private = tempfile.mkdtemp(prefix="pager-")
        path = self._path or Path(str(self._private), "pager.db")
        if sqlite3.sqlite_version_info < SAFE_VERSION:
            self.warnings = (
                f"SQLite {sqlite3.sqlite_version} is older than {'.'.join(map(str, SAFE_VERSION))}: another program "
                f"that opens {path} while pagerd runs could corrupt it; let none do so",
            )
        self._lock, connection = await asyncio.to_thread(prepare_file, path, self._versions)
        writer = self._writer = Writer(connection, path, self._clock, self._ran_full)
        self._writing.open()
        self._reading.open()
        self._start(lambda: writer.serve(self._writing, self._settle), "writer")
        for _ in range(READERS):
            self._start(lambda: serve_reads(self._reading, path, self._clock, self._settle), "reader")

    async def close(self) -> None:
        await self._finish(self._writing, self._reading)
        # The writer lets go last: whoever closes last empties the log, and no other may.
        if self._writer is not None:
            clean = await asyncio.to_thread(self._writer.close)
            self._lock.release(clean=clean)
            self._writer = None
        if self._private is not None:
            await asyncio.to_thread(shutil.rmtree, self._private, ignore_errors=True)
