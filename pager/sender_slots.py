"""Slots: who may send now. A bulkhead for each destination, so that a slow provider delays nobody else."""

import asyncio
from collections import Counter, deque

from pager.sender_pool import Rank

CEILING = 64
RESERVE = 16


class Slots:
    """Who may send now: a bulkhead for each destination, and room kept for those that are not slow."""

    def __init__(self, children: int, per_destination: int, ceiling: int = CEILING) -> None:
        self.busy: Counter[str] = Counter()
        self._children, self._each, self._ceiling = children, per_destination, max(ceiling, children)
        self._slow: set[str] = set()
        self._quick: set[str] = set()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def acquire(self, key: str) -> None:
        """Wait for a slot of `key`; first come, first served within a destination. ConnectionError when closed."""
        if self._may(key):
            self.busy[key] += 1
            return
        granted = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and not granted.exception():
                self.release(key)  # granted and given up in the same moment
            raise

    def release(self, key: str, *, slow: bool | None = None) -> None:
        """Give a slot back; `slow` says whether the destination answered too late, None that it was not asked."""
        self.busy[key] -= 1
        if not self.busy[key]:
            del self.busy[key]
        if slow is not None:
            self.note(key, slow=slow)
        # Whoever has least at work comes first: nobody waits behind a crowd for one destination.
        for waiting in sorted(self._waiting, key=self.busy.__getitem__):
            self._grant(waiting)

    def note(self, key: str, *, slow: bool) -> None:
        """`key` answered in time when it was asked last, or not."""
        (self._slow.add if slow else self._slow.discard)(key)
        (self._quick.discard if slow else self._quick.add)(key)

    def rank(self, key: str) -> Rank:
        """How `key` did when it was asked last."""
        return Rank.slow if key in self._slow else Rank.quick if key in self._quick else Rank.new

    def close(self) -> None:
        """Send away whoever waits, with a ConnectionError."""
        for queue in self._waiting.values():
            for granted in queue:
                if not granted.done():
                    granted.set_exception(ConnectionError("the sender is closed"))
        self._waiting.clear()

    def _grant(self, key: str) -> None:
        queue = self._waiting[key]
        while queue and (queue[0].done() or self._may(key)):
            if not (granted := queue.popleft()).done():
                self.busy[key] += 1
                granted.set_result(None)
        if not queue:
            del self._waiting[key]

    def _may(self, key: str) -> bool:
        """Whether `key` may have one more: beyond the normal number one each, and of slow ones never all."""
        mine, total = self.busy[key], self.busy.total()
        if mine >= self._each or total >= self._ceiling or (mine and total >= self._children):
            return False
        slow = sum(self.busy[each] for each in self._slow)
        return key not in self._slow or (not mine and slow < max(self._ceiling - RESERVE, 1))
