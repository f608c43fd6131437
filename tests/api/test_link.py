"""The link in a page: looking changes nothing, pressing acts, and it dies a day after the end."""

from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.incident import Acked, Hold, Incident
from pager.core.matcher import parse_matcher
from pager.core.rule import Recovery, Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.store import incidents
from pager.web.view import can_undo, rough
from tests.api.house import NOON, House
from tests.support import covers

BROWSER = {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"}


async def shown(house: House, link: str, status: int = 200) -> str:
    """The text of a page, as a person reads it."""
    async with house.http.get(house.url + link) as answer:
        assert answer.status == status
        return words_of(await answer.text())


async def pressed(house: House, link: str, **fields: str) -> tuple[int, str]:
    """Status after all redirects, and the words of the page."""
    async with house.http.post(house.url + link, data=fields, headers=BROWSER) as answer:
        return answer.status, words_of(await answer.text())


async def state(house: House) -> Any:
    (incident,) = (await house.get("/api/v1/incidents?state=all"))["incidents"]
    return incident


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def words_of(html: str) -> str:
    parser = Words()
    parser.feed(html)
    return " ".join(parser.words)


async def test_it_says_what_is_wrong_since_when_and_what_is_next(house: House) -> None:
    code = await house.fires("CheckoutDown", cluster="eu-west", service="checkout-api")
    house.clock.now += timedelta(minutes=2)

    page = await shown(house, await house.link("bo"))

    for said in (
        f"SEV-2 Major {code} CheckoutDown",
        "Since 13:00 CET (2m ago)",
        "Service checkout-api",
        "Where eu-west",
        "Nobody has it yet",
        "Next 13:05 CET (in 3m): Bo Berg",
        "Acknowledge",
        "Ana Lima 13:00 CET on its way",
        "For Bo Berg",
    ):
        assert said in page


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
@pytest.mark.parametrize("query", ["", "?action=ack", "?done=undo"])
async def test_only_a_post_acts(house: House, method: str, query: str) -> None:
    await house.fires("CheckoutDown")
    before, link = await state(house), await house.link("ana")

    for rest in ("", "/", "/runbook", "/ack"):
        async with house.http.request(method, house.url + link + rest + query, data=b"action=ack") as answer:
            assert answer.status in (200, 404, 405)

    assert await state(house) == before


async def test_pressing_acknowledges_as_the_person_of_the_link(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")

    status, page = await pressed(house, link, action="ack")

    incident = await state(house)
    assert (status, incident["state"], incident["acked_by"]) == (200, "acknowledged", "ana")
    assert "You have it, since 12:00 WET" in page
    assert "Undo until 12:01:00" in page
    assert "Acknowledge" not in page
    assert house.metrics.registry.get_sample_value("pager_acks_total", {"team": "payments", "via": "link"}) == 1


async def test_a_browser_is_sent_to_look_again(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")
    async with house.http.post(house.url + link, data=b"action=ack", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, link)


async def test_somebody_is_pulled_in(house: House) -> None:
    code = await house.fires("CheckoutDown")
    link = await house.link("ana")

    status, page = await pressed(house, link, action="page", to="bo", text="it is the database")

    assert (status, f"Ana Lima paged bo: it is the database ({code})" in page) == (200, True)
    assert "Paged: it is on its way, and noted here." in page
    rows = await house.database.read(lambda tx: tx.all("SELECT person, kind FROM notices ORDER BY id"))
    assert [(row.person, row.kind) for row in rows] == [("bo", "asked")]
    for fields in ({"to": "zoe", "text": "help"}, {"to": "bo", "text": " "}, {"to": "", "text": "x"}):
        assert (await pressed(house, link, action="page", **fields))[0] == 400
    await pressed(house, link, action="resolve")
    assert (await pressed(house, link, action="page", to="bo", text="too late"))[0] == 400
    assert "Get help" not in await shown(house, link)


async def test_who_comes_late_is_told_who_has_it(house: House) -> None:
    await house.fires("CheckoutDown")
    await pressed(house, await house.link("ana"), action="ack")
    late = await house.link("bo")

    assert "Ana Lima has it, since 13:00 CET" in await shown(house, late)

    status, page = await pressed(house, late, action="ack")

    assert (status, (await state(house))["also_here"]) == (200, ["bo"])
    assert "You are here too." in page


async def test_an_ack_is_taken_back_within_a_minute(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")
    await pressed(house, link, action="ack")
    house.clock.now += timedelta(seconds=60)

    status, page = await pressed(house, link, action="undo")

    assert (status, (await state(house))["state"]) == (200, "triggered")
    assert "Taken back" in page


@pytest.mark.parametrize(
    ("who", "after"),
    [
        pytest.param("ana", timedelta(seconds=61), id="a minute has passed"),
        pytest.param("bo", timedelta(), id="it is another's"),
    ],
)
async def test_an_undo_that_is_refused_says_why(house: House, who: str, after: timedelta) -> None:
    await house.fires("CheckoutDown")
    await pressed(house, await house.link("ana"), action="ack")
    house.clock.now += after

    status, page = await pressed(house, await house.link(who), action="undo")

    assert (status, (await state(house))["acked_by"]) == (409, "ana")
    assert "too late to undo" in page


@pytest.mark.parametrize(
    ("fields", "expected", "words"),
    [
        pytest.param({"action": "escalate"}, {"step": 2}, "Escalated", id="escalate"),
        pytest.param({"action": "resolve"}, {"state": "resolved"}, "Resolved by you, 12:00 WET", id="resolve"),
        pytest.param({"action": "note", "text": "the cache"}, {"state": "triggered"}, "the cache", id="note"),
        pytest.param({"action": "severity", "to": "SEV-1"}, {"severity": "SEV-1"}, "SEV-1 Critical", id="severity"),
    ],
)
async def test_what_else_can_be_pressed(
    house: House, fields: dict[str, str], expected: dict[str, object], words: str
) -> None:
    await house.fires("CheckoutDown")

    status, page = await pressed(house, await house.link("ana"), **fields)

    incident = await state(house)
    assert (status, {name: incident[name] for name in expected}) == (200, expected)
    assert words in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"action": "explode"}, "cannot be done here", id="an unknown action"),
        pytest.param({}, "cannot be done here", id="no action"),
        pytest.param({"action": "note", "text": "  "}, "Write a note", id="an empty note"),
        pytest.param({"action": "severity", "to": "P1"}, "Choose a severity", id="no severity"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(house: House, fields: dict[str, str], words: str) -> None:
    await house.fires("CheckoutDown")
    before = await state(house)

    status, page = await pressed(house, await house.link("ana"), **fields)

    assert (status, await state(house)) == (400, before)
    assert words in page


async def test_an_unknown_link_says_so(house: House) -> None:
    await house.fires("CheckoutDown")

    assert "There is no such link" in await shown(house, "/p/aaaaaaaaaaaaaaaa", 404)
    assert (await pressed(house, "/p/aaaaaaaaaaaaaaaa", action="ack"))[0] == 404


@covers("R33")
async def test_a_link_dies_a_day_after_the_end(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")
    await pressed(house, link, action="resolve")

    house.clock.now += timedelta(hours=24) - timedelta(seconds=1)
    assert "Resolved by you" in await shown(house, link)

    house.clock.now += timedelta(seconds=1)
    assert "This link has ended" in await shown(house, link, 410)
    assert (await pressed(house, link, action="note", text="late"))[0] == 410


async def test_a_database_that_is_away_is_said_in_words(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")
    await house.database.close()

    assert "try again" in await shown(house, link, 503)


@pytest.mark.parametrize("rest", ["", "/runbook"])
async def test_a_page_is_for_nobody_else(house: House, rest: str) -> None:
    await house.fires("CheckoutDown")
    async with house.http.get(house.url + await house.link("ana") + rest) as answer:
        headers, text = answer.headers, await answer.text()

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "<title>Page</title>" in text
    assert "<script" not in text
    assert "style=" not in text


async def test_the_stylesheet_may_be_kept_for_ever(house: House) -> None:
    await house.fires("CheckoutDown")
    async with house.http.get(house.url + await house.link("ana")) as answer:
        html = await answer.text()
    path = html.partition('rel="stylesheet" href="')[2].partition('"')[0]

    async with house.http.get(house.url + path) as answer:
        assert (answer.status, answer.content_type) == (200, "text/css")
        assert "immutable" in answer.headers["Cache-Control"]
    async with house.http.get(f"{house.url}/static/pager.css") as answer:
        assert answer.status == 404


async def test_a_first_view_is_small(house: House) -> None:
    await house.fires(*(f"Alert{n}" for n in range(40)), cluster="eu")
    async with house.http.get(house.url + await house.link("ana")) as answer:
        assert len(await answer.read()) < 40_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"hold": Hold("silence", NOON + timedelta(hours=1), "deploy")}, "Until 13:00 WET: silence deploy", id="held"
        ),
        pytest.param({"hold": Hold("maintenance")}, "Held back: it pages nobody Maintenance", id="held without an end"),
        pytest.param({"step": 2}, "everyone, told that nobody has it", id="the last step"),
        pytest.param({"state": "mitigated", "acked_by": "ana"}, "you have the recovery", id="mitigated"),
        pytest.param({"more": 7}, "and 7 that the sender left out", id="truncated by the sender"),
    ],
)
async def test_how_it_stands_in_words(house: House, changes: dict[str, Any], words: str) -> None:
    await house.fires("CheckoutDown")

    def change(tx: Any) -> None:
        kept = incidents.lock(tx, [1])[1]
        kept.incident = kept.incident.changed(**changes)
        incidents.save(tx, [(kept, "payments")])

    await house.database.write(change)

    assert words in await shown(house, await house.link("ana"))


@pytest.mark.parametrize(
    ("person", "after", "expected"),
    [
        pytest.param("ana", timedelta(), True, id="at once"),
        pytest.param("ana", timedelta(seconds=60), True, id="at the last second"),
        pytest.param("ana", timedelta(seconds=60, microseconds=1), False, id="too late"),
        pytest.param("bo", timedelta(), False, id="another's"),
    ],
)
def test_who_may_undo(person: str, after: timedelta, expected: bool) -> None:
    acked = Incident(1, "g", "t", "SEV-2", "p", NOON, state="acknowledged", acked_by="ana", acked_at=NOON)

    assert can_undo(acked, person, NOON + after) is expected
    assert not can_undo(acked.changed(state="triggered"), person, NOON)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=59.9), "59s"),
        (timedelta(seconds=61), "1m"),
        (timedelta(hours=3, minutes=5, seconds=9), "3h5m"),
        (timedelta(days=1, hours=3, minutes=5), "1d3h"),
    ],
)
def test_lengths_are_rough(length: timedelta, words: str) -> None:
    assert rough(length) == words


async def test_an_act_is_told_once_for_each_press(house: House) -> None:
    await house.fires("CheckoutDown")
    await house.engine.act(1, Acked("ana"))
    before = (await state(house))["acked_at"]
    house.clock.now += timedelta(seconds=5)
    await pressed(house, await house.link("ana"), action="ack")

    assert (await state(house))["acked_at"] == before


async def test_the_plan_is_read_below_the_link_and_on_the_page_of_the_incident(house: House, tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir(exist_ok=True)
    (tmp_path / "runbooks" / "restore.md").write_text("# Restore it\n\nFrom the copy of last night.")
    files = house.engine.catalog
    recovery = Recovery(plan="runbooks/restore.md", decide_after=timedelta(minutes=45))
    rule = Rule(name="down", match=(parse_matcher("alertname = CheckoutDown"),), recovery=recovery)
    house.engine.catalog = replace(files, rules=(RuleFile("a.yaml", (PlacedRule(rule, "a.yaml:1"),)),))
    await house.fires("CheckoutDown")
    link, code = await house.link("ana"), (await state(house))["code"]

    for page in (link, f"/i/{code}"):
        assert "Runbook Plan" in await shown(house, page)
        assert "From the copy of last night." in await shown(house, f"{page}/plan")


async def test_without_a_plan_there_is_none(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")

    assert "Runbook Plan" not in await shown(house, link)
    assert "no rule names a plan" in await shown(house, f"{link}/plan", 404)
