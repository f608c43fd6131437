"""The unit as systemd reads it, and what systemd hears from the daemon."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pager import notify_systemd
from tests.support import ROOT, require_binary

UNIT = ROOT / "systemd" / "pagerd.service"
DROP_IN = ROOT / "systemd" / "pagerd.service.d" / "restart-steps.conf"
DROP_INS_FROM = 254  # RestartSteps= is this young


@pytest.fixture(scope="module")
def analyze() -> str:
    return require_binary("systemd-analyze")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    # In UTF-8 locales the score is followed by a face; in C it is not always.
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})


def version_of(analyze: str) -> int:
    return int(run(analyze, "--version").stdout.split()[1])


@pytest.fixture
def unit(analyze: str, tmp_path: Path) -> Path:
    """The unit with commands that exist on this machine, and its drop-in where systemd knows those keys."""
    copy = tmp_path / UNIT.name
    true = shutil.which("true") or "/bin/true"
    copy.write_text(UNIT.read_text().replace("/usr/bin/pagerd ", f"{true} ").replace("/usr/bin/pagerctl ", f"{true} "))
    if version_of(analyze) >= DROP_INS_FROM:
        (tmp_path / DROP_IN.parent.name).mkdir()
        shutil.copy(DROP_IN, tmp_path / DROP_IN.parent.name)
    return copy


def test_the_unit_is_exposed_no_more_than_1_5(analyze: str, unit: Path) -> None:
    judged = run(analyze, "security", "--offline=true", "--threshold=15", unit)

    assert judged.returncode == 0, judged.stdout[-300:]


def test_systemd_understands_every_line_of_the_unit(analyze: str, unit: Path) -> None:
    verified = run(analyze, "verify", unit)

    # An unknown key exits 0 and is named on stderr only.
    assert (verified.returncode, verified.stderr) == (0, "")


def settings_of(path: Path) -> list[tuple[str, str]]:
    lines = [line.partition("=") for line in path.read_text().splitlines() if line and line[0] not in "#["]
    return [(key, value) for key, _, value in lines]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("StartLimitIntervalSec", "0", id="never given up on"),
        pytest.param("Restart", "always", id="started again whatever the exit status"),
        pytest.param("Type", "notify", id="up only when it says so"),
        pytest.param("WatchdogSec", "30", id="started again when it hangs"),
        pytest.param("KillMode", "mixed", id="no sender outlives the daemon"),
        pytest.param("OOMPolicy", "continue", id="a killed sender does not stop the daemon"),
        pytest.param("StateDirectoryMode", "0700", id="its state is nobody else's"),
    ],
)
def test_the_unit_keeps_a_promise(key: str, value: str) -> None:
    assert (key, value) in settings_of(UNIT)


@pytest.mark.parametrize("key", ["ExecStartPre", "ExecCondition", "Requires", "BindsTo", "Environment"])
def test_the_unit_has_nothing_that_could_keep_the_pager_down_or_leak(key: str) -> None:
    assert key not in dict(settings_of(UNIT))


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """systemd's end of the socket: bound, and named in NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield end


def heard(systemd: socket.socket) -> list[str]:
    return systemd.recv(4096).decode().split("\n")


def test_ready_comes_with_a_status(systemd: socket.socket) -> None:
    assert notify_systemd.ready("3 people, 2 schedules")
    assert heard(systemd) == ["READY=1", "STATUS=3 people, 2 schedules"]


def test_a_reload_says_when_it_began(systemd: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    assert notify_systemd.reloading()
    first, second = heard(systemd)

    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_stopping_alive_and_patience_are_one_line_each(systemd: socket.socket) -> None:
    assert notify_systemd.stopping() and notify_systemd.watchdog()
    assert notify_systemd.extend_timeout(timedelta(seconds=90))

    assert [heard(systemd) for _ in range(3)] == [["STOPPING=1"], ["WATCHDOG=1"], ["EXTEND_TIMEOUT_USEC=90000000"]]


def test_a_status_cannot_smuggle_in_a_second_variable(systemd: socket.socket) -> None:
    assert notify_systemd.status("bad file\nREADY=1")
    assert heard(systemd) == ["STATUS=bad file READY=1"]


def test_an_abstract_name_is_heard_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"pager-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0{name}")
        end.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")

        assert notify_systemd.ready()
        assert heard(end) == ["READY=1"]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(None, id="not under systemd"),
        pytest.param("", id="empty name"),
        pytest.param("/nowhere/notify", id="nobody listens"),
        pytest.param("/" + "x" * 200, id="longer than a socket's name can be"),
        pytest.param("vsock:2:1", id="a kind of address we do not speak"),
    ],
)
def test_nobody_to_tell_is_no_error(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)

    assert not notify_systemd.ready()
    assert not notify_systemd.watchdog()


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [
        pytest.param("30000000", "own", 30.0, id="this process is watched"),
        pytest.param("30000000", None, 30.0, id="no process named: this one"),
        pytest.param("30000000", "1", None, id="another process is watched"),
        pytest.param(None, None, None, id="no watchdog"),
        pytest.param("0", "own", None, id="watchdog off"),
        pytest.param("soon", "own", None, id="not a number"),
    ],
)
def test_watchdog_interval(
    microseconds: str | None, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = str(os.getpid()) if pid == "own" else pid
    for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", own)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert notify_systemd.watchdog_interval() == seconds
