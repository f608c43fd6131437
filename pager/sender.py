"""Sending: hands messages to Apprise in child processes, which are killed when their time is up.

A plug-in may hang, drip or crash: it holds one child of the pool, not the others and never the event loop. The pool
grows when all are busy, so a healthy provider does not wait behind hung ones, and shrinks when it is quiet. When many
destinations are asked for the first time at once, some share a child: a fork for each would keep the last one waiting.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from pager.core.contact_url import channel_class, check_url, destination, placeholders, scheme_of
from pager.core.hygiene import clean, clean_title, one_line, plain, spoken, unmarked
from pager.core.outcome import Outcome, Reason
from pager.log import log
from pager.sender_cage import Worker
from pager.sender_child import NOWHERE, RENDER, Answer, Job
from pager.sender_pool import Pool, Rank
from pager.sender_slots import Slots

LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one contact. `url` is an Apprise URL with its secrets filled in; it is never printed."""

    url: str = field(repr=False)
    title: str
    body: str
    kind: Literal["info", "success", "warning", "failure"] = "failure"


class Sender:
    """Sends messages, each within its deadline, whatever the provider does.

    `children` may work at once, at most `per_destination` of them for one destination; beyond that each further
    destination still gets one child, up to 64. `deadline` and `queue_limit` are seconds: an attempt starts within
    `queue_limit` or not at all, and ends within `deadline` of its start. `console` gets title and body of messages to
    `console://`; without it they are printed. A template has `patience` seconds.
    """

    def __init__(
        self,
        *,
        children: int = 8,
        per_destination: int = 4,
        deadline: float = 20.0,
        queue_limit: float = 15.0,
        console: Callable[[str, str], None] | None = None,
        patience: float = 2.0,
    ) -> None:
        self.progress = time.monotonic()
        """When the last message was finished, on the monotonic clock."""
        self.deadline, self.queue_limit, self.patience = deadline, queue_limit, patience
        self._console = console or _print
        self._slots = Slots(children, per_destination)
        self._pool = Pool()

    async def start(self) -> None:
        """Load Apprise in a child and warm the first workers. Raises RuntimeError if it cannot be loaded."""
        await self._pool.start()

    async def close(self) -> None:
        """Kill all children, also those at work; done within a few seconds. Safe to repeat."""
        self._slots.close()
        await self._pool.close()

    def busy(self) -> Mapping[str, int]:
        """Messages being sent, by destination; destinations without one are not listed."""
        return dict(self._slots.busy)

    def recall(self, place: str, *, slow: bool) -> None:
        """How the last attempt at the destination `place` ended before the start: those who answer are served first."""
        self._slots.note(place, slow=slow)

    def children(self) -> list[int]:
        """The process ids of all children, the one that forks the others first."""
        return self._pool.pids()

    async def send(self, message: Message) -> Outcome:
        """Send `message` and say what became of it; never raises because of a provider or a bad URL.

        Being cancelled kills the child, at once or when nobody shares it any more; the message may have been sent.
        """
        began = time.monotonic()
        outcome = await self._send(message)
        self.progress = time.monotonic()
        return Outcome(outcome.reason, outcome.detail, self.progress - began)

    async def render(self, title: str, body: str, values: Mapping[str, Any]) -> Answer:
        """What a template makes of `values`: its `text`, else a reason; never raises. Its child may be killed."""
        try:
            async with asyncio.timeout(self.patience):
                worker = await self._pool.take(Rank.quick)
        except (OSError, EOFError, RuntimeError):
            return Answer(Reason.stale, "no process was free to render it")
        try:
            async with asyncio.timeout(self.patience):
                return await worker.ask(Job(RENDER, title, body, "info", values=dict(values)))
        except TimeoutError:
            return Answer(Reason.timeout, f"it did not end within {self.patience:g} s")
        except (OSError, EOFError, msgspec.MsgspecError):
            return Answer(Reason.crashed, "the process that rendered it has ended")
        finally:
            self._pool.give_back(worker)

    async def prove(self) -> bool:
        """Whether a child takes a job now and answers it; the job goes nowhere."""
        try:
            async with asyncio.timeout(self.queue_limit):
                worker = await self._worker_for(NOWHERE)
        except (OSError, EOFError, RuntimeError):
            return False
        try:
            return (await self._attempt(worker, Job(NOWHERE, "", "", "info"))).delivered
        finally:
            self._pool.give_back(worker)
            self._slots.release(NOWHERE)

    async def _send(self, message: Message) -> Outcome:
        if problems := _problems(message.url):
            return Outcome(Reason.config, "; ".join(problems))
        if scheme_of(message.url) == "console":
            return self._show(message)
        key = destination(message.url)
        try:
            async with asyncio.timeout(self.queue_limit):
                worker = await self._worker_for(key)
        except (OSError, EOFError, RuntimeError) as error:  # a timeout is an OSError, too
            log.warning("message not sent", destination=key, error=type(error).__name__)
            return Outcome(Reason.stale, f"no free sender within {self.queue_limit:g} s")
        slow: bool | None = None
        try:
            outcome = await self._attempt(worker, job_of(message))
            slow = outcome.reason is Reason.timeout
        finally:
            self._pool.give_back(worker)
            self._slots.release(key, slow=slow)
        return outcome

    async def _worker_for(self, key: str) -> Worker:
        """A slot of `key` and a worker to fill it: both or neither."""
        await self._slots.acquire(key)
        try:
            return await self._pool.take(self._slots.rank(key))
        except BaseException:  # also when cancelled
            self._slots.release(key)
            raise

    async def _attempt(self, worker: Worker, job: Job) -> Outcome:
        try:
            async with asyncio.timeout(self.deadline):
                answer = await worker.ask(job)
        except TimeoutError:
            return Outcome(Reason.timeout, f"no end within {self.deadline:g} s; the attempt was killed")
        except (OSError, EOFError, msgspec.MsgspecError):
            return Outcome(Reason.crashed, "the sender process ended before it answered")
        return Outcome(answer.reason, answer.detail)

    def _show(self, message: Message) -> Outcome:
        try:
            self._console(clean_title(message.title), clean(message.body))
        except OSError as error:
            return Outcome(Reason.refused, f"console: {error.strerror or 'cannot be written to'}")
        return Outcome(Reason.delivered)


def job_of(message: Message) -> Job:
    """`message` as a child gets it: clean, never empty, and never a document where it will be spoken."""
    title, body = clean_title(message.title), clean(message.body)[:LONGEST_TEXT]
    kind = channel_class(message.url)
    if kind in ("sms", "voice"):
        # Nobody is called by a word there, and one character outside GSM-7 would cut an SMS to 70.
        title, body = one_line(message.title), plain(message.body)[:LONGEST_TEXT]
    if kind == "ticket":
        title, body = unmarked(title), unmarked(body)
    if kind == "voice":
        title, body = spoken(title), spoken(body)
    return Job(message.url, title, body if body.strip() else title or "(no text)", message.kind)


def _problems(url: str) -> list[str]:
    """Why `url` cannot be sent to; here everything must be filled in."""
    missing = [f"the secret {name} is not filled in" for name in placeholders(url)]
    return missing or check_url(url)


def _print(title: str, body: str) -> None:
    print(f"{title}\n{body}\n", flush=True)
