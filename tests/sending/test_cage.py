"""The children of the sender: killed when told, gone when the daemon is gone, replaced when they die."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from pager.core.outcome import Reason
from pager.sender import Message, Sender
from pager.sender_cage import environment
from pager.sender_pool import SPARES
from pager.sender_slots import Slots
from tests.sending.provider import Provider, provider
from tests.support import ROOT, covers, wait_until

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see processes"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Provider]:
    async with provider() as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender() -> AsyncIterator[Sender]:
    it = Sender(deadline=30)
    await it.start()
    yield it
    await it.close()


def hanging(server: Provider) -> Message:
    return Message(server.url("hang", rto=60), "t", "b")


def good(server: Provider) -> Message:
    return Message(server.url("200"), "t", "b")


def gone(pids: list[int]) -> bool:
    """Whether none of these processes runs any more; one that nobody has buried yet counts as gone."""
    return not any(state not in ("Z", "X") for pid in pids for state in _states(pid))


def _states(pid: int) -> Iterator[str]:
    """Those of its threads: files are open until the last one has ended."""
    with suppress(FileNotFoundError):
        for thread in list(Path(f"/proc/{pid}/task").iterdir()):
            with suppress(FileNotFoundError, ProcessLookupError):
                yield (thread / "stat").read_text().rpartition(")")[2].split()[0]


async def test_a_cancelled_send_leaves_no_child(sender: Sender, server: Provider) -> None:
    before = set(sender.children())
    send = asyncio.create_task(sender.send(hanging(server)))
    await wait_until(lambda: server.connected == 1, what="the send to be under way")

    send.cancel()
    await asyncio.wait([send])

    await wait_until(lambda: server.connected == 0, what="the child to end")
    assert len(before & set(sender.children())) == len(before) - 1


async def test_a_child_that_is_killed_is_a_crash_and_the_next_send_is_fine(sender: Sender, server: Provider) -> None:
    workers = sender.children()[1:]
    send = asyncio.create_task(sender.send(hanging(server)))
    await wait_until(lambda: server.connected == 1, what="the send to be under way")

    for pid in workers:
        os.kill(pid, signal.SIGKILL)

    outcome = await asyncio.wait_for(send, 10)
    assert outcome.reason is Reason.crashed and outcome.uncertain
    # Who is dying still looks alive, and would be one more crash.
    await wait_until(lambda: gone(workers), what="the others to end as well")
    assert (await sender.send(good(server))).delivered


async def test_close_while_it_starts_leaves_no_child_either(server: Provider) -> None:
    sender = Sender()
    send = asyncio.create_task(sender.send(good(server)))
    children = await wait_until(sender.children, what="the first child")

    await sender.close()

    assert (await asyncio.wait_for(send, 5)).reason is Reason.stale
    assert sender.children() == [] and gone(children)


@covers("F12")
async def test_a_frozen_child_is_killed_at_the_deadline(server: Provider) -> None:
    sender = Sender(deadline=0.5)
    await sender.start()
    workers = sender.children()[1:]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)

    outcome = await sender.send(good(server))
    assert outcome.reason is Reason.timeout and outcome.seconds < 5
    # A frozen one does not see its socket end: somebody must kill it, and not only when pager ends.
    await wait_until(lambda: any(gone([pid]) for pid in workers), what="the one that had the message to be gone")

    await sender.close()
    await wait_until(lambda: gone(workers), what="frozen children to be gone")


async def test_the_process_that_forks_is_started_again(sender: Sender, server: Provider) -> None:
    first, *workers = sender.children()

    os.kill(first, signal.SIGKILL)

    await wait_until(lambda: gone(workers), what="its workers to end with it")
    await wait_until(lambda: first not in sender.children() and len(sender.children()) >= 3, 30, "another to be there")
    assert (await sender.send(good(server))).delivered


async def test_signals_from_the_terminal_do_not_end_children(sender: Sender, server: Provider) -> None:
    for pid in sender.children():
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)

    children = sender.children()
    assert (await sender.send(good(server))).delivered
    assert set(sender.children()) >= set(children)


async def test_children_are_used_again(sender: Sender, server: Provider) -> None:
    await wait_until(lambda: len(sender.children()) > SPARES, what="all spares")
    children = sender.children()

    for _ in range(5):
        assert (await sender.send(good(server))).delivered

    assert set(sender.children()) >= set(children)
    assert len(sender.children()) <= len(children) + 1


@covers("F12")
async def test_close_leaves_no_child_even_in_the_middle_of_a_send(server: Provider) -> None:
    sender = Sender(deadline=30)
    await sender.start()
    send = asyncio.create_task(sender.send(hanging(server)))
    await wait_until(lambda: server.connected == 1, what="the send to be under way")
    children = sender.children()

    await sender.close()

    assert len(children) >= 3
    await wait_until(lambda: gone(children), what="the children to be gone")
    assert (await send).reason is Reason.crashed
    assert (await sender.send(good(server))).reason is Reason.stale


DAEMON = """
import asyncio, json, sys
from pager.sender import Message, Sender

async def watched():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    sender = Sender(deadline=60)
    await sender.start()
    sends = [asyncio.create_task(sender.send(Message(sys.argv[1], "t", "b"))) for _ in range(2)]
    while await reader.readline():
        print(json.dumps(sender.children()), flush=True)

asyncio.run(watched())
"""


async def test_a_killed_daemon_leaves_no_child(server: Provider) -> None:
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, hanging(server).url, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert daemon.stdin and daemon.stdout
    await wait_until(lambda: server.connected == 2, 30, "the sends to be under way")
    daemon.stdin.write(b"who?\n")
    children = json.loads(await asyncio.wait_for(daemon.stdout.readline(), 10))

    daemon.kill()
    await daemon.wait()

    assert len(children) >= 3 and all(pid > 1 for pid in children)
    await wait_until(lambda: gone(children) and server.connected == 0, what="the children to be gone")


async def test_children_see_no_secrets_of_the_daemon() -> None:
    seen = environment({"PATH": "/bin", "SLACK_PAYMENTS": "T0P", "HTTPS_PROXY": "http://evil", "HOME": "/root"})

    assert seen == {"PATH": "/bin", "NETRC": os.devnull}


async def test_a_proxy_is_only_used_when_it_is_named_on_purpose() -> None:
    assert environment({"PAGER_PROXY": "http://proxy:3128"})["https_proxy"] == "http://proxy:3128"


async def test_slots_serve_whoever_has_least_first() -> None:
    slots = Slots(children=2, per_destination=2, ceiling=2)
    await slots.acquire("crowd")
    await slots.acquire("crowd")
    order: list[str] = []

    async def come(key: str) -> None:
        await slots.acquire(key)
        order.append(key)

    waiting = [asyncio.create_task(come(key)) for key in ("crowd", "crowd", "lonely")]
    await asyncio.sleep(0)
    slots.release("crowd", slow=False)
    slots.release("crowd", slow=False)
    await asyncio.wait(waiting[::2], timeout=5)

    assert order == ["lonely", "crowd"]
    waiting[1].cancel()


async def test_beyond_the_normal_number_each_destination_has_one() -> None:
    slots = Slots(children=2, per_destination=4, ceiling=4)
    for key in ("a", "a", "b", "c"):
        await asyncio.wait_for(slots.acquire(key), 1)

    assert slots.busy == {"a": 2, "b": 1, "c": 1}
    late = asyncio.ensure_future(slots.acquire("d"))
    await asyncio.sleep(0)
    assert not late.done()
    slots.release("b")
    await asyncio.wait_for(late, 1)


async def test_slow_destinations_never_take_the_last_slots() -> None:
    slots = Slots(children=20, per_destination=4, ceiling=20)
    names = [f"slow {number}" for number in range(20)]
    for name in names:
        await slots.acquire(name)
    for name in names:
        slots.release(name, slow=True)

    asked = [asyncio.ensure_future(slots.acquire(name)) for name in names]
    await asyncio.sleep(0)

    assert slots.busy.total() == 4  # 16 of 20 are kept for those that answer
    await asyncio.wait_for(slots.acquire("healthy"), 1)
    slots.close()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_a_slot_that_is_granted_to_someone_who_has_left_goes_to_the_next() -> None:
    slots = Slots(children=1, per_destination=1)
    await slots.acquire("a")
    first, second = (asyncio.ensure_future(slots.acquire("a")) for _ in range(2))
    await asyncio.sleep(0)

    slots.release("a")  # grants it to the first
    first.cancel()

    await asyncio.wait_for(second, 1)
    assert slots.busy == {"a": 1}
