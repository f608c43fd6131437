"""The notifier: claims due pages by lease, hands them to the sender, records what became of each attempt."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol
from uuid import uuid4

from pager import outbox
from pager.core.contact_url import destination, fill, placeholders
from pager.core.outcome import Outcome, Reason
from pager.core.page import TROUBLE_FAILURES, in_trouble
from pager.core.urgency import tuned
from pager.engine import Engine
from pager.facts import contacts_of
from pager.log import log
from pager.outbox import Attempt, Landed, Taken, Turnout
from pager.secrets import MissingSecret
from pager.sender import Message, Sender
from pager.store import StoreUnavailable, pages
from pager.store.database import Database, Tx
from pager.store.pages import PageRow
from pager.wording import Wording

WAKE = 1.0
MOST_PAGES = 256
CLAIM_LIMIT = 64
RECORD_TRIES = 20
MOST_RECALLED = 1000
MOST_TOLD = 10_000
NO_ANSWER = frozenset({Reason.unknown, Reason.crashed, Reason.stale, Reason.config})
"""Outcomes that say nothing about how long a provider takes."""
PUT_OFF = timedelta(minutes=1)


class Watcher(Protocol):
    """Who counts attempts: told after each, never with a URL."""

    def attempted(self, attempt: Attempt, outcome: Outcome) -> None: ...
    def accepted(self, page: PageRow, seconds: float) -> None: ...
    def template_failed(self, template: str) -> None: ...


class History:
    """How the last attempts went, by contact and by destination; in memory, for it only changes an order."""

    def __init__(self) -> None:
        self._recent: defaultdict[str, deque[tuple[float, bool]]] = defaultdict(lambda: deque(maxlen=TROUBLE_FAILURES))

    def note(self, url: str, place: str, outcome: Outcome) -> None:
        """`url` is as the files write it. A contact that is refused for itself says nothing about its provider."""
        now = asyncio.get_running_loop().time()
        self._recent[url].append((now, outcome.delivered))
        if not outcome.permanent:
            self._recent[place].append((now, outcome.delivered))

    def troubled(self) -> frozenset[str]:
        """The URLs and destinations that failed their last three attempts within five minutes."""
        now = asyncio.get_running_loop().time()
        return frozenset(key for key, recent in self._recent.items() if in_trouble(tuple(recent), now))


class Notifier:
    """Sends what is due. One task a page: contacts of a page go out side by side, pages do not wait for each other.

    Claims begin with `life`, so that other nodes can free them when this one is gone.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        sender: Sender,
        secret: Callable[[str], str],
        url: str,
        watcher: Watcher | None = None,
        life: str = "",
    ) -> None:
        self.database = database
        self.engine = engine
        self.sender = sender
        self.secret = secret
        self.url = url.rstrip("/")
        self.watcher = watcher
        self.life = life
        self.progress = 0.0
        self.wording = Wording(sender, lambda: engine.catalog)
        self._faults: dict[int, dict[str, str]] = {}
        self._told: set[tuple[int, str]] = set()
        self._history = History()
        self._tasks: set[asyncio.Task[None]] = set()
        self._doubtful: dict[str, float] = {}
        self._gave_back_at = 0.0
        self._stopping = False

    async def restore(self) -> None:
        """At start: what a process that is gone was sending is free at once, where no other node can have it."""
        freed = await self.database.write(pages.release_all)
        if freed:
            log.warning("pages were being sent when pager ended; they go out again", pages=freed)
        await self._recall()

    async def _recall(self) -> None:
        """Tell the sender who answered in time before the start: a page to them waits for no stranger after it."""
        outcomes = await self.database.read(lambda tx: pages.last_outcomes(tx, MOST_RECALLED))
        for recipient, contact, outcome in outcomes:
            url = contacts_of(self.engine.catalog, recipient).get(contact)
            with contextlib.suppress(MissingSecret):
                if url is not None and outcome not in NO_ANSWER:
                    self.sender.recall(destination(self._filled(url)), slow=outcome == Reason.timeout)

    async def run(self) -> None:
        """Claim and carry pages, for ever; ask at least once a second."""
        try:
            async with asyncio.TaskGroup() as group:
                while not self._stopping:
                    self.progress = asyncio.get_running_loop().time()
                    claimed = await self._claim()
                    for claim_id, taken in claimed:
                        task = group.create_task(self._fenced(claim_id, taken))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
                    if not claimed:
                        await self._wait()
        finally:
            self._tasks.clear()

    @property
    def carried(self) -> int:
        """How many pages are being sent now."""
        return len(self._tasks)

    @property
    def doubtful(self) -> int:
        """How many claims were tried whose commit nobody confirmed."""
        return len(self._doubtful)

    def stop(self) -> None:
        """Claim no more; `run` returns once what was claimed is carried."""
        self._stopping = True

    async def _claim(self) -> list[tuple[str, Taken]]:
        free = min(CLAIM_LIMIT, MOST_PAGES - len(self._tasks))
        if self._doubtful:
            await self._give_back()
        if free <= 0 or not await self._is_due():
            return []
        claim_id = self.life + uuid4().hex
        try:
            claimed = await self._claim_some(claim_id, free)
        except StoreUnavailable as error:
            log.warning("pages cannot be claimed", error=str(error))
            self._doubtful[claim_id] = asyncio.get_running_loop().time() + pages.LEASE.total_seconds()
            return []
        return [(claim_id, taken) for taken in claimed]

    async def _give_back(self) -> None:
        """Free what was claimed by a commit whose answer was lost: nobody sends it, and nobody shall wait for that.

        Such a commit may still be on its way, so this is asked for as long as its lease could run.
        """
        now, ids = asyncio.get_running_loop().time(), tuple(self._doubtful)
        if now - self._gave_back_at < WAKE:
            return
        self._gave_back_at = now
        try:
            await self.database.write(lambda tx: [pages.release(tx, claim_id) for claim_id in ids])
            self._doubtful = {claim_id: until for claim_id, until in self._doubtful.items() if now < until}
        except StoreUnavailable as error:
            log.warning("claims that may have been made cannot be given back yet", error=str(error))

    async def _claim_some(self, claim_id: str, limit: int) -> list[Taken]:
        troubled = self._history.troubled()
        try:
            return await self.database.write(
                lambda tx: outbox.claim(tx, self.engine.catalog, claim_id, limit, self.url, troubled=troubled)
            )
        except StoreUnavailable:
            raise
        except Exception:  # A fence: a page that cannot be begun must not stop the others.
            log.exception("pages cannot be claimed together; they are claimed one by one")
        numbers = await self.database.read(lambda tx: pages.free(tx, limit))
        return [taken for number in numbers for taken in await self._claim_one(claim_id, number)]

    async def _claim_one(self, claim_id: str, number: int) -> list[Taken]:
        try:
            return await self.database.write(
                lambda tx: outbox.claim(tx, self.engine.catalog, claim_id, 1, self.url, number)
            )
        except StoreUnavailable:
            raise
        except Exception:  # The fence again, now around the page that raises.
            log.exception("a page cannot be begun; it is tried again later", page=number)
            await self.database.write(lambda tx: pages.put_off(tx, number, tx.now() + PUT_OFF))
            return []

    async def _is_due(self) -> bool:
        try:
            return await self.database.read(lambda tx: pages.anything_due(tx))
        except StoreUnavailable as error:
            log.warning("pages cannot be read", error=str(error))
            return False

    async def _wait(self) -> None:
        try:
            wait = await self.database.read(_until_due)
        except StoreUnavailable:
            wait = WAKE
        if len(self._tasks) >= MOST_PAGES:
            await asyncio.wait(self._tasks, timeout=WAKE, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self.database.changed("pages", wait)

    async def _fenced(self, claim_id: str, taken: Taken) -> None:
        try:
            await self._carry(claim_id, taken)
        except Exception:  # A fence: one page that raises must not stop the others; its lease runs out by itself.
            log.exception("a page could not be carried", page=taken.page.id, to=taken.page.recipient)

    async def _carry(self, claim_id: str, taken: Taken) -> None:
        """See one page through as long as we hold it: a contact that hangs does not delay another of the same page."""
        sending: dict[asyncio.Task[Outcome], Attempt] = {}
        attempts, again_at = taken.attempts, taken.again_at
        try:
            while True:
                sending |= {asyncio.create_task(self._send(attempt)): attempt for attempt in attempts}
                ended = await _first_ended(sending, again_at)
                turnout = await self._record(taken.page, claim_id, ended, len(sending))
                if turnout is None or not (sending or turnout.attempts or turnout.more):
                    return
                attempts, again_at = turnout.attempts, turnout.again_at
        finally:
            for task in sending:
                task.cancel()

    async def _send(self, attempt: Attempt) -> Outcome:
        try:
            url = self._filled(attempt.url)
        except MissingSecret as error:
            return Outcome(Reason.config, str(error))
        words = await self.wording.word(attempt.facts, url)
        if words.fault:
            self._note_fault(attempt, words.template, words.fault)
        text, url = words.text, tuned(url, attempt.facts)
        outcome = await self.sender.send(Message(url=url, title=text.title, body=text.body, kind=_tone(attempt)))
        self._history.note(attempt.url, destination(url), outcome)
        return outcome

    def _note_fault(self, attempt: Attempt, template: str, why: str) -> None:
        """A template failed, and the built-in text goes out: counted each time, and told once an incident."""
        log.warning("a template failed", template=template, why=why, incident=attempt.facts.code, often=True)
        if self.watcher is not None:
            self.watcher.template_failed(template)
        if (attempt.page.incident, template) in self._told:
            return
        if len(self._told) > MOST_TOLD:
            self._told.clear()
        self._told.add((attempt.page.incident, template))
        self._faults.setdefault(attempt.page.id, {})[template] = why

    async def _record(
        self, page: PageRow, claim_id: str, ended: list[tuple[Attempt, Outcome]], in_flight: int
    ) -> Turnout | None:
        """Write outcomes; while the store is away, try again: what was sent must not be forgotten."""
        for attempt, outcome in ended:
            self._count(attempt, outcome)
        troubled = self._history.troubled()
        landed = [Landed(page.id, page.incident, ended, in_flight, self._faults.pop(page.id, {}))]
        for _ in range(RECORD_TRIES):
            try:
                (turnout,) = await self.database.write(
                    lambda tx: outbox.record(tx, self.engine.catalog, claim_id, landed, self.url, troubled)
                )
            except StoreUnavailable as error:
                log.warning("an outcome cannot be recorded yet", page=page.id, error=str(error))
                await asyncio.sleep(WAKE)
                continue
            self.engine.listener.news(turnout.news)
            if turnout.first and self.watcher is not None:
                self.watcher.accepted(page, (datetime.now(UTC) - page.issued_at).total_seconds())
            return turnout
        # The lease runs out by itself, and the next attempt says that it may be a repeat.
        return None

    def _filled(self, url: str) -> str:
        """`url` with its secrets. Raises MissingSecret."""
        return fill(url, {name: self.secret(name) for name in placeholders(url)})

    def _count(self, attempt: Attempt, outcome: Outcome) -> None:
        log.info(
            "page delivered" if outcome.delivered else "page not delivered",
            incident=attempt.facts.code,
            to=attempt.page.recipient,
            contact=attempt.contact,
            attempt=attempt.number,
            outcome=outcome.reason.value,
        )
        if self.watcher is not None:
            self.watcher.attempted(attempt, outcome)


def _tone(attempt: Attempt) -> Literal["info", "success", "failure"]:
    if attempt.page.why == "resolved":
        return "success"
    return "failure" if attempt.facts.kind == "page" else "info"


async def _first_ended(
    sending: dict[asyncio.Task[Outcome], Attempt], again_at: datetime | None
) -> list[tuple[Attempt, Outcome]]:
    """Attempts that ended, taken out of `sending`; none when `again_at` came first or nothing is being sent."""
    if not sending:
        return []
    done, _ = await asyncio.wait(sending, timeout=_seconds_until(again_at), return_when=asyncio.FIRST_COMPLETED)
    return [(sending.pop(task), task.result()) for task in done]


def _until_due(tx: Tx) -> float:
    due_at = pages.next_due(tx)
    return WAKE if due_at is None else min(WAKE, max(0.01, (due_at - tx.now()).total_seconds()))


def _seconds_until(at: datetime | None) -> float | None:
    return None if at is None else max(0.05, (at - datetime.now(UTC)).total_seconds())
