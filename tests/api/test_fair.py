"""Fair shares: one source floods at ten times its quota; others, and its own SEV-1, come through at once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from pager.backlog import Room
from pager.core.alert import Alert
from pager.core.quota import Quota, Way
from pager.core.report import Parsed
from pager.core.rule import Heartbeat, Source
from pager.core.signing import Signing, parse_network
from pager.core.token_use import UNUSED
from pager.fairness import Fairness
from pager.settings import Settings
from pager.shares import Shares
from pager.source_checks import examine_extras, examine_sources
from pager.source_metrics import SourceMetrics
from pager.store import inbox, source_counts, token_uses
from pager.store.source_counts import Counts
from tests.api.house import CATALOG, House, bearer, opened
from tests.support import covers

SMALL = Quota(alerts=5, bytes=10_000_000, open=1000)
SECRETS = {"STORM": "storm-secret", "CALM": "calm-secret"}
SOURCES = {
    "storm": Source(name="storm", dialect="alertmanager", token="STORM", quota=SMALL),
    "calm": Source(name="calm", dialect="alertmanager", token="CALM"),
}
HOUSE = replace(CATALOG, sources=SOURCES)
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, HOUSE, SECRETS) as opened_house:
        opened_house.shows = bearer(await opened_house.token("admin"))
        yield opened_house


def fair(house: House) -> Fairness:
    metrics = SourceMetrics(CollectorRegistry())
    return Fairness(house.engine, house.intake.shares, house.intake.watch, house.clock, metrics)


async def said(house: House, source: str, *names: str, path: str = "/webhook/alertmanager", **more: Any) -> int:
    """The answer to a request of this source: an alert of each name, SEV-3 if no other severity is given."""
    labels = {"severity": more.get("severity", "warning")}
    status = more.get("status", "firing")
    alerts = [{"status": status, "labels": {"alertname": name, **labels}} for name in names]
    body = {"alerts": alerts} if path.startswith("/webhook") else more["body"]
    shown = bearer(SECRETS[source.upper()])
    async with house.http.post(house.url + path, json=body, headers=shown) as answer:
        return answer.status


async def titles(house: House, state: str = "open") -> set[str]:
    found = (await house.get(f"/api/v1/incidents?state={state}&limit=500"))["incidents"]
    return {one["title"] for one in found}


async def waiting_last(house: House) -> dict[str, int]:
    return {name: rows for name, (rows, _) in (await house.database.read(inbox.waiting_last)).items()}


async def flood(house: House, count: int = 10) -> None:
    """`count` requests with as many alerts as the quota of a minute."""
    for number in range(count):
        assert await said(house, "storm", *(f"Storm {number} {each}" for each in range(SMALL.alerts))) == 200


@covers("T17", "F48")
async def test_a_flood_at_ten_times_its_quota_delays_nobody_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pager.worker.SLICE", 10)
    await flood(house)
    assert await waiting_last(house) == {"storm": 9}
    assert await said(house, "calm", "Calm") == 200
    assert await said(house, "storm", "Gone", severity="SEV-1") == 200

    await house.engine.work_inbox()

    at_once = await titles(house)
    assert {"Calm", "Gone"} <= at_once
    assert len(at_once) <= 2 + SMALL.alerts + 10, "the quota of the flood, and one turn of what is over it"
    await house.work()
    assert len(await titles(house)) == 10 * SMALL.alerts + 2


@covers("T17")
async def test_what_waits_behind_all_others_keeps_its_order(house: House) -> None:
    await flood(house, 2)
    assert await said(house, "storm", "Storm 1 0", status="resolved") == 200
    await house.work()

    assert "Storm 1 0" not in await titles(house)
    assert "Storm 1 0" in await titles(house, "all")


@covers("T17")
async def test_an_older_report_that_was_overtaken_is_old_news(house: House) -> None:
    await said(house, "storm", "Down", severity="SEV-1")
    await house.work()
    await flood(house, 2)
    await said(house, "storm", "Down", status="resolved", severity="SEV-1")
    await said(house, "storm", "Down", severity="SEV-1")
    assert (await waiting_last(house))["storm"] == 2  # one of the flood, and the end of Down

    await house.work()

    assert "Down" in await titles(house), "it fires again since: its end was said before that"
    await fair(house).look()
    assert await house.database.read(lambda tx: tx.all("SELECT * FROM overtaken")) == []


@covers("T17")
async def test_another_node_queues_behind_what_waits(house: House) -> None:
    await flood(house, 2)
    house.intake.shares.__init__(house.database, lambda: HOUSE, Room())  # type: ignore[misc]  # As one that knows nothing.
    assert await said(house, "storm", "Storm 1 0", status="resolved") == 200
    assert await waiting_last(house) == {"storm": 2}


@covers("T17")
@pytest.mark.parametrize("watchdog", [pytest.param(False, id="a ping"), pytest.param(True, id="a watchdog's alert")])
async def test_signs_of_life_of_whoever_floods_are_heard_at_once(house: House, watchdog: bool) -> None:
    written = {"name": "cron", "every": "5m", **({"watchdog": ["alertname = Watchdog"]} if watchdog else {})}
    house.engine.catalog = replace(HOUSE, heartbeats=(Heartbeat.model_validate(written),))
    await flood(house, 3)
    if watchdog:
        assert await said(house, "storm", "Watchdog", severity="none") == 200
    else:
        async with house.http.get(f"{house.url}/ping/{SECRETS['STORM']}/cron") as answer:
            assert answer.status == 200
    assert await waiting_last(house) == {"storm": 2}
    for lane in (inbox.lane_of("storm"), inbox.lane_of("storm", "reserve")):
        await house.engine.work_lane(lane)

    (one,) = (await house.get("/api/v1/heartbeats"))["heartbeats"]
    assert (one["name"], one["state"]) == ("cron", "up")


@covers("T17")
@pytest.mark.parametrize(
    ("pause", "way"),
    [
        pytest.param(timedelta(seconds=5), "last", id="what another node took of late counts here"),
        pytest.param(timedelta(minutes=10), "turn", id="what it took within ten minutes is refilled by now"),
    ],
)
async def test_nodes_share_a_quota(house: House, pause: timedelta, way: Way) -> None:
    here, other = (Shares(house.database, lambda: HOUSE, Room()) for _ in range(2))
    one = Parsed((Alert("storm", "firing", {"alertname": "A", "severity": "warning"}, house.clock.now),))

    async def sends(shares: Shares, count: int) -> Way:
        ways = [await shares.place("storm", one, 10, house.clock.now) for _ in range(count)]
        for way in ways:
            shares.took("storm", way, one, 10, house.clock.now)
        await shares.settle(house.clock.now)
        return ways[-1]

    await sends(here, 1)
    house.clock.now += pause
    assert await sends(other, SMALL.alerts) == "turn"
    assert await sends(here, 1) == "turn", "nobody has told it yet"
    assert await sends(here, 1) == way


@covers("T17")
async def test_a_quota_fills_again(house: House) -> None:
    await flood(house, 2)
    await house.work()
    await fair(house).look()
    house.clock.now += MINUTE
    await flood(house, 1)
    assert await waiting_last(house) == {}


@covers("T17")
@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        pytest.param("/webhook/alertmanager", None, 503, id="Alertmanager repeats 503 and loses 429"),
        pytest.param(
            "/v2/enqueue",
            {
                "event_action": "trigger",
                "dedup_key": "a",
                "payload": {"summary": "x", "source": "y", "severity": "warning"},
            },
            429,
            id="PagerDuty's clients heed 429",
        ),
        pytest.param("/v2/alerts", {"message": "x", "priority": "P4"}, 429, id="so do those of Opsgenie"),
    ],
)
async def test_what_is_too_much_is_told_to_come_back(
    tmp_path: Path, path: str, body: dict[str, Any] | None, expected: int
) -> None:
    async with opened(tmp_path, HOUSE, SECRETS, room=Room(rows=8)) as house:
        await flood(house, 3)  # Two of them wait, a quarter of what there is room for.
        more = {"body": body} if body else {}
        shown = bearer(SECRETS["STORM"])
        told = body or {"alerts": [{"status": "firing", "labels": {"alertname": "More", "severity": "warning"}}]}
        async with house.http.post(house.url + path, json=told, headers=shown) as answer:
            assert (answer.status, answer.headers["Retry-After"], bool(more)) == (expected, "30", bool(body))

        assert await said(house, "calm", "Calm") == 200
        assert await said(house, "storm", "Gone", severity="SEV-1") == 200
        await house.intake.shares.settle(house.clock.now)
        counts = await house.database.read(lambda tx: source_counts.since(tx, tx.now()))
        assert (counts["storm"].refused, counts["storm"].late) == (1, 2 * SMALL.alerts)


@covers("T17")
async def test_one_incident_tells_of_a_source_over_its_quota_and_ends_by_itself(house: House) -> None:
    about = "source storm is over its quota"
    watcher = fair(house)
    await flood(house, 3)
    for _ in range(2):
        await watcher.look()
    (own,) = [one for one in (await house.get("/api/v1/incidents"))["incidents"] if one["title"] == about]
    assert own["severity"] == "SEV-3"

    await house.work()
    house.clock.now += 14 * MINUTE
    await watcher.look()
    assert about in await titles(house)
    house.clock.now += 2 * MINUTE
    await watcher.look()
    assert about not in await titles(house)


async def test_the_incident_ends_also_after_a_restart(house: House) -> None:
    await flood(house, 3)
    await fair(house).look()
    await house.work()
    house.clock.now += 16 * MINUTE
    await fair(house).look()
    assert "source storm is over its quota" not in await titles(house)


async def test_what_a_person_has_ended_is_not_told_again_at_once(house: House) -> None:
    await flood(house, 3)
    await fair(house).look()
    (own,) = [one for one in (await house.get("/api/v1/incidents"))["incidents"] if "quota" in one["title"]]
    await house.post(f"/api/v1/incidents/{own['code']}/resolve", {"by": "ana"}, headers=house.shows)
    house.clock.now += MINUTE
    await fair(house).look()
    assert "source storm is over its quota" not in await titles(house)


async def test_unrouted_and_invalid_are_counted_by_source(house: House) -> None:
    await said(house, "calm", "A", "B")
    await said(house, "calm", "A", "B")
    async with house.http.post(
        house.url + "/webhook/alertmanager", data=b"{", headers=bearer(SECRETS["CALM"])
    ) as answer:
        assert answer.status == 400
    await house.work()
    await house.intake.shares.settle(house.clock.now)

    counts = (await house.database.read(lambda tx: source_counts.since(tx, tx.now())))["calm"]
    assert (counts.alerts, counts.unrouted, counts.invalid) == (4, 2, 1)


async def test_counts_that_could_not_be_written_are_written_later(house: House) -> None:
    shares = house.intake.shares
    await said(house, "calm", "A")
    await house.database.close()
    with pytest.raises(Exception, match="not open"):
        await shares.settle(house.clock.now)
    await house.database.open()
    await shares.settle(house.clock.now)
    counts = (await house.database.read(lambda tx: source_counts.since(tx, tx.now())))["calm"]
    assert counts.alerts == 1


async def test_what_two_nodes_count_adds_up(house: House) -> None:
    for _ in range(2):
        await house.database.write(lambda tx: source_counts.count(tx, {"prom": Counts(alerts=3, bytes=9)}))
    house.clock.now += timedelta(days=8)
    await house.database.write(lambda tx: source_counts.count(tx, {"prom": Counts(alerts=1)}))

    everything = await house.database.read(lambda tx: source_counts.since(tx, tx.now() - timedelta(days=30)))
    assert (everything["prom"].alerts, everything["prom"].bytes) == (7, 18)
    await house.database.write(source_counts.forget)
    left = await house.database.read(lambda tx: source_counts.since(tx, tx.now() - timedelta(days=30)))
    assert left["prom"].alerts == 1


# Tokens.


async def from_network(house: House, address: str) -> None:
    """The token of calm is shown by whoever has this address."""
    house.intake.watch.used("calm", address, house.clock.now)


async def test_a_token_is_watched_without_a_write_for_each_request(house: House) -> None:
    watcher = fair(house)
    await said(house, "calm", "A")
    await watcher.look()
    first = (await house.database.read(token_uses.every))["calm"]
    assert (first.used_at, list(first.networks)) == (house.clock.now, ["127.0.0.0/24"])

    house.clock.now += timedelta(seconds=30)
    await said(house, "calm", "A")
    await watcher.look()
    assert (await house.database.read(token_uses.every))["calm"].used_at == first.used_at
    house.clock.now += MINUTE
    await said(house, "calm", "A")
    await watcher.look()
    assert (await house.database.read(token_uses.every))["calm"].used_at == house.clock.now


async def test_behind_a_trusted_proxy_the_network_is_the_senders(tmp_path: Path) -> None:
    proxied = Signing(proxies=(parse_network("127.0.0.0/8"),))
    async with opened(tmp_path, HOUSE, SECRETS, signing=proxied) as house:
        shown = {**bearer(SECRETS["CALM"]), "X-Forwarded-For": "198.51.100.9, 203.0.113.77"}
        assert (await house.post("/webhook/alertmanager", {"alerts": []}, headers=shown))[0] == 200
        await fair(house).look()
        assert list((await house.database.read(token_uses.every))["calm"].networks) == ["203.0.113.0/24"]


async def test_a_new_network_after_the_first_week_is_told_once_and_pages_nobody(house: House) -> None:
    about = "the token of source calm is used from a new network"
    watcher = fair(house)
    await from_network(house, "198.51.100.7")
    await watcher.look()
    house.clock.now += timedelta(days=2)
    await from_network(house, "192.0.2.1")
    await watcher.look()
    assert about not in await titles(house)

    house.clock.now += timedelta(days=6)
    for _ in range(2):
        await from_network(house, "203.0.113.9")
        await watcher.look()
        house.clock.now += 2 * MINUTE
    (own,) = [one for one in (await house.get("/api/v1/incidents"))["incidents"] if one["title"] == about]
    assert own["severity"] == "SEV-4"


async def test_an_unused_token_is_told_and_ends_when_it_is_used(house: House) -> None:
    about = "the token of source calm is not used"
    watcher = fair(house)
    await watcher.look()
    house.clock.now += UNUSED - MINUTE
    await watcher.look()
    assert about not in await titles(house)
    house.clock.now += 2 * MINUTE
    await watcher.look()
    assert about in await titles(house)

    await said(house, "calm", "A")
    await watcher.look()
    assert about not in await titles(house)


async def test_a_token_that_is_gone_is_forgotten(house: House) -> None:
    watcher = fair(house)
    await watcher.look()
    house.engine.catalog = replace(HOUSE, sources={"calm": SOURCES["calm"]})
    await watcher.look()
    assert set(await house.database.read(token_uses.every)) == {"calm"}


# What people see of it.


async def test_what_each_source_does_is_told(house: House) -> None:
    await flood(house, 3)
    await said(house, "calm", "A")
    watcher = fair(house)
    await watcher.look()
    found = {one["name"]: one for one in (await house.get("/api/v1/sources"))["sources"]}

    assert (found["storm"]["over_quota"], found["storm"]["waiting"], found["storm"]["day"]["late"]) == (True, 2, 10)
    assert found["storm"]["quota"]["alerts"] == SMALL.alerts
    assert (found["calm"]["over_quota"], found["calm"]["day"]["alerts"], found["calm"]["open"]) == (False, 1, 0)
    assert found["calm"]["token"]["networks"] == ["127.0.0.0/24"]
    assert watcher.remarks() == ["source storm is over its quota: see pagerctl source status"]
    async with house.http.get(house.url + "/system", headers=house.shows) as page:
        assert "over its quota: 2 requests wait" in await page.text()


async def test_the_doctor_names_quotas_tokens_and_networks(house: House) -> None:
    watcher = fair(house)
    await watcher.look()
    assert {name: well for name, well, _, _ in await examine_sources(house.engine)} == {"quotas": True, "tokens": True}

    await from_network(house, "198.51.100.7")
    await watcher.look()
    house.clock.now += timedelta(days=8)
    await from_network(house, "203.0.113.9")
    await flood(house, 3)
    await watcher.look()
    house.clock.now += UNUSED - timedelta(days=1)
    found = {name: said for name, well, said, _ in await examine_sources(house.engine) if not well}
    assert found["quotas"].startswith("over their quota: storm; 2 of")
    assert found["networks"].endswith("calm from 203.0.113.0/24")
    house.clock.now += timedelta(days=2)
    assert "calm, storm" in {name: said for name, _, said, _ in await examine_sources(house.engine)}["tokens"]


def test_the_doctor_names_the_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = ["arn:aws:sns:eu-west-1:123456789012:alarms"]
    signed = {"name": "aws", "dialect": "generic", "token": "AWS", "signed": {"by": "sns", "topics": topics}}
    files = replace(HOUSE, sources={"aws": Source.model_validate(signed)})
    settings = Settings(config=Path(), database="postgresql://somewhere/pager", smtp_listen="127.0.0.1:2525")
    assert examine_extras(files, settings) == []

    monkeypatch.setattr("pager.extras.find_spec", lambda name: None)
    ((name, well, said, mend),) = examine_extras(files, settings)
    assert (name, well) == ("extras", False)
    assert said == (
        "not installed: psycopg for the database, which is PostgreSQL; cryptography for source aws, whose messages SNS "
        "signs; aiosmtpd for smtp_listen: mail comes in"
    )
    assert "pip install 'pagerd[postgres,sns,mail]'" in mend
    assert examine_extras(HOUSE, Settings(config=Path(), database="sqlite:///x.db")) == []
