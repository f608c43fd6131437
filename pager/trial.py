"""Trials: the users' own tests, run by the daemon's own engine and outbox on a virtual clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import Struct, field
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.incident import Acked, Act, Escalated, Mitigated, Noted, Resolved, SeveritySet, Snoozed, Unacked
from pager.core.moment import Moment
from pager.core.scenario import Case, PlacedCase, Then, Told, moments
from pager.core.schedule import Away
from pager.core.showing import Happened, Issued, Miss, Story, lines_of, misses
from pager.core.silence import Wanted
from pager.core.wall import minute_of
from pager.engine import CannotMerge, Engine
from pager.sources import SOURCES
from pager.store import incidents, pages
from pager.store.database import Tx
from pager.store.incidents import Kept
from pager.store.memory import MemoryDatabase
from pager.store.notices import NO_INCIDENT
from pager.store.pages import PageRow
from pager.trial_stale import close_unheard, fall_silent
from pager.trial_texts import Worded, worded_in
from pager.virtual import Clock, Impossible, VirtualHouse

HORIZON = timedelta(days=60)
"""No case without an end of its own is followed longer than this."""
_AWAY = timedelta(days=366)


class Result(Struct, frozen=True):
    """One case and what came of it; `wrong` says why it could not be played to its end."""

    case: Case
    place: str
    misses: tuple[Miss, ...]
    stories: tuple[Story, ...]
    wrong: str = ""
    messages: tuple[Worded, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.misses and not self.wrong


@asynccontextmanager
async def trials(
    catalog: Catalog, told: bool = False, texts: bool = False
) -> AsyncIterator[Callable[[PlacedCase], Awaitable[Result]]]:
    """What runs one case at a time by these files: `async with trials(catalog) as run: result = await run(placed)`.

    The timelines are read where a case fails, and with `told` always. With `texts` the messages are worded.
    """
    clock = Clock()
    database = MemoryDatabase(clock)
    await database.open()

    async def run(placed: PlacedCase) -> Result:
        database.empty()
        house = VirtualHouse(Engine(database, catalog, SOURCES), database, clock)
        played = _Play(placed.case, placed.case.starts_at, house)
        try:
            await played.play()
            wrong = ""
        except Impossible as error:
            wrong = str(error)
        stories = await played.stories(told=told or bool(wrong))
        found = () if wrong else tuple(misses(placed.case.expect, stories))
        if found and not told:
            stories = await played.stories(told=True)
        messages = worded_in(played.house.tried, catalog, played.start) if texts else ()
        return Result(placed.case, placed.place, found, stories, wrong, messages)

    try:
        yield run
    finally:
        await database.close()


async def run_all(
    catalog: Catalog, cases: Sequence[PlacedCase], *, told: bool = False, texts: bool = False
) -> list[Result]:
    """Every case, one after the other, as `trials` runs them."""
    async with trials(catalog, told, texts) as run:
        return [await run(placed) for placed in cases]


class _Play(Struct):
    """One case on its way."""

    case: Case
    start: datetime
    house: VirtualHouse
    bundles: set[int] = field(default_factory=set)
    sent: dict[int, datetime] = field(default_factory=dict)
    """When each page, and each bundle, was first tried."""

    async def play(self) -> None:
        start = self.house.clock.at = self.start
        await self.house.take([(alert, alert.status) for alert in self.case.alerts])
        await self.house.settle()
        unheard = any(then.verb == "stale" for then in self.case.then)
        for after, said in groupby(moments(self.case), key=lambda then: then.after):
            await self.house.pass_until(start + after)
            self.house.clock.at = start + after
            # At one instant, what sources and people say comes before clocks.
            for then in said:
                await _VERBS[then.verb](self, then)
            await self.house.settle()
            if unheard and await close_unheard(self.house):
                await self.house.settle()
        if not self.case.then:
            await self.house.pass_until(start + HORIZON, until_then=True)

    # What people do.

    async def number(self, nth: int | None, what: str) -> int:
        """The number of the `nth` incident, else of the newest open one, else of the newest."""
        known = await self.house.all()
        if not known or (nth is not None and nth > len(known)):
            count = f"there are {len(known)}" if known else "there is none"
            raise Impossible(f"{what}: no incident {nth or ''}".rstrip() + f" at {self._now()}; {count}")
        if nth is not None:
            return known[nth - 1].incident.number
        return next((kept for kept in reversed(known) if kept.incident.is_open), known[-1]).incident.number

    def _now(self) -> str:
        return str(Told(self.house.clock.at - self.start, "")).strip()

    async def act(self, then: Then, event: Act) -> None:
        await self.house.engine.act(await self.number(then.incident, then.verb), event)

    async def alert(self, then: Then) -> None:
        assert then.alert is not None
        await self.house.take([(then.alert, then.alert.status)])

    async def resolve(self, then: Then) -> None:
        if isinstance(then.resolve, str):
            await self.act(then, Resolved(then.resolve))
            return
        number = await self.number(then.incident, then.verb) if then.incident is not None else None
        await self.house.resolve_by_sources(number)

    async def snooze(self, then: Then) -> None:
        assert then.snooze is not None
        await self.act(then, Snoozed(then.snooze.by, self.house.clock.at + then.snooze.lasts))

    async def severity(self, then: Then) -> None:
        assert then.severity is not None
        await self.act(then, SeveritySet(then.severity.by, then.severity.to))

    async def silence(self, then: Then) -> None:
        said, now = then.silence, self.house.clock.at
        assert said is not None
        try:
            await self.house.engine.holding.add(Wanted("silence", said.match, now, now + said.lasts, said.by, said.why))
        except ValueError as error:
            raise Impossible(f"silence at {self._now()}: {error}") from None

    async def unsilence(self, then: Then) -> None:
        """Every silence of this test ends now."""
        standing = self.house.engine.holding.standing(self.house.clock.at)
        if not standing:
            raise Impossible(f"unsilence at {self._now()}: there is no silence")
        for silence in standing:
            await self.house.engine.holding.expire(silence.id, "silence", "test")

    async def stale(self, then: Then) -> None:
        """Its sources speak, and not of it any more."""
        number = await self.number(then.incident, "stale") if then.incident is not None else None
        try:
            await fall_silent(self.house, number)
        except Impossible as error:
            raise Impossible(f"stale at {self._now()}: {error}") from None

    async def merge(self, then: Then) -> None:
        assert then.merge is not None
        one = await self.number(then.merge.from_, "merge")
        other = await self.number(then.merge.into, "merge")
        try:
            await self.house.engine.merge(one, other, "test")
        except CannotMerge as error:
            raise Impossible(f"merge at {self._now()}: {error}") from None

    async def away(self, then: Then) -> None:
        """From now on they stand in no rotation."""
        now = minute_of(self.house.clock.at)
        end = minute_of(self.house.clock.at + _AWAY)
        gone = Away.model_validate({"who": then.away, "from": Moment(now, exact=True), "to": Moment(end, exact=True)})
        files = self.house.engine.overrides.files
        schedules = {n: s.model_copy(update={"away": (*s.away, gone)}) for n, s in files.schedules.items()}
        self.house.engine.catalog = replace(files, schedules=schedules)

    async def die(self, then: Then) -> None:
        self.house.dead.add(then.dead or "")

    async def live(self, then: Then) -> None:
        self.house.dead.discard(then.alive or "")

    async def wait(self, then: Then) -> None:
        """Time has passed."""

    # What came of it.

    async def stories(self, *, told: bool) -> tuple[Story, ...]:
        """What came of it; with `told` the timelines, too."""
        known = await self.house.all()
        self.bundles.clear()
        self.sent = {attempt.page.id: at for at, attempt in reversed(self.house.tried)}
        return await self.house.engine.database.read(
            lambda tx: self._with_digests(tx, [self._story(tx, kept, told) for kept in known])
        )

    def _with_digests(self, tx: Tx, stories: list[Story]) -> tuple[Story, ...]:
        """A digest is told once, with the first incident that only digests tell of."""
        levels = self.house.engine.catalog.severities
        for at, story in enumerate(stories):
            if levels[story.incident.severity].respond == "backlog":
                digests = [
                    Told(self.sent[page.id] - self.start, page.recipient, "digest")
                    for page in pages.alone_of(tx, NO_INCIDENT)
                    if page.kind == "notice" and page.id in self.sent
                ]
                stories[at] = replace(story, told=(*story.told, *digests))
                break
        return tuple(stories)

    def _story(self, tx: Tx, kept: Kept, told: bool) -> Story:
        incident, start = kept.incident, self.start
        # Without an end of its own the case ends for each incident when its policy is through.
        last = self.house.through.get(incident.number) if not self.case.then else None
        rows = pages.alone_of(tx, incident.number)
        paged = [
            Issued(page.issued_at, page.recipient, page.target, page.why, page.kind)
            for page in rows
            if page.kind != "notice" and self._went_alone(page) and (last is None or page.issued_at <= last)
        ]
        timeline = [
            Happened(entry.at - start, entry.said, entry.by)
            for entry in (incidents.timeline(tx, incident.number) if told else ())
            if entry.said and (last is None or entry.at <= last)
        ]
        return Story(
            incident=incident,
            held=tuple(self.house.held.get(incident.number, ())),
            pages=lines_of(paged, self.house.engine.catalog, start),
            told=tuple(sorted(self._told(rows), key=lambda one: one.after)),
            timeline=tuple(timeline),
            steps=frozenset(page.step for page in rows if page.kind == "page" and page.step),
        )

    def _told(self, rows: Iterable[PageRow]) -> Iterator[Told]:
        """Who was told what, and when; a bundle is told once, with the first incident that it carries."""
        for page in rows:
            at = self.sent.get(page.carried_by or page.id)
            why = "bundle" if page.carried_by is not None else page.why if page.kind == "notice" else ""
            if why and at is not None and page.carried_by not in self.bundles:
                yield Told(at - self.start, page.recipient, why)
            if page.carried_by is not None:
                self.bundles.add(page.carried_by)

    def _went_alone(self, page: PageRow) -> bool:
        """Whether it was sent, or tried, and not as part of a bundle."""
        waits = page.state == "held" or page.carried_by is not None
        return not waits and (page.id in self.sent or page.state != "withdrawn")


_VERBS: Mapping[str, Callable[[_Play, Then], Awaitable[None]]] = {
    "alert": _Play.alert,
    "resolve": _Play.resolve,
    "ack": lambda play, then: play.act(then, Acked(then.ack or "")),
    "undo": lambda play, then: play.act(then, Unacked(then.undo or "")),
    "note": lambda play, then: play.act(then, Noted(then.note or "", "a note")),
    "mitigate": lambda play, then: play.act(then, Mitigated(then.mitigate or "")),
    "escalate": lambda play, then: play.act(then, Escalated(then.escalate or "")),
    "snooze": _Play.snooze,
    "severity": _Play.severity,
    "silence": _Play.silence,
    "unsilence": _Play.unsilence,
    "stale": _Play.stale,
    "away": _Play.away,
    "dead": _Play.die,
    "alive": _Play.live,
    "wait": _Play.wait,
    "merge": _Play.merge,
}
