"""Heartbeats with the real programs: two Prometheus, of which one dies, and a job that pings."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.monitoring import alertmanager, prometheus
from tests.e2e.sinks import http_sink
from tests.support import wait_until

FILES = """
heartbeats:
  - {name: prometheus, watchdog: ['alertname = Watchdog'], every: 15s, severity: SEV-1, policy: all}
  - {name: backup, every: 1h, severity: SEV-2, policy: all}
policies: {all: {steps: [{page: ["person:ana"], wait: 1h}]}}
defaults: {policy: all}
"""
PEOPLE = """
people:
  ana: {{name: Ana Lima, timezone: Europe/Lisbon, contacts: {{push: "{ana}"}}}}
"""
ALERTMANAGER = """
route: {{receiver: pager, group_by: [alertname, cluster], group_wait: 1s, group_interval: 1s, repeat_interval: 1s}}
receivers: [{{name: pager, webhook_configs: [{{url: "{url}/webhook/alertmanager"}}]}}]
"""
PROMETHEUS = """
global: {{evaluation_interval: 1s, external_labels: {{cluster: {cluster}}}}}
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{target}"]}}]}}]}}
rule_files: [rules.yml]
"""
WATCHDOG = """
groups: [{name: general, rules: [{alert: Watchdog, expr: vector(1), labels: {severity: none}}]}]
"""


def of(cluster: str, url: str) -> dict[str, str]:
    """The files of a Prometheus that tells whoever is at `url`."""
    target = url.removeprefix("http://")
    return {"prometheus.yml": PROMETHEUS.format(cluster=cluster, target=target), "rules.yml": WATCHDOG}


async def up(daemon: Daemon) -> set[str]:
    found = await daemon.get("/api/v1/heartbeats")
    return {one["title"] for one in found["heartbeats"] if one["state"] == "up"}


async def titles(daemon: Daemon) -> list[str]:
    return sorted(one["title"] for one in await daemon.incidents("open"))


async def ping(daemon: Daemon, path: str) -> str:
    async with aiohttp.request("POST", f"{daemon.url}/ping/-/backup{path}", data="done\n") as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.slow
async def test_u9_a_prometheus_that_dies_is_missed_by_its_watchdog_and_no_other_is(tmp_path: Path) -> None:
    async with http_sink() as http:
        config = {"rules/all.yaml": FILES, "schedules/all.yaml": PEOPLE.format(ana=http.contact("ana"))}
        async with running(tmp_path, config) as daemon, alertmanager(
            tmp_path / "am", ALERTMANAGER.format(url=daemon.url)
        ) as router, prometheus(tmp_path / "us", of("us", router.url)):  # fmt: skip
            async with prometheus(tmp_path / "eu", of("eu", daemon.url)) as first:
                both = {"prometheus (cluster=eu)", "prometheus (cluster=us)"}
                await wait_until(lambda: is_(up, daemon, both), 30, "both to be heard")
                assert await ping(daemon, "/start") == "OK"
                assert await ping(daemon, "/3") == "OK"
                await wait_until(lambda: titles(daemon), 10, "the job that failed")
                assert (await titles(daemon))[0].startswith("backup failed at ")
                await ping(daemon, "/0")
                await wait_until(lambda: is_(titles, daemon, []), 10, "the next run to end it")
                first.process.kill()
                await first.process.wait()
                await wait_until(lambda: titles(daemon), 60, "the Prometheus that is gone")
            (title,) = await titles(daemon)
            assert title.startswith("prometheus (cluster=eu) has not been heard since ")
            await wait_until(lambda: any(title[:30] in got.title + got.body for got in http.to("ana")), 20, "the page")
            async with prometheus(tmp_path / "eu", of("eu", daemon.url)):
                await wait_until(lambda: is_(titles, daemon, []), 30, "its return")


async def is_(what: Callable[[Daemon], Awaitable[object]], daemon: Daemon, wanted: object) -> bool:
    return await what(daemon) == wanted
