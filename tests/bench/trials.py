"""How long the users' own tests take: a thousand of them by `pagerctl test`, in process and as a command."""

import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pager.files import load_catalog
from pager.many_trials import run_many
from pager.trial import run_all
from tests.bench.common import figure, table

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
RULES = """\
defaults: {group_by: [alertname]}
rules:
  - {name: down, match: [alertname = Down], severity: SEV-1, policy: shop}
  - {name: slow, match: [alertname = Slow], severity: SEV-2, policy: shop}
  - {name: late, match: [alertname = Late], severity: SEV-3, policy: shop}
  - {name: small, match: [alertname = Small], severity: SEV-4, policy: shop}
policies:
  shop:
    steps: [{page: [shop], wait: 5m}, {page: [{schedule: shop, rank: 2}], wait: 10m}, {page: ["team:shop"], wait: 15m}]
"""
PEOPLE = """\
people:
  ana: {contacts: {push: "console://"}}
  bo: {contacts: {push: "console://"}}
  chi: {contacts: {push: "console://"}}
teams: {shop: {people: [ana, bo, chi]}}
channels: {issues: "console://"}
---
schedule: shop
rotation: [{from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo, chi]}]
"""
CASES = (
    ("Slow", "then: [{after: 2m, ack: ana}]", "{severity: SEV-2, rule: slow, pages: [0m ana]}"),
    ("Slow", "then: [{after: 6m, ack: bo}, {after: 20m, resolve: true}]", "{state: resolved, pages: [0m ana, 5m bo]}"),
    ("Late", "then: [{after: 1m, wait: true}]", "{severity: SEV-3, pages: [0m ana]}"),
    ("Small", "then: [{after: 1m, wait: true}]", "{severity: SEV-4, pages: [0m issues]}"),
    ("Down", "then: [{after: 1m, ack: bo}]", "{severity: SEV-1, pages: [0m ana, 0m everyone]}"),
    ("Slow", "", "{pages: [0m ana, 5m bo, '15m team:shop', 30m everyone]}"),
)
"""An alert, what is done, and what is expected; in turn."""


def write_folder(folder: Path, count: int) -> Path:
    """A config folder with so many tests; all of them pass."""
    (folder / "rules").mkdir()
    (folder / "schedules").mkdir()
    (folder / "schedules" / "people.yaml").write_text(PEOPLE)
    (folder / "rules" / "rules.yaml").write_text(RULES + "tests:\n" + "".join(map(_case, range(count))))
    return folder


def _case(number: int) -> str:
    name, then, expect = CASES[number % len(CASES)]
    lines = (
        f"name: case {number}",
        "at: 2026-01-06 12:00 UTC",
        f"alerts: [{{labels: {{alertname: {name}, n: {number}}}}}]",
        then,
        f"expect: {expect}",
    )
    return "  - " + "\n    ".join(filter(None, lines)) + "\n"


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of processor time, and on the wall."""
    gc.collect()
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def _command(folder: Path) -> None:
    command = [sys.executable, "-c", "from pager.cli.main import main; main()", "-c", str(folder), "test"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert " 0 failed" in ran.stdout, ran.stdout[-500:]


def run(quick: bool) -> None:
    """Print the figures; `quick` takes a hundred tests."""
    count = 100 if quick else 1000
    print(
        f"{count} tests of rules: an alert, what people do, the pages compared; the engine, its SQL and the outbox run"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = write_folder(Path(name), count)
        catalog = load_catalog(folder, NOW).catalog
        assert catalog is not None
        asyncio.run(run_all(catalog, catalog.tests[:10]))
        rows = [("pagerctl test's own work", *_timed(lambda: asyncio.run(run_all(catalog, catalog.tests))))]
        rows.append(("the same by all processors", *_timed(lambda: run_many(catalog, catalog.tests))))
        rows.append(("reading and checking the files", *_timed(lambda: load_catalog(folder, NOW))))
        wall = _timed(lambda: _command(folder))[1]
        print(f"the whole command, from nothing: {wall:.2f} s on the wall")
        table(("", "processor, s", "wall, s"), [(what, figure(cpu), figure(real)) for what, cpu, real in rows])


if __name__ == "__main__":
    run(quick=False)
