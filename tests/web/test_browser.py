"""A person with a real Chromium: on a phone by night without scripts, at a desk by day with them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.house import House, opened
from tests.support import wait_until
from tests.web.chromium import Chromium, Tab, chromium

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
PHONE, SMALL, DESK = (390, 844), (320, 640), (1280, 900)
LOOKS = [
    pytest.param(PHONE, True, False, id="phone by night without scripts"),
    pytest.param(DESK, False, True, id="desk by day with scripts"),
]
WIDER = """[...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1
    && !one.closest(".scroll, .picture, pre, table")).map(one => one.outerHTML.slice(0, 80))"""
SMALL_TARGETS = """[...document.querySelectorAll("button, summary, .button, select, nav a, input:not([type=hidden])")]
    .filter(one => one.getBoundingClientRect().height > 0 && !["radio", "checkbox"].includes(one.type)
        && one.getBoundingClientRect().height < 47).map(one => one.outerHTML.slice(0, 80))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def here(tmp_path: Path) -> AsyncIterator[House]:
    """A served pager in which one incident is open."""
    async with opened(tmp_path) as house:
        await house.fires("CheckoutDown", cluster="eu-west", service="checkout-api")
        yield house


async def looking(browser: Chromium, house: House, size: tuple[int, int], dark: bool, scripts: bool) -> Tab:
    tab = await browser.tab(house.url)
    await tab.look(*size, dark=dark, scripts=scripts)
    return tab


async def state(house: House) -> tuple[str, str]:
    (one,) = (await house.get("/api/v1/incidents?state=all"))["incidents"]
    return one["state"], one["acked_by"] or ""


@pytest.mark.parametrize(("size", "dark", "scripts"), LOOKS)
async def test_a_page_arrives_its_link_opens_and_one_tap_acknowledges(
    browser: Chromium, here: House, size: tuple[int, int], dark: bool, scripts: bool
) -> None:
    tab = await looking(browser, here, size, dark, scripts)

    await tab.open(await here.link("ana"))
    assert await tab.ask("document.title") == "Page"
    assert "Nobody has it yet" in await tab.text()
    await tab.press(".ack")
    assert await state(here) == ("acknowledged", "ana")
    assert "You have it" in await tab.text()
    await tab.press("button[value=undo]")
    assert await state(here) == ("triggered", "")


@pytest.mark.parametrize(("size", "dark", "scripts"), LOOKS)
async def test_whoever_comes_by_now_takes_it_and_resolves_it(
    browser: Chromium, here: House, size: tuple[int, int], dark: bool, scripts: bool
) -> None:
    tab = await looking(browser, here, size, dark, scripts)

    await tab.open("/")
    assert await tab.ask("document.title") == "(1) Now"
    await tab.fill("select[name=by]", "bo")
    await tab.press("button[value=ack]")
    assert await state(here) == ("acknowledged", "bo")
    assert "You have it" in await tab.text()
    await tab.press(".incidents h2 a")
    assert "Undo" in await tab.text()
    await tab.press("details:has([value=resolve]) summary", leads_on=False)
    await tab.press("button[value=resolve]")
    assert (await state(here))[0] == "resolved"
    assert "Resolved by you" in await tab.text()


async def test_an_incident_is_declared_on_a_phone(browser: Chromium, here: House) -> None:
    tab = await looking(browser, here, PHONE, True, False)

    await tab.open("/declare")
    await tab.fill("select[name=by]", "chi")
    await tab.fill("input[name=title]", "checkout is slow")
    await tab.press("input[value=SEV-3]", leads_on=False)
    await tab.press(".ack")

    assert "Declared: it pages now. checkout is slow" in await tab.text()


async def test_a_turn_is_taken_from_its_row(browser: Chromium, here: House) -> None:
    tab = await looking(browser, here, DESK, False, False)

    await tab.open("/oncall/payments")
    assert await tab.ask("document.querySelector('.picture img').naturalWidth") > 1000
    await tab.press(".turns tr:nth-child(2) a")
    await tab.fill("select[name=by]", "chi")
    await tab.press("button[value=take]")

    assert "The override is in force." in await tab.text()
    assert "Chi Chan instead of all others Mon 23 Feb 10:00 to Mon 2 Mar 10:00" in await tab.text()
    await tab.press("button[value=remove]")
    assert "the files say again" in await tab.text()


async def test_a_token_signs_in_and_out(browser: Chromium, here: House) -> None:
    tab, token = await looking(browser, here, PHONE, True, False), await here.token("respond", "ana")

    await tab.open("/oncall")
    await tab.fill("input[name=token]", token)
    await tab.press("form .act")
    assert await tab.ask("location.pathname") == "/oncall"
    assert await tab.ask("document.cookie") == ""
    await tab.open("/me")
    await tab.press("button[value=leave]")
    await tab.open("/")
    assert "Sign in" in await tab.text()


@pytest.mark.parametrize("dark", [True, False], ids=["by night", "by day"])
async def test_nothing_is_wider_than_the_smallest_phone_and_every_target_fits_a_thumb(
    browser: Chromium, here: House, dark: bool
) -> None:
    code = await here.fires("x" * 120, instance="y" * 120, summary="z " * 300)
    tab = await looking(browser, here, SMALL, dark, False)

    for path in (
        *("/", f"/i/{code}", f"/i/{code}/runbook", "/oncall", "/oncall/payments", "/declare", "/alerts"),
        *("/routes?labels=a%3Db", "/system", "/help", "/help/nodes", "/me", "/login", await here.link("bo", 2)),
    ):
        await tab.open(path)
        assert await tab.ask("document.documentElement.scrollWidth") <= SMALL[0], path
        assert (path, await tab.ask(WIDER)) == (path, [])
        assert (path, await tab.ask(SMALL_TARGETS)) == (path, [])


async def test_an_open_page_hears_within_a_second_and_keeps_what_is_being_written(
    browser: Chromium, here: House
) -> None:
    (code,) = [one["code"] for one in (await here.get("/api/v1/incidents"))["incidents"]]
    now, incident = [await looking(browser, here, DESK, False, True) for _ in range(2)]
    await now.open("/")
    await incident.open(f"/i/{code}")
    await incident.ask("document.querySelector('details:has(textarea)').open = true")
    await incident.fill("textarea", "half a note")

    await here.post(f"/api/v1/incidents/{code}/ack", {"by": "bo"})
    await here.fires("DiskFull")

    async def told() -> bool:
        return await now.ask("document.title") == "(2) Now" and "Bo Berg has it" in await incident.text()

    await wait_until(told, 3, "news on both pages")
    assert "Bo Berg has it" in await now.text() and "DiskFull" in await now.text()
    assert await incident.ask("document.querySelector('textarea').value") == "half a note"


async def test_who_asks_for_a_sound_hears_of_what_is_new_and_of_nothing_else(browser: Chromium, here: House) -> None:
    tab = await looking(browser, here, DESK, True, True)
    await tab.open("/")
    await tab.ask(
        "AudioContext.prototype.createOscillator = new Proxy(AudioContext.prototype.createOscillator, "
        "{apply: (make, context) => { window.tones = (window.tones || 0) + 1; return make.call(context); }})"
    )
    assert "Sound is off" in await tab.text()

    await here.fires("DiskFull")
    await wait_until(lambda: _says(tab, "(2) Now"), 5, "the second incident")
    assert await tab.ask("window.tones || 0") == 0

    await tab.press("[data-sound] button", leads_on=False)
    assert await tab.ask("window.tones") == 2, "what it sounds like is heard at once"
    (code, _) = [one["code"] for one in (await here.get("/api/v1/incidents"))["incidents"]]
    await here.post(f"/api/v1/incidents/{code}/ack", {"by": "bo"})
    await wait_until(lambda: _has(tab, "Bo Berg has it"), 5, "the acknowledgement")
    assert await tab.ask("window.tones") == 2

    await here.fires("CheckoutSlow")
    await wait_until(lambda: _says(tab, "(3) Now"), 5, "the third incident")
    assert (await tab.ask("window.tones"), await tab.ask("localStorage.getItem('sound')")) == (4, "on")


async def _says(tab: Tab, title: str) -> bool:
    return bool(await tab.ask("document.title") == title)


async def _has(tab: Tab, words: str) -> bool:
    return words in await tab.text()
