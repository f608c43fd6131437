"""The words of `pagerctl incidents watch`; test_incidents.py runs it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pager.cli.watch import line_of

AT = datetime(2026, 12, 5, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        pytest.param("opened", {}, "opened", id="by its source"),
        pytest.param("resolved", {"by": "source"}, "resolved, its alerts ended", id="its alerts ended"),
        pytest.param("resolved", {"by": "bo", "merged_into": "8AB"}, "merged into 8AB by bo", id="merged away"),
        pytest.param("unacknowledged", {"why": "it ran out", "had": "ana"}, "nobody has it: it ran out (ana had it)",
                     id="an ack ran out"),
        pytest.param("escalated", {"step": 2, "last": False, "to": ["bo"]}, "step 2: bo paged", id="the next step"),
        pytest.param("escalated", {"step": 3, "last": True, "to": list("abcde")},
                     "end of the steps: a, b, c and 2 more paged", id="the last step"),
        pytest.param("note", {"by": "bo", "text": "rolled\x1b[2J\nback"}, "bo says: rolled [2J back", id="a note"),
        pytest.param("severity", {"by": "bo"}, "severity by bo", id="of which nothing may be said"),
        pytest.param("surprise", {"by": "bo"}, "surprise by bo", id="of a newer pagerd"),
    ],
)  # fmt: skip
def test_what_a_line_says(kind: str, data: dict[str, Any], expected: str) -> None:
    incident = {"code": "7KQ", "severity": "SEV-1", "title": "Down", "merged_into": data.pop("merged_into", None)}

    line = line_of({"type": f"incident.{kind}", "data": {"incident": incident, **data}}, AT)

    assert line == f"03:04:12  7KQ  SEV-1  {expected}  Down"
