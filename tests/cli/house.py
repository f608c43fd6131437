"""A real pagerd for a module of tests, and pagerctl as people start it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pager.cli.client import Client
from tests.e2e.daemon import Daemon, running
from tests.support import ROOT

PAGERCTL = (sys.executable, "-c", "from pager.cli.main import main; main()")
FILES = {
    "schedules/all.yaml": """
        schedule: payments
        timezone: Europe/Berlin
        rotation:
          - {from: 2026-01-05, people: [ana]}
        ---
        people:
          ana: {name: Ana Lima, timezone: Europe/Lisbon, contacts: {push: "console://"}}
          bo: {name: Bo Winter, timezone: Europe/Berlin, contacts: {push: "console://"}}
        teams:
          payments: {people: [ana, bo]}
        """,
    "rules/all.yaml": """
        defaults: {policy: payments, group_by: [alertname, cluster]}
        policies:
          payments:
            steps:
              - {page: [payments], wait: 10m}
              - {page: ["person:bo"], wait: 10m}
        """,
}


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def clean_environment(**given: str) -> dict[str, str]:
    """The environment without anything that would lead pagerctl elsewhere, and with `given`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PAGER_", "XDG_", "NO_COLOR"))}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **given}


def pagerctl(*arguments: str, cwd: Path | None = None, said: str = "", **environment: str) -> Ran:
    """Run `pagerctl` with nothing of the caller's environment that it would read."""
    ran = subprocess.run(
        [*PAGERCTL, *arguments],
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env=clean_environment(**environment),
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@dataclass(frozen=True)
class House:
    """A running pagerd, its folder, and pagerctl that finds it by its socket."""

    daemon: Daemon
    api: Client

    @property
    def socket(self) -> str:
        return str(self.daemon.state / "pagerd.sock")

    def pagerctl(self, *arguments: str, **options: Any) -> Ran:
        return pagerctl(*arguments, **{"PAGER_SOCKET": self.socket, "PAGER_USER": "ana", **options})

    def declare(self, title: str, severity: str = "SEV-2") -> str:
        """The code of a new incident."""
        ran = self.pagerctl("declare", title, "--severity", severity, "-o", "json")
        assert ran.code == 0, ran.err
        return str(ran.json["code"])


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """A house of its own, for tests that know no event loop."""
    with asyncio.Runner() as runner:
        context = running(folder, FILES)
        daemon = runner.run(context.__aenter__())
        try:
            yield House(daemon, Client((daemon.url,)))
        finally:
            runner.run(context.__aexit__(None, None, None))
