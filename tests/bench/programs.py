"""The programs that are measured: pagerd, the bare ceiling, and Debian's Alertmanager, each on a fresh state."""

import shutil
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.common import Child, child, free_port

START = 60.0
RULES = """
defaults: {group_by: [alertname]}
policies: {default: {steps: [{page: ["person:ana"], wait: 1h}]}}
rules: [{name: late, match: ['alertname =~ "Late.*"'], severity: SEV-4}]
"""
PEOPLE = """
people: {{ana: {{name: Ana Lima, timezone: UTC, contacts: {{push: "{contact}"}}}}}}
channels: {{issues: "{contact}"}}
"""
ALERTMANAGER = """
global: {{resolve_timeout: 1h}}
route: {{receiver: sink, group_by: [alertname], group_wait: {wait}, group_interval: 5m, repeat_interval: 24h}}
receivers:
  - name: sink
    webhook_configs: [{{url: "http://127.0.0.1:{sink}/hook", send_resolved: false}}]
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A program that takes alerts: where, in which form, and pagerd's database."""

    name: str
    child: Child
    url: str
    form: str
    database: Path | str | None = None

    def count(self, table: str) -> int:
        """Rows of a table of pagerd's database, which others may read but not write."""
        if isinstance(self.database, str):
            import psycopg

            with psycopg.connect(self.database) as one:
                return int((one.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or [0])[0])
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
        try:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        finally:
            connection.close()


@contextmanager
def pagerd(folder: Path, contact: str = "console://", postgres: str = "") -> Iterator[Served]:
    """The real daemon; `contact` is whom it pages, `postgres` the address of its database if that is not SQLite."""
    for name, text in (("rules", RULES), ("schedules", PEOPLE.format(contact=contact))):
        (folder / name).mkdir(parents=True)
        (folder / name / "all.yaml").write_text(text, encoding="utf-8")
    address, database = f"127.0.0.1:{free_port()}", folder / "pager.db"
    argv = [sys.executable, "-m", "pager.cli.daemon", "--config", str(folder), "--listen", address]
    argv += ["--database", postgres or f"sqlite:///{database}"]
    with child(
        argv, folder / "log", {"PAGER_SOCKET": str(folder / "socket"), "STATE_DIRECTORY": str(folder)}
    ) as running:
        _wait(running, f"http://{address}/-/ready")
        yield Served("pagerd", running, f"http://{address}/webhook/alertmanager", "webhook", postgres or database)


@contextmanager
def bare(folder: Path, page: Path | None = None) -> Iterator[Served]:
    """aiohttp and msgspec without a store; it shows the file `page` at /page."""
    folder.mkdir(parents=True)
    port = free_port()
    argv = [sys.executable, "-m", "tests.bench.bare", str(port), *([str(page)] if page else [])]
    with child(argv, folder / "log") as running:
        _wait(running, f"http://127.0.0.1:{port}/-/ready")
        yield Served("bare aiohttp", running, f"http://127.0.0.1:{port}/webhook/alertmanager", "webhook")


def has_alertmanager() -> bool:
    return shutil.which("prometheus-alertmanager") is not None


@contextmanager
def alertmanager(folder: Path, sink: int = 9, wait: str = "1h") -> Iterator[Served]:
    """Alertmanager on one thread of Go's, as it has one core; it tells a webhook on the port `sink`."""
    folder.mkdir(parents=True)
    config, address = folder / "alertmanager.yml", f"127.0.0.1:{free_port()}"
    config.write_text(ALERTMANAGER.format(sink=sink, wait=wait), encoding="utf-8")
    argv = ["prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder / 'data'}"]
    argv += [f"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=error"]
    with child(argv, folder / "log", {"GOMAXPROCS": "1"}) as running:
        _wait(running, f"http://{address}/-/ready")
        yield Served("Alertmanager", running, f"http://{address}/api/v2/alerts", "alertmanager")


def _wait(running: Child, url: str) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and running.alive():
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer; the log:\n{running.log.read_text()[-3000:]}")
