"""`pagerctl demo` as a stranger meets it: without a terminal a tour, with one by keys."""

import contextlib
import os
import pty
import re
import select
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.house import PAGERCTL, clean_environment, pagerctl
from tests.support import covers, free_port, require_binary

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_without_a_terminal_it_pages_escalates_acknowledges_and_ends(tmp_path: Path) -> None:
    ran = pagerctl("demo", "--fast", "--port", str(free_port()), cwd=tmp_path)

    assert (ran.code, ran.err) == (0, "")
    told = [
        r"Alertmanager says: CheckoutDown fires",
        r'opened as SEV-1: rule "checkout down"',
        r"step 1 pages (\w+) \(payments\)",
        r" SEV-1  CheckoutDown",
        r"Runbook +http://127\.0\.0\.1:\d+/p/[a-z2-7]{16}/runbook",
        r"Acknowledge +http://127\.0\.0\.1:\d+/p/[a-z2-7]{16} ",
        r"paged as commander",
        r"step 2 pages (\w+) \(payments\)",
        r"opens the link of the page and presses Acknowledge",
        r"acknowledged \(\w+\)",
        r"CheckoutDown is resolved",
        r"all alerts ended: resolved",
        r"That was pager\. Next:",
        r"cp -r .*\{rules,schedules,runbooks\} \.",
        r"/webhook/alertmanager",
    ]
    at = 0
    for words in told:
        found = re.compile(words).search(ran.out, at)
        assert found, f"{words!r} does not follow in:\n{ran.out[at:]}"
        at = found.end()
    assert ANSI.search(ran.out) is None
    assert [line for line in ran.out.splitlines() if len(line) > 80 and "/" not in line] == []


def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = pagerctl("demo", "--port", str(taken.getsockname()[1]))

    assert ran.code == 1
    assert "leave --port out, and a free one is taken" in ran.err


@dataclass
class Terminal:
    """A demo on a terminal of its own."""

    pid: int
    screen: int
    shown: str = ""
    read: int = 0

    def until(self, words: str, seconds: float = 60) -> None:
        """Read until `words` are shown, after what was waited for before."""
        deadline = time.monotonic() + seconds
        while (found := ANSI.sub("", self.shown).find(words, self.read)) < 0:
            ready, _, _ = select.select([self.screen], [], [], max(0.0, deadline - time.monotonic()))
            if not ready or not self._more():
                pytest.fail(f"{words!r} did not come; shown was:\n{self.shown}")
        self.read = found + len(words)

    def press(self, key: bytes) -> None:
        os.write(self.screen, key)

    def ends(self) -> int:
        while self._more():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _more(self) -> bool:
        # Linux says EIO when the other end of a terminal is closed.
        with contextlib.suppress(OSError):
            if data := os.read(self.screen, 65536):
                self.shown += data.decode(errors="replace")
                return True
        return False


def on_a_terminal(*arguments: str, **environment: str) -> Terminal:
    pid, screen = pty.fork()
    if pid == 0:
        os.execve(
            PAGERCTL[0], [*PAGERCTL, "demo", *arguments], {**clean_environment(**environment), "TERM": "xterm-256color"}
        )
    return Terminal(pid, screen)


@pytest.mark.slow
def test_on_a_terminal_keys_escalate_acknowledge_and_end_it() -> None:
    demo = on_a_terminal("--port", str(free_port()))

    demo.until("step 1 pages")
    demo.until("[a] ack as")
    demo.press(b"e")
    demo.until("presses Escalate")
    demo.until("step 2 pages")
    demo.until("[a] ack as")
    demo.press(b"a")
    demo.until("acknowledged (")
    demo.press(b"s")
    demo.until("KubeNodeNotReady fires")
    demo.until("opened as SEV-2")
    demo.until("[q] quit")
    demo.press(b"r")
    demo.until("KubeNodeNotReady is resolved")
    demo.until("all alerts ended: resolved")
    demo.press(b"q")
    demo.until("That was pager")

    assert demo.ends() == 0
    assert "\x1b[31m" in demo.shown


@pytest.mark.slow
def test_ctrl_c_ends_it_as_q_does_and_leaves_no_traceback() -> None:
    demo = on_a_terminal("--fast", "--port", str(free_port()), NO_COLOR="1")

    demo.until("[q] quit")
    demo.press(b"\x03")
    demo.until("That was pager")

    assert demo.ends() == 0
    assert "Traceback" not in demo.shown
    assert "\x1b[31m" not in demo.shown


@pytest.mark.slow
@covers("P12")
def test_a_node_that_is_killed_is_replaced_by_another_before_the_eyes() -> None:
    require_binary("initdb")
    ran = pagerctl("demo", "--kill-node")

    assert (ran.code, ran.err) == (0, "")
    told = [
        r"3 nodes on one PostgreSQL",
        r"(\w+) pages ana: SEV-2 .*CheckoutDown",
        r"3 nodes heard it, one sends the page",
        r"NODE +STATE +VERSION +FILES +LAG +SKEW +LANES",
        r"kill -9 \d+: \w+ is gone",
        r"(\w+) pages bo: SEV-2 .*CheckoutDown",
        r"\w+ +late 1\ds ago",
        r"acknowledged by bo",
        r"\w+ +replaced \d\ds ago",
    ]
    at = 0
    for words in told:
        found = re.compile(words).search(ran.out, at)
        assert found, f"{words!r} does not follow in:\n{ran.out[at:]}"
        at = found.end()


def test_several_nodes_on_sqlite_are_refused() -> None:
    ran = pagerctl("demo", "--nodes", "2", "--database", "sqlite:///x.db")

    assert ran.code == 2
    assert "several nodes need PostgreSQL" in ran.err
