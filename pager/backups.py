"""Backups: a checked copy of the database every 15 minutes, the newest and one a day kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from pager.core.backups import surplus
from pager.log import log
from pager.own_metrics import OwnMetrics
from pager.store import StoreError
from pager.store.backup import copy

LOOK_EVERY = 15.0
AFTER_FAILURE = timedelta(minutes=1)
_NAME = "pager-%Y%m%dT%H%M%SZ.db"


class Made(Struct, frozen=True):
    """A copy, whole and on the disk."""

    file: Path
    at: datetime
    size: int
    seconds: float


class Backups:
    """Copies of the SQLite file `source` in `folder`."""

    def __init__(self, source: Path, folder: Path, every: timedelta, newest: int, own: OwnMetrics) -> None:
        self.source, self.folder, self.every, self.newest = source, folder, every, newest
        self._own = own
        self._turn = asyncio.Lock()
        own.backups_on = True

    async def run(self) -> None:
        """Make one whenever the newest is `every` old, for ever; after a failure try again within a minute."""
        loop = asyncio.get_running_loop()
        due = loop.time() + await asyncio.to_thread(self._until_first)
        while True:
            await asyncio.sleep(max(0.0, min(LOOK_EVERY, due - loop.time())))
            if loop.time() < due:
                continue
            due = loop.time() + (self.every if await self._tried() else min(AFTER_FAILURE, self.every)).total_seconds()

    async def make(self) -> Made:
        """Make one now. Raises StoreError or OSError, and the copies before are as they were."""
        async with self._turn:
            began = asyncio.get_running_loop().time()
            try:
                made = await asyncio.to_thread(self._make)
            except (StoreError, OSError):
                self._own.backups.labels("failure").inc()
                raise
        self._own.backups.labels("success").inc()
        self._own.backed_up(made.at, made.size)
        seconds = round(asyncio.get_running_loop().time() - began, 3)
        log.info("backup made", file=made.file.name, bytes=made.size, seconds=seconds)
        return Made(made.file, made.at, made.size, seconds)

    def taken(self) -> dict[datetime, Path]:
        """All copies in the folder, by when they were taken."""
        found = {}
        for file in self.folder.glob("pager-*.db"):
            try:
                found[datetime.strptime(file.name, _NAME).replace(tzinfo=UTC)] = file
            except ValueError:
                continue
        return found

    async def _tried(self) -> bool:
        try:
            await self.make()
        except StoreError as error:
            log.error("no backup could be made", error=str(error))
        except OSError as error:
            log.error("no backup could be made", error=error.strerror or "", folder=str(self.folder))
        else:
            return True
        return False

    def _until_first(self) -> float:
        taken = self.taken()
        if not taken:
            return 0.0
        newest = max(taken)
        self._own.backed_up(newest, taken[newest].stat().st_size)
        # A copy that claims to be from the future says nothing.
        age = max(timedelta(), datetime.now(UTC) - newest)
        return max(0.0, (self.every - age).total_seconds())

    def _make(self) -> Made:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        at = datetime.now(UTC).replace(microsecond=0)
        file = self.folder / at.strftime(_NAME)
        copy(self.source, file)
        taken = self.taken()
        for old in surplus(taken, self.newest):
            taken[old].unlink(missing_ok=True)
        return Made(file, at, file.stat().st_size, 0.0)
