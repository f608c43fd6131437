"""The sweeper: looks every ten seconds for what is not heard of any more, and writes that pager itself listens."""

import asyncio

from pager import heartbeats, unheard
from pager.core.heartbeat import Pulse
from pager.engine import Engine
from pager.log import log
from pager.store import StoreUnavailable
from pager.store import heartbeats as rows
from pager.store.database import Tx

EVERY = 10.0


class Sweeper:
    """Closes what nobody speaks of any more, and tells of sources that fell silent."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.database = engine.database
        self._listens = False

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable as error:
                # Nobody could be heard meanwhile, as when pager is down.
                self._listens = False
                log.warning("what is not heard of any more cannot be read", error=str(error), often=True)
            except Exception:  # A fence: what cannot be judged must not end the process, for it would again.
                log.exception("what is not heard of any more cannot be judged")
            await asyncio.sleep(EVERY)

    async def sweep(self) -> None:
        """Once: alerts that are not heard of any more, incidents that have only such, silent sources."""
        await self._listen()
        while await self.database.read(unheard.anything_due):
            await self.database.write(lambda tx: unheard.judge(tx, self.engine.catalog))
        for number in await self.database.read(unheard.closing):
            await self._close(number)
        await self._sources()
        await self._heartbeats()

    async def _listen(self) -> None:
        again = not self._listens
        await self.database.write(lambda tx: unheard.listen(tx, again=again))
        self._listens = True

    async def _close(self, number: int) -> None:
        try:
            news = await self.database.write(lambda tx: unheard.close(tx, self.engine.catalog, number))
        except StoreUnavailable:
            raise
        except Exception:  # A fence: an incident that cannot be decided must not stop the others.
            log.exception("an incident that is not heard of cannot be closed", incident=number)
        else:
            self.engine.listener.news(news)

    async def _heartbeats(self) -> None:
        """Alerts for heartbeats that are missing or hang, and the end of those that nobody waits for any more."""
        catalog = self.engine.catalog

        def due(tx: Tx) -> tuple[list[str], list[str]]:
            return heartbeats.due(tx, catalog, unheard.heard_in_turn(tx))

        names, unknown = await self.database.read(due)
        if unknown:
            await self.database.write(lambda tx: rows.begin(tx, [Pulse(name, tx.now()) for name in unknown]))
        if names:
            await self.database.write(lambda tx: heartbeats.judge(tx, catalog, names, unheard.heard_in_turn(tx)))

    async def _sources(self) -> None:
        """An incident for each source that fell silent; it ends by itself when the source speaks."""
        if names := await self.database.read(lambda tx: unheard.unknown(tx, self.engine.catalog)):
            await self.database.write(lambda tx: unheard.expect(tx, self.engine.catalog, names))
        fallen, back = await self.database.read(lambda tx: unheard.quiet(tx, self.engine.catalog))
        for one in fallen:
            await self.engine.report(one.title, one.summary, *one.about, severity=one.severity, policy=one.policy)
        for about in back:
            await self.engine.report_over(*about)
