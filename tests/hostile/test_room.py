"""Room: intake answers 503 while too much waits or the disk is short, and takes alerts again as soon as it is not."""

import os
from pathlib import Path

import pytest

from pager.backlog import Room, free_percent
from pager.core.report import Malformed
from pager.sources import SOURCES
from pager.sources.wire import MOST_ALERTS
from pager.store import StoreFull, inbox
from tests.api.house import NOON, House, opened
from tests.hostile.ways import WEBHOOK, body_of, incidents, ordinary, paged
from tests.support import covers, wait_until


async def status_of(house: House, name: str) -> int:
    return (await house.post(WEBHOOK, {"alerts": [ordinary(name)]}))[0]


async def taken_again(house: House, name: str) -> bool:
    return await status_of(house, name) == 200


@covers("F48", "R9")
@pytest.mark.parametrize(
    "room", [pytest.param(Room(rows=3), id="requests"), pytest.param(Room(size=len(body_of("A")) * 3), id="bytes")]
)
async def test_a_backlog_stops_intake_until_it_is_worked(tmp_path: Path, room: Room) -> None:
    async with opened(tmp_path, room=room) as house:
        assert [await status_of(house, name) for name in "ABC"] == [200, 200, 200]
        async with house.http.post(house.url + WEBHOOK, data=body_of("D")) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")

        assert await paged(house) == {"A", "B", "C"}
        await wait_until(lambda: taken_again(house, "E"), 10, "intake to return")


@covers("F48")
async def test_a_backlog_that_was_there_at_the_start_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        assert [await status_of(house, name) for name in "ABC"] == [200, 200, 200]
    async with opened(tmp_path, room=Room(rows=3)) as house:
        assert await status_of(house, "D") == 503


@covers("F29", "R9")
async def test_a_disk_that_is_short_stops_intake_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pager.backlog.LOOK_EVERY", 0.0)
    free = free_percent(tmp_path)
    async with opened(tmp_path, room=Room(least_free=free / 2)) as house:
        code = await house.fires("Before")
        house.intake.backlog.room = Room(least_free=min(100.0, free * 2))

        assert await status_of(house, "During") == 503
        assert (await house.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"}))[0] == 200

        house.intake.backlog.room = Room(least_free=free / 2)
        assert await status_of(house, "After") == 200
        assert await paged(house) == {"Before", "After"}


def test_how_much_is_free_is_asked_of_the_disk(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    assert free_percent(tmp_path) == pytest.approx(100 * disk.f_bavail / disk.f_blocks, abs=1)
    assert free_percent(tmp_path / "nowhere") == 100.0


@covers("T16", "T17")
@pytest.mark.parametrize(
    ("dialect", "before", "entry", "after"),
    [
        pytest.param("alertmanager", b'{"alerts":[', b'{"labels":{"a":"b"}}', b"]}", id="a webhook"),
        pytest.param("grafana", b'{"alerts":[', b"{}", b"]}", id="a webhook of nothing that works"),
        pytest.param("prometheus", b"[", b'{"labels":{"a":"b"}}', b"]", id="an array"),
        pytest.param("prometheus", b"[", b"0", b"]", id="an array of nothing that works"),
    ],
)
async def test_more_alerts_than_one_body_may_have_are_refused_unread(
    house: House, dialect: str, before: bytes, entry: bytes, after: bytes
) -> None:
    body = before + b",".join([entry] * (MOST_ALERTS + 1)) + after
    async with house.http.post(f"{house.url}/webhook/{dialect}", data=body) as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, str(MOST_ALERTS) in problem["detail"]) == (413, True)
    with pytest.raises(Malformed):
        SOURCES[dialect].parse(body, NOON, "x")


@covers("T17", "F48")
async def test_a_storm_of_one_source_delays_no_other(house: House) -> None:
    storm = body_of(*(f"Storm{n}" for n in range(10)))
    await house.database.write(
        lambda tx: [inbox.append(tx, "stormy", "alertmanager", storm, NOON) for _ in range(2000)]
    )
    async with house.http.post(f"{house.url}/api/v2/alerts", json=[ordinary("Quiet")]) as answer:
        assert answer.status == 200

    # One round: a batch of each lane.
    await house.engine.work_inbox()

    assert "Quiet" in {incident["title"] for incident in await incidents(house)}
    assert (await house.database.read(inbox.waiting_size))[0] >= 1000


async def test_a_full_store_is_a_reason_to_come_back(house: House) -> None:
    house.intake.backlog.room = Room(least_free=100.0)
    with pytest.raises(StoreFull):
        await house.intake.accept("alertmanager", "x", body_of("A"), NOON)
