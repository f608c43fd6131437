"""Soak: `python -m tests.bench.soak [MINUTES]`: 100 alerts a second for half an hour, and what grows meanwhile.

Not part of `make bench`: it takes as long as it says. Alerts of 200 groups fire, repeat, end and fire again.
"""

import asyncio
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tests.bench.bodies import FORMS, one_alert
from tests.bench.common import percentile
from tests.bench.latency import listening
from tests.bench.load import JSON, session
from tests.bench.programs import Served, pagerd

RATE = 100
GROUPS = 200
WARM_MINUTES = 5
EVERY = 10.0
_LAG = re.compile(r'^pager_timer_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    asyncio.run(_run(minutes))


async def _run(minutes: float) -> None:
    async with listening() as sink:
        with TemporaryDirectory(prefix="pager-soak-") as top:
            with pagerd(Path(top) / "pagerd", f"json://127.0.0.1:{sink.port}/hook") as served:
                samples, answers, lag = await _soak(served, minutes)
    _print(minutes, samples, answers, lag)


Sample = tuple[float, float, float, float]
"""Minutes since the start; MiB of the daemon; MiB of it and its children; MiB of the write-ahead log."""


async def _soak(served: Served, minutes: float) -> tuple[list[Sample], list[float], str]:
    samples: list[Sample] = []
    answers: list[float] = []
    began = time.monotonic()
    async with session(RATE) as http:
        sampling = asyncio.create_task(_sample(served, began, samples))
        posts: set[asyncio.Task[None]] = set()
        for number in range(int(minutes * 60 * RATE)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            post = asyncio.create_task(_post(http, served, answers))
            posts.add(post)
            post.add_done_callback(posts.discard)
        await asyncio.gather(*posts)
        sampling.cancel()
        async with http.get(served.url.rsplit("/webhook", 1)[0] + "/metrics") as answer:
            lag = await answer.text()
    return samples, answers, lag


async def _post(http: aiohttp.ClientSession, served: Served, answers: list[float]) -> None:
    group, number = random.randrange(GROUPS), random.randrange(10)
    body = FORMS[served.form]([one_alert(f"{number:04d}", f"Soak{group}")])
    if random.random() < 0.1:
        body = body.replace('"firing"', '"resolved"')
    began = time.perf_counter()
    async with http.post(served.url, data=body, headers=JSON) as answer:
        answers.append(time.perf_counter() - began if answer.status == 200 else float("inf"))


async def _sample(served: Served, began: float, samples: list[Sample]) -> None:
    while True:
        log = Path(f"{served.database}-wal")
        size = log.stat().st_size / 2**20 if log.exists() else 0.0
        own = _rss(served.child.process.pid)
        samples.append(((time.monotonic() - began) / 60, own, served.child.pss(), size))
        await asyncio.sleep(EVERY)


def _rss(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the least-squares line: MiB a minute."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def _print(minutes: float, samples: Sequence[Sample], answers: Sequence[float], metrics: str) -> None:
    warm = [sample for sample in samples if sample[0] >= min(WARM_MINUTES, minutes / 3)]
    lost = sum(answer == float("inf") for answer in answers)
    print(f"{len(answers)} posts in {minutes:g} min, {lost} not answered 200")
    print(f"answer p50 {percentile(answers, 0.5) * 1000:.1f} ms, p99 {percentile(answers, 0.99) * 1000:.1f} ms")
    print(f"RSS of the daemon {warm[0][1]:.0f} -> {warm[-1][1]:.0f} MiB after warm-up, slope ", end="")
    print(f"{_slope([(at, own) for at, own, _, _ in warm]):.2f} MiB/min; with children {warm[-1][2]:.0f} MiB")
    print(f"write-ahead log at most {max(size for *_, size in samples):.1f} MiB")
    print("timer lag (sampled every 5 s):", ", ".join(f"<= {le} s: {count}" for le, count in _LAG.findall(metrics)))


if __name__ == "__main__":
    main()
