"""SQLite: one writer that shares its commits, and what becomes of them when the disk, the file or the process fails."""

import asyncio
import json
import os
import resource
import signal
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pager.store import CorruptDatabase, DatabaseInUse, StoreFull, StoreUnavailable
from pager.store.database import Database, Tx, open_database
from tests.store.things import NOON, VERSIONS, add, names, opened
from tests.support import ROOT, covers, require_binary, wait_until

PAGE = "x" * 16_000


def commits(wal: Path) -> int:
    """How many commits the write-ahead log holds: its frames that say how large the file has become."""
    data = wal.read_bytes()
    frame = 24 + struct.unpack_from(">I", data, 8)[0]
    return sum(struct.unpack_from(">I", data, at + 4)[0] > 0 for at in range(32, len(data), frame))


def modes(folder: Path) -> dict[str, int]:
    """The files of a folder, and who may do what with them."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def hold(database: Database, group: Callable[[], list["asyncio.Future[object]"]]) -> list[object]:
    """Let the jobs of `group` wait behind one that runs, so that they share a commit; what became of them."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        begun.set()
        assert go_on.wait(10)

    first = asyncio.ensure_future(database.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    jobs = group()
    await asyncio.wait(jobs, timeout=0)
    go_on.set()
    # The one that held them up may share their commit, and their fate.
    await asyncio.wait([first])
    first.exception()
    return await asyncio.gather(*jobs, return_exceptions=True)


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def writer_process(path: Path, **environment: str) -> "subprocess.Popen[str]":
    """A process that writes to `path` without end; see writer.py."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(path)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_jobs_that_wait_share_a_commit(lite: Database, tmp_path: Path) -> None:
    await lite.write(add("before"))
    before = commits(tmp_path / "pager.db-wal")

    done = await hold(lite, lambda: [asyncio.ensure_future(lite.write(add(f"{n:03}"))) for n in range(200)])

    assert done == [1] * 200
    # A machine that is slow today may need more than one group, yet far from one a job.
    assert commits(tmp_path / "pager.db-wal") - before <= 20


async def test_urgent_jobs_go_first(lite: Database) -> None:
    order: list[str] = []

    def job(name: str, urgent: bool) -> "asyncio.Future[object]":
        return asyncio.ensure_future(lite.write(lambda tx: order.append(name), urgent=urgent))

    await hold(lite, lambda: [job("slow 1", False), job("slow 2", False), job("urgent 1", True), job("urgent 2", True)])

    assert order == ["urgent 1", "urgent 2", "slow 1", "slow 2"]


async def test_a_storm_of_urgent_jobs_does_not_starve_the_others(lite: Database) -> None:
    order: list[str] = []

    def job(name: str, urgent: bool) -> "asyncio.Future[object]":
        return asyncio.ensure_future(lite.write(lambda tx: order.append(name), urgent=urgent))

    await hold(lite, lambda: [job("other", False), *(job("urgent", True) for _ in range(2000))])

    assert order.index("other") == 500


async def test_a_lost_transaction_promises_nothing_to_any_job_of_its_group(lite: Database) -> None:
    """SQLite may end a transaction by itself; the work of this test does the same from inside."""

    def broken(tx: Tx) -> None:
        tx.run("ROLLBACK")

    def group() -> list["asyncio.Future[object]"]:
        return [asyncio.ensure_future(lite.write(job)) for job in (add("a"), add("b"), broken)]

    done = await hold(lite, group)

    assert all(isinstance(each, StoreUnavailable) for each in done)
    assert await lite.read(names) == []
    assert await lite.write(add("after")) == 1


@covers("F29")
async def test_a_full_disk_is_said_and_writes_work_again_once_there_is_room(lite: Database) -> None:
    await lite.write(lambda tx: tx.one("PRAGMA max_page_count = 20"))
    kept = []
    with pytest.raises(StoreFull, match=r"pager\.db"):
        for n in range(40):
            await lite.write(add(f"{n:02}", body=PAGE))
            kept.append(f"{n:02}")

    assert kept
    assert await lite.read(names) == kept
    await lite.write(lambda tx: tx.one("PRAGMA max_page_count = 1000000"))
    await lite.write(add("room", body=PAGE))
    assert await lite.read(names) == [*kept, "room"]


async def test_work_that_swallows_a_full_disk_commits_nothing_behind_its_back(lite: Database) -> None:
    await lite.write(lambda tx: tx.one("PRAGMA max_page_count = 8"))

    def work(tx: Tx) -> None:
        for n in range(40):
            try:
                add(f"{n:02}", body=PAGE)(tx)
            except StoreFull:
                add("small")(tx)
                raise RuntimeError("gave up") from None

    with pytest.raises((RuntimeError, StoreUnavailable)):
        await lite.write(work)

    assert await lite.read(names) == []


@covers("F29", "F31")
async def test_a_write_error_of_the_disk_promises_nothing_and_heals_without_a_restart(
    lite: Database, tmp_path: Path
) -> None:
    await lite.write(add("before"))
    with file_limit((tmp_path / "pager.db-wal").stat().st_size):
        done = await hold(lite, lambda: [asyncio.ensure_future(lite.write(add(f"{n}", body=PAGE))) for n in range(3)])
        assert [type(each) for each in done] == [StoreUnavailable] * 3
        assert await lite.read(names) == ["before"]

    assert await lite.write(add("after", body=PAGE)) == 1
    assert await lite.read(names) == ["after", "before"]


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """The library that lets fsync fail."""
    source, built = ROOT / "tests" / "store" / "fsync_shim.c", tmp_path / "shim.so"
    subprocess.run([require_binary("cc"), "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@covers("F31", "P1")
async def test_after_a_failed_fsync_nothing_of_the_group_counts_as_committed(tmp_path: Path, shim: Path) -> None:
    """A shim lets fdatasync fail while a file exists; the writing process must say so for every such write."""
    switch = tmp_path / "fail"
    process = writer_process(tmp_path / "pager.db", LD_PRELOAD=str(shim), FSYNC_FAILS=str(switch))
    said: list[tuple[str, str]] = []

    def listen(wanted: str) -> None:
        assert process.stdout is not None
        while not said or said[-1][1] != wanted:
            said.append(json.loads(process.stdout.readline()))

    try:
        async with asyncio.timeout(30):
            await asyncio.to_thread(listen, "stored")
            switch.touch()
            await asyncio.to_thread(listen, "unavailable")
            switch.unlink()
            await asyncio.to_thread(listen, "stored")
    finally:
        process.kill()
        process.wait()

    async with opened(f"sqlite:///{tmp_path}/pager.db") as database:
        assert {name for name, outcome in said if outcome == "stored"} <= set(await database.read(names))


@covers("R38")
async def test_what_was_acknowledged_survives_a_killed_process(tmp_path: Path) -> None:
    for _ in range(3):
        process = writer_process(tmp_path / "pager.db")
        assert process.stdout is not None
        said = [json.loads(process.stdout.readline()) for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        said += [json.loads(line) for line in process.stdout if line.endswith("\n")]
        process.wait()

        async with opened(f"sqlite:///{tmp_path}/pager.db") as database:
            kept = set(await database.read(names))
        assert {name for name, outcome in said if outcome == "stored"} <= kept


@covers("R38")
async def test_a_second_process_on_the_file_is_refused_naming_the_first(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/pager.db"):
        with pytest.raises(DatabaseInUse, match=rf"pager\.db is in use by pagerd with pid {os.getpid()}"):
            await open_database(f"sqlite:///{tmp_path}/pager.db", lambda: NOON, versions=VERSIONS).open()

    async with opened(f"sqlite:///{tmp_path}/pager.db") as database:
        assert await database.write(add("again")) == 1


@covers("F33")
async def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pager.db"
    async with opened(f"sqlite:///{path}") as database:
        await database.write(lambda tx: [add(f"{n:03}", body=PAGE)(tx) for n in range(50)])
    data = bytearray(path.read_bytes())
    data[2 * 16384 : 4 * 16384] = b"\x5a" * (2 * 16384)
    path.write_bytes(data)
    (tmp_path / "pager.db.lock").write_text("4242\n")  # as a process that was killed leaves it

    with pytest.raises(CorruptDatabase, match=r"pager\.db is damaged .*aside"):
        await open_database(f"sqlite:///{path}", lambda: NOON, versions=VERSIONS).open()

    assert path.read_bytes() == data


@covers("F33")
async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pager.db"
    path.write_text("this is a shopping list, not a database\n" * 100)

    with pytest.raises(CorruptDatabase, match=r"pager\.db is damaged"):
        await open_database(f"sqlite:///{path}", lambda: NOON, versions=VERSIONS).open()


@covers("F33")
async def test_damage_that_a_read_meets_is_said(tmp_path: Path) -> None:
    path = tmp_path / "pager.db"
    async with opened(f"sqlite:///{path}") as database:
        await database.write(lambda tx: [add(f"{n:03}", body=PAGE)(tx) for n in range(50)])
    data = bytearray(path.read_bytes())
    data[2 * 16384 :] = b"\x5a" * (len(data) - 2 * 16384)
    path.write_bytes(data)

    async with opened(f"sqlite:///{path}") as database:
        with pytest.raises(CorruptDatabase):
            await database.read(lambda tx: tx.all("SELECT * FROM things"))


async def test_a_file_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match=r"file/pager\.db"):
        await open_database(f"sqlite:///{tmp_path}/file/pager.db", lambda: NOON, versions=VERSIONS).open()


async def test_only_its_owner_may_read_the_file(lite: Database, tmp_path: Path) -> None:
    await lite.write(add("a"))

    assert modes(tmp_path) == dict.fromkeys(("pager.db", "pager.db-wal", "pager.db-shm", "pager.db.lock"), 0o600)


@covers("F30", "R38")
async def test_the_log_is_emptied_into_the_file_when_nobody_writes(lite: Database, tmp_path: Path) -> None:
    await lite.write(add("a"))
    assert (tmp_path / "pager.db-wal").stat().st_size > 0

    await wait_until(lambda: (tmp_path / "pager.db-wal").stat().st_size == 0, what="the log to be emptied")

    assert await lite.read(names) == ["a"]


@covers("F30")
async def test_a_long_read_puts_the_emptying_off_and_stops_no_write(
    lite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that every pause between two writes is one to empty the log in.
    monkeypatch.setattr("pager.store.sqlite.IDLE_SECONDS", 0.02)
    await lite.write(add("a"))
    looked, go_on = threading.Event(), threading.Event()

    def long(tx: Tx) -> list[str]:
        first = names(tx)
        looked.set()
        assert go_on.wait(20)
        return first

    reading = asyncio.ensure_future(lite.read(long))
    await asyncio.to_thread(looked.wait, 10)
    async with asyncio.timeout(10):
        for n in range(5):
            await lite.write(add(f"{n}"))
            await asyncio.wait([reading], timeout=0.3)
    go_on.set()

    assert await reading == ["a"]
    await wait_until(lambda: (tmp_path / "pager.db-wal").stat().st_size == 0, what="the log to be emptied")


@covers("F30")
async def test_the_log_stays_small_while_there_is_no_pause_to_empty_it_in(lite: Database, tmp_path: Path) -> None:
    log, largest = tmp_path / "pager.db-wal", 0
    for n in range(120):
        await lite.write(lambda tx, n=n: [add(f"{n}-{m}", body=PAGE)(tx) for m in range(25)])
        largest = max(largest, log.stat().st_size)

    # Emptied from 1000 pages of 16 kB on; what one write adds comes on top.
    assert 8 * 1024**2 < largest < 32 * 1024**2


@covers("F32", "R38")
async def test_a_library_that_could_corrupt_the_file_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pager.store.sqlite.SAFE_VERSION", (99, 0, 0))
    async with opened(f"sqlite:///{tmp_path}/old.db") as database:
        assert "is older than 99.0.0: another program that opens" in database.warnings[0]
    monkeypatch.setattr("pager.store.sqlite.SAFE_VERSION", (3, 0, 0))
    async with opened(f"sqlite:///{tmp_path}/new.db") as database:
        assert database.warnings == ()


async def test_a_private_database_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with opened("sqlite://") as database:
        await database.write(add("a"))
        assert len(modes(tmp_path)) == 1

    assert modes(tmp_path) == {}


async def test_a_schema_that_is_up_to_date_imports_no_alembic(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/pager.db"):
        pass
    process = writer_process(tmp_path / "pager.db", SAY_IMPORTS="1")

    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == []
    process.kill()
    process.wait()
