"""The engine: the one road from the inbox, the clock and people to incidents, each step one transaction."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from msgspec import Struct, field

from pager import hands, settling, worker
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.incident import Event, Incident, Resolved, TimePassed
from pager.core.privacy import ADMIN, Reader
from pager.core.report import Parsed, Source
from pager.core.severity import Level, worst
from pager.desk import Desk, News, own_group
from pager.hands import CannotMerge, UnknownIncident, VersionMismatch
from pager.holding import Holding
from pager.log import log
from pager.overrides import Overrides
from pager.store import StoreUnavailable, alerts, inbox, incidents
from pager.store.database import Database, Tx
from pager.store.schema import LANES
from pager.store.sql import Row

__all__ = ["CannotMerge", "Engine", "Listener", "Progress", "Quiet", "UnknownIncident", "VersionMismatch"]
WAKE = timedelta(seconds=1)
CATCH_UP = 10.0
"""For how many seconds a start works the inbox before anybody is paged."""
IN_A_ROW = 200
UNDECIDABLE = "undecidable"
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


class Listener(Protocol):
    """Who wants to know what a committed transaction did."""

    def batch(self, worked: worker.Worked) -> None: ...
    def news(self, news: News) -> None: ...


class Quiet:
    """A listener that does not care."""

    def batch(self, worked: worker.Worked) -> None:
        """Nothing."""

    def news(self, news: News) -> None:
        """Nothing."""


class Progress(Struct):
    """When each loop last came round, by the monotonic clock: what the watchdog is fed by; and each lane was worked."""

    inbox: float = 0.0
    clocks: float = 0.0
    lanes: dict[int, float] = field(default_factory=dict)


class Engine:
    """Takes from the inbox or the clock, loads, advances, saves. Holds no state but the catalog in force."""

    def __init__(
        self, database: Database, catalog: Catalog, sources: Mapping[str, Source], listener: Listener | None = None
    ) -> None:
        self.database = database
        self.overrides = Overrides(database, catalog)
        self.sources = sources
        self.listener = listener or Quiet()
        self.holding = Holding(database, lambda: self.catalog, lambda news: self.listener.news(news))
        self.progress = Progress()
        self._begun: dict[int, Parsed] = {}
        self._last = 0

    @property
    def catalog(self) -> Catalog:
        """What the files in force say, with overrides and silences made at run time over them; files may be put in."""
        return self.holding.over(self.overrides.catalog)

    @catalog.setter
    def catalog(self, files: Catalog) -> None:
        self.overrides.put(files)

    # From the inbox.

    async def run_inbox(self) -> None:
        """Work the lanes in turn, for ever; one source's storm does not delay another's alert."""
        while True:
            self.progress.inbox = asyncio.get_running_loop().time()
            try:
                worked = await self.work_inbox()
            except StoreUnavailable as error:
                log.warning("the inbox cannot be worked", error=str(error))
                worked = False
            if not worked:
                await self.database.changed("inbox", WAKE.total_seconds())

    async def work_inbox(self) -> bool:
        """One batch of each lane that has something, and of one of those that are worked last.

        False when nothing waits, or others work all that does.
        """
        lanes = await self.database.read(inbox.waiting_lanes)
        first = sorted((lane for lane in lanes if lane < inbox.FIRST_LAST), key=inbox.is_reserve, reverse=True)
        worked = [await self.work_lane(lane) for lane in first]
        return await self._work_last(lanes) or any(worked)

    async def _work_last(self, lanes: Sequence[int]) -> bool:
        """One batch of what is over a quota, of another source each time: whoever floods waits for all others."""
        last = [lane for lane in lanes if lane >= inbox.FIRST_LAST]
        for lane in [*(lane for lane in last if lane > self._last), *last]:
            if await self.work_lane(lane):
                self._last = lane
                return True
        return False

    async def work_lane(self, lane: int) -> bool:
        """One batch of a lane. What raises is worked row by row, and the one row that raises is set aside.

        False: another node has the lane.
        """
        try:
            worked = await self.database.write(lambda tx: self._batch(tx, lane))
        except StoreUnavailable:
            raise
        except Exception:  # A fence: one poisoned row must not stop the others.
            log.exception("a batch failed; its rows are worked one by one", lane=lane)
            return await self._one_by_one(lane)
        if worked is not None and worked.alerts and lane < inbox.FIRST_LAST:
            self.progress.lanes[lane % LANES] = asyncio.get_running_loop().time()
        self._told(worked)
        return worked is not None

    async def _one_by_one(self, lane: int) -> bool:
        numbers = await self.database.read(lambda tx: inbox.waiting(tx, lane))
        for number in numbers:
            if not await self._work_one(lane, number):
                return False
        return True

    async def _work_one(self, lane: int, number: int) -> bool:
        """Work one row, or set it aside; False: another node has the lane."""
        try:
            worked = await self.database.write(lambda tx: self._single(tx, lane, number))
        except StoreUnavailable:
            raise
        except Exception as error:  # The fence again, now around the row that raises.
            log.exception("a request cannot be read and is set aside", lane=lane, row=number)
            text = f"{type(error).__name__}: {error}"
            self.listener.news(await self.database.write(lambda tx: self._set_aside(tx, lane, number, text)))
            return True
        self._told(worked)
        return worked is not None

    def _batch(self, tx: Tx, lane: int) -> worker.Worked | None:
        return self._work(tx, inbox.next_rows(tx, lane, worker.SLICE)) if inbox.hold_lane(tx, lane) else None

    def _single(self, tx: Tx, lane: int, number: int) -> worker.Worked | None:
        return self._work(tx, inbox.still_waiting(tx, number)) if inbox.hold_lane(tx, lane) else None

    def _work(self, tx: Tx, rows: Sequence[Row]) -> worker.Worked:
        return worker.Batch(tx, self.catalog, self.sources, self._begun).work(rows) if rows else worker.Worked()

    def _set_aside(self, tx: Tx, lane: int, number: int, error: str) -> News:
        """Keep the row that failed, and open one incident for its source, however many rows fail."""
        news = News()
        for row in inbox.still_waiting(tx, number) if inbox.hold_lane(tx, lane) else ():
            inbox.failed(tx, row.id, row.source, error, tx.now())
            news = self._own_incident(tx, f"cannot read what {row.source} sends", error, ("unreadable", row.source))
        return news

    def _own_incident(
        self, tx: Tx, title: str, summary: str, group: tuple[str, ...], level: Level | None = None, policy: str = ""
    ) -> News:
        """One incident of pager's own in `group`, if none is open: `defaults.unmatched`, `defaults.policy`."""
        level = level or self.catalog.defaults.unmatched
        return self._open_own(tx, title, summary, group, level, policy or self.catalog.defaults.policy)

    def _open_own(
        self,
        tx: Tx,
        title: str,
        summary: str,
        group: tuple[str, ...],
        level: Level,
        policy: str,
        *,
        at_the_end: bool = False,
    ) -> News:
        """With `at_the_end` the steps of its policy are through: `then` is paged at once."""
        key, desk = own_group(*group), Desk(tx, self.catalog)

        def made(number: int) -> Incident:
            incident = hands.by_hand(self.catalog, number, key, title, level, policy, tx.now(), summary)
            known = self.catalog.policy(policy)[1]
            return incident.changed(step=len(known.steps), round=known.repeat) if at_the_end else incident

        number = desk.open(key, made)
        if number is not None:
            desk.tell(number, TimePassed())
            desk.save()
        return desk.news

    async def report(
        self, title: str, summary: str, *about: str, severity: Level | None = None, policy: str = ""
    ) -> None:
        """Page for something of pager's own, once while the incident about it is open."""
        self.listener.news(
            await self.database.write(lambda tx: self._own_incident(tx, title, summary, about, severity, policy))
        )

    async def report_over(self, *about: str) -> None:
        """What was reported is over: its incident is resolved, if it is still open."""
        self.listener.news(await self.database.write(lambda tx: self._own_over(tx, about)))

    def _own_over(self, tx: Tx, group: tuple[str, ...]) -> News:
        desk = Desk(tx, self.catalog)
        number = incidents.home_of(tx, own_group(*group), tx.now())
        if number is not None:
            desk.lock([number])
            desk.tell(number, Resolved("pager"))
            desk.settle()
        return desk.news

    def _told(self, worked: worker.Worked | None) -> None:
        if worked is not None:
            self.listener.batch(worked)
            self.listener.news(worked.news)

    # From the clock.

    async def run_clocks(self) -> None:
        """Let time pass for incidents whose clocks have come, for ever; ask at least once a second."""
        while True:
            self.progress.clocks = asyncio.get_running_loop().time()
            wait = WAKE.total_seconds()
            try:
                if await self.tick():
                    continue
                wait = await self.database.read(self._until_due)
            except StoreUnavailable as error:
                log.warning("clocks cannot be read", error=str(error))
            if wait > 0:
                await self.database.changed("clocks", wait)

    def _until_due(self, tx: Tx) -> float:
        due_at = incidents.next_due(tx)
        ahead = WAKE if due_at is None else min(WAKE, due_at - tx.now())
        return max(0.0, ahead.total_seconds())

    async def tick(self) -> bool:
        """Handle up to 200 incidents that are due, and alerts that settle; whether there was anything."""
        numbers = await self.database.read(lambda tx: incidents.due(tx, tx.now(), IN_A_ROW))
        settling = await self.database.read(lambda tx: alerts.settling(tx, tx.now()))
        if settling:
            await self._settle(settling)
        if numbers:
            await self._pass_time(numbers)
        return bool(numbers or settling)

    async def _settle(self, keys: list[int]) -> None:
        """Let these alerts settle; when that fails, each by itself, and the one that raises later again."""
        try:
            self.listener.news(await self.database.write(lambda tx: settling.settle_alerts(tx, self.catalog, keys)))
        except StoreUnavailable:
            raise
        except Exception:  # A fence: an alert of an incident that cannot be decided must not stop the others.
            log.exception("alerts cannot be settled", alerts=len(keys))
            if len(keys) == 1:
                await self.database.write(lambda tx: alerts.put_off_settling(tx, keys[0], tx.now() + FIRST_PAUSE))
                return
            for key in keys:
                await self._settle([key])

    async def _pass_time(self, numbers: list[int]) -> None:
        try:
            self.listener.news(await self.database.write(lambda tx: self._due(tx, numbers)))
        except StoreUnavailable:
            raise
        except Exception:  # A fence: an incident that cannot be decided must not stop the others.
            log.exception("clocks failed together; the incidents are worked one by one", incidents=len(numbers))
            for number in numbers:
                await self._pass_one(number)

    async def _pass_one(self, number: int) -> None:
        try:
            self.listener.news(await self.database.write(lambda tx: self._due(tx, [number])))
        except StoreUnavailable:
            raise
        except Exception as error:  # The fence again: it is tried again later, and says so itself.
            log.exception("an incident cannot be decided", incident=number)
            text = f"{type(error).__name__}: {error}"
            self.listener.news(await self.database.write(lambda tx: self._postpone(tx, number, text)))

    def _due(self, tx: Tx, numbers: list[int]) -> News:
        desk = Desk(tx, self.catalog)
        over = incidents.open_in(tx, [own_group(UNDECIDABLE, str(number)) for number in numbers])
        desk.lock([*numbers, *over])
        # Even if nothing changes: a row that was postponed would else stay due, and be asked for ever.
        desk.touch(numbers)
        for number in over:
            desk.tell(number, Resolved("pager"))
        desk.settle()
        return desk.news

    def _postpone(self, tx: Tx, number: int, error: str) -> News:
        """Try an incident that raises again later, and page `then` of its policy for it, once."""
        group = (UNDECIDABLE, str(number))
        since = incidents.open_since(tx, own_group(*group)) or tx.now()
        # As long again as it has lasted already: the pauses double.
        pause = min(max(tx.now() - since, FIRST_PAUSE), LONGEST_PAUSE)
        incidents.postpone(tx, number, tx.now() + pause)
        # What its columns say: reading it whole may be what fails.
        stands = incidents.standing(tx, [number])[number]
        level = worst([stands.severity or self.catalog.defaults.unmatched, self.catalog.defaults.unmatched])
        title = f"incident {code_of(number)} cannot be decided"
        return self._open_own(tx, title, error, group, level, stands.policy, at_the_end=True)

    async def catch_up(self, longest: float = CATCH_UP) -> None:
        """At start: work what was accepted before, for so many seconds at most, so that nobody is paged for old news.

        What was resolved meanwhile pages nobody, and what is paged says how it stands now.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + longest
        while await self.work_inbox() and loop.time() < until:
            pass

    async def restore(self) -> None:
        """At start: no step clock lies further ahead than its wait, whatever the wall clock did meanwhile."""
        numbers = await self.database.read(incidents.with_clocks)
        await self._restore(numbers)

    async def _restore(self, numbers: list[int]) -> None:
        try:
            await self.database.write(lambda tx: self._clamp(tx, numbers))
        except StoreUnavailable:
            raise
        except Exception:  # A fence: an incident that cannot be read must not keep pager from starting.
            log.exception("clocks cannot be restored", incidents=len(numbers))
            for number in numbers if len(numbers) > 1 else ():
                await self._restore([number])

    def _clamp(self, tx: Tx, numbers: list[int]) -> None:
        desk = Desk(tx, self.catalog)
        desk.lock(numbers)
        desk.clamp()
        desk.save()

    # From people.

    async def act(self, number: int, event: Event, *, version: int | None = None, reader: Reader = ADMIN) -> Incident:
        """Tell an incident what a person did; the incident after it, another one where it was merged into that.

        Raises UnknownIncident, Private when `reader` does not see it, and VersionMismatch when `version` is given and
        the incident has moved on.
        """
        return await self._by_hand(lambda tx: hands.act(tx, self.catalog, number, event, version, reader))

    async def declare(
        self, title: str, severity: Level, policy: str, by: str, private: tuple[str, ...] | None = None
    ) -> Incident:
        """A new incident by hand; it pages at once, as its severity says. `private`: only these see it, too."""
        return await self._by_hand(lambda tx: hands.declare(tx, self.catalog, title, severity, policy, by, private))

    async def merge(
        self, one: int, other: int, by: str, *, reader: Reader = ADMIN, to_private: bool = False
    ) -> Incident:
        """The younger of two goes into the older; the older after it. Raises UnknownIncident, CannotMerge, Private."""
        return await self._by_hand(
            lambda tx: hands.merge(tx, self.catalog, one, other, by, reader, to_private=to_private)
        )

    async def page(self, name: str, by: str, text: str, *, reader: Reader = ADMIN) -> None:
        """Page a person by hand; the open incidents that the text names note it."""
        news = await self.database.write(lambda tx: hands.page(tx, self.catalog, name, by, text, reader), urgent=True)
        self.listener.news(news)

    async def _by_hand(self, work: Callable[[Tx], tuple[Incident, News]]) -> Incident:
        # Somebody has pressed a button and waits: in a storm the batches of the engine wait for them.
        incident, news = await self.database.write(work, urgent=True)
        self.listener.news(news)
        return incident
