"""Feeds, names and pictures over HTTP: what a calendar or a script asks for, by a token in the address."""

from pathlib import Path

import icalendar
import pytest

from tests.api.house import CATALOG, opened

STRANGER = {"Host": "pager.example.org", "X-Forwarded-For": "10.0.0.7"}


async def test_a_calendar_subscribes_by_its_address_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, CATALOG) as house:
        token, now = await house.token("calendar"), house.url
        name = next(iter(CATALOG.schedules))
        for path, status in (
            (f"/schedules/{name}.ics", 200),
            (f"/api/v1/schedules/{name}", 401),
            ("/people/x.ics", 404),
        ):
            async with house.http.get(f"{now}{path}?token={token}", headers=STRANGER) as answer:
                text = await answer.text()
                assert answer.status == status, text
                if status == 200:
                    assert answer.content_type == "text/calendar"
                    assert icalendar.Calendar.from_ical(text).walk("VEVENT")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("", 200, id="four weeks from now"),
        pytest.param("?weeks=2", 200, id="two weeks"),
        pytest.param("?weeks=0", 400, id="none"),
        pytest.param("?weeks=999", 400, id="too many"),
    ],
)
async def test_the_picture_and_the_names(tmp_path: Path, query: str, status: int) -> None:
    async with opened(tmp_path, CATALOG) as house:
        name = next(iter(CATALOG.schedules))
        async with house.http.get(f"{house.url}/api/v1/schedules/{name}.svg{query}") as answer:
            assert (answer.status, (await answer.text()).startswith("<svg")) == (status, status == 200)
        async with house.http.get(f"{house.url}/oncall/{name}.txt") as answer:
            names = (await answer.text()).splitlines()
        async with house.http.get(f"{house.url}/api/v1/oncall") as answer:
            told = next(one for one in (await answer.json())["oncall"] if one["schedule"] == name)
        assert names == told["people"]
