"""What tests share: binaries that may be missing, free ports, and waiting with a deadline."""

import asyncio
import inspect
import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar, overload

import pytest

from pager.store.memory import by_alembic

ROOT = Path(__file__).resolve().parent.parent

_POLL = 0.01
T = TypeVar("T")


def require_binary(name: str) -> str:
    """The path of the program `name`. Where it is missing the test is skipped, and fails with CI=true."""
    return shutil.which(name) or _outside_path(name) or missing(f"{name} is not here; tests/setup-debian.sh gets it")


def missing(reason: str) -> NoReturn:
    """Skip the running test for `reason`; with CI=true fail it, so that CI never passes by leaving things out."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def covers(*ids: str) -> pytest.MarkDecorator:
    """Marks a test with the faults (F), threats (T) and promises (P) that would come back if it went, and rules (R)."""
    return pytest.mark.covers(*ids)


@cache
def _tables() -> bytes:
    return by_alembic()


def with_tables(file: Path) -> str:
    """The address of a database of SQLite in `file`; where there is none, one as the migrations make it, made once."""
    if not file.exists():
        file.write_bytes(_tables())
    return f"sqlite:///{file}"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago. Bind to port 0 instead where you can."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@overload
async def wait_until(predicate: Callable[[], Awaitable[T]], timeout: float = 10.0, what: str = "") -> T: ...
@overload
async def wait_until(predicate: Callable[[], T], timeout: float = 10.0, what: str = "") -> T: ...
async def wait_until(predicate: Callable[[], Any], timeout: float = 10.0, what: str = "") -> Any:
    """Ask `predicate`, a function or a coroutine function, until its answer is truthy, and return that.

    Fails the test after `timeout` seconds, saying `what` it waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        _check_deadline(deadline, timeout, what)
        await asyncio.sleep(_POLL)


def wait_until_sync(predicate: Callable[[], T], timeout: float = 10.0, what: str = "") -> T:
    """`wait_until` for tests without an event loop, such as those that start processes."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        _check_deadline(deadline, timeout, what)
        time.sleep(_POLL)
    return value


def _check_deadline(deadline: float, timeout: float, what: str) -> None:
    if time.monotonic() > deadline:
        pytest.fail(f"waited {timeout:g} s in vain{' for ' * bool(what)}{what}")


def _outside_path(name: str) -> str | None:
    # Debian keeps PostgreSQL's programs out of PATH, since a machine may have several versions: the newest is taken.
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, places), "/usr/sbin"]))
