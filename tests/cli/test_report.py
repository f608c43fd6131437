"""`pagerctl report`, against a pager that is served."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from pager.cli.main import pagerctl
from tests.api.house import House, opened
from tests.web.test_reports import sent


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path) as found:
        yield found


async def run(house: House, *arguments: str) -> Result:
    """What pagerctl says to a person; the house's log goes elsewhere."""
    with capture_logs():
        return await asyncio.to_thread(CliRunner().invoke, pagerctl, ["--server", house.url, *arguments])


async def test_a_report_says_who_was_woken_what_is_noisy_and_how_soon_it_was_answered(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await sent(house, house.clock.now)
    await house.passes(timedelta(minutes=2))
    await house.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"})

    lines = (await run(house, "report", "--days", "7")).output.splitlines()

    assert [line.split() for line in lines] == [
        ["PERSON", "ON", "CALL", "PAGES", "AT", "NIGHT", "NIGHTS"],
        ["ana", "3h", "1", "0", "0"],
        ["chi", "165h", "0", "0", "0"],
        [],
        ["RULE", "INCIDENTS", "PAGES", "ENDED", "BY", "ITSELF"],
        ["(no", "rule)", "1", "1", "0"],
        [],
        ["incidents", "that", "paged:", "1;", "acknowledged:", "1,", "median", "2m,", "worst", "2m"],
    ]
    assert json.loads((await run(house, "-o", "json", "report")).output)["days"] == 30
    assert (await run(house, "report", "--days", "8")).exit_code == 2
