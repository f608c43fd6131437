"""Nodes of two versions side by side under traffic: on the schema of the newer one, in both directions."""

import asyncio
import contextlib
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest

from pager.store.database import open_database
from pager.store.migrations import VERSIONS, known
from tests.nodes.house import CHANNELS, NAMES, House, house
from tests.store.test_migrations import later_schema
from tests.store.things import NOON
from tests.support import ROOT, covers, wait_until

PACE = 0.1


@asynccontextmanager
async def traffic(given: House) -> AsyncIterator[None]:
    """Each tenth of a second a new incident, at one node after the other; every alert is sent until it is promised."""
    over = asyncio.Event()

    async def send() -> None:
        while not over.is_set():
            group = given.next_group()
            for turn in range(200):
                node = given.nodes[(len(given.groups) + turn) % len(given.nodes)]
                if node.process is not None and await given.post(node, group, f"{group.name}-a"):
                    break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PACE):
                    await over.wait()

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        over.set()
        await sending


async def some(given: House, count: int) -> None:
    """Until so many more incidents were paged."""
    wanted = len(given.groups) - len(given.unpaged()) + count
    await wait_until(lambda: len(given.groups) - len(given.unpaged()) >= wanted, 30, f"{count} more to be paged")


async def check(given: House) -> None:
    """Nothing is lost, nothing is said twice, and nothing could not be read."""
    await wait_until(lambda: not given.unpaged(), 60, "every incident to be paged")
    assert given.accepted <= given.tokens()
    assert given.copies() == {"1": len(given.groups) * len(CHANNELS), "unmarked": 0}
    assert given.ask("SELECT count(*) FROM failed") == 0
    worst = given.delays()[-1]
    print(f"{len(given.groups)} incidents beside the upgrade, the slowest page after {worst:.2f} s")
    assert worst < 15


def code_before(folder: Path) -> Path:
    """The pager before the newest migration, out of the history; skipped where there is no history."""
    newest = next(VERSIONS.glob(f"{known(VERSIONS)[-1]}_*.py")).relative_to(ROOT)
    git = ["git", "-C", str(ROOT)]
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    found = subprocess.run(
        [*git, "log", "-1", "--diff-filter=A", "--format=%H", "--", str(newest)], capture_output=True, text=True
    )
    if not found.stdout.strip():
        pytest.skip(f"the history does not say what came before {newest}")
    archive = subprocess.run([*git, "archive", f"{found.stdout.strip()}^", "pager"], capture_output=True)
    if archive.returncode:
        pytest.skip("the history ends before the newest migration")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.slow
@covers("F60")
async def test_nodes_of_this_version_go_on_while_a_newer_one_changes_the_schema(tmp_path: Path) -> None:
    async with house(tmp_path, 2) as given:
        newer = open_database(given.database, lambda: NOON, versions=later_schema(tmp_path / "versions"))
        async with traffic(given):
            await some(given, 10)
            await newer.open()
            await newer.close()
            await some(given, 20)
            # One of them starts again, on the newer schema.
            await given.nodes[1].stop()
            await given.nodes[1].start()
            await some(given, 20)

        assert given.ask("SELECT version_num FROM alembic_version") == "9999"
        assert given.ask("SELECT count(DISTINCT later) FROM pages") == 1
        await check(given)


@pytest.mark.slow
@covers("F60")
async def test_a_node_of_the_version_before_works_beside_this_one(tmp_path: Path) -> None:
    async with house(tmp_path, 1, code=code_before(tmp_path / "before")) as given:
        assert given.ask("SELECT version_num FROM alembic_version") == known(VERSIONS)[-2]
        async with traffic(given):
            await some(given, 10)
            await given.add(NAMES[1]).start()
            await some(given, 20)

        assert given.ask("SELECT version_num FROM alembic_version") == known(VERSIONS)[-1]
        await check(given)
        # Each does what the other began.
        (first, *_), last = await given.nodes[1].incidents(), (await given.nodes[0].incidents())[-1]
        for node, incident in ((given.nodes[0], first), (given.nodes[1], last)):
            answer = await node.post(f"/api/v1/incidents/{incident['code']}/ack", {"by": "ana"})
            assert answer["state"] == "acknowledged"
        for node in given.nodes:
            assert len([each for each in await node.incidents() if each["acked_by"] == "ana"]) == 2
