"""Load: closed loops by wrk, or by aiohttp where there is no wrk, and a fixed number of bodies as fast as they go."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.bench.bodies import MARK
from tests.bench.common import percentile

SCRIPT = Path(__file__).with_name("post.lua")
_RESULT = re.compile(r"RESULT requests=(\d+) us=(\d+) p50=([\d.]+) p99=([\d.]+) max=([\d.]+) bad=(\d+) sock=(\d+)")


@dataclass(frozen=True, slots=True)
class Load:
    """What one closed loop saw; latencies in ms. `bad` counts answers that were no 2xx, and broken connections."""

    requests: int
    per_second: float
    p50: float
    p99: float
    bad: int


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "aiohttp (no wrk here: the load may be the bottleneck)"


def closed_loop(url: str, template: Path, connections: int, seconds: float, seed: int) -> Load:
    """`connections` that post the template, numbered anew each time, and wait for each answer."""
    if shutil.which("wrk"):
        return _wrk(url, template, connections, seconds, seed)
    return asyncio.run(_aiohttp(url, template.read_text(), connections, seconds, seed))


def _wrk(url: str, template: Path, connections: int, seconds: float, seed: int) -> Load:
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "--timeout", "10s"]
    argv += ["-s", str(SCRIPT), url, "--", str(template), str(seed)]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=False)
    found = _RESULT.search(said.stdout)
    if found is None:
        raise RuntimeError(f"wrk: {said.stdout[-500:]}{said.stderr[-500:]}")
    requests, micros = int(found[1]), int(found[2])
    bad = int(found[6]) + int(found[7])
    return Load(requests, requests / micros * 1e6, float(found[3]) / 1e3, float(found[4]) / 1e3, bad)


async def _aiohttp(url: str, template: str, connections: int, seconds: float, seed: int) -> Load:
    took: list[float] = []
    bad = 0
    number = seed * 10**8
    until = time.perf_counter() + seconds

    async def post(http: aiohttp.ClientSession) -> None:
        nonlocal bad, number
        while (began := time.perf_counter()) < until:
            number += 1
            body = template.replace(MARK, f"{number:012d}")
            async with http.post(url, data=body, headers=JSON) as answer:
                await answer.read()
                bad += answer.status >= 300
            took.append((time.perf_counter() - began) * 1e3)

    async with session(connections) as http:
        await asyncio.gather(*(post(http) for _ in range(connections)))
    return Load(len(took), len(took) / seconds, percentile(took, 0.5), percentile(took, 0.99), bad)


JSON = {"Content-Type": "application/json"}


def session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections), timeout=aiohttp.ClientTimeout(total=60)
    )


def post_all(url: str, bodies: Sequence[bytes], connections: int = 8) -> float:
    """Post each body once; how many seconds that took. Raises RuntimeError on the first answer that is no 2xx."""
    began = time.perf_counter()
    asyncio.run(_post_all(url, bodies, connections))
    return time.perf_counter() - began


async def _post_all(url: str, bodies: Sequence[bytes], connections: int) -> None:
    waiting = iter(bodies)

    async def post(http: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with http.post(url, data=body, headers=JSON) as answer:
                if answer.status >= 300:
                    raise RuntimeError(f"{answer.status} of {url}: {(await answer.text())[:500]}")
                await answer.read()

    async with session(connections) as http:
        await asyncio.gather(*(post(http) for _ in range(connections)))
