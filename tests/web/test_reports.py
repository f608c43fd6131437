"""Reports and the wall: figures that are true for who was paged, tables for spreadsheets, and what a room can read."""

from datetime import datetime, timedelta

import pytest

from pager.store.database import Tx
from tests.api.house import NOON, House
from tests.api.test_link import words_of
from tests.support import covers
from tests.web.test_pages import seen

NIGHT = timedelta(hours=11)


async def sent(house: House, at: datetime, state: str = "delivered") -> None:
    """What waits to be sent has gone out."""

    def mark(tx: Tx) -> None:
        tx.run("UPDATE pages SET sent_at = :at, state = :state WHERE sent_at IS NULL", at=at, state=state)

    await house.database.write(mark)


async def test_u26_a_report_tells_hours_pages_nights_noise_and_answers(house: House) -> None:
    house.clock.now = NOON + NIGHT
    one = await house.fires("CheckoutDown")
    await sent(house, house.clock.now)
    await house.passes(timedelta(minutes=2))
    await house.post(f"/api/v1/incidents/{one}/ack", {"by": "ana"})
    two = await house.fires("DiskFull")
    await sent(house, house.clock.now, "failed")
    await house.post(f"/api/v1/incidents/{two}/resolve", {"by": "bo"})
    await house.passes(timedelta(minutes=58))

    told = await house.get("/api/v1/load?days=7")

    assert [one["person"] for one in told["people"]] == ["ana", "chi"]
    assert told["people"][0] == {"person": "ana", "hours": 15.0, "pages": 1, "night_pages": 1, "nights": 1}
    assert told["people"][1] == {"person": "chi", "hours": 153.0, "pages": 0, "night_pages": 0, "nights": 0}
    assert told["rules"] == [{"rule": None, "incidents": 2, "pages": 2, "by_itself": 0}]
    assert told["answers"][0] == {
        "severity": None,
        "paged": 2,
        "acked": 1,
        "median_seconds": 120.0,
        "worst_seconds": 120.0,
    }

    words = words_of(await seen(house, "/reports?days=7"))
    assert "2 incidents paged, 1 was acknowledged, half of them within 2m , the slowest after 2m ." in words
    assert "Ana Lima 15 h 1 1 1 Chi Chan 153 h 0 0 0" in words
    assert "no rule matched 2 2 0" in words
    assert "SEV-2 2 1 2m 2m" in words


async def test_a_report_of_nothing_says_so(house: House) -> None:
    words = words_of(await seen(house, "/reports"))

    assert "No incident paged anybody." in words and "No incident was opened." in words
    await seen(house, "/reports?days=8", 400)
    await seen(house, "/reports/none.csv", 404)


@covers("T22")
async def test_t22_a_table_is_a_file_of_which_nothing_is_run(house: House) -> None:
    await house.fires("=cmd|' /C calc'!A0")
    for name in ("people", "rules", "answers"):
        async with house.http.get(f"{house.url}/reports/{name}.csv?days=90") as answer:
            text = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/csv")
            assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="pager-{name}-2026-02-16')
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert text.endswith("\r\n") and not [row for row in text.split("\r\n") if row.startswith(("=", '"='))]


async def test_the_wall_shows_what_is_open_to_a_room_and_has_no_buttons(house: House) -> None:
    assert "Nothing is open" in words_of(await seen(house, "/wall"))
    codes = [await house.fires(f"Down{number}") for number in range(10)]

    html = await seen(house, "/wall")

    words = words_of(html)
    assert "10 incidents are open , 8 or more that nobody has" in words and "And 2 more." in words
    assert codes[-1] in words and "payments Ana Lima" in words
    assert "<form" not in html and "<button" not in html and 'data-part="wall"' in html


@pytest.mark.parametrize("path", ["/reports", "/wall"])
async def test_what_is_only_looked_at_changes_nothing(house: House, path: str) -> None:
    code = await house.fires("CheckoutDown")
    before = await house.get(f"/api/v1/incidents/{code}")
    await seen(house, path)

    assert await house.get(f"/api/v1/incidents/{code}") == before
