"""A night and a day with the real daemon and a real Chromium: from the page that arrives to the turn that is taken."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.api.house import CATALOG, PASSWORD, opened
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import wait_until
from tests.web.chromium import Chromium, Tab, chromium
from tests.web.test_inert import hostile, pages_of
from tests.web.test_proxy import PEOPLE as KNOWN
from tests.web.test_proxy import SAYS, TRUSTED

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
PHONE, DESK = (390, 844), (1280, 900)
LOOKS = [
    pytest.param(PHONE, True, False, id="phone by night without scripts"),
    pytest.param(DESK, False, True, id="desk by day with scripts"),
]
RULES = "policies: {default: {steps: [{page: [payments], wait: 1h}, {page: ['person:bo'], wait: 1h}]}}\n"
PEOPLE = """
people:
  ana: {{name: Ana Lima, timezone: UTC, contacts: {{push: '{ana}'}}}}
  bo: {{name: Bo Berg, timezone: UTC, contacts: {{push: '{bo}'}}}}
---
schedule: payments
timezone: UTC
rotation: [{{from: 2026-01-05, handoff: "0 10 * * MON", people: [ana]}}]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as running_browser:
        yield running_browser


async def looking(browser: Chromium, url: str, size: tuple[int, int], dark: bool, scripts: bool) -> Tab:
    tab = await browser.tab(url)
    await tab.look(*size, dark=dark, scripts=scripts)
    return tab


async def arrived(sink: HttpSink, name: str, words: str) -> str:
    """The link of the newest message to `name` that has these words."""

    def found() -> list[str]:
        return [got.body for got in sink.to(name) if words in f"{got.title} {got.body}"]

    await wait_until(found, 30, f"{words!r} to arrive at {name}")
    links = re.findall(r"http\S+/p/\w+(?!\S)", found()[-1])
    return links[0] if links else ""


async def state(daemon: Daemon, title: str) -> dict[str, Any]:
    return next(one for one in await daemon.incidents() if title in one["title"])


@pytest.mark.parametrize(("size", "dark", "scripts"), LOOKS)
async def test_a_page_arrives_and_all_that_is_done_about_it_is_pressed(
    browser: Chromium, tmp_path: Path, size: tuple[int, int], dark: bool, scripts: bool
) -> None:
    async with http_sink() as sink:
        people = PEOPLE.format(ana=sink.contact("ana"), bo=sink.contact("bo"))
        async with running(tmp_path, {"rules/all.yaml": RULES, "schedules/all.yaml": people}) as daemon:
            alert = {"status": "firing", "labels": {"alertname": "CheckoutDown", "severity": "critical"}}
            await daemon.post("/webhook/alertmanager", {"alerts": [alert]})
            tab = await looking(browser, daemon.url, size, dark, scripts)
            await tab.open(await arrived(sink, "ana", "CheckoutDown"))
            other = await looking(browser, daemon.url, size, dark, True)
            await other.open("/")
            assert "Nobody has it yet" in await tab.text() and "Nobody has it yet" in await other.text()

            await tab.press(".ack")

            async def heard() -> bool:
                return "Ana Lima has it" in await other.text()

            await wait_until(heard, 10, "the other tab to hear of it")
            assert (await state(daemon, "CheckoutDown"))["acked_by"] == "ana"
            await tab.press("button[value=undo]")
            assert (await state(daemon, "CheckoutDown"))["state"] == "triggered"
            await tab.press("details:has([value=escalate]) summary", leads_on=False)
            await tab.press("button[value=escalate]")
            assert "Escalated" in await tab.text()
            assert await arrived(sink, "bo", "CheckoutDown")
            await tab.press("details:has([value=severity]) summary", leads_on=False)
            await tab.press("input[value=SEV-3]", leads_on=False)
            await tab.press("button[value=severity]")
            assert "The severity is changed." in await tab.text()
            assert (await state(daemon, "CheckoutDown"))["severity"] == "SEV-3"
            await tab.press("details:has([value=resolve]) summary", leads_on=False)
            await tab.press("button[value=resolve]")
            assert "Resolved by you" in await tab.text()
            await _by_day(tab, daemon, sink)


async def _by_day(tab: Tab, daemon: Daemon, sink: HttpSink) -> None:
    """Declare an incident, which pages; take a turn from its row, of which whoever had it is told."""
    await tab.open("/declare")
    await tab.fill("select[name=by]", "bo")
    await tab.fill("input[name=title]", "search is slow")
    await tab.press("input[value=SEV-2]", leads_on=False)
    await tab.press(".ack")
    assert "Declared: it pages now." in await tab.text()
    await arrived(sink, "ana", "search is slow")
    await tab.open("/oncall/payments")
    await tab.press(".turns td a")
    await tab.press("button[value=take]")
    assert "The override is in force." in await tab.text()
    assert (await daemon.get("/api/v1/overrides"))["overrides"][0]["who"] == ["bo"]
    await arrived(sink, "ana", "You are covered")


async def test_whoever_has_it_says_so_again(browser: Chromium, tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        code = await house.fires("CheckoutDown")
        tab = await looking(browser, house.url, PHONE, True, False)
        await tab.open(await house.link("ana"))
        await tab.press(".ack")
        await house.passes(timedelta(minutes=50))
        before = (await house.get(f"/api/v1/incidents/{code}"))["due_at"]
        await tab.open(await house.link("ana"))

        assert await tab.ask("document.querySelector('.main button').innerText") == "Still on it"
        await tab.press(".main button")

        assert (await house.get(f"/api/v1/incidents/{code}"))["due_at"] > before


async def test_a_browser_is_signed_out_from_another_by_its_button(browser: Chromium, tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        await house.has_password("ana")
        phone, desk = [await looking(browser, house.url, size, True, False) for size in (PHONE, DESK)]
        for tab in (phone, desk):
            await tab.open("/login")
            await tab.fill("input[name=name]", "ana")
            await tab.fill("input[name=password]", PASSWORD)
            await tab.press("form button")
            assert await tab.ask("location.pathname") == "/"

        await desk.open("/me")
        await desk.press("button[value=end]")

        await phone.open("/")
        assert "Sign in" in await phone.text()
        await desk.open("/")
        assert "Nothing is open" in await desk.text()


async def test_a_proxy_says_who_it_is(browser: Chromium, tmp_path: Path) -> None:
    async with opened(tmp_path, replace(CATALOG, people=KNOWN), signing=TRUSTED) as house:
        await house.token("admin")
        tab = await looking(browser, house.url, PHONE, True, False)
        await tab.open("/")
        assert "Sign in" in await tab.text()
        await tab.send("Network.enable")
        await tab.send("Network.setExtraHTTPHeaders", headers={SAYS: "ana@example.org", "X-Forwarded-For": "10.0.0.7"})

        await tab.open("/me")

        assert "Signed in as ana by the proxy in front of pager" in await tab.text()


async def test_t11_nothing_that_strangers_wrote_runs_on_any_page(browser: Chromium, tmp_path: Path) -> None:
    async with hostile(tmp_path) as (house, names):
        tab = await looking(browser, house.url, DESK, False, True)
        await tab.open("/login")
        await tab.press("summary", leads_on=False)
        await tab.fill("input[name=token]", house.shows["Authorization"].split()[1])
        await tab.press("details button")
        for path in pages_of(house, names):
            if not path.startswith(("/live", "/login", "/metrics", "/p/proof")):
                await tab.open(path)
                assert await tab.ask("typeof window.__x") == "undefined", path
                assert await tab.ask("document.documentElement.scrollWidth <= innerWidth"), path
        await tab.open(f"/i/{names['code']}")
        note = {"by": "ana", "text": "<img src=x onerror='window.__x=1'> news"}
        await house.post(f"/api/v1/incidents/{names['code']}/note", note, headers=house.shows)

        async def heard() -> bool:
            return "> news" in await tab.text()

        await wait_until(heard, 10, "the news")
        assert await tab.ask("typeof window.__x") == "undefined"
