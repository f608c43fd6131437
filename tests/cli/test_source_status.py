"""`pagerctl source status`, against a pager that is served."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from pager.cli.main import pagerctl
from pager.core.quota import Quota
from pager.core.rule import Source
from pager.fairness import Fairness
from pager.source_metrics import SourceMetrics
from tests.api.house import CATALOG, House, opened

PROM = Source(name="alertmanager", dialect="alertmanager", quota=Quota(alerts=1))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, replace(CATALOG, sources={"alertmanager": PROM})) as found:
        yield found


async def run(house: House, *arguments: str) -> Result:
    """What pagerctl says to a person; the house's log goes elsewhere."""
    with capture_logs():
        return await asyncio.to_thread(
            CliRunner().invoke, pagerctl, ["--server", house.url, "source", "status", *arguments]
        )


async def test_what_each_source_sent_and_what_is_wrong_with_it(house: House) -> None:
    never = (await run(house)).output.splitlines()
    assert never[1].split() == ["alertmanager", "alertmanager", "never", *["0"] * 6, "-"]

    for name in ("A", "B"):
        body = {"alerts": [{"status": "firing", "labels": {"alertname": name, "severity": "warning"}}]}
        assert (await house.post("/webhook/alertmanager", body))[0] == 200
    house.intake.watch.used("alertmanager", "203.0.113.9", house.clock.now)
    metrics = SourceMetrics(CollectorRegistry())
    await Fairness(house.engine, house.intake.shares, house.intake.watch, house.clock, metrics).look()

    said = (await run(house)).output.splitlines()
    assert " ".join(said[0].split()) == "SOURCE DIALECT SPOKE ALERTS LATE REFUSED UNROUTED INVALID OPEN TOKEN"
    assert said[1].split()[-7:-1] == ["2", "1", "0", "0", "0", "0"]
    assert said[2].startswith("alertmanager is over its quota of 1 alerts and")
    assert said[2].endswith("1 requests wait behind all others")
    assert '"over_quota": true' in (await run(house, "-o", "json")).output
    house.clock.now += timedelta(hours=1)
    await house.work()
    assert len((await run(house)).output.splitlines()) == 2
