"""What a tired stranger meets: pages held to the rules of accessibility, by keyboard and small, and their pictures."""

import json
import os
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.house import House, opened
from tests.support import missing
from tests.web.chromium import Chromium, Tab, chromium
from tests.web.sights import PLACES, night

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
PHONE, SMALL, DESK = (390, 844), (320, 640), (1280, 900)
THEMES = [pytest.param(True, id="by night"), pytest.param(False, id="by day")]
SHOTS = "PAGER_SHOTS"
"""The folder for pictures; without it they are made and thrown away."""
TEN = {
    "now": "/",
    "incident": "/i/{code}",
    "link": "/p/{link}",
    "oncall": "/oncall/payments",
    "silences": "/silences",
    "alerts": "/alerts",
    "rules": "/routes?labels=alertname%3DCheckoutDown%0Aenv%3Dprod-eu",
    "reports": "/reports",
    "wall": "/wall",
    "me": "/me",
}
# What axe of that age does not look at: what is pressed is large enough for a thumb, and things do not lie on another.
SMALL_TARGETS = """[...document.querySelectorAll("button, summary, .button, select, nav a, input:not([type=hidden])")]
    .filter(one => one.getBoundingClientRect().height > 0 && !["radio", "checkbox"].includes(one.type)
        && one.getBoundingClientRect().height < 44).map(one => one.outerHTML.slice(0, 80))"""
WIDER = """[...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1
    && !one.closest(".scroll, .picture, pre, table, .unseen")).map(one => one.outerHTML.slice(0, 80))"""
FOCUSED = """(() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    return one === document.body ? null : {
        name: one.outerHTML.slice(0, 90), seen: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle != "none",
        inside: box.bottom > 0 && box.top < innerHeight && box.width > 0,
    };
})()"""
CAN_FOCUS = """[...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
    .filter(one => one.checkVisibility({contentVisibilityAuto: true}) && !one.disabled
        && !(one.closest("details:not([open])") && !one.matches("summary"))
        && !(one.type == "radio" && one != one.form.querySelector(`[name=${one.name}]`))).length"""
LAYS = """(() => {
    const found = [], levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(one => +one.tagName[1]);
    if (document.querySelectorAll("main").length != 1) found.push("not one main");
    if (document.querySelectorAll("h1").length != 1) found.push("not one h1");
    levels.forEach((level, at) => {
        if (level > (levels[at - 1] || 0) + 1) found.push("h" + level + " after h" + levels[at - 1]);
    });
    return found;
})()"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, dict[str, str]]]:
    async with night(tmp_path_factory.mktemp("night")) as served:
        yield served


async def looking(browser: Chromium, house: House, size: tuple[int, int], dark: bool, person: str = "ana") -> Tab:
    tab = await browser.tab(house.url)
    await tab.look(*size, dark=dark)
    if person:
        await tab.open("/me")
        await tab.fill("select[name=person]", person)
        await tab.press("button[value=be]")
    return tab


def axe() -> str:
    """The script of axe-core, from the package that brings it."""
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        missing("axe-core-python is not here; make dev installs it")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


async def violations(tab: Tab, script: str) -> list[str]:
    """What axe finds, a line each: the rule, and the first place."""
    await tab.ask(script + "; 1")
    found = await tab.ask(
        "axe.run(document, {resultTypes: ['violations']}).then(told => told.violations.map(one => "
        "`${one.id}: ${one.help}: ${one.nodes.length}x ${one.nodes[0].html.slice(0, 140)} "
        "${(one.nodes[0].any[0] || {}).message || ''}`))"
    )
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("size", "dark"), [pytest.param(PHONE, True, id="phone by night"), pytest.param(DESK, False, id="desk by day")]
)
async def test_axe_finds_nothing_on_any_page(
    browser: Chromium, here: tuple[House, dict[str, str]], size: tuple[int, int], dark: bool
) -> None:
    (house, names), script = here, axe()
    tab = await looking(browser, house, size, dark)
    found: dict[str, list[str]] = {}
    for path in PLACES:
        await tab.open(path.format_map(names))
        await tab.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
        told = [*await violations(tab, script), *await tab.ask(LAYS)]
        found |= {path: told} if told else {}

    assert json.dumps(found, indent=1) == "{}"


@pytest.mark.parametrize("dark", THEMES)
async def test_axe_finds_nothing_before_anybody_has_signed_in(browser: Chromium, tmp_path: Path, dark: bool) -> None:
    async with opened(tmp_path) as house:
        await house.fires("CheckoutDown")
        invited, link = await house.invited("ana"), await house.link("ana")
        tab, found = await looking(browser, house, SMALL, dark, ""), {}
        for path in (invited, "/enrol/none", "/login", "/", "/p/none", "/p/proof/none", link, f"{link}/runbook"):
            await tab.open(path)
            await tab.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
            found[path] = [*await violations(tab, axe()), *await tab.ask(LAYS), *await tab.ask(WIDER)]
        await tab.open("/login")
        for name in ("name", "password"):
            await tab.fill(f"input[name={name}]", "wrong")
        await tab.press("form button")
        found["refused"] = [*await violations(tab, axe()), *await tab.ask(LAYS)]

        assert {path: told for path, told in found.items() if told} == {}


async def test_axe_would_find_what_is_wrong(browser: Chromium, here: tuple[House, dict[str, str]]) -> None:
    tab = await looking(browser, here[0], PHONE, True)
    await tab.open("/")
    await tab.ask("document.querySelector('main').insertAdjacentHTML('beforeend', '<input><p class=x>low</p>')")
    await tab.ask("document.querySelector('.x').style.color = '#222'")

    found = " ".join(await violations(tab, axe()))

    assert "label" in found and "color-contrast" in found


async def test_a_keyboard_reaches_everything_in_order_and_sees_where_it_is(
    browser: Chromium, here: tuple[House, dict[str, str]]
) -> None:
    house, names = here
    tab = await looking(browser, house, DESK, True)
    for path in ("/", "/i/{code}", "/p/{link}", "/oncall/payments", "/declare", "/silences", "/me", "/reports"):
        await tab.open(path.format_map(names))
        wanted, reached = await tab.ask(CAN_FOCUS), []
        while len(reached) <= wanted:
            await tab.send("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            await tab.send("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            told = await tab.ask(FOCUSED)
            if told is None:
                break
            reached.append(told)
        assert (path, [one["name"] for one in reached if not one["seen"] or not one["inside"]]) == (path, [])
        assert len(reached) >= wanted - 1, (path, wanted, [one["name"] for one in reached])


@pytest.mark.parametrize("dark", THEMES)
async def test_no_page_is_wider_than_the_smallest_phone(
    browser: Chromium, here: tuple[House, dict[str, str]], dark: bool
) -> None:
    house, names = here
    tab = await looking(browser, house, SMALL, dark)
    for path in PLACES:
        await tab.open(path.format_map(names))
        await tab.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
        wide = await tab.ask("document.documentElement.scrollWidth")
        told = (wide <= SMALL[0], await tab.ask(WIDER), await tab.ask(SMALL_TARGETS))
        assert (path, *told) == (path, True, [], [])


@pytest.mark.parametrize("dark", THEMES)
@pytest.mark.parametrize("size", [pytest.param(PHONE, id="phone"), pytest.param(DESK, id="desk")])
async def test_ten_pages_have_their_picture_taken(
    browser: Chromium, here: tuple[House, dict[str, str]], tmp_path: Path, size: tuple[int, int], dark: bool
) -> None:
    house, names = here
    folder = Path(os.environ.get(SHOTS) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    tab = await looking(browser, house, size, dark)
    for name, path in TEN.items():
        await tab.open(path.format_map(names))
        file = folder / f"{name}-{'phone' if size == PHONE else 'desk'}-{'night' if dark else 'day'}.png"
        await tab.shot(file)
        assert file.stat().st_size > 5000, file
