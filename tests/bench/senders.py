"""Senders: 200 mixed bodies a second, each at its instant whatever came of those before it, until the answer."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from tests.bench.bodies import one_alert, webhook
from tests.bench.common import bounds, median, on_load_core, percentile, ratio, table
from tests.bench.load import JSON, session
from tests.bench.programs import Served, bare, pagerd

RATE = 200
CONNECTIONS = 64
TARGET = 100
BOUND = (
    "the writer's COMMIT: at this rate it has one sync for every request or two, and each of them waits for it",
    "the thread that commits also works what was accepted, a batch at a time, and the next commit waits for that",
)
# fmt: off
_EVENT = {"routing_key": "x", "event_action": "trigger", "dedup_key": "disk-{n}", "payload": {
    "summary": "disk of db-{n} is full", "source": "db-{n}", "severity": "critical", "component": "disk",
    "custom_details": {"used": "95 %", "mount": "/", "firing": "Labels:\n - alertname = Disk\n" * 20}}}
_OPSGENIE = {"message": "disk of db-{n} is full", "alias": "disk-{n}", "priority": "P2", "tags": ["db", "disk"],
             "details": {"host": "db-{n}", "team": "db"}, "description": "95 % of / is used. " * 30}
_VICTOROPS = {"message_type": "CRITICAL", "entity_id": "disk-{n}", "entity_display_name": "disk of db-{n} is full",
              "state_message": "95 % of / is used. " * 30, "monitoring_tool": "Alertmanager"}
_KUMA = {"heartbeat": {"monitorID": "{n}", "status": 0, "time": "2026-01-21 14:06:38.000", "msg": "timeout"},
         "monitor": {"id": "{n}", "name": "shop {n}", "url": "https://shop-{n}.example.org", "type": "http"},
         "msg": "[shop {n}] [Down] timeout"}
_DATADOG = {"id": "{n}", "alert_id": "{n}", "alert_scope": "host:db-{n}", "alert_transition": "Triggered",
            "title": "[Triggered] CPU of db-{n}", "body": "CPU of db-{n} is above 95 %. " * 20, "priority": "P2"}
_FREE = {"title": "queue {n} is long", "state": "alerting", "id": "queue-{n}", "host": "mq-{n}", "message": "12000"}
# fmt: on
BODIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/v2/enqueue", _EVENT),
    ("/v2/alerts", _OPSGENIE),
    ("/integrations/generic/20131114/alert/-/db", _VICTOROPS),
    ("/webhook/uptime-kuma", _KUMA),
    ("/webhook/datadog", _DATADOG),
    ("/webhook/generic", _FREE),
    ("/integrations/v1/formatted_webhook/-/", _FREE),
)
"""Where each is posted, and what; `{n}` is another number each time."""


@dataclass
class Figures:
    """Milliseconds from the instant at which a request was due to its answer, round by round; and how many were bad."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    worst: list[float] = field(default_factory=list)
    bad: int = 0


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures, each of a fresh state."""
    rounds, seconds = (1, 3) if quick else (3, 10)
    found: dict[str, Figures] = {}
    with TemporaryDirectory(prefix="pager-bench-") as top:
        for round_, start in itertools.product(range(rounds), (bare, pagerd)):
            running: AbstractContextManager[Served] = start(Path(top) / f"{round_}-{start.__name__}")
            with running as served:
                figures = found.setdefault(served.name, Figures())
                asyncio.run(_measure(served.url.partition("/webhook")[0], seconds, figures))
    _print(found)


def bodies() -> Iterator[tuple[str, bytes]]:
    """Addresses and bodies without end: Alertmanager's webhooks, of one to ten alerts, between all the others."""
    for number in itertools.count(1):
        n = f"{number:012d}"
        if number % 2:
            alerts = [one_alert(f"{n}-{at}") for at in range(10 if number % 20 == 1 else 1)]
            yield "/webhook/alertmanager", webhook(alerts).encode()
        else:
            path, body = BODIES[number // 2 % len(BODIES)]
            yield path, json.dumps(body).replace("{n}", n).encode()


async def _measure(url: str, seconds: int, figures: Figures) -> None:
    took: list[float] = []
    async with session(CONNECTIONS) as http, asyncio.TaskGroup() as group:
        began = time.perf_counter() + 0.1
        said = list(itertools.islice(bodies(), RATE * (seconds + 1)))
        for at, (path, body) in enumerate(said):
            due = began + at / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            # The first second warms up: code, connections and caches.
            group.create_task(_post(http, url + path, body, due, took if at >= RATE else [], figures))
    figures.p50.append(percentile(took, 0.5))
    figures.p99.append(percentile(took, 0.99))
    figures.worst.append(max(took))


async def _post(
    http: aiohttp.ClientSession, url: str, body: bytes, due: float, took: list[float], figures: Figures
) -> None:
    async with http.post(url, data=body, headers=JSON) as answer:
        await answer.read()
        figures.bad += answer.status >= 300
    took.append((time.perf_counter() - due) * 1e3)


def _print(found: dict[str, Figures]) -> None:
    print(f"## Senders: {RATE} mixed bodies a second, until the answer (target: p99 {TARGET} ms)\n")
    rows = [
        [name, median(one.p50), median(one.p99), median(one.worst), str(one.bad) if one.bad else ""]
        for name, one in found.items()
    ]
    table(["program", "p50 ms", "p99 ms", "worst ms", "not 2xx"], rows)
    ours, theirs = found["pagerd"], found["bare aiohttp"]
    print(f"\npagerd against bare aiohttp: p50 {ratio(ours.p50, theirs.p50)}, p99 {ratio(ours.p99, theirs.p99)}")
    print("bare aiohttp decodes the body and keeps nothing; pagerd answers when it is on disk.")
    bounds(BOUND)
