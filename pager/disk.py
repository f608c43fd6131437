"""The disk: a reserve is kept on it, and whoever looks after pager is paged when there is no room for alerts."""

import asyncio

from pager.backlog import free_percent
from pager.engine import Engine
from pager.log import log
from pager.settings import Settings
from pager.store import StoreUnavailable
from pager.store.backup import file_of
from pager.store.database import Database
from pager.store.reserve import Reserve

LOOK_EVERY = 1.0
FULL = "no room on the disk: alerts are refused until there is some"
ABOUT = ("disk", "full")


class Disk:
    """Looks at the disk every second. Alerts are refused below `least_free` percent and while the reserve is spent."""

    def __init__(self, reserve: Reserve, engine: Engine, least_free: float) -> None:
        self.reserve = reserve
        self._engine = engine
        self._least_free = least_free
        self._told = False

    async def begin(self) -> None:
        """At start, before anything is written."""
        await asyncio.to_thread(self.reserve.make_room)
        await asyncio.to_thread(self.reserve.make)

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Make the reserve again if there is room, and tell when alerts begin to be refused and when that is over."""
        if self.reserve.spent and await asyncio.to_thread(self.reserve.make):
            log.info("room is set aside for the day the disk is full", file=self.reserve.file.name)
        free = free_percent(self.reserve.file.parent)
        short = self.reserve.spent or free < self._least_free
        if short is not self._told:
            await self._tell(short, free)

    async def _tell(self, short: bool, free: float) -> None:
        try:
            if short:
                log.error("the disk is full", free_percent=round(free, 1), reserve_spent=self.reserve.spent)
                await self._engine.report(FULL, f"{free:.1f} % of {self.reserve.file.parent} is free", *ABOUT)
            else:
                await self._engine.report_over(*ABOUT)
        except StoreUnavailable as error:
            log.warning("nobody can be told of the disk yet", error=str(error), often=True)
            return
        self._told = short

    def remarks(self) -> list[str]:
        """What is wrong, in words."""
        return [FULL] if self._told else []


def disk_of(settings: Settings, database: Database, engine: Engine) -> Disk | None:
    """The disk that the database's file is on, with a reserve beside the file; None where there is no file."""
    if database.folder is None:
        return None
    file = file_of(settings.database)
    database.reserve = Reserve(file.with_name(f"{file.name}.reserve"))
    return Disk(database.reserve, engine, settings.least_free)
