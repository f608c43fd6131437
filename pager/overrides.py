"""The overrides in force: read from the database, layered over the files, and read anew when anybody changes them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.notices import of_override
from pager.core.override import RunOverride, Wanted, layered, misfit, moved, repeats
from pager.core.shiftdiff import Moved
from pager.log import log
from pager.store import StoreUnavailable, notices
from pager.store import overrides as rows
from pager.store.database import Database, Tx

LOOK_EVERY = 1.0
READ_EVERY = timedelta(minutes=1)
RECENT = timedelta(days=4)
"""For how long after its end an override is still known: whoever comes on call hears who had it before."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class UnknownOverride(LookupError):
    """There is no override of that number."""


class Changed(Struct, frozen=True):
    """What a change of the overrides did: the one it was about, whether anything changed, whose turns moved."""

    override: RunOverride
    is_new: bool
    moved: Sequence[Moved]


class Overrides:
    """`catalog` is what the files say with the overrides over it; `files` is without them."""

    def __init__(self, database: Database, files: Catalog) -> None:
        self._database = database
        self._standing: tuple[RunOverride, ...] = ()
        self._version = -1
        self._read_at = self._again_at = _NEVER
        self._turn = asyncio.Lock()
        self._ignored: dict[int, str] = {}
        self.files = self.catalog = self._under = files

    def put(self, files: Catalog) -> None:
        """New files are in force: every override stays, over them."""
        self.files = files
        self._lay()

    def over(self, files: Catalog) -> Catalog:
        """Other files with what stands now over them, as far as it fits those."""
        return layered(files, self._now_standing())

    def recent(self) -> Catalog:
        """What the files say with all overrides that ended within the last four days, too."""
        return layered(self.files, self._standing)

    def remarks(self) -> list[str]:
        """The overrides that the files do not fit any more, a line each."""
        # Also told to strangers: who is meant stands in the log and in the list of overrides.
        return [f"override {number} is not applied: the files do not fit it any more" for number in self._ignored]

    def why_not(self, override: RunOverride) -> str:
        """Why it is not applied though it stands, "" if it is."""
        return misfit(override.wanted, self.files)

    async def begin(self) -> None:
        """Read them before anybody is paged. Where a row cannot be read, the files alone say who is on call."""
        try:
            await self.refresh()
        except StoreUnavailable:
            raise
        except Exception:  # A fence: pager must start, for alerts do not wait.
            log.exception("overrides cannot be read: the files alone count")

    async def run(self) -> None:
        """Notice within a second what other nodes change, and what ends; for ever."""
        while True:
            try:
                await self.refresh()
            except StoreUnavailable as error:
                log.warning("overrides cannot be read: those known before stand", error=str(error), often=True)
            except Exception:  # A fence: a row that cannot be read must not end the process, for it would again.
                log.exception("overrides cannot be read: those known before stand", often=True)
            await self._database.changed(rows.TOPIC, LOOK_EVERY)

    async def refresh(self) -> None:
        """Read them if they changed, or one of them has ended."""
        async with self._turn:
            found = await self._database.read(self._look)
            if found is not None:
                self._version, self._read_at, standing = found
                self._standing = tuple(standing)
                ends = (one.wanted.end for one in standing if not one.is_over(self._read_at))
                self._again_at = min((*ends, self._read_at + READ_EVERY))
                self._lay()

    async def add(self, wanted: Wanted) -> Changed:
        """Lay one over all others; the same one again changes nothing. In force here when this returns."""
        changed = await self._database.write(lambda tx: self._add(tx, wanted))
        await self.refresh()
        return changed

    async def remove(self, number: int, by: str = "") -> Changed:
        """Take one away; one that is gone or over already changes nothing. Raises UnknownOverride."""
        changed = await self._database.write(lambda tx: self._remove(tx, number, by))
        await self.refresh()
        return changed

    def _add(self, tx: Tx, wanted: Wanted) -> Changed:
        rows.hold(tx)
        standing = rows.standing(tx, tx.now())
        known = repeats(wanted, standing)
        if known is not None:
            return Changed(known, False, ())
        made = rows.add(tx, wanted)
        found = moved(self.files, standing, [*standing, made], wanted, tx.now())
        notices.issue(tx, of_override(wanted, found, self.files, tx.now()))
        return Changed(made, True, found)

    def _remove(self, tx: Tx, number: int, by: str) -> Changed:
        rows.hold(tx)
        known = rows.get(tx, number)
        if known is None:
            raise UnknownOverride(f"no override {number}")
        standing = rows.standing(tx, tx.now())
        if not rows.remove(tx, number):
            return Changed(known, False, ())
        left = [one for one in standing if one.id != number]
        gone = rows.get(tx, number) or known
        found = moved(self.files, standing, left, known.wanted, tx.now())
        notices.issue(tx, of_override(known.wanted, found, self.files, tx.now(), removed=True, by=by))
        return Changed(gone, True, found)

    def _look(self, tx: Tx) -> tuple[int, datetime, list[RunOverride]] | None:
        now, version = tx.now(), rows.version(tx)
        if version == self._version and self._read_at <= now < self._again_at:
            return None
        return version, now, rows.standing(tx, now - RECENT)

    def _lay(self) -> None:
        standing = self._now_standing()
        laid = layered(self.files, standing)
        # The same one stays: whoever keeps what they worked out of it may go on.
        if self._under is not self.files or laid.overrides != self.catalog.overrides:
            self.catalog, self._under = laid, self.files
        ignored = {one.id: why for one in standing if (why := misfit(one.wanted, self.files))}
        for number in ignored.keys() - self._ignored.keys():
            log.warning("an override is not applied", override=number, why=ignored[number])
        self._ignored = ignored

    def _now_standing(self) -> list[RunOverride]:
        return [one for one in self._standing if not one.is_over(self._read_at)]
