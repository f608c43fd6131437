"""The pages inside: what they say, that looking changes nothing, and that only our own forms act."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.api.house import House, bearer
from tests.api.test_link import words_of

HERE = ("/", "/i/{code}", "/i/{code}/runbook", "/oncall", "/oncall/payments", "/oncall/payments/picture.svg")


async def seen(house: House, path: str, status: int = 200, **options: Any) -> str:
    """The HTML of a page."""
    async with house.http.get(house.url + path, **options) as answer:
        assert answer.status == status, await answer.text()
        return str(await answer.text())


def key_in(html: str) -> str:
    """What the forms of a page show."""
    found = re.search(r'name="form" value="([0-9a-f]+)"', html)
    assert found, html
    return found[1]


async def pressed(house: House, path: str, looked: str = "", **fields: str) -> tuple[int, str]:
    """Status and words after a form of the page `looked` at, `path` itself if nothing is said."""
    key = key_in(await seen(house, looked or path))
    async with house.http.post(house.url + path, data={"form": key, **fields}) as answer:
        return answer.status, words_of(await answer.text())


async def test_now_says_what_is_open_who_has_it_and_what_is_next(house: House) -> None:
    one = await house.fires("DiskFull", severity="warning")
    two = await house.fires("CheckoutDown", cluster="eu-west")
    await house.post(f"/api/v1/incidents/{one}/ack", {"by": "bo"})
    house.clock.now += timedelta(minutes=2)

    html = await seen(house, "/")

    words = words_of(html)
    assert "<title>(2) Now</title>" in html
    for said in (
        "2 incidents are open",
        f"SEV-2 Major {two} CheckoutDown Nobody has it yet Since 12:00 UTC, 2m ago, eu-west Next 12:05 UTC (in 3m): Bo",
        f"SEV-3 Stability {one} DiskFull Bo Berg has it",
        "payments Ana Lima until Mon 23 Feb 09:00 UTC",
        "It is well",
    ):
        assert said in words
    assert words.index("CheckoutDown") < words.index("DiskFull"), "what nobody has comes first"


async def test_now_says_so_when_nothing_is_open_and_what_is_not_well(house: House) -> None:
    house.not_ready = "starting"

    html = await seen(house, "/")

    assert "<title>Now</title>" in html
    assert "Nothing is open" in words_of(html)
    assert "It is not ready: starting." in words_of(html)


async def test_the_list_of_now_goes_on(house: House) -> None:
    for number in range(60):
        status, _ = await house.post(
            "/api/v1/incidents", {"title": f"outage {number}", "severity": "SEV-4", "by": "ana"}
        )
        assert status == 201

    first, second = await seen(house, "/"), await seen(house, "/?cursor=30")

    titles = re.findall(r"outage \d+", first + second)
    assert "60 incidents are open" in words_of(first)
    assert 'href="/?cursor=30"' in first
    assert len(titles) == len(set(titles)) == 60


@pytest.mark.parametrize("who", ["a person inside", "whoever has the link"])
async def test_a_long_timeline_goes_on(house: House, who: str) -> None:
    code = await house.fires("CheckoutDown")
    for number in range(70):
        await house.post(f"/api/v1/incidents/{code}/note", {"by": "ana", "text": f"look {number}."})
    path: str | None = f"/i/{code}" if who == "a person inside" else await house.link("ana")

    found, pages = [], 0
    while path is not None:
        html, pages = await seen(house, path), pages + 1
        found += re.findall(r"look (\d+)\.", html)
        more = re.search(r'href="([^"]+\?cursor=\d+)"', html)
        assert ("The newest" in html) == (pages > 1)
        path = more[1] if more else None

    assert ([int(one) for one in found], pages) == (list(range(69, -1, -1)), 3)


async def test_a_timeline_is_asked_for_from_nowhere(house: House) -> None:
    code = await house.fires("CheckoutDown")

    for cursor, said in (("1", False), ("999999", True), ("-5", True), (str(2**63 - 1), True)):
        assert ("step 1 pages" in await seen(house, f"/i/{code}?cursor={cursor}")) == said


@pytest.mark.parametrize(
    ("opened", "held", "acked", "words"),
    [
        pytest.param(3, 0, 1, "3 incidents are open , 2 that nobody has", id="one is acknowledged"),
        pytest.param(3, 2, 0, "3 incidents are open , 1 that nobody has", id="what is silenced needs nobody"),
        pytest.param(2, 0, 2, "2 incidents are open As of", id="somebody has each"),
        pytest.param(10, 0, 0, "10 incidents are open , 8 or more that nobody has", id="more than a wall holds"),
        pytest.param(10, 0, 3, "10 incidents are open , 7 that nobody has", id="those that nobody has come first"),
    ],
)
async def test_the_wall_says_how_many_nobody_has(house: House, opened: int, held: int, acked: int, words: str) -> None:
    for number in range(held):
        await house.post(
            "/api/v1/silences", {"match": [f"alertname = Down{number}"], "by": "ana", "why": "x", "for": "1h"}
        )
    codes = [await house.fires(f"Down{number}") for number in range(opened)]
    for code in codes[held : held + acked]:
        await house.post(f"/api/v1/incidents/{code}/ack", {"by": "bo"})

    assert words in words_of(await seen(house, "/wall"))


async def test_whoever_acts_says_who_they_are_once(house: House) -> None:
    code = await house.fires("CheckoutDown")

    status, words = await pressed(house, f"/i/{code}", action="ack")
    assert (status, "Say who you are" in words) == (400, True)

    status, words = await pressed(house, f"/i/{code}", action="ack", by="bo")
    assert (status, "You have it, since 13:00 CET" in words) == (200, True)

    status, words = await pressed(house, f"/i/{code}", action="undo")
    assert (status, "Taken back" in words, "Who are you?" in words) == (200, True, False)
    assert house.metrics.registry.get_sample_value("pager_acks_total", {"team": "payments", "via": "web"}) == 1


@pytest.mark.parametrize(
    ("fields", "status", "state", "words"),
    [
        pytest.param({"action": "ack"}, 200, "acknowledged", "You have it", id="ack"),
        pytest.param({"action": "escalate"}, 200, "triggered", "Escalated: the next step is paged.", id="escalate"),
        pytest.param({"action": "resolve"}, 200, "resolved", "Resolved by you", id="resolve"),
        pytest.param({"action": "command"}, 200, "triggered", "You command.", id="command"),
        pytest.param({"action": "mitigate"}, 200, "mitigated", "The bleeding has stopped", id="mitigate"),
        pytest.param({"action": "snooze", "for": "2h"}, 200, "acknowledged", "until 14:00 WET", id="snooze"),
        pytest.param({"action": "snooze", "for": "soon"}, 400, "triggered", "such as 2h", id="snooze for no length"),
        pytest.param({"action": "note", "text": "a <b>"}, 200, "triggered", "a <b>", id="note"),
        pytest.param({"action": "severity", "to": "SEV-1"}, 200, "triggered", "SEV-1 Critical", id="severity"),
        pytest.param({"action": "undo"}, 409, "triggered", "too late to undo", id="undo of nothing"),
        pytest.param({"action": "explode"}, 400, "triggered", "Use the buttons", id="no act"),
        pytest.param({"action": "ack", "back": "/"}, 200, "acknowledged", "One incident is open", id="back to now"),
    ],
)
async def test_every_act_is_a_form(house: House, fields: dict[str, str], status: int, state: str, words: str) -> None:
    code = await house.fires("CheckoutDown")
    house.http.cookie_jar.update_cookies({"pager_by": "ana"})

    got, told = await pressed(house, f"/i/{code}", **fields)

    assert (got, (await house.get(f"/api/v1/incidents/{code}"))["state"]) == (status, state)
    assert words in told


async def test_an_override_is_taken_from_the_schedule_and_given_back(house: House) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})
    first = await seen(house, "/oncall/payments")
    assert 'href="/oncall/payments?from=2026-02-16T13%3A00&amp;to=2026-02-23T10%3A00#take"' in first

    status, words = await pressed(
        house, "/oncall/payments", **{"from": "2026-02-16T13:00", "to": "2026-02-16T18:00", "why": "the dentist"}
    )

    assert (status, "The override is in force" in words) == (200, True)
    assert "On call now: Bo Berg , until 18:00 CET" in words
    assert "Bo Berg instead of all others Mon 16 Feb 13:00 to 18:00 the dentist, by Bo Berg" in words
    assert "Bo Berg until 17:00" not in words_of(await seen(house, "/"))

    status, words = await pressed(house, "/oncall/payments", action="remove", id="1")
    assert (status, "the files say again" in words, "On call now: Ana Lima" in words) == (200, True, True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(
            {"from": "2026-02-16T18:00", "to": "2026-02-16T13:00"}, "it ends before it starts", id="backwards"
        ),
        pytest.param({"from": "x", "to": "y"}, "no such time", id="no times"),
        pytest.param({"who": "eve", "from": "now", "to": "+2h"}, "no person 'eve'", id="a stranger"),
        pytest.param({}, "", id="nothing at all"),
    ],
)
async def test_an_override_that_cannot_be_is_refused_in_words(house: House, fields: dict[str, str], words: str) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})

    status, told = await pressed(house, "/oncall/payments", **fields)

    assert (status, words in told) == (400, True)
    assert (await house.get("/api/v1/overrides"))["overrides"] == []


async def test_gaps_are_named_and_can_be_taken(house: House) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})
    await house.post(
        "/api/v1/overrides",
        {"schedule": "payments", "by": "ana", "from": "2026-02-20 09:00", "to": "2026-02-20 12:00", "who": []},
    )

    html = await seen(house, "/oncall/payments")

    assert "Nobody is on call Fri 20 Feb 09:00 to 12:00 3 h Take it" in words_of(html)
    assert 'href="/oncall/payments?from=2026-02-20T09%3A00&amp;to=2026-02-20T12%3A00#take"' in html
    taking = await seen(house, "/oncall/payments?from=2026-02-20T09:00&to=2026-02-20T12:00")
    assert 'name="from" value="2026-02-20T09:00"' in taking


@pytest.mark.parametrize("path", ["/i/ZZZ", "/i/none", "/oncall/nothing", "/oncall/nothing/picture.svg"])
async def test_what_is_not_there_is_a_page_that_says_so(house: House, path: str) -> None:
    html = await seen(house, path, 404)

    assert "There is no " in words_of(html)
    assert 'href="/"' in html


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_looking_changes_nothing(house: House, method: str) -> None:
    code = await house.fires("CheckoutDown")
    before = await house.get("/api/v1/incidents?state=all"), await house.get("/api/v1/overrides?state=all")

    for path in HERE:
        for query in ("", "?action=ack&by=ana", "?action=resolve&from=now&to=%2B2h&who=bo"):
            url = house.url + path.format(code=code) + query
            async with house.http.request(method, url, data=b"action=ack&by=ana") as answer:
                assert answer.status in (200, 405)

    assert (await house.get("/api/v1/incidents?state=all"), await house.get("/api/v1/overrides?state=all")) == before


@pytest.mark.parametrize("path", ["/i/{code}", "/oncall/payments"])
async def test_only_a_form_of_ours_acts(house: House, path: str) -> None:
    code = await house.fires("CheckoutDown")
    url = house.url + path.format(code=code)
    fields = {"action": "ack", "by": "ana", "from": "now", "to": "+2h"}
    key = key_in(await seen(house, f"/i/{code}"))

    for data, headers, status in (
        (fields, {}, 400),
        ({**fields, "form": ""}, {}, 400),
        ({**fields, "form": "a" * 32}, {}, 400),
        ({**fields, "form": key}, {"Origin": "https://evil.example.org"}, 403),
        ({**fields, "form": key}, {"Origin": "null"}, 403),
        ({**fields, "form": key}, {"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        async with house.http.post(url, data=data, headers=headers) as answer:
            assert answer.status == status
    assert (await house.get(f"/api/v1/incidents/{code}"))["state"] == "triggered"
    assert (await house.get("/api/v1/overrides"))["overrides"] == []


async def test_a_reader_sees_no_buttons(house: House) -> None:
    code = await house.fires("CheckoutDown")
    shows = bearer(await house.token("read"))

    for path in HERE:
        assert "<form" not in await seen(house, path.format(code=code), headers=shows)
    assert "your token has the scope read" in await seen(house, f"/i/{code}", headers=shows)


async def test_a_token_of_a_person_says_who_acts(house: House) -> None:
    code = await house.fires("CheckoutDown")
    shows = bearer(await house.token("respond", "bo"))
    html = await seen(house, f"/i/{code}", headers=shows)

    assert "Who are you?" not in html
    fields = {"form": key_in(html), "action": "ack", "by": "ana"}
    async with house.http.post(f"{house.url}/i/{code}", data=fields, headers=shows) as answer:
        assert answer.status == 200
    assert (await house.get(f"/api/v1/incidents/{code}", headers=shows))["acked_by"] == "bo"


async def test_the_headers_keep_a_page_to_whom_it_is_for(house: House) -> None:
    async with house.http.get(house.url + "/") as answer:
        csp = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in csp and "unsafe" not in csp and "frame-ancestors 'none'" in csp
        assert "script-src 'self'" in csp and " http" not in csp and "*" not in csp
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"
