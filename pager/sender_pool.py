"""The pool behind the sender: child processes that wait for a message to send."""

import asyncio
import contextlib
import heapq
import itertools
import os
import select
import socket
import sys
import time
from collections.abc import Coroutine, Mapping
from enum import IntEnum
from pathlib import Path

import msgspec
import structlog

from pager.sender_child import FORK, HEADER, LONGEST_FRAME, ORDER, READY, Answer, Hello, Job, frame

SPARES = 4
RESERVED = 2
"""Of the spares, those that only a destination gets which answered in time when it was asked last."""
FORKS = 2
"""Forks at once: more would only take the processor from who is sending."""
MOST_JOBS = 500
IDLE_SECONDS = 60.0
WARM_UP_SECONDS = 30.0
HELLO_SECONDS = 5.0
MOST_SILENCES = FORKS
AGAIN_SECONDS = 1.0

_HOME = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
         "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV",
         "LD_LIBRARY_PATH")  # fmt: skip

log = structlog.get_logger(__name__)


class Worker:
    """One child that sends, and the socket to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.pid = 0
        self.jobs = 0
        self.at_work = False
        self.idle_since = time.monotonic()

    @property
    def usable(self) -> bool:
        """Alive as far as is known, not in the middle of something, and not worn out."""
        return not self.at_work and self.jobs < MOST_JOBS and not self._reader.at_eof() and not self._hung_up()

    def _hung_up(self) -> bool:
        """Whether the child has just ended, which the event loop may not have seen: an idle one says nothing else."""
        if self._writer.is_closing():
            return True
        look = select.poll()
        look.register(self._writer.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(look.poll(0))

    async def ask(self, job: Job) -> Answer:
        """Have `job` done. Raises OSError or EOFError if the child ends first."""
        self.at_work, self.jobs = True, self.jobs + 1
        self._writer.write(frame(job))
        await self._writer.drain()
        answer = msgspec.msgpack.decode(await self._read(), type=Answer)
        self.at_work, self.idle_since = False, time.monotonic()
        return answer

    async def greet(self) -> None:
        """Wait for the child's first words. Raises OSError or EOFError if there are none."""
        async with asyncio.timeout(HELLO_SECONDS):
            self.pid = msgspec.msgpack.decode(await self._read(), type=Hello).pid

    def hang_up(self) -> None:
        """Close the socket; the child ends by itself at that, if it still can."""
        self._writer.transport.abort()

    async def _read(self) -> bytes:
        (length,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        return await self._reader.readexactly(min(length, LONGEST_FRAME))


class Cage:
    """The process that has Apprise loaded and forks workers; it knows when it is dead, and can be started again."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._orders: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._silences = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it if it is not alive, and wait until Apprise is loaded. Raises RuntimeError if that fails."""
        async with self._starting:
            if self._closed:
                raise ConnectionError("the sender is closed")
            if self.alive:
                return
            await self._stop()
            self._orders, theirs = socket.socketpair()
            self._orders.setblocking(False)
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "pager.sender_child",
                    stdin=theirs.fileno(), stdout=asyncio.subprocess.DEVNULL, cwd=_HOME, env=environment(os.environ),
                )  # fmt: skip
            try:
                async with asyncio.timeout(WARM_UP_SECONDS):
                    said = await asyncio.get_running_loop().sock_recv(self._orders, len(READY))
            except OSError:  # a timeout is one, too
                said = b""
            if said != READY:
                await self._stop()
                raise RuntimeError("the sender's child process could not load Apprise")

    async def fork(self) -> Worker:
        """A new worker. Raises OSError, EOFError or RuntimeError if none can be had."""
        await self.start()
        ours, theirs = socket.socketpair()
        with theirs:
            self._order(FORK, theirs)
        worker = Worker(*await asyncio.open_unix_connection(sock=ours))
        try:
            await worker.greet()
        except BaseException as error:  # also when cancelled: nobody else knows of this child yet
            worker.hang_up()
            self._count_silence(error)
            raise
        self._silences = 0
        return worker

    def end(self, worker: Worker) -> None:
        """Kill `worker`, whatever it is doing. At its socket's end it ends by itself, so a lost order does no harm."""
        worker.hang_up()
        if worker.pid and self.alive:
            with contextlib.suppress(OSError):
                self._order(worker.pid)

    async def close(self) -> None:
        """Kill it for good, and with it all workers, also while it starts. Safe to repeat."""
        self._closed = True
        self._kill()
        async with self._starting:
            await self._stop()

    async def _stop(self) -> None:
        self._kill()
        if self._process is not None:
            await self._process.wait()
        if self._orders is not None:
            self._orders.close()
        self._process = self._orders = None

    def _kill(self) -> None:
        """There is nothing that it would have to finish."""
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _count_silence(self, error: BaseException) -> None:
        """A process that forks no more, time after time, is stuck: end it, so that another takes its place."""
        self._silences += isinstance(error, TimeoutError)
        if self._silences >= MOST_SILENCES:
            self._silences = 0
            self._kill()

    def pids(self) -> list[int]:
        """Its process id, if it is alive."""
        return [self._process.pid] if self._process and self.alive else []

    async def ended(self) -> None:
        """Wait until the process has ended by itself."""
        if self._process is not None:
            await self._process.wait()

    def _order(self, number: int, *sockets: socket.socket) -> None:
        if self._orders is None:
            raise ConnectionError("the cage is closed")
        socket.send_fds(self._orders, [ORDER.pack(number)], [each.fileno() for each in sockets])


class Rank(IntEnum):
    """Who is served first: a page to who answers must not wait for children of those who may not."""

    quick = 0  # answered in time when it was asked last
    new = 1  # was never asked
    slow = 2  # did not answer in time


class Pool:
    """Workers that wait for work, a few more than are needed right now."""

    def __init__(self) -> None:
        self._cage = Cage()
        self._all: set[Worker] = set()
        self._idle: list[Worker] = []
        self._waiting: list[tuple[Rank, int, asyncio.Future[Worker]]] = []
        self._turns = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._making = 0
        self._closed = False

    async def start(self) -> None:
        """Load Apprise and make the spares. Raises RuntimeError if it cannot be loaded."""
        await self._cage.start()
        for worker in [await self._fork() for _ in range(SPARES)]:
            self._idle.append(worker)
        self._later(self._guard())
        self._later(self._trim())

    async def take(self, rank: Rank = Rank.new) -> Worker:
        """A worker to use; it must be given back. Raises OSError, EOFError or RuntimeError if none can be had.

        Whoever waits is served by rank, and in order within one.
        """
        if self._closed:
            raise ConnectionError("the sender is closed")
        granted: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._turns), granted))
        self._serve()
        try:
            return await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and not granted.exception():
                self.give_back(granted.result())  # granted and given up in the same moment
            raise

    def give_back(self, worker: Worker) -> None:
        """Keep `worker` for the next job, or end it if it is still at work, dead or worn out."""
        if worker.usable and not self._closed:
            self._idle.append(worker)
        else:
            self._end(worker)
        self._serve()

    async def close(self) -> None:
        """End everything. Safe to repeat."""
        self._closed = True
        self._refuse(ConnectionError("the sender is closed"), len(self._waiting))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in list(self._all):
            self._end(worker)
        self._idle.clear()
        await self._cage.close()

    def pids(self) -> list[int]:
        """The process ids of all children, the one that forks them first."""
        return [*self._cage.pids(), *sorted(worker.pid for worker in self._all)]

    async def _fork(self) -> Worker:
        if self._closed:
            raise ConnectionError("the sender is closed")
        worker = await self._cage.fork()
        self._all.add(worker)
        return worker

    def _end(self, worker: Worker) -> None:
        if worker in self._all:
            self._all.discard(worker)
            self._cage.end(worker)

    def _serve(self) -> None:
        """Hand out what is idle, the best rank first, and fork what is missing, a few at a time."""
        self._sweep()
        while (rank := self._first()) is not None and len(self._idle) > (0 if rank is Rank.quick else RESERVED):
            # The last used is the warmest: it is for who is known to answer.
            worker = self._idle.pop(-1 if rank is Rank.quick else 0)
            heapq.heappop(self._waiting)[2].set_result(worker)
        missing = 0 if self._closed else len(self._waiting) + SPARES - len(self._idle)
        for _ in range(min(missing, FORKS) - self._making):
            self._making += 1
            self._later(self._make())

    def _first(self) -> Rank | None:
        """The rank of who is served next; those who have left are forgotten."""
        while self._waiting and self._waiting[0][2].done():
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    async def _make(self) -> None:
        """Fork one worker, for who waits or as a spare: so the next message does not wait for a fork."""
        try:
            worker = await self._fork()
        except (OSError, EOFError, RuntimeError) as error:
            log.warning("no other sender", error=type(error).__name__)
            self._making -= 1
            if self._first() is not None:
                self._refuse(error, 1)
                self._serve()
            return
        self._making -= 1
        if self._first() is not None:  # before the reserve: who waits has nothing to send with
            heapq.heappop(self._waiting)[2].set_result(worker)
        else:
            self._idle.append(worker)
        self._serve()

    def _refuse(self, error: Exception, count: int) -> None:
        """Send the first `count` away that wait."""
        for _, _, granted in [heapq.heappop(self._waiting) for _ in range(count)]:
            if not granted.done():
                granted.set_exception(error)

    async def _guard(self) -> None:
        """Start the cage again when it ends by itself; its workers have ended with it."""
        while True:
            await self._cage.ended()
            log.error("sender process ended, starting another")
            try:
                await self._cage.start()
                self._serve()
            except (OSError, RuntimeError) as error:
                log.error("sender process did not start", error=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _trim(self) -> None:
        """End workers that have had nothing to do for long; the last used are used first, so the oldest lead."""
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            longest = time.monotonic() - IDLE_SECONDS
            self._sweep()
            while len(self._idle) > SPARES and self._idle[0].idle_since < longest:
                self._end(self._idle.pop(0))

    def _sweep(self) -> None:
        """Take leave of workers that ended while they had nothing to do."""
        for worker in [each for each in self._idle if not each.usable]:
            self._idle.remove(worker)
            self._end(worker)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What children may see of `environ`: no secrets, and a proxy only if PAGER_PROXY names one."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    kept["NETRC"] = os.devnull  # else the user's own log-ins would be sent along
    if proxy := environ.get("PAGER_PROXY"):
        kept |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    return kept
