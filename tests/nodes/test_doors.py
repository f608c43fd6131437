"""Several real pagerd as people meet them: a link is pressed on two, one reads new files, one says how all stand."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.wall_clock import clock_set_by
from tests.nodes.house import NAMES, House, house
from tests.support import covers, wait_until

_LINK = re.compile(r"Acknowledge: http://[^/]+(/p/\w+)")


async def press(given: House, node: Daemon, link: str) -> int:
    async with given.http.post(f"{node.url}{link}", data={"action": "ack"}, allow_redirects=False) as answer:
        return answer.status


async def listed(node: Daemon) -> dict[str, dict[str, object]]:
    """The nodes by name, as this one says."""
    return {each["name"]: each for each in (await node.get("/api/v1/status"))["nodes"]}


async def all_up(given: House) -> bool:
    return all([len(await listed(node)) == len(given.nodes) for node in given.nodes])


@pytest.mark.slow
@covers("T7", "P12", "F37")
async def test_one_link_pressed_on_two_nodes_files_that_one_reads_and_a_clock_that_is_wrong(tmp_path: Path) -> None:
    async with house(tmp_path, 2, apart=True) as given:
        one, other = given.nodes
        await wait_until(lambda: all_up(given), 20, "the nodes to see one another")

        group = given.next_group()
        assert await given.post(one, group, "a")
        await wait_until(lambda: not given.unpaged(), 20, "the page")
        link = _LINK.search(given.sink.got[0].body)
        assert link is not None
        answers = await asyncio.gather(*(press(given, node, link[1]) for node in (one, other) for _ in range(5)))

        assert set(answers) == {303}
        (incident,) = await one.incidents()
        assert incident["state"] == "acknowledged"
        entries = (await other.get(f"/api/v1/incidents/{incident['code']}/timeline"))["timeline"]
        assert sum(entry["text"].startswith("acknowledged") for entry in entries) == 1

        (other.folder / "rules" / "more.yaml").write_text("# new\n", encoding="utf-8")
        async with given.http.post(f"{other.url}/-/reload") as answer:
            assert answer.status == 200

        async def differ() -> bool:
            return len({each["config"] for each in (await listed(one)).values()}) == 2

        await wait_until(differ, 10, "the first to see what the second runs")
        # Until somebody looks, both go on: an alert is paged whichever of them works it.
        assert await given.post(other, given.next_group(), "b")
        await wait_until(lambda: not given.unpaged(), 20, "the page")
        assert set(given.copies()) == {"1", "unmarked"}

        async with given.http.get(f"{one.url}/metrics") as answer:
            told = await answer.text()
        assert 'pager_nodes{state="up"} 2.0' in told
        assert "pager_node_configs 2.0" in told

        late = given.add(NAMES[2])
        ahead = tmp_path / "ahead-by"
        ahead.write_text("8")
        late.environment = {**late.environment, **clock_set_by(ahead)}
        await late.start()

        async def is_told() -> bool:
            titles = [each["title"] for each in await one.incidents("open")]
            return f"the clock of {NAMES[2]} is wrong" in titles

        await wait_until(is_told, 30, "somebody to notice the clock")

        async def is_measured() -> bool:
            seen = (await listed(one)).get(NAMES[2])
            return seen is not None and 7 < float(str(seen["skew_seconds"])) < 9

        await wait_until(is_measured, 10, "the first to see by how much")
        await late.stop()

        assert await other.stop() == 0

        async def is_known_to_have_stopped() -> bool:
            return (await listed(one))[NAMES[1]]["state"] == "stopped"

        await wait_until(is_known_to_have_stopped, 10, "the first to see that the second stopped")
        async with given.http.get(f"{one.url}/-/ready") as answer:
            assert await answer.text() == "ready\n"
