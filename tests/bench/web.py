"""The page in the hand: an incident with a long past among 1,000 open ones, and acknowledging it in a storm."""

import asyncio
import re
import time
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tests.bench.bodies import FORMS, groups, one_alert
from tests.bench.common import bounds, figure, median, on_load_core, percentile, ratio, table
from tests.bench.load import JSON, post_all, session
from tests.bench.processed import wait_worked
from tests.bench.programs import Served, bare, pagerd
from tests.support import wait_until

OPEN, ENTRIES, ALERTS_A_SECOND = 1000, 2000, 200
STORM_GROUPS = 20
LOOKS, WARM = 220, 20
ACKS_A_SECOND = 10
PLACES = {"incident": "/i/{code}", "page link": "{link}", "now": "/", "alerts": "/alerts", "wall": "/wall"}
BOUND = (
    "a page: one read of a snapshot, the words of its view, and Jinja2; no more is read than stands there",
    "an ack: the commit that it shares with the alerts that come in, and its turn in the writer's thread",
)
LINK = re.compile(r"(/p/\w[\w-]+)")
Found = dict[str, list[float]]


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures; `quick` has a tenth of the incidents, of the entries and of the time."""
    asyncio.run(_run(*((OPEN // 10, ENTRIES // 10, 1) if quick else (OPEN, ENTRIES, 3))))


async def _run(count: int, entries: int, rounds: int) -> None:
    found: Found = {}
    sizes: dict[str, int] = {}
    with TemporaryDirectory(prefix="pager-bench-") as top:
        with pagerd(Path(top) / "pagerd") as served:
            await asyncio.to_thread(post_all, served.url, groups("webhook", count, 1))
            await asyncio.to_thread(wait_worked, served)
            async with session(20) as http:
                names = await _long_past(http, served, entries)
                for place, path in PLACES.items():
                    for _ in range(rounds):
                        sizes[place] = await _looked(http, served, path.format_map(names), place, top, found)
                await _acked(http, served, min(count // 2, 10 * rounds * ACKS_A_SECOND), found)
    _print(found, sizes, count, entries)


async def _long_past(http: aiohttp.ClientSession, served: Served, entries: int) -> Mapping[str, str]:
    """Give the incident of the first page a timeline of so many entries; its code, and the link that was sent."""
    links = await wait_until(lambda: LINK.findall(served.child.log.read_text()), 60, "the first page")
    link = links[0]
    async with http.get(_top(served) + link) as answer:
        code = re.findall(r'<p class="code">(\w+)<', await answer.text())[0]
    texts = iter(range(entries))

    async def write() -> None:
        for number in texts:
            note = {"by": "ana", "text": f"restarted payments-api-{number} and looked at its log: no more of it"}
            async with http.post(f"{_top(served)}/api/v1/incidents/{code}/note", json=note) as answer:
                assert answer.status == 200, await answer.text()

    await asyncio.gather(*(write() for _ in range(8)))
    return {"code": code, "link": link}


async def _looked(http: aiohttp.ClientSession, served: Served, path: str, place: str, folder: str, found: Found) -> int:
    """Look at a page again and again, then at the same bytes from a server that does nothing else; how many bytes."""
    cpu = served.child.cpu()
    text, took = await _times(http, _top(served) + path)
    found.setdefault(f"{place} cpu", []).append((served.child.cpu() - cpu) / LOOKS * 1e3)
    found.setdefault(f"{place} p50", []).append(percentile(took, 0.5))
    found.setdefault(f"{place} p95", []).append(percentile(took, 0.95))
    file = Path(folder) / "page.html"
    file.write_bytes(text)
    with bare(Path(folder) / f"bare-{time.monotonic_ns()}", file) as ceiling:
        _, took = await _times(http, f"{_top(ceiling)}/page")
    found.setdefault(f"{place} bare", []).append(percentile(took, 0.95))
    return len(text)


async def _times(http: aiohttp.ClientSession, url: str) -> tuple[bytes, list[float]]:
    """The page, and ms of each of 200 looks at it, one after another, after some that warm it up."""
    took, text = [], b""
    for number in range(LOOKS):
        began = time.perf_counter()
        async with http.get(url) as answer:
            text = await answer.read()
            assert answer.status == 200, text[:500]
        if number >= WARM:
            took.append((time.perf_counter() - began) * 1e3)
    return text, took


async def _acked(http: aiohttp.ClientSession, served: Served, count: int, found: Found) -> None:
    """Acknowledge incident after incident by the form of its page while alerts come in; both in open loops."""
    top, over = _top(served), asyncio.Event()
    async with http.get(f"{top}/api/v1/incidents?limit=500") as answer:
        incidents = (await answer.json())["incidents"][:count]
    async with http.get(f"{top}/i/{incidents[0]['code']}") as answer:
        (key, *_) = re.findall(r'name="form" value="(\w+)"', await answer.text())
    storm = asyncio.create_task(_storm(served, over, found))
    took = await _open_loop(
        ACKS_A_SECOND, [_ack(http, f"{top}/i/{one['code']}", {"form": key, "by": "ana"}) for one in incidents]
    )
    over.set()
    await storm
    found["ack p50"], found["ack p95"] = [percentile(took, 0.5)], [percentile(took, 0.95)]
    found["ack max"], found["acks"] = [max(took)], [len(took)]


async def _storm(served: Served, over: asyncio.Event, found: Found) -> None:
    """So many alerts a second, a POST each, until it is over."""
    sent, began = 0, time.perf_counter()
    posts = []
    async with session(100) as http:
        while not over.is_set():
            await asyncio.sleep(max(0.0, began + sent / ALERTS_A_SECOND - time.perf_counter()))
            body = FORMS["webhook"]([one_alert(f"{10**9 + sent:012d}", f"Storm{sent % STORM_GROUPS}")])
            posts.append(asyncio.create_task(_post(http, served.url, body)))
            sent += 1
        await asyncio.gather(*posts)
    found["alerts a second"] = [sent / (time.perf_counter() - began)]


async def _ack(http: aiohttp.ClientSession, url: str, form: Mapping[str, str]) -> float:
    began = time.perf_counter()
    async with http.post(url, data={**form, "action": "ack"}, allow_redirects=False) as answer:
        await answer.read()
        assert answer.status == 303, await answer.text()
    return (time.perf_counter() - began) * 1e3


async def _post(http: aiohttp.ClientSession, url: str, body: str) -> None:
    async with http.post(url, data=body, headers=JSON) as answer:
        await answer.read()
        assert answer.status == 200, answer.status


async def _open_loop(rate: int, tasks: Iterable[Coroutine[None, None, float]]) -> list[float]:
    """Begin each when it is due, whether or not the last is done."""
    began, running = time.perf_counter(), []
    for number, task in enumerate(tasks):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        running.append(asyncio.create_task(task))
    return await asyncio.gather(*running)


def _top(served: Served) -> str:
    return served.url.removesuffix("/webhook/alertmanager")


def _print(found: Found, sizes: Mapping[str, int], count: int, entries: int) -> None:
    print(f"## Web: ms of a page, {count:,} incidents open, {entries:,} entries in the timeline of the one looked at\n")
    rows = []
    for place, size in sizes.items():
        p50, p95, cpu, ceiling = (found[f"{place} {name}"] for name in ("p50", "p95", "cpu", "bare"))
        rows.append([place, f"{size / 1e3:.0f}", *map(median, (p50, p95, cpu, ceiling)), ratio(p95, ceiling)])
    table(["page", "kB", "p50", "p95", "CPU", "p95 of the same bytes, bare", "ratio"], rows)
    print(
        f"\nAn ack by the form of a page, {figure(found['acks'][0])} of them, beside "
        f"{figure(found['alerts a second'][0])} alerts a second: p50 {figure(found['ack p50'][0])} ms, "
        f"p95 {figure(found['ack p95'][0])} ms, the slowest {figure(found['ack max'][0])} ms."
    )
    bounds(BOUND)
