"""What git has of the config folder at an earlier commit, read without touching the work tree or the index."""

import os
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

LONGEST = 60.0  # seconds that git may take for one answer
_FOLDERS = ("schedules", "rules", "runbooks")


class NoBase(Exception):
    """Why there is nothing to compare with, in words for whoever asked."""


def commit_of(folder: Path, ref: str) -> str:
    """The full hash of the commit that `ref` names in the repository around `folder`. Raises NoBase."""
    if not folder.is_dir():
        raise NoBase(f"no folder {folder}; name another with --config")
    if not ref or ref.startswith("-"):
        raise NoBase(f"not a git ref: {ref!r}; write a branch, a tag or a commit, such as origin/main")
    if _git(folder, "rev-parse", "--is-inside-work-tree", may_fail=True) is None:
        raise NoBase(f"{folder.resolve()} is not in a git repository, or not in one that git trusts for this user")
    found = _git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", may_fail=True)
    if found is None:
        raise NoBase(f"git knows no commit {ref!r} here; fetch it first (in CI: check out with the whole history)")
    return found.decode().strip()


def write_base(folder: Path, commit: str, to: Path) -> None:
    """Write the config folder as of `commit` below `to`, which is empty. Raises NoBase.

    Attributes such as export-ignore and filters of the work tree do not apply: it is what was committed.
    """
    listed = _git(folder, "ls-tree", "-r", "-z", commit, "--", *_FOLDERS) or b""
    for entry in listed.split(b"\0"):
        if entry:
            about, name = entry.split(b"\t", 1)
            mode, kind, digest = about.decode().split(" ")
            if kind == "blob":
                content = _git(folder, "cat-file", "blob", digest) or b""
                _write(to / os.fsdecode(name), content, is_link=mode == "120000")


class Written(Struct, frozen=True):
    """The commit that wrote a line as it stood at some time."""

    commit: str
    author: str
    subject: str


def commit_at(folder: Path, at: datetime) -> str | None:
    """The newest commit of the config folder at that time; None where git has none, or is not here."""
    try:
        found = _git(folder, "rev-list", "-1", f"--before={at.isoformat()}", "HEAD", "--", *_FOLDERS, may_fail=True)
    except NoBase:
        return None
    return found.decode().strip() or None if found is not None else None


def line_at(folder: Path, commit: str, place: str) -> Written | None:
    """Who wrote the line `rules/payments.yaml:12` as it stands in `commit`; None where that has no such line."""
    file, _, line = place.rpartition(":")
    if not file or not line.isdecimal():
        return None
    try:
        told = _git(folder, "blame", "--porcelain", "-L", f"{line},{line}", commit, "--", file, may_fail=True)
    except NoBase:
        return None
    if not told:
        return None
    first, *rest = told.decode(errors="replace").splitlines()
    about = dict(entry.partition(" ")[::2] for entry in rest if not entry.startswith("\t"))
    return Written(first.split(" ")[0][:10], about.get("author", ""), about.get("summary", ""))


def _write(path: Path, content: bytes, *, is_link: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_link:
        path.symlink_to(os.fsdecode(content))
    else:
        path.write_bytes(content)


def _git(folder: Path, *arguments: str, may_fail: bool = False) -> bytes | None:
    """What git prints, run in `folder`; None when it fails and may."""
    command: Sequence[str] = ("git", "-C", str(folder), "--no-optional-locks", *arguments)
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=LONGEST)
    except FileNotFoundError:
        raise NoBase("git is not here; install it, or run this where the repository is") from None
    except subprocess.TimeoutExpired:
        raise NoBase(f"git {arguments[0]} took more than {LONGEST:g} s") from None
    if done.returncode == 0:
        return done.stdout
    if may_fail:
        return None
    raise NoBase(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
