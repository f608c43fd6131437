"""The last resort: when nobody can be reached by any contact, a mail or a POST of our own, without Apprise and pool."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from pager.core.contact_url import MissingSecret
from pager.core.incident import Incident
from pager.core.last_words import Words, last_words
from pager.desk import News
from pager.engine import Listener
from pager.last_mail import PORTS, NotSent, mailbox_of, send_mail
from pager.log import log
from pager.own_metrics import OwnMetrics
from pager.store import StoreUnavailable, incidents
from pager.store.database import Database, Tx
from pager.worker import Worked

EVERY = 60.0
DEADLINE = 20.0
MOST = 1000
_ALL = 1 << 62


class LastResort:
    """Hears of incidents that nobody could be reached for, and tries each minute until it worked or somebody acted.

    Stands between the engine and `next_`, which hears everything as before. One message names them all.
    """

    def __init__(
        self,
        database: Database,
        addresses: Sequence[str],
        fill: Callable[[str], str],
        links: str,
        own: OwnMetrics,
        next_: Listener,
    ) -> None:
        self.addresses = addresses
        self._database, self._fill, self._links, self._own, self._next = database, fill, links, own, next_
        self._waiting: set[int] = set()
        self._wake = asyncio.Event()

    def batch(self, worked: Worked) -> None:
        self._next.batch(worked)

    def news(self, news: News) -> None:
        self._next.news(news)
        for incident in news.last_resort:
            log.error("nobody can be reached by any contact", incident=incident.number, severity=incident.severity)
            self._waiting.add(incident.number)
        if news.last_resort:
            self._wake.set()

    async def run(self, every: float = EVERY) -> None:
        """Try whenever there is news, and every minute, for ever."""
        recalled = False
        async with ClientSession(timeout=ClientTimeout(total=DEADLINE), trust_env=False) as http:
            while True:
                try:
                    if not recalled:
                        # What an earlier process had not told: a restart does not forget it.
                        self._waiting |= set(await self._database.read(_unheard))
                        recalled = True
                    await self.once(http)
                except StoreUnavailable as error:
                    log.warning("the last resort cannot read incidents", error=str(error))
                await self._pause(every)

    async def once(self, http: ClientSession) -> bool:
        """Try for what waits; whether a message was taken. Incidents that somebody has are let go."""
        if not self._waiting:
            return False
        wanted = sorted(self._waiting)
        kept = await self._database.read(lambda tx: [incidents.get(tx, number) for number in wanted[:MOST]])
        still = [one.incident for one in kept if one and one.incident.state == "triggered"]
        self._waiting -= set(wanted[:MOST]) - {incident.number for incident in still}
        if not still or not self.addresses:
            return False
        words = last_words(still, self._links)
        told = await asyncio.gather(
            *(self._tell(http, number, address, words) for number, address in enumerate(self.addresses, 1))
        )
        if any(told):
            self._waiting -= {incident.number for incident in still}
        return any(told)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _tell(self, http: ClientSession, number: int, address: str, words: Words) -> bool:
        """Whether this address took the message, within 20 s. It is known by its number: it may hold a password."""
        try:
            async with asyncio.timeout(DEADLINE):
                failure = await _sent(http, self._fill(address), words)
        except (ClientError, OSError) as error:  # A timeout is an OSError, too. Their words may show the address.
            failure = type(error).__name__
        except (MissingSecret, NotSent, ValueError) as error:
            failure = str(error)
        self._own.last_resort.labels("failure" if failure else "success").inc()
        said: dict[str, Any] = {"target": number, "incidents": ",".join(words.codes)}
        if failure:
            log.error("the last resort failed", error=failure, **said)
        else:
            log.error("the last resort was told", **said)
        return not failure


async def _sent(http: ClientSession, address: str, words: Words) -> str:
    if address.partition("://")[0] in PORTS:
        await send_mail(mailbox_of(address), words.title, words.body)
        return ""
    said = {"title": words.title, "body": words.body, "incidents": list(words.codes)}
    async with http.post(address, json=said, allow_redirects=False) as answer:
        return "" if 200 <= answer.status < 300 else f"answered {answer.status}"


def _unheard(tx: Tx) -> list[int]:
    """Incidents of which nobody was reached by the very last step, and that nobody has."""
    found = incidents.page_of(tx, state="triggered", team="", below=_ALL, limit=MOST)
    return [one.incident.number for one in found if _is_unheard(one.incident)]


def _is_unheard(incident: Incident) -> bool:
    return incident.last and not incident.waiting
