"""What was promised is on the disk: a trace of pagerd's system calls shows a sync before each 2xx."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.support import covers, require_binary, wait_until

FILES = {
    "rules/all.yaml": "policies: {default: {steps: [{page: ['person:ana'], wait: 1h}]}}\n",
    "schedules/all.yaml": "people: {ana: {name: Ana, timezone: UTC, contacts: {push: 'console://'}}}\n",
}
READS = ("read", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
SYNCS = ("fdatasync", "fsync")
TRACED = (*READS, *WRITES, *SYNCS, "pwrite64")
REQUESTS = 5

_CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<said>.*)$", re.DOTALL)
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<said>.*)$", re.DOTALL)
_UNFINISHED = " <unfinished ...>"


@dataclass
class Call:
    """One system call of any thread: the lines of the trace on which it began and ended, and its words."""

    name: str
    began: int
    ended: int
    said: str

    @property
    def succeeded(self) -> bool:
        return re.search(r"\) += \d+$", self.said) is not None


def calls_of(trace: str) -> list[Call]:
    """The calls of a trace by `strace -f`, in the order in which they ended; those cut off are left out."""
    return list(_calls(trace.splitlines()))


def _calls(lines: list[str]) -> Iterator[Call]:
    begun: dict[str, Call] = {}
    for at, line in enumerate(lines):
        if found := _CALL.match(line):
            call = Call(found["name"], at, at, found["said"])
            if line.endswith(_UNFINISHED):
                call.said = call.said.removesuffix(_UNFINISHED)
                begun[found["pid"]] = call
            else:
                yield call
        elif (found := _RESUMED.match(line)) and found["pid"] in begun:
            call = begun.pop(found["pid"])
            call.ended, call.said = at, call.said + found["said"]
            yield call


def first(calls: list[Call], fits: Callable[[Call], bool], what: str) -> Call:
    found = next((call for call in calls if fits(call)), None)
    assert found is not None, f"the trace shows no {what}"
    return found


def check_order(calls: list[Call], token: str) -> None:
    """The body came in, went to the log, the log was synced, and only then the sender was told."""
    heard = first(calls, lambda c: c.name in READS and token in c.said, "request")
    descriptor = heard.said.partition(",")[0]
    told = first(
        calls,
        lambda c: (
            c.name in WRITES and c.began > heard.ended and c.said.startswith(descriptor) and "HTTP/1.1 200" in c.said
        ),
        "answer",
    )
    kept = first(calls, lambda c: c.name == "pwrite64" and "-wal>" in c.said and token in c.said, "write to the log")
    assert heard.ended < kept.began
    assert kept.ended < told.began
    syncs = [
        call
        for call in calls
        if call.name in SYNCS and "-wal>" in call.said and kept.ended < call.began and call.ended < told.began
    ]
    assert any(call.succeeded for call in syncs), f"no sync of the log between request and answer of {token}"


async def post(daemon: Daemon, token: str) -> None:
    alert = {"status": "firing", "labels": {"alertname": "Kept", "token": token}, "startsAt": "2026-11-21T20:15:32Z"}
    body = json.dumps({"version": "4", "status": "firing", "alerts": [alert]})
    async with aiohttp.request("POST", f"{daemon.url}/webhook/alertmanager", data=body) as answer:
        assert answer.status == 200, await answer.text()


@covers("F1", "P1")
async def test_an_alert_is_synced_to_the_disk_before_its_sender_is_told_so(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    # Long strings: a page of the log is 16 kB. The kernel stops pagerd for the traced calls alone.
    strace = (require_binary("strace"), "-f", "-y", "-s", "20000", "--seccomp-bpf", "-o", str(trace))
    tokens = [f"token{uuid4().hex}" for _ in range(REQUESTS)]
    async with running(tmp_path, FILES, before=(*strace, "-e", f"trace={','.join(TRACED)}")) as daemon:
        for token in tokens:
            await post(daemon, token)
        await wait_until(lambda: len(answers(trace)) >= REQUESTS, 20, "the trace to be written")

    calls = calls_of(trace.read_text(errors="replace"))
    for token in tokens:
        check_order(calls, token)


def answers(trace: Path) -> list[str]:
    return re.findall(r'HTTP/1\.1 200 OK.*\{\\"accepted\\": 1\}', trace.read_text(errors="replace"))


def test_a_sync_that_comes_after_the_answer_is_noticed() -> None:
    heard = '7 read(9<socket:[1]>, "{\\"token1\\"}", 100) = 10'
    kept = '8 pwrite64(5</x/pager.db-wal>, "token1", 16384, 0) = 16384'
    sync = ["8 fdatasync(5</x/pager.db-wal> <unfinished ...>", "8 <... fdatasync resumed>) = 0"]
    told = '7 write(9<socket:[1]>, "HTTP/1.1 200 OK", 15) = 15'

    check_order(calls_of("\n".join([heard, kept, *sync, told])), "token1")
    for late in ([heard, kept, told, *sync], [heard, kept, sync[0], told, sync[1]], [heard, *sync, kept, told]):
        with pytest.raises(AssertionError, match="no sync of the log"):
            check_order(calls_of("\n".join(late)), "token1")
