"""Alerts, rules, declaring, pager itself and its own documentation, as pages."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from pager.core.matcher import parse_matcher
from pager.core.rule import Heartbeat, Rule
from pager.core.rulefile import PlacedRule, RuleFile
from tests.api.house import CATALOG, House, bearer, opened
from tests.api.test_link import words_of
from tests.web.test_pages import pressed, seen

CHECKOUT = Rule(name="checkout down", match=(parse_matcher("alertname = CheckoutDown"),), severity="SEV-1")
WITH_RULES = replace(
    CATALOG, rules=(RuleFile("rules/payments.yaml", (PlacedRule(CHECKOUT, "rules/payments.yaml:12"),)),)
)


async def test_alerts_say_where_each_went_and_what_no_rule_knows(tmp_path: Path) -> None:
    async with opened(tmp_path, WITH_RULES) as house:
        one = await house.fires("CheckoutDown", env="prod-eu")
        two = await house.fires("DiskFull", severity="warning")

        words = words_of(await seen(house, "/alerts"))
        unrouted = await seen(house, "/alerts?state=unrouted")

        assert "CheckoutDown firing, alertmanager, since 12:00 UTC, 0s ago" in words
        assert f"Rule checkout down rules/payments.yaml:12 SEV-1. What would happen Silence it {one}" in words
        assert f"No rule matches it. SEV-3. What would happen Silence it {two}" in words
        assert ("DiskFull" in unrouted, "CheckoutDown" in unrouted) == (True, False)
        assert "None." in words_of(await seen(house, "/alerts?state=resolved"))
        (tried,) = re.findall(r'href="(/routes[^"]+)"', unrouted)
        assert "source=alertmanager\nalertname=DiskFull" in parse_qs(urlsplit(tried).query)["labels"][0]
        assert "SEV-3" in words_of(await seen(house, tried))


async def test_alerts_go_on(house: House) -> None:
    await house.fires(*(f"Alert{number}" for number in range(130)))

    first = await seen(house, "/alerts")
    (more,) = re.findall(r'href="(/alerts\?state=firing&amp;cursor=[^"]+)"', first)
    second = await seen(house, more.replace("&amp;", "&"))
    (more,) = re.findall(r'href="(/alerts\?state=firing&amp;cursor=[^"]+)"', second)
    third = await seen(house, more.replace("&amp;", "&"))

    assert len(set(re.findall(r"<b>(Alert\d+)</b>", first + second + third))) == 130


async def test_rules_are_shown_and_labels_can_be_tried(tmp_path: Path) -> None:
    async with opened(tmp_path, WITH_RULES) as house:
        words = words_of(await seen(house, "/routes?labels=alertname%3DCheckoutDown%0D%0Aenv%3D%22prod%22"))

        assert "rules/payments.yaml checkout down rules/payments.yaml:12 alertname = CheckoutDown → SEV-1" in words
        assert "◆" not in words and "▲ SEV-1 Rule checkout down rules/payments.yaml:12" in words
        assert "12:00 UTC +0m Ana Lima" in words
        assert (await house.get("/api/v1/incidents?state=all"))["incidents"] == []


async def test_each_rule_says_what_it_opened_and_when(tmp_path: Path) -> None:
    async with opened(tmp_path, WITH_RULES) as house:
        assert "Opened none in 90 days." in words_of(await seen(house, "/routes"))
        await house.fires("CheckoutDown")
        house.clock.now += timedelta(minutes=5)

        assert "Opened 1 incident in 90 days, the last 12:00 UTC." in words_of(await seen(house, "/routes"))

        house.clock.now += timedelta(days=91)
        assert "Opened none in 90 days." in words_of(await seen(house, "/routes"))


@pytest.mark.parametrize("labels", ["nothing", "=x", "%0A".join(f"a{n}=1" for n in range(65))])
async def test_what_is_no_label_is_said(house: House, labels: str) -> None:
    assert "Write a label a line" in words_of(await seen(house, f"/routes?labels={labels}", 400))


async def test_an_incident_is_declared_and_pages(house: House) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})

    status, words = await pressed(house, "/declare", title="checkout is slow", severity="SEV-2", policy="payments")

    assert (status, "Declared: it pages now." in words, "checkout is slow" in words) == (200, True, True)
    (incident,) = (await house.get("/api/v1/incidents"))["incidents"]
    assert (incident["severity"], incident["title"], incident["paged"]) == ("SEV-2", "checkout is slow", ["ana"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"title": " "}, "Say in 1 to 200", id="no title"),
        pytest.param({"title": "x" * 201}, "Say in 1 to 200", id="a long title"),
        pytest.param({"severity": "bad"}, "Choose a severity", id="no severity"),
        pytest.param({"policy": "none"}, "Choose whom it pages", id="no policy"),
    ],
)
async def test_what_cannot_be_declared_is_refused_in_words(house: House, fields: dict[str, str], words: str) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})

    status, told = await pressed(
        house, "/declare", **{"title": "x", "severity": "SEV-2", "policy": "payments", **fields}
    )

    assert (status, words in told) == (400, True)
    assert (await house.get("/api/v1/incidents?state=all"))["incidents"] == []


async def test_pager_itself_is_shown_and_only_admins_read_files_again(house: House) -> None:
    await house.fires("CheckoutDown")

    words = words_of(await seen(house, "/system"))
    assert "It is well. Version" in words and "c0ffee" in words and "inbox 0 wait" in words
    assert (await pressed(house, "/system"))[0] == 501

    shows = bearer(await house.token("respond"))
    assert "Read the files again" not in await seen(house, "/system", headers=shows)
    async with house.http.post(f"{house.url}/system", headers=shows) as answer:
        assert answer.status == 403


async def test_heartbeats_stand_on_the_page_of_pager_itself(house: House) -> None:
    backup = Heartbeat(name="backup", every=timedelta(hours=1), severity="SEV-3")
    house.engine.catalog = replace(house.engine.catalog, heartbeats=(backup,))
    await house.fires("Watchdog", severity="none")
    async with house.http.get(f"{house.url}/ping/-/backup/3") as answer:
        assert answer.status == 200
    await house.work()

    words = words_of(await seen(house, "/system"))
    assert "backup failed heard at 12:00 UTC, every 1h, SEV-3, exit status 3" in words
    assert "Watchdog of alertmanager: nobody waits for it" in words


async def test_what_is_not_well_is_in_the_title(house: House) -> None:
    house.not_ready = "starting"
    html = await seen(house, "/system")

    assert "<title>! System</title>" in html
    assert "It is not well. Not ready: starting." in words_of(html)


async def test_the_manual_is_in_the_package(house: House) -> None:
    topics = re.findall(r'href="(/help/[^"]+)"', await seen(house, "/help"))

    assert topics
    for topic in topics:
        assert topic == "/help/api" or 'class="runbook-text"' in await seen(house, topic)
    assert "/api/v1/openapi.json" in await seen(house, "/help/api")
    await seen(house, "/help/none", 404)
