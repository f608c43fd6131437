"""How long a healthy destination takes beside hung and dripping ones, in their midst and when all begin at once.

The providers are another process, so that what they cost is not counted as the sender's.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence

from pager.sender import Message, Sender
from tests.sending.provider import provider
from tests.support import ROOT, wait_until

HUNG, DRIPPING = 40, 10
DEADLINE = 20.0


def run(quick: bool) -> None:
    """Print the figures; `quick` takes fewer rounds."""
    asyncio.run(_measure(*((10, 3) if quick else (60, 12))))


async def _measure(rounds: int, bursts: int) -> None:
    print(f"neighbours: a page to one healthy destination, in ms ({rounds} pages, {bursts} bursts)")
    async with _providers(1 + HUNG + DRIPPING) as (good, *bad):
        hung = [f"{url}/hang?rto=60" for url in bad[:HUNG]]
        dripping = [f"{url}/drip" for url in bad[HUNG:]]
        healthy = f"{good}/200"
        async with _sender() as sender:
            await _pages(sender, healthy, 5)
            _print("alone", await _pages(sender, healthy, rounds))
            for name, urls in ((f"beside {len(hung)} hung", hung), (f"beside {len(dripping)} dripping", dripping)):
                async with _beside(sender, urls):
                    _print(name, await _pages(sender, healthy, rounds))
        _print("alone, it was never asked", [await _burst(healthy, [], known=False) for _ in range(bursts)])
        _print("burst, it was asked before", [await _burst(healthy, hung, known=True) for _ in range(bursts)])
        _print("burst, nobody was asked before", [await _burst(healthy, hung, known=False) for _ in range(bursts)])


async def _burst(healthy: str, hung: Sequence[str], *, known: bool) -> float:
    """A new sender, and all at once, the healthy one last."""
    async with _sender() as sender:
        if known:
            await _pages(sender, healthy, 1)
        async with _beside(sender, hung, wait=False):
            return (await _pages(sender, healthy, 1))[0]


async def _pages(sender: Sender, url: str, count: int) -> list[float]:
    """Seconds that each of `count` pages took, one after another."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        outcome = await sender.send(_message(url))
        took.append(time.perf_counter() - began)
        assert outcome.delivered, outcome
    return took


@contextlib.asynccontextmanager
async def _beside(sender: Sender, urls: Sequence[str], *, wait: bool = True) -> AsyncIterator[None]:
    """One page to each of `urls` is under way, or has just been asked for, as long as the block runs."""
    stuck = [asyncio.create_task(sender.send(_message(url))) for url in urls]
    await asyncio.sleep(0)
    if wait:
        await wait_until(lambda: len(sender.busy()) >= len(urls), DEADLINE / 2, "all of them to be busy")
        await asyncio.sleep(1)  # until each has been asked
    try:
        yield
    finally:
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


@contextlib.asynccontextmanager
async def _sender() -> AsyncIterator[Sender]:
    sender = Sender(deadline=DEADLINE)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.close()


@contextlib.asynccontextmanager
async def _providers(count: int) -> AsyncIterator[list[str]]:
    """The addresses of so many providers in another process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.neighbours", str(count), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _serve(count: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        ports = [(await stack.enter_async_context(provider())).port for _ in range(count)]
        print(json.dumps([f"json://127.0.0.1:{port}" for port in ports]), flush=True)
        await asyncio.Event().wait()


def _message(url: str) -> Message:
    return Message(url, "SEV-1 checkout down", "Runbook: https://r.example.org/x")


def _print(name: str, took: Sequence[float]) -> None:
    ordered = sorted(took)
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3 for share in (0.5, 0.95, 0.99))
    print(f"  {name:32} p50 {p50:7.1f}   p95 {p95:7.1f}   p99 {p99:7.1f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_serve(int(sys.argv[1])))
    else:
        run(quick=False)
