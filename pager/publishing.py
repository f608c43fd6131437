"""Publishing: events that were written get their positions, webhooks that want them are lined up, old ones go."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from pager.core.catalog import Catalog
from pager.core.webhook import wants
from pager.log import log
from pager.store import StoreUnavailable, events, webhooks
from pager.store.database import Database, Tx
from pager.store.events import Told

WAKE = 1.0
SWEEP_EVERY = 60.0
KEPT = timedelta(days=3)


class Publisher:
    """Comes after the transaction that wrote an event, so that no page waits for whoever follows events."""

    def __init__(self, database: Database, catalog: Callable[[], Catalog]) -> None:
        self.database = database
        self.catalog = catalog
        self._files = ""
        self._swept_at = 0.0

    async def run(self) -> None:
        """Publish for ever; ask at least once a second."""
        while True:
            try:
                published = await self.publish()
                await self._sweep()
            except StoreUnavailable as error:
                log.warning("events cannot be published", error=str(error), often=True)
                published = 0
            except Exception:  # A fence: pages go on, whatever events come to.
                log.exception("events cannot be published")
                published = 0
            if not published:
                await self.database.changed(events.NEW, WAKE)

    async def publish(self) -> int:
        """Some of what is new; how many that were. 0: there is nothing, or another node is at it."""
        catalog = self.catalog()
        if catalog.hash != self._files:
            await self.database.write(lambda tx: webhooks.put_files(tx, catalog.webhooks))
            self._files = catalog.hash
        if not await self.database.read(events.any_new):
            return 0
        count, dropped = await self.database.write(lambda tx: publish(tx, catalog))
        for name, lost in dropped.items():
            log.error("a webhook has too much to be told: events are dropped", webhook=name, events=lost, often=True)
        return count

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._swept_at < SWEEP_EVERY:
            return
        catalog = self.catalog()
        await self.database.write(lambda tx: webhooks.put_files(tx, catalog.webhooks))
        while await self.database.write(lambda tx: events.sweep(tx, tx.now() - KEPT)):
            pass
        self._swept_at = now


def publish(tx: Tx, catalog: Catalog) -> tuple[int, dict[str, int]]:
    """Give positions, and line up; how many events that were, and how many each webhook will not be told of."""
    count, found = events.give_positions(tx)
    wanted: dict[str, list[Told]] = {}
    for told in found:
        for name, webhook in catalog.webhooks.items():
            if wants(webhook, told.kind, told.data["incident"]):
                wanted.setdefault(name, []).append(told)
    return count, webhooks.line_up(tx, wanted)
