"""The dead-man's switch: a sign of life to those who watch us, sent only on proof that pages would go out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from pager.core.contact_url import MissingSecret
from pager.log import log
from pager.own_metrics import OwnMetrics
from pager.store import StoreUnavailable, proof
from pager.store.database import Database

STALLED = 30.0
"""Seconds without a round after which a loop counts as stalled."""
OLDEST_PAGE = timedelta(seconds=60)
PROOF_SECONDS = 10.0
TRIES = 3
TRY_SECONDS = 5.0
BETWEEN_TRIES = 0.5


class Prover(Protocol):
    """The sender, which can send to nowhere."""

    async def prove(self) -> bool: ...


class Deadman:
    """Asks for proof every so often, and tells each of `addresses` when there is all of it.

    `beats` gives when each loop last came round, by the event loop's clock; `fill` puts the secrets into an address.
    `unheard` are the numbers of those who did not hear the last one; `offset` is how far our clock is ahead of theirs.
    """

    def __init__(
        self,
        database: Database,
        sender: Prover,
        beats: Callable[[], Mapping[str, float]],
        addresses: Sequence[str],
        fill: Callable[[str], str],
        own: OwnMetrics,
    ) -> None:
        self.addresses = addresses
        self.missing: list[str] = []
        self.unheard: set[int] = set()
        self.offset: float | None = None
        self._began = 0.0
        self._database, self._sender, self._beats = database, sender, beats
        self._fill, self._own = fill, own
        for number in range(1, len(addresses) + 1):
            own.pinged_at.labels(str(number))  # one that never heard anything must be told, too

    async def run(self, every: float) -> None:
        """Prove and tell every so many seconds, for ever."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        async with ClientSession(timeout=ClientTimeout(total=TRY_SECONDS), trust_env=False) as http:
            while True:
                again_at = loop.time() + every
                await self.once(http)
                await asyncio.sleep(max(0.0, again_at - loop.time()))

    async def once(self, http: ClientSession) -> None:
        """One round: the proof, and if nothing is missing the signs of life."""
        self.missing = await self.stalls()
        self._own.stalled.set(bool(self.missing))
        if self.missing:
            log.error("no sign of life is sent", stalled=", ".join(self.missing))
            return
        await asyncio.gather(*(self._tell(http, number, address) for number, address in enumerate(self.addresses, 1)))

    async def stalls(self) -> list[str]:
        """What does not get on, in words; nothing when an alert that came now would page."""
        now = asyncio.get_running_loop().time()
        late = [f"the {name} loop" for name, at in self._beats().items() if now - max(at, self._began) > STALLED]
        return late + await self._database_stalls() + await self._sender_stalls()

    async def _database_stalls(self) -> list[str]:
        try:
            async with asyncio.timeout(PROOF_SECONDS):
                # As intake does it: before what waits, and synced when it returns.
                await self._database.write(proof.write, urgent=True)
                waits = await self._database.read(proof.oldest_page)
        except (StoreUnavailable, TimeoutError):
            return ["the database"]
        return [f"a page has been due for {waits.total_seconds():.0f} s"] if waits >= OLDEST_PAGE else []

    async def _sender_stalls(self) -> list[str]:
        return [] if await self._sender.prove() else ["the sender"]

    async def _tell(self, http: ClientSession, number: int, address: str) -> None:
        """One address, up to three times. Addresses hold keys: logs and metrics know them by their number."""
        failure = ""
        for _ in range(TRIES):
            failure = await self._tried(http, address)
            if not failure:
                break
            await asyncio.sleep(BETWEEN_TRIES)
        target = str(number)
        self._own.pings.labels(target, "failure" if failure else "success").inc()
        if failure:
            self.unheard.add(number)
            log.warning("a sign of life was not heard", target=number, error=failure)
        else:
            self.unheard.discard(number)
            self._own.pinged_at.labels(target).set_to_current_time()

    async def _tried(self, http: ClientSession, address: str) -> str:
        """What went wrong, "" if nothing did."""
        try:
            # What redirects may be anybody, a log-in page for one.
            async with http.get(self._fill(address), allow_redirects=False) as answer:
                self._compare_clocks(answer)
                return "" if 200 <= answer.status < 300 else f"answered {answer.status}"
        except MissingSecret as error:
            return str(error)
        except (ClientError, OSError, ValueError) as error:  # A timeout is an OSError, and a bad URL a ValueError.
            return type(error).__name__

    def _compare_clocks(self, answer: ClientResponse) -> None:
        try:
            told = parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            return
        if told.tzinfo is not None:
            # It counts whole seconds: on average it is half of one behind.
            self.offset = round((datetime.now(UTC) - told).total_seconds() - 0.5, 1)
            self._own.clock_offset.set(self.offset)
