"""The pool behind the sender: child processes that wait for a message to send."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Coroutine
from enum import IntEnum

from pager.log import log
from pager.sender_cage import Cage, Worker

SPARES = 4
RESERVED = 2
"""Of the spares, those that only a destination gets which answered in time when it was asked last."""
FORKS = 2
"""Forks at once: more would only take the processor from who is sending."""
REFILL_SECONDS = 0.2
"""How long after a spare was taken another is made: until then the processor is for who has just begun to send."""
IDLE_SECONDS = 60.0
AGAIN_SECONDS = 1.0


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
        self._refill: asyncio.TimerHandle | None = None
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
        """Keep `worker` for the next job, or end it if it is still at work, dead or worn out, once nobody has it."""
        worker.leave()
        if worker.aboard:
            return
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
        worker.when_gone(self._lost)
        return worker

    def _end(self, worker: Worker) -> None:
        if worker in self._all:
            self._all.discard(worker)
            self._cage.end(worker)

    def _serve(self) -> None:
        """Hand out what is idle, the best rank first; fork what is missing, a few at a time, and spares a bit later."""
        while (rank := self._first()) is not None and (worker := self._free(rank)):
            self._hand_out(worker)
        self._fork_up_to(len(self._waiting))
        if len(self._idle) < SPARES and self._refill is None:
            self._refill = asyncio.get_running_loop().call_later(REFILL_SECONDS, self._fill_up)

    def _fill_up(self) -> None:
        """Make spares, now that whoever took the last ones has begun to send."""
        self._refill = None
        self._fork_up_to(len(self._waiting) + SPARES - len(self._idle))

    def _fork_up_to(self, missing: int) -> None:
        for _ in range(0 if self._closed else min(missing, FORKS) - self._making):
            self._making += 1
            self._later(self._make())

    def _free(self, rank: Rank) -> Worker | None:
        """Who may have the next message: a spare, or, for one that was never asked, whoever just began with such."""
        while len(self._idle) > (0 if rank is Rank.quick else RESERVED):
            # The last used is the warmest: it is for who is known to answer.
            worker = self._idle.pop(-1 if rank is Rank.quick else 0)
            if not worker.hung_up():
                return worker
            self._end(worker)
        boats = (worker for worker in self._all if worker.is_open) if rank is Rank.new else ()
        return min(boats, key=lambda worker: worker.aboard, default=None)

    def _hand_out(self, worker: Worker) -> None:
        """Give `worker` to whoever waits first."""
        rank, _, granted = heapq.heappop(self._waiting)
        worker.board(shares=rank is Rank.new)
        granted.set_result(worker)

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
            self._hand_out(worker)
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
            while len(self._idle) > SPARES and self._idle[0].idle_since < longest:
                self._end(self._idle.pop(0))

    def _lost(self, worker: Worker) -> None:
        """Take leave of a worker that ended while it had nothing to do; whoever has one finds out by himself."""
        if worker in self._idle:
            self._idle.remove(worker)
            self._end(worker)
            self._serve()

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
