"""The backlog: whether there is room to take more alerts in, by what waits to be worked and by the free disk."""

import asyncio
import os
from pathlib import Path

from msgspec import Struct

from pager.store import StoreFull, StoreUnavailable, inbox
from pager.store.database import Database

COUNT_EVERY = 10.0
"""Seconds: counting a million rows is no work for every request."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the disk."""


class Backlogged(StoreUnavailable):
    """More is waiting to be worked than intake may add to."""


class Room(Struct, frozen=True):
    """How much may wait to be worked, and how much of the disk, in percent, must stay free for working it."""

    rows: int = 1_000_000
    size: int = 1024**3
    least_free: float = 10.0


class Backlog:
    """Keeps intake from filling what the rest lives from.

    Between two counts it adds up what this process took in and nothing that was worked: that is never too little,
    so it asks the database again before it refuses.
    """

    def __init__(self, database: Database, room: Room, folder: Path | None) -> None:
        self.room = room
        self._database = database
        self._folder = folder
        self._rows = 0
        self._size = 0
        self._counted_at = float("-inf")
        self._looked_at = float("-inf")
        self._is_short = False

    async def check(self) -> None:
        """Raise Backlogged or StoreFull when a sender should come back later."""
        now = asyncio.get_running_loop().time()
        if self._database.reserve is not None and self._database.reserve.spent:
            raise StoreFull("the disk is full: what room there is, is for pages")
        if self._disk_is_short(now):
            raise StoreFull(f"less than {self.room.least_free:g} % of the disk is free")
        if now - self._counted_at >= COUNT_EVERY or (self._is_over and now - self._counted_at >= LOOK_EVERY):
            self._counted_at = now
            self._rows, self._size = await self._database.read(inbox.waiting_size)
        if self._is_over:
            raise Backlogged(f"{self._rows} requests of {self._size} bytes wait to be worked")

    def add(self, size: int) -> None:
        """A request of so many bytes is stored."""
        self._rows += 1
        self._size += size

    @property
    def _is_over(self) -> bool:
        return self._rows >= self.room.rows or self._size >= self.room.size

    def _disk_is_short(self, now: float) -> bool:
        if self._folder is not None and now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._is_short = free_percent(self._folder) < self.room.least_free
        return self._is_short


def free_percent(folder: Path) -> float:
    """How much of the disk that `folder` is on can still be written; 100 where nobody can say."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 100.0
    return 100 * disk.f_bavail / disk.f_blocks if disk.f_blocks else 100.0
