"""The last good copy of the config folder, kept with the state: what a start runs on when the files are bad."""

import os
import secrets
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from pager.files import Loaded

NAME = "last-good"
TOML = "pager.toml"
LARGEST_RUNBOOK = 512 * 1024


def copy_of(state: Path) -> Path | None:
    """The folder of the last good copy; None where there is none."""
    folder = state / NAME
    return folder if folder.is_dir() else None


def keep(state: Path, loaded: Loaded) -> None:
    """Keep what was read as the last good copy; whoever reads it sees the old one or the new one, whole.

    Rules and schedules are the very texts that were checked. Nothing is written when that copy is there already.
    Raises OSError.
    """
    texts = {name: text.encode() for name, text in loaded.texts.items()}
    names = loaded.catalog.runbooks if loaded.catalog else ()
    texts |= {name: _read(loaded.path / name) for name in names}
    texts[TOML] = _read(loaded.path / TOML)
    name = f"{NAME}.{_digest(texts)}"
    if (state / NAME).is_symlink() and str((state / NAME).readlink()) == name:
        return
    state.mkdir(parents=True, exist_ok=True)
    _write(state / name, texts)
    _point(state, name)
    for old in state.glob(f"{NAME}.*"):
        if old.name != name:
            shutil.rmtree(old, ignore_errors=True)


def _digest(texts: Mapping[str, bytes]) -> str:
    whole = sha256()
    for name, text in sorted(texts.items()):
        whole.update(sha256(name.encode()).digest() + sha256(text).digest())
    return whole.hexdigest()[:16]


def _read(file: Path) -> bytes:
    """A file that nothing depends on: a runbook whose text cannot be read is empty."""
    try:
        with file.open("rb") as stream:
            return stream.read(LARGEST_RUNBOOK)
    except OSError:
        return b""


def _write(folder: Path, texts: Mapping[str, bytes]) -> None:
    """All `texts` below `folder`, on the disk when this returns; what an unfinished attempt left is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for part in ("rules", "schedules"):
        (folder / part).mkdir()
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_file(file, text)
    for place in (*(child for child in folder.rglob("*") if child.is_dir()), folder):
        sync_folder(place)


def _write_file(file: Path, text: bytes) -> None:
    file.touch(mode=0o600, exist_ok=False)
    with file.open("wb") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _point(state: Path, name: str) -> None:
    """Let `last-good` name this copy: a link is replaced in one step, which a folder is not."""
    fresh = state / f".{NAME}-{secrets.token_hex(4)}"
    fresh.symlink_to(name)
    fresh.replace(state / NAME)
    sync_folder(state)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
