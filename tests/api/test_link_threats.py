"""What becomes of page links on their way: scanners follow them, people forward them, old mail keeps them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.house import House
from tests.support import covers

AGENTS = [
    pytest.param("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", id="Slack"),
    pytest.param("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", id="Discord"),
    pytest.param("TelegramBot (like TwitterBot)", id="Telegram"),
    pytest.param("WhatsApp/2.23.20.0", id="WhatsApp"),
    pytest.param("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", id="Facebook"),
    pytest.param(
        "Mozilla/5.0 (Windows NT 10.0) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com", id="Teams"
    ),
    pytest.param(
        "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.11 (KHTML, like Gecko) BarracudaCentral", id="Barracuda"
    ),
    pytest.param("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36 SafeLinks", id="Safe Links"),
    pytest.param("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", id="Google"),
    pytest.param("curl/8.5.0", id="curl"),
]


async def everything(house: House, code: str) -> Any:
    """All that is known of an incident: itself, its timeline and its pages."""
    rests = ("", "/timeline", "/pages")
    return [await house.get(f"/api/v1/incidents/{code}{rest}") for rest in rests]


async def pressed(house: House, link: str, **fields: str) -> int:
    async with house.http.post(house.url + link, data=fields, allow_redirects=False) as answer:
        return answer.status


@covers("T6", "R33")
@pytest.mark.parametrize("agent", AGENTS)
async def test_t6_whoever_follows_a_link_changes_nothing(house: House, agent: str) -> None:
    code = await house.fires("CheckoutDown")
    before, link = await everything(house, code), await house.link("ana")

    for method in ("GET", "HEAD", "OPTIONS"):
        for rest in ("", "/", "/runbook", "?action=ack", "?action=resolve&text=x"):
            asked = house.http.request(method, house.url + link + rest, headers={"User-Agent": agent})
            async with asked as answer:
                assert answer.status in (200, 405)
                words = await answer.text()
                assert "<script" not in words
                assert "http-equiv" not in words.lower()

    assert await everything(house, code) == before


@covers("T6")
async def test_t6_a_link_is_kept_by_nobody(house: House) -> None:
    await house.fires("CheckoutDown")
    async with house.http.get(house.url + await house.link("ana")) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]


@covers("T7")
async def test_t7_a_link_pressed_again_does_nothing_more(house: House) -> None:
    code = await house.fires("CheckoutDown")
    link = await house.link("ana")
    assert await pressed(house, link, action="ack") == 303
    once = await everything(house, code)

    assert await pressed(house, link, action="ack") == 303

    assert await everything(house, code) == once


@covers("T7")
@pytest.mark.parametrize("at", [0, 7, 15])
async def test_t7_a_link_with_another_letter_is_none(house: House, at: int) -> None:
    code = await house.fires("CheckoutDown")
    before, link = await everything(house, code), await house.link("ana")
    letters = list(link.removeprefix("/p/"))
    letters[at] = "a" if letters[at] != "a" else "b"

    assert await pressed(house, "/p/" + "".join(letters), action="ack") == 404

    assert await everything(house, code) == before


@covers("T7")
async def test_t7_a_link_dies_a_day_after_the_end(house: House) -> None:
    code = await house.fires("CheckoutDown")
    link = await house.link("ana")
    await house.post(f"/api/v1/incidents/{code}/resolve", {"by": "bo"})
    await house.passes(timedelta(hours=24))
    before = await everything(house, code)

    assert await pressed(house, link, action="note", text="still here") == 410

    assert await everything(house, code) == before


@covers("T7")
async def test_t7_a_link_is_for_its_own_incident(house: House) -> None:
    mine = await house.fires("CheckoutDown")
    other = await house.fires("SearchDown")

    await pressed(house, await house.link("ana", 1), action="ack", incident="2", code=other)

    states = [(await house.get(f"/api/v1/incidents/{code}"))["state"] for code in (mine, other)]
    assert states == ["acknowledged", "triggered"]


@covers("T33")
async def test_t33_a_link_acts_as_the_person_it_was_sent_to(house: House) -> None:
    code = await house.fires("CheckoutDown")

    await pressed(house, await house.link("ana"), action="ack", by="bo", person="bo", who="bo")

    assert (await house.get(f"/api/v1/incidents/{code}"))["acked_by"] == "ana"
