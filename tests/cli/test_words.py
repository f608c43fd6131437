"""How lengths, people and next steps are worded on a terminal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pager.cli.words import following, plain, rough, who
from pager.core.hygiene import cut

NOON = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)


def incident(**facts: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "state": "triggered",
        "acked_by": None,
        "resolved_by": None,
        "paged": [],
        "hold": None,
        "due_at": None,
    }
    return {**usual, **facts}


@pytest.mark.parametrize(
    ("length", "worded"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=59.9), "59s"),
        (timedelta(minutes=4, seconds=10), "4m10s"),
        (timedelta(hours=2), "2h"),
        (timedelta(hours=2, minutes=5, seconds=9), "2h5m"),
        (timedelta(days=3, hours=2, minutes=1), "3d2h"),
        (timedelta(days=3, minutes=1), "3d"),
        (timedelta(seconds=-1), "now"),
    ],
    ids=str,
)
def test_rough(length: timedelta, worded: str) -> None:
    assert rough(length) == worded


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, ("nobody", "-"), id="nobody yet"),
        pytest.param(
            {"paged": ["ana", "bo", "chi"], "due_at": "2026-02-16T12:04:10Z"},
            ("-> chi +2", "in 4m10s"),
            id="the last who was paged, and when the next is",
        ),
        pytest.param(
            {"state": "acknowledged", "acked_by": "bo", "paged": ["ana"], "due_at": "2026-02-16T12:30:00Z"},
            ("bo", "in 30m"),
            id="who has it, and when the ack runs out",
        ),
        pytest.param(
            {"hold": {"reason": "silence"}, "due_at": "2026-02-16T13:00:00Z"}, ("nobody", "held"), id="it is held"
        ),
        pytest.param({"state": "resolved", "resolved_by": "source"}, ("source", "-"), id="who ended it"),
    ],
)
def test_who_and_what_follows(facts: dict[str, Any], expected: tuple[str, str]) -> None:
    assert (who(incident(**facts)), following(incident(**facts), NOON)) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("two\nlines\t\x1b[2J", "two lines [2J", id="controls"),
        pytest.param("\u202eback", "back", id="bidi marks"),
        pytest.param("größer als 5 µs", "größer als 5 µs", id="letters stay"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_what_is_cut_says_so() -> None:
    assert cut("checkout is slow", 12) == "checkout..."
    assert cut("checkout", 8) == "checkout"
