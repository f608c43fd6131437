"""Rule 11, its end: what is kept is worked again by other files, and says who would have been paged."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pager.keeping import pack
from pager.replay import Outcome, Received, Titled, replay
from tests.support import covers
from tests.trials.house import catalog_of

NIGHT = datetime(2026, 1, 6, 2, tzinfo=UTC)
"""03:00 for ana, bo and chi."""
MINUTE = timedelta(minutes=1)


def sent(at: datetime, name: str, status: str = "firing", **more: Any) -> Received:
    labels = {"alertname": name, **more}
    ended = {"endsAt": at.isoformat()} if status == "resolved" else {}
    body = {"alerts": [{"status": status, "labels": labels, "startsAt": NIGHT.isoformat(), **ended}]}
    return Received(at, "prom", "alertmanager", pack(json.dumps(body).encode()))


Played = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """What comes of these requests, if people answer `after` so long."""
    files = catalog_of(tmp_path)

    async def played(*received: Received, after: timedelta = 7 * MINUTE) -> Outcome:
        return await replay(files, received, after)

    return played


@covers("R11")
async def test_people_answer_and_what_nobody_answers_in_time_goes_on(played: Played) -> None:
    slow, quick = await played(sent(NIGHT, "Slow")), await played(sent(NIGHT, "Slow"), after=MINUTE)

    assert dict(slow.pages) == {"ana": 1, "bo": 1, "channel:chat": 1}
    assert dict(quick.pages) == {"ana": 1}
    assert quick.incidents == {"SEV-2": 1}
    assert quick.by_title == {"Slow": Titled(1, 1, "SEV-2")}


@covers("R11")
async def test_who_acknowledged_is_not_paged_again_while_it_lasts(played: Played) -> None:
    long = await played(sent(NIGHT, "Slow"), sent(NIGHT + timedelta(hours=20), "Slow", "resolved"), after=MINUTE)

    assert dict(long.pages) == {"ana": 1}


@covers("R11")
async def test_pages_at_night_are_counted_on_the_clock_of_who_sleeps(played: Played) -> None:
    night, day = await played(sent(NIGHT, "Slow")), await played(sent(NIGHT + timedelta(hours=10), "Slow"))

    assert night.nights["ana"] == 1
    assert day.nights["ana"] == 0


@covers("R11")
async def test_what_cannot_be_read_is_counted_and_stops_nothing(played: Played) -> None:
    broken = Received(NIGHT, "prom", "alertmanager", pack(b""))
    found = await played(broken, sent(NIGHT + MINUTE, "Slow"))

    assert (found.unread, found.incidents.total()) == (1, 1)


@covers("R11")
async def test_nothing_received_is_nothing_done(played: Played) -> None:
    found = await played()

    assert found == Outcome()
