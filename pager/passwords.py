"""Passwords as they are kept: by Argon2, in threads beside the event loop, a few at a time.

A guess costs memory and time by design. So at most two are worked at once, and those that wait are counted: whoever
floods the door is told to come back, and pages go out meanwhile.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from pager.core.password import LONGEST, normal

T = TypeVar("T")
AT_ONCE = 2
MOST_WAIT = 40
MOST_OF_ONE = 4
"""So many of one address wait; the other thread is for everybody else."""
# What OWASP asks for at least: 19 MiB, twice over. A machine that pages people may be a small one.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)


class TooMany(RuntimeError):
    """So many passwords wait to be checked that one more is not taken."""


class Passwords:
    """Makes and checks hashes, beside the loop. `hasher` says what they cost."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pager-password")
        self._waiting = 0
        self._lanes: dict[str, asyncio.Lock] = {}
        self._in_lane: Counter[str] = Counter()
        self._nobody: str | None = None

    async def make(self, password: str) -> str:
        """What is kept of a password. Raises TooMany."""
        return await self._beside(lambda: self._hasher.hash(normal(password)))

    async def fits(self, kept: str, password: str, lane: str = "") -> bool:
        """Whether `kept` was made of `password`; with "" it takes as long, and is False. Raises TooMany.

        What comes by one `lane`, if it has a name, is checked one after the other.
        """
        if not lane:
            return await self._beside(lambda: self._fits(kept, password))
        if self._in_lane[lane] >= MOST_OF_ONE:
            raise TooMany("too many passwords at once from there")
        self._in_lane[lane] += 1
        try:
            async with self._lanes.setdefault(lane, asyncio.Lock()):
                return await self._beside(lambda: self._fits(kept, password))
        finally:
            self._leave(lane)

    def is_old(self, kept: str) -> bool:
        """Whether today's measure is another one than `kept` was made by."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        """Take no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _leave(self, lane: str) -> None:
        self._in_lane[lane] -= 1
        if not self._in_lane[lane]:
            del self._in_lane[lane], self._lanes[lane]

    def _fits(self, kept: str, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody has this password")
        plain = normal(password[: 4 * LONGEST])
        with contextlib.suppress(Argon2Error, InvalidHashError):
            return self._hasher.verify(kept or self._nobody, plain) and bool(kept)
        return False

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAIT:
            raise TooMany("too many passwords at once")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
