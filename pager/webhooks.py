"""Webhooks: each event to whom the files want told of it, signed, until it was taken; no page waits for that."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from prometheus_client import CollectorRegistry, Counter, Gauge

from pager import __version__
from pager.core.contact_url import MissingSecret, fill, placeholders
from pager.core.feed import body_of
from pager.core.telling import link_to
from pager.core.webhook import PAUSES, Webhook, key_of, next_try, signed
from pager.engine import Engine
from pager.log import log
from pager.outgoing import Answer, Outgoing
from pager.store import StoreUnavailable, webhooks
from pager.store.database import Database, Tx
from pager.store.events import Told
from pager.store.webhooks import Due, Ended, State

WAKE = 1.0
AT_ONCE = 8
"""So many incidents are told of side by side; one after another while the receiver fails."""
LANES = 16
"""Webhooks that are sent to at a time."""
MEASURE_EVERY = 15.0
GONE = 410
TEST = "pager.test"


class WebhookMetrics:
    """What Prometheus may know of them, by their names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Events sent to webhooks."
        self.attempts = Counter("pager_webhook_deliveries", about, ("endpoint", "result"), registry=registry)
        about = "What a webhook has still to be told."
        self.waiting = Gauge("pager_webhook_waiting", about, ("endpoint",), registry=registry)
        about = "Whether the last attempt was taken, and it is on."
        self.up = Gauge("pager_webhook_up", about, ("endpoint",), registry=registry)

    def stand(self, states: Iterable[State]) -> None:
        """These are all, and so they are."""
        self.waiting.clear()
        self.up.clear()
        for state in states:
            self.waiting.labels(state.name).set(state.waiting)
            self.up.labels(state.name).set(state.off_at is None and state.failing_since is None)


class Webhooks:
    """One task a webhook that something is due for: a receiver that is slow or dead holds up nobody else.

    Its turn begins with `life`, so that of several nodes one sends at a time.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        secret: Callable[[str], str],
        url: str,
        registry: CollectorRegistry,
        life: str = "",
        outgoing: Outgoing | None = None,
    ) -> None:
        self.database = database
        self.engine = engine
        self.secret = secret
        self.url = url.rstrip("/")
        self.life = life or "one"
        self.outgoing = outgoing or Outgoing()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._measured_at = 0.0
        self._told = WebhookMetrics(registry)

    async def run(self) -> None:
        """Send for ever; ask at least once a second."""
        await self._begin()
        while True:
            try:
                await self.look()
                await self._measure()
            except StoreUnavailable as error:
                log.warning("webhooks cannot be read", error=str(error), often=True)
            except Exception:  # A fence: pages go on, whatever webhooks come to.
                log.exception("webhooks cannot be looked after")
            await self.database.changed(webhooks.TOPIC, WAKE)

    async def leave(self) -> None:
        """At the end: what is not sent yet is another node's at once."""
        for task in self._lanes.values():
            task.cancel()
        with contextlib.suppress(StoreUnavailable):
            await self.database.write(lambda tx: webhooks.release(tx, self.life))

    async def _begin(self) -> None:
        try:
            await self.database.write(webhooks.release_all)
        except StoreUnavailable as error:
            log.warning("webhooks wait for a minute", error=str(error))

    async def look(self) -> None:
        """Begin a lane for each webhook that something is due for."""
        names = [name for name in self.engine.catalog.webhooks if name not in self._lanes]
        for name in await self.database.read(lambda tx: webhooks.due(tx, names, self.life)) if names else ():
            if len(self._lanes) < LANES:
                task = self._lanes[name] = asyncio.create_task(self._lane(name))
                task.add_done_callback(lambda _, name=name: self._lanes.pop(name, None))  # type: ignore[misc]

    async def _lane(self, name: str) -> None:
        try:
            while await self.send_some(name):
                pass
        except StoreUnavailable as error:
            log.warning("a webhook cannot be read", webhook=name, error=str(error), often=True)
        except Exception:  # A fence: one webhook must not stop the others, nor a page.
            log.exception("a webhook cannot be sent to", webhook=name)

    async def send_some(self, name: str) -> int:
        """What is due of one webhook, a few at a time; how many. 0: nothing is due, or it is another node's turn."""
        webhook = self.engine.catalog.webhooks.get(name)
        if webhook is None:
            return 0
        due = await self.database.write(lambda tx: webhooks.take(tx, name, self.life, AT_ONCE))
        if not due:
            return 0
        answers = await asyncio.gather(*(self._send(webhook, one) for one in due))
        pairs = list(zip(due, answers, strict=True))
        await self.database.write(lambda tx: self._record(tx, name, pairs))
        for one, answer in pairs:
            self._count(name, one, answer)
        return len(due)

    async def _send(self, webhook: Webhook, due: Due) -> Answer:
        return await self._post(webhook, due.told.message, encoded(due.told, self.url))

    async def _post(self, webhook: Webhook, message: str, body: bytes) -> Answer:
        try:
            url = fill(webhook.url, {name: self.secret(name) for name in placeholders(webhook.url)})
            keys = [key_of(self.secret(name)) for name in webhook.secret]
        except MissingSecret as error:
            return Answer(0, str(error))
        except ValueError as error:
            return Answer(0, f"its secret cannot be used: {error}")
        at = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"pagerd/{__version__}",
            "webhook-id": message,
            "webhook-timestamp": str(at),
            "webhook-signature": signed(keys, message, at, body),
        }
        return await self.outgoing.post(url, body, headers, internal=webhook.internal)

    async def try_out(self, webhook: Webhook) -> Answer:
        """Send it an event that tells of nothing, once."""
        now = await self.database.read(lambda tx: tx.now())
        message = f"evt_test{uuid4().hex}"
        return await self._post(webhook, message, encoded_body(TEST, now, {"detail": f"a test by {self.url}"}))

    def _record(self, tx: Tx, name: str, pairs: list[tuple[Due, Answer]]) -> None:
        webhooks.record(tx, name, self.life, [_ended(due, answer, tx.now()) for due, answer in pairs])
        if any(answer.status == GONE for _, answer in pairs):
            webhooks.switch_off(tx, name, "its receiver answered 410: it is gone, and wants no more")

    def _count(self, name: str, due: Due, answer: Answer) -> None:
        over = not answer.taken and due.attempt > len(PAUSES)
        result = "delivered" if answer.taken else "gone" if answer.status == GONE else "given_up" if over else "failed"
        self._told.attempts.labels(name, result).inc()
        if answer.taken:
            return
        tell = log.error if over or answer.status == GONE else log.warning
        said = "a webhook is off: its receiver is gone" if answer.status == GONE else "a webhook was not taken"
        fields = {"webhook": name, "message": due.told.message, "attempt": due.attempt, "given_up": over}
        tell(said, error=answer.said, often=True, **fields)

    async def _measure(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._measured_at < MEASURE_EVERY:
            return
        self._measured_at = now
        states = await self.database.read(webhooks.states)
        self._told.stand(states.get(name, State(name)) for name in self.engine.catalog.webhooks)


def encoded(told: Told, url: str) -> bytes:
    """The body of an event, wherever it is told: the same bytes each time."""
    return encoded_body(told.kind, told.at, with_link(told.data, url))


def encoded_body(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """JSON on one line."""
    return json.dumps(body_of(kind, at, data), separators=(",", ":")).encode()


def with_link(data: Mapping[str, Any], url: str) -> dict[str, Any]:
    """What an event tells, with the address of the incident's page."""
    incident = data["incident"]
    return {**data, "incident": {**incident, "url": link_to(incident["code"], url)}}


def _ended(due: Due, answer: Answer, now: datetime) -> Ended:
    if answer.taken:
        return Ended(due)
    again_at = next_try(due.attempt, now, random.random())
    if again_at is not None and answer.wait:
        again_at = max(again_at, now + timedelta(seconds=answer.wait))
    return Ended(due, answer.said, again_at, over=again_at is None)
