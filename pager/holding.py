"""Silences, maintenance, the pause and inhibition in force: layered over the files, and judged whenever one changes."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.ending import Ending, ends_soon, notice_of_end
from pager.core.holding import next_edge
from pager.core.notices import Notice
from pager.core.silence import Silence, Wanted, check
from pager.desk import Desk, News
from pager.judge import Judge, hidden, standing_hold
from pager.log import log
from pager.store import StoreUnavailable, alerts, incidents, inhibitions, notices
from pager.store import silences as rows
from pager.store.database import Database, Tx
from pager.store.incidents import Kept

LOOK_EVERY = 1.0
PATIENCE = 5.0
IN_A_ROW = 200
WARN_EVERY = timedelta(seconds=30)
JUDGE_EVERY = timedelta(minutes=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class UnknownSilence(LookupError):
    """There is none of that number and kind."""


class Expired(Struct, frozen=True):
    """What was ended, and whether it stood until then."""

    silence: Silence
    stood: bool


class Holding:
    """`over` layers what people made over the files; `run` judges open incidents whenever what mutes them changes."""

    def __init__(self, database: Database, catalog: Callable[[], Catalog], told: Callable[[News], None]) -> None:
        self._database = database
        self._catalog = catalog
        self._told = told
        self._standing: tuple[Silence, ...] = ()
        self._layered: tuple[Catalog, tuple[Silence, ...], Catalog] | None = None
        self._version = -1
        self._turn = asyncio.Lock()
        self._judged: tuple[object, ...] = ()
        self._judged_at = _NEVER
        self._edge: datetime | None = None
        self._again = False
        self._indexed: tuple[object, ...] | None = None
        self._warned: set[Ending] = set()
        self._warned_at = _NEVER

    def over(self, files: Catalog) -> Catalog:
        """These files with the silences that stand; the very same files where there are none."""
        standing, known = self._standing, self._layered
        if not standing:
            return files
        if known is None or known[0] is not files or known[1] is not standing:
            known = self._layered = (files, standing, replace(files, silences=standing))
        return known[2]

    def standing(self, now: datetime) -> list[Silence]:
        """What people made and has not ended, pending ones among it."""
        return [one for one in self._standing if one.state(now) != "expired"]

    def pause(self, now: datetime) -> Silence | None:
        """The pause that holds everything now; of several the one that lasts longest."""
        paused = [one for one in self._standing if one.wanted.kind == "pause" and one.state(now) == "active"]
        return max(paused, key=lambda one: one.ends_at, default=None)

    def remarks(self, now: datetime) -> list[str]:
        """The loud sign: all pages are paused. Strangers may read it: by whom and why is for `pagerctl pause`."""
        pause = self.pause(now)
        if pause is None:
            return []
        until = f"{pause.ends_at:%Y-%m-%d %H:%M:%S} UTC"
        return [f"ALL PAGES ARE PAUSED until {until}: pagerctl pause says by whom"]

    # What people do.

    async def add(self, wanted: Wanted) -> Silence:
        """Make one: in force, and open incidents judged, when this returns. ValueError for what is refused."""
        made = await self._database.write(lambda tx: self._add(tx, wanted))
        await self.refresh()
        await self._judge_soon()
        return made

    async def expire(self, number: int, kind: str, by: str) -> Expired:
        """End one now: what it hid pages at once if it fires. One that is over stays so. Raises UnknownSilence."""
        done = await self._database.write(lambda tx: self._expire(tx, number, kind, by))
        await self.refresh()
        await self._judge_soon()
        return done

    async def prolong(self, number: int, kind: str, until: datetime, by: str) -> Silence:
        """Let one that stands last until then: another, by whoever prolongs it, takes its place at once.

        Raises UnknownSilence for one that is over, too, and ValueError for what is refused.
        """
        made = await self._database.write(lambda tx: self._prolong(tx, number, kind, until, by))
        await self.refresh()
        await self._judge_soon()
        return made

    def _prolong(self, tx: Tx, number: int, kind: str, until: datetime, by: str) -> Silence:
        rows.hold(tx)
        known, now = rows.get(tx, number), tx.now()
        if known is None or known.wanted.kind != kind or known.state(now) == "expired":
            raise UnknownSilence(f"no {kind} {number} stands")
        wanted = replace(known.wanted, starts_at=max(known.wanted.starts_at, now), ends_at=until, by=by)
        check(wanted, now)
        rows.expire(tx, number, by)
        return rows.add(tx, wanted)

    def _add(self, tx: Tx, wanted: Wanted) -> Silence:
        rows.hold(tx)
        check(wanted, tx.now())
        return rows.add(tx, wanted)

    def _expire(self, tx: Tx, number: int, kind: str, by: str) -> Expired:
        rows.hold(tx)
        known = rows.get(tx, number)
        if known is None or known.wanted.kind != kind:
            raise UnknownSilence(f"no {kind} {number}")
        stood = known.state(tx.now()) != "expired"
        rows.expire(tx, number, by)
        return Expired(rows.get(tx, number) or known, stood)

    # What time and other nodes do.

    async def run(self) -> None:
        """Notice within a second what other nodes change, what begins and ends, and who inhibits no more; for ever."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("silences cannot be read: those known before stand", error=str(error), often=True)
            except Exception:  # A fence: what cannot be judged must not end the process, for it would again.
                log.exception("holds cannot be judged")
            await self._database.changed(rows.TOPIC, LOOK_EVERY)

    async def begin(self) -> None:
        """Read the silences before anybody is paged. Where one cannot be read none of them counts: in doubt, page."""
        try:
            await self.refresh()
        except StoreUnavailable:
            raise
        except Exception:  # A fence: pager must start, for alerts do not wait.
            log.exception("silences cannot be read: none counts")

    async def refresh(self) -> None:
        """Read the silences if they changed."""
        async with self._turn:
            found = await self._database.read(self._read)
            if found is not None:
                self._version, self._standing = found

    async def look(self) -> None:
        """Once: read what changed, and judge what that may have changed."""
        await self.refresh()
        await self._index()
        now = await self._database.read(lambda tx: tx.now())
        files = self._catalog()
        stands = (self._version, files.inhibit, files.maintenance, files.heartbeats)
        changed = stands != self._judged or now < self._judged_at or (self._edge is not None and self._edge <= now)
        # Now and then in any case: a hold with an open end must never be forgotten.
        if changed or self._again or now - self._judged_at >= JUDGE_EVERY:
            await self.judge_all()
            # And once more: what was begun before everybody knew may have been written after it was judged.
            self._again = changed
            self._judged, self._judged_at, self._edge = stands, now, next_edge(files, now)
        await self._released()
        await self._warn(now)

    async def _judge_soon(self) -> None:
        """Judge all; who asked waits some seconds at most, and the loop does the rest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.judge_all()

    async def judge_all(self) -> None:
        """Judge every open incident, some hundred at a time; only those that are held wrongly are written."""
        after = 0
        while True:
            last, wrong = await self._database.read(lambda tx, after=after: self._wrong(tx, after))  # type: ignore[misc]
            if wrong:
                await self._correct(wrong)
            if last is None:
                return
            after = last

    def _read(self, tx: Tx) -> tuple[int, tuple[Silence, ...]] | None:
        version = rows.version(tx)
        return None if version == self._version else (version, tuple(rows.standing(tx, tx.now())))

    def _wrong(self, tx: Tx, after: int) -> tuple[int | None, list[int]]:
        """The last number that was looked at, None: that was all; and those that are not held as they should be."""
        found = incidents.open_after(tx, after, IN_A_ROW)
        judge = Judge(tx, self._catalog(), {})
        verdicts = judge.of([kept.incident for kept in found])
        wrong = [kept.incident.number for kept in found if _differs(kept, verdicts[kept.incident.number].hold)]
        return (found[-1].incident.number if len(found) == IN_A_ROW else None), wrong

    async def _correct(self, numbers: Sequence[int]) -> None:
        """Judge these again under their locks; when that fails, each by itself."""
        try:
            self._told(await self._database.write(lambda tx: self._judge(tx, numbers)))
        except StoreUnavailable:
            raise
        except Exception:  # A fence: an incident that cannot be decided must not stop the others.
            log.exception("incidents cannot be judged", incidents=len(numbers))
            for number in numbers if len(numbers) > 1 else ():
                await self._correct([number])

    def _judge(self, tx: Tx, numbers: Sequence[int]) -> News:
        desk = Desk(tx, self._catalog())
        desk.lock(numbers)
        known = [number for number in numbers if desk.incident(number) is not None]
        desk.judge(known)
        desk.settle()
        return desk.news

    async def _warn(self, now: datetime) -> None:
        """Tell whoever made it of what ends soon and still hides something, each once."""
        files = self._catalog()
        soon = dict(enumerate(one for one in ends_soon(files, now) if one not in self._warned))
        if not soon or timedelta() <= now - self._warned_at < WARN_EVERY:
            return
        self._warned_at = now
        asked = {place: one.matchers for place, one in soon.items()}
        hides = await self._database.read(lambda tx: hidden(tx, files, asked))
        told: dict[Ending, Notice] = {}
        for place, one in soon.items():
            codes = [code_of(number) for number in hides[place].incidents]
            notice = notice_of_end(one, hides[place].alerts, codes, files, now)
            if notice is not None:
                told[one] = notice
        if told:
            await self._database.write(lambda tx: notices.issue(tx, told.values()))
            self._warned = {one for one in self._warned if one.ends_at > now} | told.keys()

    # Inhibition.

    async def _released(self) -> None:
        """Judge the incidents whose inhibitors may have ended."""
        files, after = self._catalog(), 0
        paging = [level for level, severity in files.severities.items() if severity.pages]
        while files.inhibit:
            found = await self._database.read(
                lambda tx, after=after: inhibitions.doubtful(tx, paging, after, IN_A_ROW)  # type: ignore[misc]
            )
            if not found:
                return
            await self._correct(found)
            await self._database.write(lambda tx, found=found: inhibitions.forget_closed(tx, found))  # type: ignore[misc]
            after = found[-1]

    async def _index(self) -> None:
        """When the rules of inhibition changed: find all firing alerts that may inhibit by the new ones."""
        rules = self._catalog().inhibit
        if self._indexed == rules:
            return
        name = hashlib.blake2b(repr(rules).encode(), digest_size=16).hexdigest()
        if await self._database.read(inhibitions.indexed_by) != name:
            after: int | None = -(2**63) if rules else None
            while after is not None:
                after = await self._database.write(lambda tx, after=after: self._index_some(tx, after))  # type: ignore[misc]
            await self._database.write(lambda tx: inhibitions.is_indexed(tx, name))
        self._indexed = rules

    def _index_some(self, tx: Tx, after: int) -> int | None:
        found = alerts.page_of(tx, state="firing", after=after, limit=IN_A_ROW)
        Judge(tx, self._catalog(), {}).index(known.state for known in found)
        return found[-1].state.key if found else None


def _differs(kept: Kept, wanted: object) -> bool:
    held = standing_hold(kept.incident)
    return (replace(held, since=None) if held else None) != wanted
