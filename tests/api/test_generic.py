"""Generic webhooks over HTTP: by a mapping of the files, by one that ships, and by a guess."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.mapping import read_mapping
from pager.core.rule import Source
from tests.api.house import CATALOG, House, opened
from tests.api.test_pagerduty import lives
from tests.support import covers

GENERIC = "/webhook/generic"


async def sent(house: House, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    async with house.http.request(method, house.url + path, data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_guess_is_told(house: House) -> None:
    status, answer = await house.post(GENERIC, {"title": "Backup failed", "state": "failed"})

    assert (status, answer["accepted"]) == (200, 1)
    assert answer["note"] == "guessed: title from title, identity from title, state from state"
    assert await lives(house) == [("triggered", 1)]
    await sent(house, "POST", GENERIC, "title=Backup+failed&state=ok")
    assert await lives(house) == [("resolved", 1)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", f"{GENERIC}/uptimerobot?monitorURL=x&monitorFriendlyName=M&alertType=", None, id="a query"),
        pytest.param("POST", f"{GENERIC}/uptimerobot", "monitorURL=x&monitorFriendlyName=M&alertType=", id="a form"),
        pytest.param("POST", "/webhook/uptimerobot", "monitorURL=x&monitorFriendlyName=M&alertType=", id="by its name"),
    ],
)
async def test_a_sender_may_have_nothing_but_an_address(house: House, method: str, path: str, body: str | None) -> None:
    for kind, state in (("1", "triggered"), ("2", "resolved")):
        at = path + kind if body is None else path
        assert (await sent(house, method, at, body and body + kind))[0] == 200
        assert await lives(house) == [(state, 1)]


@covers("R2")
async def test_the_files_say_how_a_body_is_read(tmp_path: Path) -> None:
    written = read_mapping({"id": "nr", "title": "what", "state": {"path": "s", "resolved": "off"}})
    own = Source(name="home", dialect="generic", token="HOME", map=written)
    async with opened(tmp_path, replace(CATALOG, sources={"home": own}), {"HOME": "s3cret"}) as house:
        house.shows = {"Authorization": f"Bearer {await house.token('admin')}"}
        first = await house.post(f"{GENERIC}?token=s3cret", {"nr": 7, "what": "Leak", "s": "on"})
        assert first == (200, {"accepted": 1})
        assert await lives(house) == [("triggered", 1)]
        await house.post(f"{GENERIC}/home?token=s3cret", {"nr": 7, "what": "Leak", "s": "off"})
        assert await lives(house) == [("resolved", 1)]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param(f"{GENERIC}/nothing", "{}", 404, id="a mapping that is not there"),
        pytest.param(GENERIC, "<a/>", 400, id="XML"),
        pytest.param(GENERIC, "", 400, id="nothing"),
        pytest.param(GENERIC, '{"a', 400, id="half a body"),
        pytest.param(f"{GENERIC}/pingdom", "[7]", 400, id="what the mapping cannot read"),
        pytest.param(f"{GENERIC}/uptime-kuma", '{"heartbeat": null, "monitor": null}', 200, id="a test button"),
    ],
)
async def test_what_is_no_alert(house: House, path: str, body: str, status: int) -> None:
    assert (await sent(house, "POST", path, body))[0] == status
    assert await lives(house) == []


@pytest.mark.parametrize(
    ("site", "status"),
    [pytest.param("cross-site", 403), pytest.param("same-site", 403), pytest.param("none", 200, id="typed by hand")],
)
async def test_a_picture_on_a_page_of_another_site_is_no_alert(house: House, site: str, status: int) -> None:
    path = f"{GENERIC}?title=Gotcha"

    assert (await sent(house, "GET", path, None, **{"Sec-Fetch-Site": site}))[0] == status
    assert len(await lives(house)) == (status == 200)
