"""Secrets: what `${NAME}` stands for, found where containers, systemd and shells put such things.

Nothing is kept: a secret that was changed on disk counts from the next page on. A file that `NAME_FILE` names and
that everybody on the machine may read is warned about, once, by its name.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pager.core import contact_url
from pager.core.contact_url import fill, placeholders
from pager.log import log

RUN_SECRETS = Path("/run/secrets")
LONGEST = 64 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NOT_OURS = "PAGER"  # names the viewer of long texts, `less`


class MissingSecret(contact_url.MissingSecret):
    """Nothing has this secret; `looked` are the places, in order."""

    def __init__(self, name: str, looked: tuple[str, ...]) -> None:
        super().__init__(name)
        self.looked = looked

    def __str__(self) -> str:
        return f"no secret {self.name}; looked in {', '.join(self.looked)}"


class Secrets:
    """Looks secrets up by name; shows none of them, whatever it is asked for in a log."""

    def __init__(self, environ: Mapping[str, str] | None = None, run_secrets: Path = RUN_SECRETS) -> None:
        self._environ = os.environ if environ is None else environ
        self._run_secrets = run_secrets
        self._warned: set[Path] = set()

    def __repr__(self) -> str:
        return "Secrets()"

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self.get(name))
        except (MissingSecret, ValueError):
            return False

    def get(self, name: str) -> str:
        """The secret, without one newline at its end; an empty one counts as not there.

        Looked for in the environment, the file named by `NAME_FILE`, `$CREDENTIALS_DIRECTORY/NAME` and
        `secret_NAME` there, and `/run/secrets/NAME`. Raises MissingSecret, which says where it looked, and
        ValueError for what is no name.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of a secret: {name!r}; write letters, digits and _")
        if name != _NOT_OURS and self._environ.get(name):
            return _without_newline(self._environ[name])
        looked = [f"${name}", f"${name}_FILE"]
        for place in self._files(name):
            looked.append(str(place))
            if found := _read(place):
                self._warn(name, place)
                return found
        raise MissingSecret(name, tuple(looked))

    def fill(self, url: str) -> str:
        """`url` with every `${NAME}` replaced. Raises MissingSecret."""
        return fill(url, {name: self.get(name) for name in placeholders(url)})

    def _warn(self, name: str, place: Path) -> None:
        # Credentials and /run/secrets are mounted for one service: their modes say nothing.
        if str(place) == self._environ.get(f"{name}_FILE") and place not in self._warned and _is_open(place):
            self._warned.add(place)
            log.warning("everybody on this machine may read a secret: chmod 600", secret=name, file=str(place))

    def _files(self, name: str) -> Iterator[Path]:
        if self._environ.get(f"{name}_FILE"):
            yield Path(self._environ[f"{name}_FILE"])
        if self._environ.get("CREDENTIALS_DIRECTORY"):
            credentials = Path(self._environ["CREDENTIALS_DIRECTORY"])
            yield credentials / name
            yield credentials / f"secret_{name}"
        yield self._run_secrets / name


def _read(place: Path) -> str:
    """The secret in a file, or nothing where there is none to be read."""
    try:
        with place.open("rb") as stream:
            return _without_newline(stream.read(LONGEST).decode())
    except (OSError, UnicodeDecodeError):
        return ""


def _is_open(place: Path) -> bool:
    """Whether this is a file that everybody may read."""
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\r\n") else text.removesuffix("\n")
