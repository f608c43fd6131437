"""The reserve: room beside the database, given up when the disk is full, so that pages and acks still go."""

import contextlib
import os
from pathlib import Path

LARGEST = 16 * 1024**2
PART = 16
"""The reserve takes at most this part of the disk."""
SLICE = 1024**2
"""So much is given up at a time: another program may eat it before the next page is written."""


class Reserve:
    """A file of room. `spent`: it is not whole, and nothing may be taken in that can wait."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.spent = not self._is_whole()

    def make(self) -> bool:
        """Set the room aside, if there is twice as much; whether it is whole now. Takes a while: not in the loop."""
        if not self.spent:
            return True
        try:
            size, free = _room(self.file.parent)
            if free < 2 * size:
                return False
            _fill(self.file, size)
        except OSError:
            return False
        self.spent = False
        return True

    def make_room(self) -> None:
        """At start: give a slice up where a first write would find no room."""
        with contextlib.suppress(OSError):
            if _room(self.file.parent)[1] < SLICE:
                self.release()

    def release(self) -> None:
        """Give a slice of the room up; from any thread."""
        self.spent = True
        with contextlib.suppress(OSError):
            os.truncate(self.file, max(0, self.file.stat().st_size - SLICE))

    def _is_whole(self) -> bool:
        try:
            return self.file.stat().st_size >= _room(self.file.parent)[0]
        except OSError:
            return False


def _room(folder: Path) -> tuple[int, int]:
    """How large a reserve is on this disk, and how much of it is free, in bytes."""
    disk = os.statvfs(folder)
    return min(LARGEST, disk.f_blocks * disk.f_frsize // PART), disk.f_bavail * disk.f_frsize


def _fill(file: Path, size: int) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
