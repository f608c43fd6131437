"""Bundling: which claimed pages wait, when a recipient's bundle is made, and what it says."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from pager.core.bundle import LONGEST, Carried, Due, Sent, goes_at, shut_until, sort_out
from pager.core.code import code_of
from pager.store import bundles
from pager.store.bundles import MOST_OPEN, Contents, Line
from pager.store.database import Tx
from pager.store.pages import PageRow

AT_ONCE = 10_000
"""So many pages are put into a bundle in one transaction: a SEV-1 waits for no more."""
_PATIENCE = timedelta(seconds=5)
"""A bundle whose filling was broken off goes as it is; the rest goes with the next."""


def make_due(tx: Tx) -> bool:
    """Fill the bundles that may go, and make those due that are full; whether there were any."""
    now = tx.now()
    recipients = bundles.due(tx, now)
    for recipient in recipients:
        line = bundles.lock_all(tx, [recipient])[recipient]
        held = bundles.waiting(tx, recipient)
        if not held:
            continue
        if len(held) == 1 and line.bundle is None:
            bundles.free_one(tx, held[0].id, now)
            continue
        _fill(tx, recipient, line, held[0], now)
    return bool(recipients)


def _fill(tx: Tx, recipient: str, line: Line, worst: Due, now: datetime) -> None:
    bundle = line.bundle or bundles.make(tx, recipient, worst.severity, now, now + _PATIENCE)
    if bundles.gather(tx, recipient, bundle, AT_ONCE) < AT_ONCE:
        # It goes now, and is the last message from which the next one waits.
        sent = [*bundles.sent_to(tx, [recipient], now).get(recipient, []), bundles.complete(tx, bundle, now)]
        after = goes_at(sent, now, now, urgent=False)
        bundles.keep(tx, recipient, Line(after, now, shut_until(sent, after, now), None))
    elif line.bundle is None:
        bundles.keep(tx, recipient, replace(line, bundle=bundle))


def sort(tx: Tx, pages: Sequence[PageRow]) -> list[PageRow]:
    """Those of claimed pages that go now. The others are let go: they wait for the bundle."""
    now = tx.now()
    by_recipient: defaultdict[str, list[PageRow]] = defaultdict(list)
    for page in pages:
        if page.is_fresh:
            by_recipient[page.recipient].append(page)
    if not by_recipient:
        return list(pages)
    lines = bundles.lock_all(tx, sorted(by_recipient))
    sent = bundles.sent_to(tx, [recipient for recipient, line in lines.items() if not line.is_new], now)
    held: set[int] = set()
    for recipient, line in lines.items():
        held |= _judge(tx, recipient, line, by_recipient[recipient], sent.get(recipient, []), now)
    return [page for page in pages if page.id not in held] if held else list(pages)


def _judge(
    tx: Tx, recipient: str, line: Line, pages: Sequence[PageRow], sent: Sequence[Sent], now: datetime
) -> set[int]:
    """The ids of those pages of one recipient that wait."""
    verdict = sort_out([Due(page.id, page.incident, page.severity, page.kind) for page in pages], sent, now)
    waiting = bundles.waiting(tx, recipient) if line.has_held else []
    if not verdict.waits and not waiting:
        return set()
    since = line.since if waiting and now - line.since < LONGEST else now
    went = [*sent, *_went(pages, verdict.alone, now)]
    waits = {page.id: page for page in pages if page.id in verdict.waits}
    levels = [page.severity for page in waits.values()] + [each.severity for each in waiting[:1]]
    at = goes_at(went, since, now, urgent="SEV-1" in levels)
    if at <= now and not waiting and len(waits) == 1:
        return set()
    shut = shut_until(went, at, now)
    bundles.hold(tx, recipient, list(waits), now, others=shut > now)
    bundles.keep(tx, recipient, replace(line, due_at=at, since=since, shut_until=shut))
    return set(waits)


def _went(pages: Iterable[PageRow], alone: Iterable[int], now: datetime) -> list[Sent]:
    ids = set(alone)
    return [Sent(now, (page.incident,), page.severity, page.kind) for page in pages if page.id in ids]


def carried(told: Contents) -> Carried:
    """What a bundle tells, in the words of its message."""
    words: dict[str, int] = {}
    for why, count in told.told.items():
        word = why if why in ("resolved", "flapping") else "with news"
        words[word] = words.get(word, 0) + count
    codes = tuple(code_of(number) for number in told.numbers)
    return Carried(told.new, words, told.open, codes, told.open >= MOST_OPEN)
