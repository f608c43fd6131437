"""The feed: events as they come, for whoever listens; one look at the database for all, nobody waits for another."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from msgspec import Struct

from pager.log import log
from pager.store import StoreUnavailable, events
from pager.store.database import Database, Tx
from pager.store.events import Told

WAKE = 1.0
BATCH = 200
KEPT = 1000
"""The newest events that are kept in memory: a reader who is further behind asks the database."""
QUIET = 15.0
"""Seconds without an event after which a reader is told that there is none."""
MOST = 100
"""Readers at a time."""


class Read(Struct, frozen=True):
    """What a reader is told next, and the position it has read up to then. `lost`: some are not kept any more."""

    told: tuple[Told, ...]
    position: int
    lost: bool = False


class Feed:
    """Readers come with the position that they have read up to, and are told all behind it, at their own pace."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: deque[Told] = deque(maxlen=KEPT)
        self._from = 0  # Of what is behind this position, all is in `_newest`.
        self._last = 0
        self._readers: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._over = False

    @property
    def full(self) -> bool:
        return len(self._readers) >= MOST

    async def read(self, after: int | None, incident: int | None = None, lasts: float = 300.0) -> AsyncIterator[Read]:
        """What comes behind `after` (None: from now on), for `lasts` seconds; empty ones say that nothing came.

        The first one comes at once, and says where the reader stands.
        """
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        until = loop.time() + lasts
        self._readers.add(event)
        try:
            last, swept = await self._database.read(lambda tx: (events.last(tx), events.swept_to(tx)))
            position = last if after is None else min(after, last)
            self._begin(last)
            yield Read((), position, lost=after is not None and (after < swept or after > last) and after > 0)
            said_at = loop.time()
            while not self._over and loop.time() < until:
                event.clear()
                found = await self._behind(position, incident)
                if found is None:
                    await _wait(event, min(said_at + QUIET, until) - loop.time())
                position = found.position if found else position
                told = found.told if found else ()
                if told or loop.time() >= said_at + QUIET:
                    yield Read(told, position)
                    said_at = loop.time()
        finally:
            self._readers.discard(event)

    def _begin(self, last: int) -> None:
        if self._looking is None or self._looking.done():
            self._newest.clear()
            self._from = self._last = last
            self._looking = asyncio.create_task(self._look())

    async def _behind(self, position: int, incident: int | None) -> Read | None:
        """What is behind a position, a batch at most; None: nothing."""
        if position >= self._last:
            return None
        if position >= self._from:
            found = [told for told in self._newest if told.position > position][:BATCH]
            end = found[-1].position if found else self._last
            mine = [told.position for told in found if incident in (None, told.incident)]
            # One of them may have become private since it was read.
            fresh = await self._database.read(lambda tx: events.at(tx, mine)) if mine else {}
            return Read(tuple(fresh[at] for at in mine if at in fresh and fresh[at].is_for_all), end)
        known = self._from  # Before the read, which finds all up to there, and perhaps more.
        found = await self._database.read(lambda tx: events.after(tx, position, BATCH, incident))
        end = found[-1].position if found else position
        return Read(tuple(found), end if len(found) == BATCH else max(end, known))

    async def _look(self) -> None:
        """Read on for as long as anybody listens."""
        while self._readers and not self._over:
            try:
                found = await self._database.read(self._next)
            except StoreUnavailable as error:
                log.warning("events cannot be read", error=str(error), often=True)
                found = []
            for told in found:
                if len(self._newest) == KEPT:
                    self._from = self._newest[0].position
                self._newest.append(told)
                self._last = told.position
            if found:
                self._wake()
            else:
                await self._database.changed(events.PUBLISHED, WAKE)

    def _next(self, tx: Tx) -> list[Told]:
        return events.after(tx, self._last, BATCH)

    def _wake(self) -> None:
        for event in self._readers:
            event.set()

    def end(self) -> None:
        """Let all readers end, so that a stop need not wait for them."""
        self._over = True
        self._wake()
        if self._looking is not None:
            self._looking.cancel()


async def _wait(event: asyncio.Event, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        return
