"""The lock beside a file of SQLite: one pagerd at a time, and a word about how the last one ended."""

import fcntl
import os
from pathlib import Path

from pager.store import DatabaseInUse


class FileLock:
    """The lock beside the file. It holds the pid of whoever runs on it, and says `clean` after an orderly end."""

    def __init__(self, path: Path) -> None:
        """Take it, or raise DatabaseInUse naming the other's pid. `was_clean`: the last one ended in order."""
        self._fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        written = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise DatabaseInUse(f"{path} is in use by pagerd with pid {written or 'unknown'}; stop it first") from None
        self.was_clean = os.pread(self._fd, 32, 0).strip() == b"clean"
        self._write(f"{os.getpid()}\n")

    def release(self, *, clean: bool) -> None:
        if clean:
            self._write("clean\n")
        os.close(self._fd)

    def _write(self, text: str) -> None:
        # In place and at once: a full disk has room for it, and a power cut does not bring the old text back.
        os.pwrite(self._fd, text.encode(), 0)
        os.ftruncate(self._fd, len(text))
        os.fsync(self._fd)
