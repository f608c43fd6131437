"""Backups: whole though the database is being written, checked before they count, and put back by one command."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pager.backups import Backups
from pager.cli.main import pagerctl
from pager.core.backups import surplus
from pager.metrics import Metrics
from pager.own_metrics import OwnMetrics
from pager.store import CorruptDatabase, DatabaseInUse, StoreError, StoreFull, backup
from pager.store.sqlite import connect
from tests.engine.house import NOON, Clock, House, alert, catalog, running
from tests.support import covers, wait_until, with_tables

DAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(with_tables(tmp_path / "pager.db"), Clock()) as it:
        yield it


def backups_of(folder: Path, newest: int = 8) -> tuple[Backups, OwnMetrics]:
    own = OwnMetrics(Metrics(catalog).registry)
    return Backups(folder / "pager.db", folder / "backups", timedelta(minutes=15), newest, own), own


def run(*words: object) -> Result:
    return CliRunner().invoke(pagerctl, [str(word) for word in words])


@covers("F34", "P23")
async def test_a_copy_made_while_alerts_come_in_is_whole_and_holds_what_was_accepted_before(
    tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "STEP", 2)
    await house.change("INSERT INTO failed VALUES (1, 'x', 1, :much)", much="x" * 30_000_000)
    backups, _ = backups_of(tmp_path)
    told, during = 0, 0

    async def storm() -> None:
        nonlocal told
        while True:
            await house.say(*(alert(f"A{told}-{number}") for number in range(20)))
            told += 1

    writing = asyncio.create_task(storm())
    try:
        for _ in range(5):
            before = told
            made = await backups.make()
            during += told - before
            found = backup.verify(made.file)
            assert before * 20 <= found.incidents <= (told + 1) * 20
            assert found.open == found.incidents
    finally:
        writing.cancel()
    assert during, "nothing was written meanwhile: the test shows nothing"


@covers("F32", "F34")
async def test_a_copy_neither_writes_nor_checkpoints_the_original(tmp_path: Path, house: House) -> None:
    await house.say(*(alert(f"A{number}") for number in range(50)))
    # As it would stand there after a kill: whoever closes last might empty the log.
    killed = tmp_path / "killed"
    killed.mkdir()
    files = [Path(shutil.copy(tmp_path / name, killed)) for name in ("pager.db", "pager.db-wal")]
    before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in files]
    assert before[1][1], "nothing stands in the log: the test shows nothing"
    backup.copy(files[0], tmp_path / "copy.db")

    assert [(file.stat().st_mtime_ns, file.read_bytes()) for file in files] == before
    assert backup.verify(tmp_path / "copy.db").incidents == 50
    assert not list(tmp_path.glob("*copy.db?*"))


@covers("T36", "P23")
async def test_a_copy_is_its_owner_s_alone(tmp_path: Path, house: House) -> None:
    made = await backups_of(tmp_path)[0].make()

    assert made.file.stat().st_mode & 0o777 == 0o600
    assert made.file.parent.stat().st_mode & 0o777 == 0o700


@covers("F34", "F33")
async def test_a_copy_of_a_damaged_file_is_none_and_those_before_stay(tmp_path: Path) -> None:
    async with running(with_tables(tmp_path / "pager.db"), Clock()) as house:
        await house.say(*(alert(f"A{number}") for number in range(200)))
        backups, own = backups_of(tmp_path)
        good = await backups.make()
    damage(tmp_path / "pager.db")
    with pytest.raises(CorruptDatabase):
        await backups.make()

    assert list(backups.taken().values()) == [good.file]
    assert list(good.file.parent.iterdir()) == [good.file]
    assert (own.backed_up_at, value_of(own, "failure")) == (good.at, 1)


@covers("F29", "F34")
async def test_a_copy_is_not_what_fills_the_disk(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "SPARE", shutil.disk_usage(tmp_path).total)
    backups, own = backups_of(tmp_path)
    with pytest.raises(StoreFull):
        await backups.make()
    assert value_of(own, "failure") == 1


def value_of(own: OwnMetrics, result: str) -> float:
    return next(s.value for f in own.backups.collect() for s in f.samples if s.labels == {"result": result})


@covers("P23")
async def test_they_are_made_by_themselves_and_old_ones_go(tmp_path: Path, house: House) -> None:
    backups, own = backups_of(tmp_path, newest=2)
    backups.folder.mkdir()
    now = datetime.now(UTC)
    for hours in (1, 2, 3):
        shutil.copy(tmp_path / "pager.db", backups.folder / f"{now - timedelta(hours=hours):pager-%Y%m%dT%H%M%SZ.db}")
    (backups.folder / "notes.txt").touch()
    running_ = asyncio.create_task(backups.run())
    try:
        await wait_until(lambda: value_of(own, "success"), 20, "a copy to be made")
    finally:
        running_.cancel()
    kept = sorted(backups.taken())
    days = {at.date() for at in [now - timedelta(hours=hours) for hours in range(4)]}

    assert own.backup_age() < 60
    assert len(kept) <= 2 + len(days) - 1
    assert (backups.folder / "notes.txt").exists()


@pytest.mark.parametrize(
    ("hours_ago", "kept"),
    [
        pytest.param([0, 1, 2, 3], [0, 1, 2], id="the newest"),
        pytest.param([0, 1, 2, 20, 24, 44, 48, 68], [0, 1, 2, 24, 48], id="and the last of each day"),
        pytest.param([24 * day for day in range(12)], [24 * day for day in range(7)], id="for a week"),
        pytest.param([900, 901, 1000], [900, 901, 1000], id="after a month without any, those from before"),
        pytest.param([], [], id="none"),
    ],
)
def test_which_copies_stay(hours_ago: list[int], kept: list[int]) -> None:
    now = DAY + timedelta(hours=23)
    taken = [now - timedelta(hours=hours) for hours in hours_ago]
    gone = surplus(taken, newest=3)

    assert [hours for hours in hours_ago if now - timedelta(hours=hours) not in gone] == kept


@given(st.lists(st.integers(0, 10_000).map(lambda minutes: DAY - timedelta(minutes=minutes))))
def test_the_newest_copy_always_stays_and_dropping_twice_drops_no_more(taken: list[datetime]) -> None:
    gone = surplus(taken)

    assert not taken or max(taken) not in gone
    assert surplus(set(taken) - set(gone)) == []
    assert len(set(taken) - set(gone)) <= 8 + 7


# Checked, and put back.


def damage(file: Path) -> None:
    """Turn bytes over in the middle of each page but the first."""
    with file.open("r+b") as stream:
        for at in range(16384, file.stat().st_size, 16384):
            stream.seek(at)
            stream.write(bytes(range(200, 256)) * 8)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda file: file.write_text("not a database at all" * 100), "is damaged", id="a text"),
        pytest.param(lambda file: file.write_bytes(b""), "not one of pager's", id="an empty file"),
        pytest.param(lambda file: of_others(file), "not one of pager's", id="a database of another program"),
        pytest.param(damage, "damage", id="one with damaged pages"),
        pytest.param(lambda file: version(file, "9999"), "schema version 9999", id="one of a newer pager"),
        pytest.param(lambda file: file.unlink(), "No such file", id="none"),
    ],
)
@covers("F34", "P23", "F60")
async def test_verify_says_why_a_copy_cannot_be_used(tmp_path: Path, made: Path, make: object, said: str) -> None:
    make(made)  # type: ignore[operator]
    result = run("db", "verify", made)

    assert (result.exit_code, said in result.output) == (1, True), result.output
    if made.exists():
        assert run("db", "restore", made, "--database", f"sqlite:///{tmp_path}/other.db").exit_code == 1
        assert not (tmp_path / "other.db").exists()


def of_others(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE x (y)")


def version(file: Path, number: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (number,))


@pytest.fixture
async def made(tmp_path: Path) -> Path:
    """A copy with one open incident."""
    async with running(f"sqlite:///{tmp_path}/first.db", Clock()) as house:
        await house.say(alert("Down"))
        backup.copy(tmp_path / "first.db", tmp_path / "copy.db")
    return tmp_path / "copy.db"


async def test_verify_says_what_is_in_it(made: Path) -> None:
    assert "whole, schema" in run("db", "verify", made).output
    assert "1 incident, 1 open, until 2026-03-02T12:00:00Z" in run("db", "verify", made).output


@covers("P23")
async def test_a_copy_put_back_is_what_pager_knows_and_the_file_before_is_kept(tmp_path: Path, made: Path) -> None:
    url = f"sqlite:///{tmp_path}/pager.db"
    async with running(url, Clock()) as house:
        await house.say(alert("Other"), alert("More"))
    # As after a kill: what was last written stands in the log alone.
    connection = connect(tmp_path / "pager.db")
    connection.execute("INSERT INTO meta (name, said) VALUES ('in the log', '')")
    for side in ("", "-wal"):
        shutil.copy(tmp_path / f"pager.db{side}", tmp_path / f"killed{side}")
    connection.close()
    for side in ("", "-wal"):
        (tmp_path / f"killed{side}").replace(tmp_path / f"pager.db{side}")
    result = run("db", "restore", made, "--database", url)
    assert result.exit_code == 0, result.output

    async with running(url, Clock()) as house:
        assert [incident.title for incident in await house.all()] == ["Down"]
    (aside,) = (file for file in tmp_path.glob("pager.db.before-*") if not file.name.endswith(("-wal", "-shm")))
    with sqlite3.connect(aside) as kept:
        assert kept.execute("SELECT count(*) FROM incidents").fetchone() == (2,)
        assert kept.execute("SELECT count(*) FROM meta WHERE name = 'in the log'").fetchone() == (1,)


@covers("P23")
async def test_nothing_is_put_back_under_a_running_pager(tmp_path: Path, made: Path, house: House) -> None:
    with pytest.raises(DatabaseInUse, match=rf"in use by pagerd with pid {os.getpid()}"):
        backup.restore(made, tmp_path / "pager.db", NOON)
    result = run("db", "restore", made, "--database", f"sqlite:///{tmp_path}/pager.db")

    assert (result.exit_code, "stop it first" in result.output) == (1, True)
    assert await house.all() == []


async def test_postgresql_has_copies_of_its_own(made: Path) -> None:
    result = run("db", "restore", made, "--database", "postgresql://pager@db/pager")
    assert (result.exit_code, "pg_dump" in result.output) == (2, True)


@covers("F34")
@pytest.mark.parametrize("step", ["_sync", "_check_whole"])
async def test_a_copy_that_stops_half_way_leaves_nothing(
    tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise CorruptDatabase("it is not whole")

    monkeypatch.setattr(backup, step, fail)
    with pytest.raises(StoreError):
        await backups_of(tmp_path)[0].make()
    assert list((tmp_path / "backups").iterdir()) == []
