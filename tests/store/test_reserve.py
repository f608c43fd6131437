"""The reserve: made where there is room, given up slice by slice, made again."""

from pathlib import Path

import pytest

from pager.store.reserve import SLICE, Reserve
from tests.support import covers

SIZE = 3 * SLICE


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How large the reserve is, and how much of the disk is free."""
    told = {"size": SIZE, "free": 10 * SIZE}
    monkeypatch.setattr("pager.store.reserve._room", lambda _: (told["size"], told["free"]))
    return told


@covers("F29")
def test_it_is_given_up_slice_by_slice_and_made_again_once_there_is_twice_the_room(
    tmp_path: Path, room: dict[str, int]
) -> None:
    reserve = Reserve(tmp_path / "reserve")
    assert reserve.spent
    assert reserve.make()
    assert reserve.file.stat().st_blocks * 512 >= SIZE

    sizes = []
    for _ in range(4):
        reserve.release()
        sizes.append(reserve.file.stat().st_size)
    assert sizes == [2 * SLICE, SLICE, 0, 0]

    room["free"] = 2 * SIZE - 1
    assert not reserve.make()
    assert reserve.spent
    room["free"] = 2 * SIZE
    assert reserve.make()
    assert not Reserve(tmp_path / "reserve").spent


@covers("F29")
def test_a_start_on_a_full_disk_begins_with_a_slice(tmp_path: Path, room: dict[str, int]) -> None:
    Reserve(tmp_path / "reserve").make()
    room["free"] = SLICE - 1
    reserve = Reserve(tmp_path / "reserve")
    reserve.make_room()

    assert reserve.spent
    assert reserve.file.stat().st_size == SIZE - SLICE


def test_a_disk_that_takes_no_file_has_no_reserve(tmp_path: Path, room: dict[str, int]) -> None:
    reserve = Reserve(tmp_path / "missing" / "reserve")
    assert not reserve.make()
    reserve.release()
    assert reserve.spent
