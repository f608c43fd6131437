"""The store's contract: decisions are plain functions that run inside a transaction, on SQLite or PostgreSQL.

A function given to `write` may run more than once (PostgreSQL repeats a transaction that lost a race) and runs in a
thread: it works with its `Tx` and its own values, and touches nothing else.
"""

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pager.store import StoreUnavailable
from pager.store.migrations import VERSIONS
from pager.store.reserve import Reserve
from pager.store.sql import Engine, Row

T = TypeVar("T")
Clock = Callable[[], datetime]
FIRST: ContextVar[Callable[["Tx"], None] | None] = ContextVar("first", default=None)
"""What goes first in every transaction that the running task writes; what it raises undoes that transaction."""

# So many urgent jobs pass while another waits; then it has its turn, so that a storm of alerts stops nothing.
URGENT_IN_A_ROW = 500


class Tx(Protocol):
    """One open transaction, good only inside the function it was given to.

    Parameters are written `:name`; a list fills `IN (:names)`; a datetime is stored as microseconds since the epoch,
    a bool as 0 or 1. A statement may end in FOR UPDATE or FOR UPDATE SKIP LOCKED: on SQLite, which has one writer,
    it goes without.
    """

    engine: Engine
    has_feed: bool
    """Whether somebody may read the events of incidents; where nobody can, none are written."""

    def all(self, sql: str, **args: object) -> list[Row]:
        """Every row of a SELECT, or of a RETURNING."""

    def one(self, sql: str, **args: object) -> Row | None:
        """The first row, or None."""

    def run(self, sql: str, **args: object) -> int:
        """How many rows were changed (of a RETURNING use `all`)."""

    def many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        """One statement for each of `rows`; no lists among their values."""

    def now(self) -> datetime:
        """The instant of this transaction, read at the first call and then kept: call it after taking locks.

        PostgreSQL's own clock there, so that nodes agree; the given clock on SQLite.
        """

    def notify(self, topic: str) -> None:
        """Wake whoever waits in `changed(topic)`, on every node, once this transaction is committed."""

    def locking(self) -> str:
        """What ends a SELECT that locks its rows, where a statement is put together: " FOR UPDATE", or nothing."""

    def skip_locked(self) -> str:
        """As `locking`, but rows that another has locked are left out."""


class Job:
    """One function to run in a transaction, and what became of it. Filled by a thread, told by the loop."""

    __slots__ = ("error", "future", "result", "topics", "urgent", "work")

    def __init__(self, work: Callable[[Tx], Any], future: "asyncio.Future[Any]", urgent: bool = False) -> None:
        self.work = work
        self.urgent = urgent
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None
        self.topics: Iterable[str] = ()

    def fail(self, error: Exception) -> None:
        """This job failed; the first error stands."""
        if isinstance(error, StopIteration):  # A future cannot carry it.
            error = RuntimeError("the work in a transaction raised StopIteration")
        self.error = self.error or error

    def tell(self) -> None:
        """Give the waiting caller what became of the job; in the loop's thread."""
        if self.future.done():  # The caller was cancelled.
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Jobs:
    """A line of jobs before one or more threads: urgent ones first, without starving the others."""

    def __init__(self) -> None:
        self._urgent: deque[Job] = deque()
        self._others: deque[Job] = deque()
        self._in_a_row = 0
        self._open = False
        self._more = threading.Condition()

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        """Take no more; what waits is still given out."""
        with self._more:
            self._open = False
            self._more.notify_all()

    @property
    def over(self) -> bool:
        """Closed, and nothing waits."""
        return not (self._open or self._urgent or self._others)

    def put(self, work: Callable[[Tx], T], urgent: bool = False) -> "asyncio.Future[T]":
        """Line `work` up; in the loop's thread. StoreUnavailable when closed."""
        future = asyncio.get_running_loop().create_future()
        with self._more:
            if not self._open:
                raise StoreUnavailable("the database is not open")
            (self._urgent if urgent else self._others).append(Job(work, future, urgent))
            self._more.notify()
        return future

    def take(self, wait: float | None = None) -> Job | None:
        """The next job, waiting `wait` seconds for one (None: until there is one); None if none came or all is over."""
        with self._more:
            if wait != 0 and not (self._urgent or self._others):
                self._more.wait_for(lambda: self._urgent or self._others or not self._open, wait)
            while job := self._next():
                if not job.future.cancelled():  # Nobody waits for it any more.
                    return job
            return None

    def beside(self, first: Job) -> Job | None:
        """A job that may share the transaction of `first`, without waiting: urgent ones keep to themselves.

        A promise to a sender must not wait for a batch of the engine; and a batch lets urgent ones go first.
        """
        with self._more:
            if first.urgent:
                starves = bool(self._others) and self._in_a_row >= URGENT_IN_A_ROW
                line = self._urgent if self._urgent and not starves else None
                self._in_a_row += line is not None
            else:
                line = self._others if self._others and not self._urgent else None
            while line:
                if not (job := line.popleft()).future.cancelled():
                    return job
            return None

    def _next(self) -> Job | None:
        if self._urgent and not (self._others and self._in_a_row >= URGENT_IN_A_ROW):
            self._in_a_row += 1
            return self._urgent.popleft()
        self._in_a_row = 0
        return self._others.popleft() if self._others else None


class Wakeups:
    """An event a topic, set from any thread after a commit."""

    def __init__(self) -> None:
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def wait(self, topic: str, timeout: float) -> bool:
        """Whether `topic` was woken since the last call, waiting for it `timeout` seconds at most."""
        event = self._events[topic]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await event.wait()
                event.clear()
                return True
        return False

    def wake(self, topics: Iterable[str]) -> None:
        """Wake these topics; in the loop's thread."""
        for topic in topics:
            self._events[topic].set()

    def wake_all(self) -> None:
        """Wake every topic that anybody ever waited for: news may have been lost."""
        self.wake(list(self._events))


class BaseTx:
    """What every engine's `Tx` does alike."""

    __slots__ = ("_clock", "_now", "topics")
    has_feed = True

    def __init__(self, clock: Clock) -> None:
        self.topics: set[str] = set()
        self._clock = clock
        self._now: datetime | None = None

    def now(self) -> datetime:
        if self._now is None:
            self._now = self._clock()
        return self._now

    def notify(self, topic: str) -> None:
        self.topics.add(topic)


class Database(ABC):
    """A database that is opened once, written and read by functions of a `Tx`, and closed."""

    warnings: tuple[str, ...] = ()  # what whoever runs pager should know; filled by `open`
    folder: Path | None = None  # where its file is, if it has one
    reserve: Reserve | None = None  # room that is given up when the disk is full, if somebody set it aside

    def __init__(self) -> None:
        self._writing = Jobs()
        self._urgent = self._writing
        self._reading = Jobs()
        self._wakeups = Wakeups()
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    async def open(self) -> None:
        """Check the database, bring its schema up to date, start the threads.

        Raises StoreUnavailable, CorruptDatabase, DatabaseInUse or NewerSchema; nothing is left behind then.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what was asked for, then let go of everything. Safe to repeat."""

    async def write(self, work: Callable[[Tx], T], *, urgent: bool = False) -> T:
        """Run `work` in one transaction; what it returned is given back once it is durable.

        What `work` raises undoes its writes and is raised here. StoreUnavailable: nothing was promised, though
        a connection that broke during the commit may have stored it. Urgent work goes before what waits. A caller
        that is cancelled does not know whether its work was done.
        """
        first = FIRST.get()
        return await (self._urgent if urgent else self._writing).put(_after(first, work) if first else work, urgent)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one snapshot of what is committed; it neither waits for writers nor holds them up."""
        return await self._reading.put(work)

    async def changed(self, topic: str, timeout: float) -> bool:
        """Wait until something was notified under `topic`, or `timeout` seconds are over; whether it was.

        Forgets before it returns: ask the database afterwards, then come back. What is committed between the two
        makes the next call return at once. One loop a topic: a second one that is busy may be told late.
        """
        return await self._wakeups.wait(topic, timeout)

    def _settle(self, jobs: Sequence[Job]) -> None:
        """Tell the callers of `jobs`, and wake whom they notified: one call into the loop for them all."""

        def tell() -> None:
            for job in jobs:
                job.tell()
                if job.error is None:
                    self._wakeups.wake(job.topics)

        self._in_loop(tell)

    def _in_loop(self, call: Callable[[], None]) -> None:
        # Nobody is left to be told when the loop has ended.
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)

    def _ran_full(self) -> None:
        """There is no room on the disk; in any thread."""
        if self.reserve is not None:
            self.reserve.release()

    def _start(self, target: Callable[[], None], name: str) -> None:
        # A process whose loop has died must be able to end; whoever closes joins the threads.
        thread = threading.Thread(target=target, name=f"pager-store-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    async def _finish(self, *lines: Jobs) -> None:
        """Close these lines, and wait until the threads that work them have ended."""
        for jobs in lines:
            jobs.close()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._threads.clear()


def _after(first: Callable[[Tx], None], work: Callable[[Tx], T]) -> Callable[[Tx], T]:
    def both(tx: Tx) -> T:
        first(tx)
        return work(tx)

    return both


def open_database(url: str, clock: Clock, *, versions: Path | None = None, own_clock: bool = False) -> Database:
    """The database at `url`, still to be opened.

    `sqlite:///pager.db` (relative), `sqlite:////var/lib/pager/pager.db` (absolute, so `f"sqlite:///{path}"` fits
    both), `sqlite://` (a private temporary file, gone at close), `postgresql://user@host/name`. `versions` is a
    folder of other migrations. `own_clock`: `Tx.now` is `clock` on PostgreSQL too, for tests that move time by hand.
    ValueError for any other url.
    """
    scheme, mark, rest = url.partition("://")
    if mark and scheme == "sqlite":
        from pager.store.sqlite import SqliteDatabase

        path = rest.removeprefix("/")
        return SqliteDatabase(Path(path) if path not in ("", ":memory:") else None, clock, versions or VERSIONS)
    if mark and scheme in ("postgresql", "postgres"):
        from pager.store.postgres import PostgresDatabase

        return PostgresDatabase(url, clock if own_clock else None, versions or VERSIONS)
    # An address may hold a password: name its scheme only.
    raise ValueError(f"not a database: {scheme!r}; write sqlite:///pager.db or postgresql://user@host/name")
