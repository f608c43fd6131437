"""Rendering apart: templates rendered by a process of their own, so that none can hold up whoever asks."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

READY = "ready"
DEADLINE = 20.0
"""Seconds for a batch; what has no answer by then is left out, the rest asked again. Each stops by itself sooner."""
_HOME = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class Work(Struct, frozen=True):
    """A template, and what it can name; with `every_label` there is no label that an alert has not."""

    source: str
    values: Mapping[str, Any]
    every_label: bool = False


class Made(Struct, frozen=True):
    """What a template made, or `why` it made nothing, and the line of the template where it failed."""

    text: str = ""
    why: str = ""
    line: int = 1
    undefined: bool = False


class CannotRender(Exception):
    """No process could be started; the text says why."""


def render_apart(works: Sequence[Work], deadline: float = DEADLINE) -> list[Made]:
    """What each makes, in order; never raises for what a template does. Takes a tenth of a second, or the deadlines.

    Raises CannotRender where this machine has no process for it.
    """
    made: list[Made] = []
    while len(made) < len(works):
        told = _ask(works[len(made) :], deadline)
        made += told
        if len(made) < len(works):
            made.append(Made(why="it did not end by itself"))
    return made


def _ask(works: Sequence[Work], deadline: float) -> list[Made]:
    """The answers that came before the deadline, or before the process ended."""
    said = "".join(
        json.dumps({"source": one.source, "values": one.values, "every_label": one.every_label}) + "\n" for one in works
    )
    try:
        told = subprocess.run(
            [sys.executable, "-m", "pager.rendering_child"],
            input=said.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=deadline,
            check=False,
            cwd=_HOME,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        ).stdout
    except subprocess.TimeoutExpired as late:
        told = late.stdout or b""
    except OSError as error:
        raise CannotRender(error.strerror or type(error).__name__) from None
    ready, *lines = told[: told.rfind(b"\n") + 1].splitlines() or [b""]
    if ready.decode() != READY:
        raise CannotRender("the process that renders did not start")
    return [Made(**json.loads(line)) for line in lines]
