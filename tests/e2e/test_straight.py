"""Prometheus posts straight to pager: it fires, repeats, dies, comes back and resolves, and each is told apart."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.monitoring import Program, prometheus
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import covers, wait_until

FILES = """
sources: [{name: prometheus, dialect: prometheus, must_speak: 5s, severity: SEV-3}]
rules:
  - name: checkout down
    match: [alertname = CheckoutDown]
    severity: SEV-2
    policy: payments
policies:
  payments:
    steps: [{page: ["person:ana"], wait: 1h}]
defaults: {policy: payments, runbook: "https://runbooks.example.org/{alertname}"}
"""
PEOPLE = """
people:
  ana: {{name: Ana Lima, timezone: Europe/Lisbon, contacts: {{push: "{ana}"}}}}
"""
# A lease of four seconds, renewed each second: what takes minutes elsewhere.
PROMETHEUS = """
global: {{evaluation_interval: 1s, scrape_interval: 1s}}
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{target}"]}}]
rule_files: [rules.yml]
"""
RULE = """
groups:
  - name: checkout
    rules:
      - alert: CheckoutDown
        expr: {expr}
        labels: {{severity: critical, service: checkout}}
"""
REPEATS = 20
QUIET = "source prometheus is quiet"


def files(daemon: Daemon, expr: str) -> dict[str, str]:
    target = daemon.url.removeprefix("http://")
    return {"prometheus.yml": PROMETHEUS.format(target=target), "rules.yml": RULE.format(expr=expr)}


async def received(daemon: Daemon) -> int:
    """How many reports of a firing alert were accepted."""
    async with aiohttp.request("GET", f"{daemon.url}/metrics") as answer:
        text = await answer.text()
    found = re.search(r'^pager_alerts_received_total\{source="prometheus",status="firing"\} (\S+)', text, re.MULTILINE)
    return int(float(found[1])) if found else 0


async def named(daemon: Daemon, title: str, state: str = "all") -> list[dict[str, Any]]:
    return [one for one in await daemon.incidents(state) if one["title"] == title]


def pages(http: HttpSink) -> list[str]:
    return [got.title for got in http.to("ana") if "CheckoutDown" in got.title]


@pytest.mark.slow
@covers("P1", "P4")
async def test_it_fires_repeats_dies_comes_back_and_resolves(tmp_path: Path) -> None:
    async with http_sink() as http:
        config = {"rules/all.yaml": FILES, "schedules/all.yaml": PEOPLE.format(ana=http.contact("ana"))}
        async with running(tmp_path, config) as daemon:
            async with prometheus(tmp_path / "prom", files(daemon, "vector(1)")) as first:
                await repeats_page_once(daemon, http)
                first.process.kill()
                await first.process.wait()
                await silence_is_no_recovery(daemon)
            async with prometheus(tmp_path / "prom", files(daemon, "vector(1)")) as second:
                await back_again_is_merged(daemon, http)
                await its_resolve_ends_it(tmp_path, daemon, second)
            assert len(pages(http)) == 1, "no page for any of it but the first"


async def repeats_page_once(daemon: Daemon, http: HttpSink) -> None:
    await wait_until(lambda: pages(http), 30, "the page")
    so_far = await received(daemon)

    async def repeated() -> bool:
        return await received(daemon) >= so_far + REPEATS

    await wait_until(repeated, 60, f"{REPEATS} repeats")
    assert len(pages(http)) == 1
    (incident,) = await daemon.incidents()
    assert (incident["title"], incident["alerts"], incident["state"]) == ("CheckoutDown", 1, "triggered")


async def silence_is_no_recovery(daemon: Daemon) -> None:
    await wait_until(lambda: named(daemon, QUIET, "open"), 40, "an incident that says so")
    (incident,) = await named(daemon, "CheckoutDown")
    assert (incident["state"], incident["firing"]) == ("triggered", 1)


async def back_again_is_merged(daemon: Daemon, http: HttpSink) -> None:
    async def spoke() -> bool:
        return not await named(daemon, QUIET, "open")

    await wait_until(spoke, 40, "the incident about the silence to end")
    (quiet,) = await named(daemon, QUIET)
    assert quiet["resolved_by"] == "pager"
    (incident,) = await named(daemon, "CheckoutDown")
    assert (incident["state"], incident["alerts"], incident["firing"]) == ("triggered", 1, 1)


async def its_resolve_ends_it(tmp_path: Path, daemon: Daemon, prom: Program) -> None:
    (tmp_path / "prom" / "rules.yml").write_text(RULE.format(expr="vector(1) > 2"), encoding="utf-8")
    prom.process.send_signal(1)

    async def ended() -> bool:
        return not await named(daemon, "CheckoutDown", "open")

    await wait_until(ended, 40, "the resolve")
    (incident,) = await named(daemon, "CheckoutDown")
    assert incident["resolved_by"] == "source"
