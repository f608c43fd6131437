"""Shift notices: tells people of their turns: moved by new files, soon, begun; durable, and each once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pager.core.catalog import Catalog
from pager.core.notices import (
    LATE,
    Beginning,
    Notice,
    beginnings,
    hand_over,
    is_begun,
    longest_lead,
    of_reload,
    reminders,
)
from pager.core.proven import proven_urls, standing, unproven
from pager.core.shiftdiff import Moved, changes
from pager.engine import Engine
from pager.log import log
from pager.store import StoreUnavailable, notices, proofs
from pager.store.database import Tx

EVERY = 5.0
AHEAD = timedelta(minutes=10)
"""How far ahead turns are worked out at a time."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_Key = tuple[str, str, str, datetime]


class ShiftNotices:
    """Looks every five seconds whose turn begins, is soon, or was moved by other files.

    `before` are the files that ran before this start, if they were others.
    """

    def __init__(self, engine: Engine, before: Catalog | None = None) -> None:
        self.engine = engine
        self.database = engine.database
        self._files = before or engine.overrides.files
        self._seen: Catalog | None = None
        self._from = self._until = _NEVER
        self._coming: list[Beginning] = []
        self._told: dict[_Key, datetime] = {}
        self._since: datetime | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("people cannot be told of their turns", error=str(error), often=True)
            except Exception:  # A fence: a turn that cannot be told of must not end the process, for it would again.
                log.exception("people cannot be told of their turns")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Once."""
        now = await self.database.read(lambda tx: tx.now())
        if self._since is None:
            config = self._files.hash
            is_new = await self.database.write(lambda tx: notices.note_config(tx, config))
            # Where pager never ran, nothing was missed.
            self._since = now if is_new else _NEVER
        await self._tell_moved(now)
        await self._work_out(now)
        due = self._due(now)
        if due:
            await self.database.write(lambda tx: self._issue(tx, due, now))
            self._told |= dict.fromkeys(map(_key, due), now)
        self._told = {key: at for key, at in self._told.items() if now - at < 2 * LATE}

    async def _tell_moved(self, now: datetime) -> None:
        """The files in force are others than before: tell those whose running or next turn is another now."""
        files = self.engine.overrides.files
        if files is self._files:
            return
        before, after = self.engine.overrides.over(self._files), self.engine.overrides.over(files)
        # Weeks of every schedule that changed are compiled beside the loop.
        moved = await asyncio.to_thread(changes, before, after, now)
        told = await self.database.write(lambda tx: self._issue_moved(tx, moved, files))
        self._files = files
        if told:
            log.info("people were told that their turns moved", people=told, config=files.hash[:12])

    def _issue_moved(self, tx: Tx, moved: Sequence[Moved], files: Catalog) -> int:
        if not notices.is_first_to_tell(tx, files.hash):
            return 0
        return notices.issue(tx, of_reload(moved, files, tx.now()))

    async def _work_out(self, now: datetime) -> None:
        """Know who comes on call around now: worked out anew when anything changed, and every few minutes."""
        seen = self.engine.catalog
        if seen is self._seen and self._from <= now < self._until:
            return
        catalog = self.engine.overrides.recent()
        until = now + AHEAD
        self._coming = await asyncio.to_thread(
            beginnings, catalog, now - LATE, until + longest_lead(catalog) + timedelta(minutes=1)
        )
        self._seen, self._from, self._until = seen, now, until

    def _due(self, now: datetime) -> list[Notice | Beginning]:
        """What nobody was told yet, as far as this process knows."""
        catalog = self.engine.catalog
        found: list[Notice | Beginning] = [one for one in self._coming if is_begun(one, now)]
        found += [notice for one in self._coming for notice in reminders(one, catalog, now)]
        keys = ((one, _key(one)) for one in found)
        return [one for one, key in keys if key not in self._told and key[-1] >= (self._since or now)]

    def _issue(self, tx: Tx, due: Sequence[Notice | Beginning], looked: datetime) -> None:
        """The words of a hand-over are those of this instant; a reminder says which contacts are not proven."""
        catalog, now = self.engine.catalog, tx.now()
        begun = [one for one in due if isinstance(one, Beginning) and one.person in catalog.people]
        incidents, last_day = notices.standing(tx) if begun else ([], {})
        told = self._reminders(tx, {_key(one) for one in due if isinstance(one, Notice)}, looked)
        told += [hand_over(one, incidents, last_day, catalog, now) for one in begun]
        notices.issue(tx, told)

    def _reminders(self, tx: Tx, wanted: set[_Key], looked: datetime) -> list[Notice]:
        """The reminders of these keys, with the contacts of their people that nobody has proven."""
        if not wanted:
            return []
        catalog = self.engine.catalog
        known = unproven(standing(catalog, proofs.proven(tx, proven_urls(catalog)), tx.now()))
        found = [notice for one in self._coming for notice in reminders(one, catalog, looked, known)]
        return [notice for notice in found if _key(notice) in wanted]


def _key(one: Notice | Beginning) -> _Key:
    if isinstance(one, Beginning):
        return "hand-over", one.person, one.schedule, one.start
    return one.kind, one.person, one.schedule, one.at
