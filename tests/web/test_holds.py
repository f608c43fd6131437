"""Silences, maintenance and the pause as pages: what each hides, made after a preview, prolonged, ended, refused."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pager.core.matcher import parse_matcher
from pager.core.rule import Defaults, Maintenance
from pager.core.silence import matchers_for
from tests.api.house import CATALOG, House, bearer, opened
from tests.api.test_link import words_of
from tests.web.test_pages import pressed, seen

MATCH = 'CheckoutDown\r\nenv =~ "prod.*"'
ASKED = {"match": MATCH, "why": "deploy 17", "for": "2h"}
WINDOW = Maintenance(
    name="patch night",
    match=(parse_matcher("env = staging"),),
    starts="0 22 * * TUE",
    lasts=timedelta(hours=4),
    timezone="Europe/Berlin",
    why="patching",
    owner="ana",
)


def sits(house: House, person: str = "ana") -> None:
    house.http.cookie_jar.clear()
    house.http.cookie_jar.update_cookies({"pager_by": person})


async def hold(house: House, code: str) -> str:
    found = (await house.get(f"/api/v1/incidents/{code}"))["hold"]
    return str(found["reason"]) if found else ""


async def test_a_silence_is_seen_before_it_is_made_and_hides_what_it_said(house: House) -> None:
    sits(house)
    code = await house.fires("CheckoutDown", env="prod-1")
    assert "Nothing is silenced" in words_of(await seen(house, "/silences"))

    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in ASKED.items())
    preview = words_of(await seen(house, f"/silences?{asked}"))
    assert f"Hides 1 firing alert right now: {code}" in preview
    assert "Silence until 14:00 WET" in preview
    assert await hold(house, code) == ""

    status, words = await pressed(house, "/silences", action="make", **ASKED)

    assert (status, "It is in force." in words) == (200, True)
    assert 'alertname = CheckoutDown env =~ "prod.*"' in words
    assert f"until 14:00 WET, 2h more by Ana Lima: deploy 17 Hides 1 firing alert right now: {code}" in words
    assert await hold(house, code) == "silence"
    (made,) = (await house.get("/api/v1/silences"))["silences"]
    assert (made["by"], made["why"]) == ("ana", "deploy 17")


async def test_a_silence_is_prolonged_without_a_gap_and_ended_with_what_it_held(house: House) -> None:
    sits(house)
    code = await house.fires("CheckoutDown", env="prod-1")
    await pressed(house, "/silences", action="make", **ASKED)
    sits(house, "bo")
    status, words = await pressed(house, "/silences", action="prolong", id="1", **{"for": "4h"})
    (made,) = (await house.get("/api/v1/silences"))["silences"]
    assert (status, "It lasts longer now." in words) == (200, True)
    assert (made["id"], made["ends_at"], made["by"], made["why"]) == (2, "2026-02-16T18:00:00Z", "bo", "deploy 17")
    assert await hold(house, code) == "silence"

    assert (await pressed(house, "/silences", action="prolong", id="1", **{"for": "4h"}))[0] == 404
    status, words = await pressed(house, "/silences", action="end", id="2")

    assert f"Of what it held 1 alert still fires, and pages now unless something else holds it: {code}" in words
    assert "ended 13:00 CET by Bo Berg" in words and "Nothing is silenced" in words
    assert await hold(house, code) == ""
    told = words_of(await seen(house, "/audit"))
    assert "end" in told and "silence 2" in told


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"match": 'alertname =~ ".+"'}, "hides everything", id="everything"),
        pytest.param({"match": "env ~~ x"}, "not a matcher", id="no matcher"),
        pytest.param({"match": ""}, "nothing to match", id="nothing"),
        pytest.param({"for": "soon"}, "not a duration", id="no length"),
        pytest.param({"for": "90d"}, "31d at most", id="too long"),
        pytest.param({"why": " "}, "write 1 to 500", id="no reason"),
        pytest.param({"from": "yesterday-ish"}, "not a time", id="no time"),
        pytest.param({"from": "2026-02-01T10:00"}, "it is over already", id="in the past"),
    ],
)
@pytest.mark.parametrize("path", ["/silences", "/maintenance"])
async def test_what_cannot_be_held_is_refused_in_words(
    house: House, path: str, fields: dict[str, str], words: str
) -> None:
    sits(house)

    status, told = await pressed(house, path, "/silences", action="make", **{**ASKED, **fields})

    assert (status, words in told) == (400, True), told
    assert (await house.get("/api/v1/silences?state=all"))["silences"] == []


async def test_an_unfinished_form_shows_what_it_would_hide_and_asks_for_the_rest(house: House) -> None:
    sits(house)
    code = await house.fires("CheckoutDown", env="prod-1")

    words = words_of(await seen(house, "/silences?match=CheckoutDown"))

    assert f"Hides 1 firing alert right now: {code}" in words
    assert "Say why and for how long" in words
    assert "hides everything" in words_of(await seen(house, "/silences?match=a%21%3Db", 400))


async def test_an_incident_leads_to_a_silence_of_what_its_alerts_have_in_common(tmp_path: Path) -> None:
    grouped = replace(CATALOG, defaults=Defaults(policy="payments", group_by=("alertname",)))
    async with opened(tmp_path, grouped) as house:
        code = await house.fires("CheckoutDown", env="prod-1", instance='web "3"')
        await house.fires("CheckoutDown", env="prod-1", instance="web-4")

        (link,) = re.findall(r'href="(/silences\?match=[^"]+)"', await seen(house, f"/i/{code}"))
        html = await seen(house, link.partition("#")[0])

        assert ">alertname = CheckoutDown\nenv = prod-1\nseverity = critical</textarea>" in html
        assert "Hides 2 firing alerts right now" in words_of(html)
        assert len(re.findall(r'href="/silences\?match=', await seen(house, "/alerts"))) == 2


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), min_size=1, max_size=15))
def test_what_a_silence_of_alerts_would_say_hides_them(labels: dict[str, str]) -> None:
    said = matchers_for([labels, {**labels, "only": "here"}])

    assert all(parse_matcher(line).matches(labels) for line in said)
    assert all(len(line.splitlines()) == 1 for line in said)


async def test_maintenance_of_the_files_says_when_it_opens_and_by_hand_it_starts_later(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(CATALOG, maintenance=(WINDOW,))) as house:
        async with house.http.get(house.url + "/maintenance") as answer:
            words = words_of(await answer.text())
        assert "patch night env = staging opens Tue 17 Feb 21:00 UTC, in 1d9h by Ana Lima: patching" in words
        assert "None. For work that is planned once" in words

        fields = {**ASKED, "name": "new rack", "from": "2026-02-16T20:00"}
        status, words = await pressed(house, "/maintenance", "/silences", action="make", by="bo", **fields)
        assert (status, "new rack alertname = CheckoutDown" in words) == (200, True)
        (made,) = (await house.get("/api/v1/maintenance"))["maintenance"]
        assert (made["state"], made["starts_at"]) == ("pending", "2026-02-16T20:00:00Z")

        house.clock.now += timedelta(days=1, hours=10)
        code = await house.fires("NodeDown", env="staging")
        words = words_of(await seen(house, "/maintenance"))
        assert (
            f"open until Wed 18 Feb 01:00 UTC, 3h more by Ana Lima: patching Hides 1 firing alert right now: {code}"
            in words
        )


async def test_the_pause_is_loud_and_ends_by_a_button(house: House) -> None:
    sits(house)
    status, words = await pressed(house, "/silences", action="pause", why="migration", **{"for": "30m"})
    assert (status, "All pages are paused until 12:30 WET, 30m more, by Ana Lima: migration" in words) == (200, True)

    status, words = await pressed(house, "/silences", action="resume")
    assert (status, "Pages go out again." in words, "All pages are paused until" in words) == (200, True, False)


async def test_who_may_only_look_sees_no_form(house: House) -> None:
    shows = bearer(await house.token("read"))
    for path in ("/silences", "/maintenance"):
        assert re.findall("<form", await seen(house, path, headers=shows)) == []
