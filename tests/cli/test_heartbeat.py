"""`pagerctl heartbeat`, against a pager that is served."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from structlog.testing import capture_logs

from pager.cli.main import pagerctl
from pager.core.rule import Heartbeat
from tests.api.house import CATALOG, House, opened

WRITTEN = (
    Heartbeat.model_validate({"name": "nightly-backup", "every": "12h", "grace": "1h"}),
    Heartbeat.model_validate({"name": "prometheus", "every": "5m", "watchdog": ["alertname = Watchdog"]}),
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, replace(CATALOG, heartbeats=WRITTEN)) as found:
        yield found


async def run(house: House, *arguments: str) -> Result:
    """What pagerctl says to a person; the house's log goes elsewhere."""
    said = ["--server", house.url, "heartbeat", *arguments]
    with capture_logs():
        return await asyncio.to_thread(CliRunner().invoke, pagerctl, said)


async def test_a_heartbeat_is_listed_pinged_and_its_last_word_shown(house: House) -> None:
    first = (await run(house, "list")).output.splitlines()
    assert first[0].split() == ["HEARTBEAT", "STATE", "HEARD", "MISSING", "EVERY", "LEVEL", "LAST", "WORD"]
    assert first[1].split()[:3] + first[1].split()[-4:] == ["nightly-backup", "new", "never", "12h", "+", "1h", "SEV-2"]
    assert first[2].split()[-2:] == ["5m", "SEV-2"]

    done = await run(house, "ping", "nightly-backup", "--word", "42 files")
    assert (done.exit_code, done.output) == (0, "nightly-backup: heard\n")
    assert (
        await run(house, "ping", "nightly-backup", "--kind", "fail", "-o", "json")
    ).output == '{\n  "accepted": 1\n}\n'
    await house.work()
    row = (await run(house, "list")).output.splitlines()[1]
    assert row.startswith("nightly-backup  failed") and " ago " in row
    wrong = await run(house, "ping", "nothing")
    assert (wrong.exit_code, "no heartbeat of that name" in wrong.stderr) == (1, True)


async def test_a_watchdog_is_forgotten_and_what_nobody_waits_for_is_shown(house: House) -> None:
    await house.fires("Watchdog", "DeadMansSwitch", severity="none", cluster="eu")
    said = (await run(house, "list")).output
    assert "nobody waits for DeadMansSwitch of alertmanager (cluster=eu, severity=none); to wait for it, write" in said
    assert "watchdog: ['alertname = DeadMansSwitch']" in said
    instance = json.loads((await run(house, "list", "-o", "json")).output)["heartbeats"][1]["instance"]

    assert f"prometheus (cluster=eu) {instance}" in said
    other = await run(house, "forget", "prometheus", "f00")
    assert (other.exit_code, instance in other.stderr) == (2, True)
    done = await run(house, "forget", "prometheus", instance)
    assert (done.exit_code, done.output) == (0, f"prometheus {instance}: forgotten\n")
