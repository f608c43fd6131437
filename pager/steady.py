"""The wall clock, guarded: when somebody sets it, it goes on as before until what waits has been moved along."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from pager.core.clock_step import step_between
from pager.store.sql import EPOCH

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TRIES = 5
TOGETHER = 0.05
"""Seconds that may pass between two readings for them to count as one."""


def since_boot() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def boot() -> str:
    """Which start of the machine `since_boot` counts from; "" where nobody can say."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


class SteadyClock:
    """Gives the time in UTC, from any thread.

    The wall clock may be drawn right by up to 2 s between two looks. A larger step is not seen in what it gives
    until `adopt`: so that the transaction that moves all waits is the first to live in the new time, and the last
    one before it in the old.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = since_boot) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        _, self._ahead = self._look()

    def __call__(self) -> datetime:
        wall, ahead, step = self._read()
        at = timedelta(seconds=self._steady()) + ahead if step else timedelta(seconds=wall)
        return EPOCH + at

    @property
    def ahead(self) -> timedelta:
        """How far the time that it gives is ahead of `since_boot`."""
        return self._read()[1]

    def step(self) -> timedelta:
        """How far the wall clock was set and nobody has adopted it yet; zero if it was not."""
        return self._read()[2]

    def adopt(self, step: timedelta) -> None:
        """From now on the time is `step` further on; `-step` takes it back."""
        with self._lock:
            self._ahead += step

    def _read(self) -> tuple[float, timedelta, timedelta]:
        """The wall clock, how far the time given is ahead, and the step that nobody has adopted."""
        wall, ahead = self._look()
        with self._lock:
            step = step_between(self._ahead, ahead)
            if not step:
                self._ahead = ahead
            return wall, self._ahead, step

    def _look(self) -> tuple[float, timedelta]:
        """The wall clock beside the other, read so close together that a pause of this thread is no step."""
        for _ in range(TRIES):
            before = self._steady()
            wall = self._wall()
            after = self._steady()
            if after - before <= TOGETHER:
                break
        return wall, timedelta(seconds=wall - (before + after) / 2)
