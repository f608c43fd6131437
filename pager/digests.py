"""The digests of what pages nobody: issued when a level's cron says so, each once, on whichever node looks first."""

import asyncio

from pager.core.code import code_of
from pager.core.digest import MOST_LISTED, Backlog, DueDigest, digest, due_digests
from pager.core.hygiene import one_line
from pager.engine import Engine
from pager.log import log
from pager.store import StoreUnavailable, notices
from pager.store.database import Tx

EVERY = 20.0


class Digests:
    """Looks every 20 seconds whether a digest is due. What was told stands in the notices; memory only saves asking."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._told: set[DueDigest] = set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("the digests cannot be told", error=str(error), often=True)
            except Exception:  # A fence: a digest that cannot be told must not end the process, for it would again.
                log.exception("the digests cannot be told")
            await asyncio.sleep(EVERY)

    async def look(self) -> int:
        """Once; how many messages were issued."""
        now = await self.engine.database.read(lambda tx: tx.now())
        due = set(due_digests(self.engine.catalog, now))
        fresh = sorted(due - self._told, key=lambda one: (one.at, one.level, one.policy))
        issued = await self.engine.database.write(lambda tx: self._issue(tx, fresh)) if fresh else 0
        self._told = due
        return issued

    def _issue(self, tx: Tx, due: list[DueDigest]) -> int:
        catalog = self.engine.catalog
        return notices.issue(tx, (notice for one in due for notice in digest(one, self._backlog(tx, one), catalog)))

    def _backlog(self, tx: Tx, due: DueDigest) -> Backlog:
        """What the incidents of that level say that now follow that policy, by its own name or for want of theirs."""
        counts = notices.backlog(tx, due.level, due.since, due.at)
        ours = [row for row in counts if self.engine.catalog.policy(row.policy)[0] == due.policy]
        listed = notices.newest_open(tx, due.level, due.at, [row.policy for row in ours], MOST_LISTED)
        return Backlog(
            open=sum(int(row.open) for row in ours),
            new=sum(int(row.new) for row in ours),
            over=sum(int(row.over) for row in ours),
            listed=tuple((code_of(number), one_line(title)) for number, title in listed),
        )
