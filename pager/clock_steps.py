"""Steps of the wall clock, also those made while pager was down: noticed, and every wait moved along."""

import asyncio
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter

from pager.core.clock_step import LEAST, step_between
from pager.core.duration import format_duration
from pager.desk import Desk
from pager.engine import Engine
from pager.log import log
from pager.steady import SteadyClock, boot, since_boot
from pager.store import StoreError, StoreUnavailable, clock
from pager.store.clock import Stood
from pager.store.database import Database, Tx
from pager.store.sql import EPOCH

LOOK_EVERY = 1.0
WRITE_EVERY = 60.0
SLOW = 0.5
"""Seconds that asking a database for its time may take; a later answer says nothing."""


class ClockSteps:
    """Moves what waits when the clock is set, so that it waits as long as it would have.

    A node on SQLite lives by its own clock, which `clock` holds back until everything is moved: nothing is early and
    nothing late. Nodes on PostgreSQL live by the server's: one of them works a backward step, and a step of an
    incident that was written in between may be early. There a forward step only makes steps early, and none late.
    """

    def __init__(
        self, database: Database, engine: Engine, wall: SteadyClock, registry: CollectorRegistry | None = None
    ) -> None:
        self._database, self._engine, self._wall = database, engine, wall
        self._shared = False
        self._ahead: timedelta | None = None
        self._epoch = 0
        self._written_at = 0.0
        self._steps = Counter("pager_clock_steps", "Steps of the wall clock.", ("direction",), registry=registry)
        for direction in ("back", "forward"):
            self._steps.labels(direction)

    async def begin(self) -> None:
        """At start: work the step that the clock made while pager was down, as far as anybody can tell."""
        self._shared = await self._database.read(lambda tx: tx.engine) == "postgres"
        if self._shared:
            await self.look()
            return
        stood = await self._database.read(clock.stood)
        step = self._step_since(stood) if stood else timedelta()
        if step:
            await self._work(step, adopt=False)
        await self._write()

    async def run(self) -> None:
        """Look every second, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
                if not self._shared and loop.time() - self._written_at >= WRITE_EVERY:
                    await self._write()
            except StoreUnavailable as error:
                log.warning("the clock cannot be compared", error=str(error))

    async def look(self) -> timedelta:
        """Work a step of the clock, if there was one; how far it went."""
        step = self._wall.step()
        if self._shared:
            self._wall.adopt(step)
            return await self._look_at_server()
        if step:
            await self._work(step, adopt=True)
            await self._write()
        return step

    def _step_since(self, stood: Stood) -> timedelta:
        if stood.boot and stood.boot == boot():
            return step_between(stood.ahead, self._wall.ahead)
        # Another start of the machine: all that is certain is that time does not go back.
        back = self._wall() - stood.at
        return back if back < -LEAST else timedelta()

    async def _write(self) -> None:
        now = Stood(boot(), self._wall.ahead, self._wall())
        await self._database.write(lambda tx: clock.stands(tx, now))
        self._written_at = asyncio.get_running_loop().time()

    async def _look_at_server(self) -> timedelta:
        before = since_boot()
        at, epoch = await self._database.read(lambda tx: (tx.now(), clock.epoch(tx)))
        after = since_boot()
        if after - before > SLOW:
            return timedelta()
        ahead = at - EPOCH - timedelta(seconds=(before + after) / 2)
        step = step_between(self._ahead, ahead) if self._ahead is not None else timedelta()
        if step < timedelta() and epoch == self._epoch:
            await self._work(step, adopt=False)
            epoch += 1
        self._ahead, self._epoch = ahead, epoch
        return step

    async def _work(self, step: timedelta, *, adopt: bool) -> None:
        """Move everything in one transaction, and take the new time over in it."""
        direction = "forward" if step > timedelta() else "back"
        log.warning("the wall clock was set; all that waits is moved along", seconds=round(step.total_seconds(), 1))
        try:
            await self._database.write(lambda tx: self._move(tx, step, adopt=adopt))
        except StoreUnavailable:
            if adopt and not self._wall.step():
                self._wall.adopt(-step)
            raise
        except Exception:  # A fence: what cannot be read must neither stop pager nor keep it in the old time.
            log.exception("what waits cannot be moved along; no step waits longer than its files say")
            if adopt and self._wall.step():
                self._wall.adopt(step)
            await self._engine.restore()
        self._steps.labels(direction).inc()

    def _move(self, tx: Tx, step: timedelta, *, adopt: bool) -> None:
        if adopt:
            self._wall.adopt(step)
        if self._shared and not clock.begin_epoch(tx, self._epoch):
            return
        desk = Desk(tx, self._engine.catalog)
        left = _lock(desk, clock.moving(tx, tx.now() - step))
        length = timedelta(seconds=round(abs(step).total_seconds()))
        way = f"{'forward' if step > timedelta() else 'back'} by {format_duration(length)}"
        desk.move(step, f"the clock was set {way}: what waits, waits as long as it would have")
        desk.save()
        clock.move_rows(tx, step, left)


def _lock(desk: Desk, numbers: list[int]) -> list[int]:
    """Lock these incidents; those that cannot be read are given back."""
    left = []
    for number in numbers:
        try:
            desk.lock([number])
        except StoreError:
            raise
        except Exception:  # A fence: the others move all the same.
            left.append(number)
    return left
