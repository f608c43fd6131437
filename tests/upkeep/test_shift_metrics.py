"""What Prometheus is told of schedules, before, in and after a gap."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from pager.core.catalog import Catalog
from pager.core.oncall import Override, Schedule
from pager.shift_metrics import ShiftMetrics

ROTA: dict[str, Any] = {
    "schedule": "payments",
    "rotation": [{"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo"]}],
    "overrides": [{"from": "2026-01-14 10:00", "to": "2026-01-14 13:00", "who": []}],
}
NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)


def catalog_of(**keys: Any) -> Catalog:
    return Catalog(schedules={"payments": Schedule.model_validate({**ROTA, **keys})})


class Told:
    """What is told of `catalog` at `now`; both may be changed between two looks."""

    def __init__(self, catalog: Catalog, now: datetime, *, names: bool = False) -> None:
        self.catalog, self.now = catalog, now
        self.registry = CollectorRegistry()
        ShiftMetrics(self.registry, lambda: self.catalog, names=names, clock=lambda: self.now)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"pager_{name}", {"schedule": "payments", **labels})


@pytest.mark.parametrize(
    ("now", "covered", "gap", "change"),
    [
        pytest.param(NOON - timedelta(hours=3), 1, 3 * 3600, NOON - timedelta(hours=2), id="an hour before a gap"),
        pytest.param(NOON, 0, 3600, NOON + timedelta(hours=1), id="in a gap"),
        pytest.param(NOON + timedelta(hours=2), 1, 0, datetime(2026, 1, 19, 10, tzinfo=UTC), id="after it"),
        pytest.param(
            NOON - timedelta(days=30), 0, None, datetime(2026, 1, 5, 10, tzinfo=UTC), id="before the first turn"
        ),
    ],
)
def test_a_gap(now: datetime, covered: int, gap: int | None, change: datetime) -> None:
    told = Told(catalog_of(), now)

    assert told("schedule_covered") == covered
    assert gap is None or told("schedule_gap_seconds") == gap
    assert told("shift_change_timestamp_seconds") == change.timestamp()


def test_a_gap_that_is_meant_is_not_told() -> None:
    told = Told(catalog_of(gaps="ok"), NOON)

    assert (told("schedule_covered"), told("schedule_gap_seconds")) == (None, None)


@pytest.mark.parametrize("names", [True, False], ids=["wanted", "not wanted"])
def test_names_of_people_are_told_only_where_they_are_wanted(names: bool) -> None:
    told = Told(catalog_of(overrides=[]), NOON, names=names)

    assert told("oncall_info", user="bo") == (1 if names else None)


def test_it_is_worked_out_once_a_minute_and_at_once_for_a_new_catalog() -> None:
    told = Told(catalog_of(), NOON)
    assert told("schedule_covered") == 0
    told.now = NOON + timedelta(seconds=59)
    told.catalog = told.catalog.with_overrides(
        {"payments": (Override.model_validate({"from": "2026-01-14 10:00", "to": "2026-01-14 13:00", "who": ["bo"]}),)}
    )
    assert told("schedule_covered") == 1
    told.now = NOON + timedelta(hours=2)
    assert told("shift_change_timestamp_seconds") == datetime(2026, 1, 19, 10, tzinfo=UTC).timestamp()
