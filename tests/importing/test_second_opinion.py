"""Layers of PagerDuty drawn at random, asked hour by hour without any code of the importer."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pager.core.oncall import timeline
from tests.importing.org import NOW, PEOPLE
from tests.importing.pagerduty import daily, export, layer, schedule
from tests.importing.timeline import import_

DAY = 86400
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "UTC")
HOURS = 24 * 7 * 8


def drawn(chance: random.Random, zone: str, number: int) -> dict[str, Any]:
    """A layer of whole days, with hand-offs and edges away from the hours in which clocks change."""
    virtual = datetime(2026, 1, 5, chance.choice((0, 6, 9, 17)), tzinfo=ZoneInfo(zone)) - timedelta(
        days=chance.randrange(400)
    )
    start = virtual + timedelta(days=chance.choice((0, 0, 3, 60)))
    end = start + timedelta(days=chance.choice((75, 150))) if chance.random() < 0.3 else None
    limits: list[dict[str, Any]] = []
    if chance.random() < 0.6:
        limits = [daily(f"{chance.choice((6, 9, 20)):02}:00:00", chance.choice((8, 12, 23)) * 3600)]
    elif chance.random() < 0.5:
        limits = [
            {
                "type": "weekly_restriction",
                "start_day_of_week": day,
                "start_time_of_day": "08:00:00",
                "duration_seconds": chance.choice((10, 24, 60)) * 3600,
            }
            for day in chance.sample(range(1, 8), 3)
        ]
    people = tuple(chance.sample(PEOPLE, chance.randint(1, 5)))
    turn = chance.choice((1, 2, 7, 7, 14)) * DAY
    ends = end.isoformat() if end else None
    return layer(f"L{number}", start.isoformat(), turn, people, virtual.isoformat(), ends, restrictions=limits)


def asked(layers: list[dict[str, Any]], zone: str, at: datetime) -> str:
    """Who is on call by the documentation: the first layer that is open, its turn by the clock on the wall."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    for one in layers:
        start = datetime.fromisoformat(one["start"])
        virtual = datetime.fromisoformat(one["rotation_virtual_start"]).replace(tzinfo=None)
        if at < start or (one["end"] and at >= datetime.fromisoformat(one["end"])):
            continue
        if one["restrictions"] and not any(is_open(limit, wall) for limit in one["restrictions"]):
            continue
        turn = (wall - virtual) // timedelta(seconds=one["rotation_turn_length_seconds"])
        return str(one["users"][turn % len(one["users"])]["user"]["summary"])
    return ""


def is_open(limit: dict[str, Any], wall: datetime) -> bool:
    clock = datetime.strptime(limit["start_time_of_day"], "%H:%M:%S").time()  # noqa: DTZ007  wall time
    for back in range(8):
        opened = datetime.combine(wall.date() - timedelta(days=back), clock)
        if limit["type"] == "weekly_restriction" and opened.isoweekday() != limit["start_day_of_week"]:
            continue
        if opened <= wall < opened + timedelta(seconds=limit["duration_seconds"]):
            return True
    return False


@pytest.mark.parametrize("seed", range(6))
def test_whoever_reads_the_documentation_names_the_same_people(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    zone = chance.choice(ZONES)
    layers = [drawn(chance, zone, number) for number in range(chance.randint(1, 3))]
    files = {
        **export(),
        "schedule-SPAY.json": {"schedule": schedule("Payments", zone, layers)},
        "overrides-SPAY.json": {"overrides": []},
    }
    _, catalog = import_("pagerduty", files, tmp_path)
    found = catalog.schedules.get("payments-on-call")
    segments = iter(timeline(found, NOW, NOW + timedelta(hours=HOURS)) if found else ())
    segment = next(segments, None)

    for hour in range(HOURS):
        at = NOW + timedelta(hours=hour, minutes=30)
        while segment and segment.end <= at:
            segment = next(segments, None)
        ours = segment.people if segment else ()
        said = asked(layers, zone, at)
        assert ours == ((said.lower().replace(" ", "-"),) if said else ()), f"{at.astimezone(UTC)} {layers}"
