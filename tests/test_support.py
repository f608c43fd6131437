"""The helpers that every other test leans on."""

import socket
from collections.abc import Iterator
from itertools import count

import pytest

from tests.support import free_port, require_binary, wait_until, wait_until_sync


def test_a_missing_program_skips_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        require_binary("no-such-program")


def test_a_missing_program_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        require_binary("no-such-program")


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


@pytest.fixture
def third_time() -> Iterator[int]:
    return (number if number == 3 else 0 for number in count(1))


def test_waiting_returns_the_first_truthy_answer(third_time: Iterator[int]) -> None:
    assert wait_until_sync(lambda: next(third_time)) == 3


async def test_waiting_awaits_a_coroutine_function(third_time: Iterator[int]) -> None:
    async def ask() -> int:
        return next(third_time)

    assert await wait_until(ask) == 3


async def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"waited 0\.02 s in vain for the page"):
        await wait_until(lambda: False, timeout=0.02, what="the page")
