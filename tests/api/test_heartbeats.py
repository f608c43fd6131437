"""Pings over HTTP, as jobs send them, and heartbeats as scripts read them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from pager.api.gauges import refresh
from pager.core.rule import Heartbeat, Source
from pager.store import inbox
from pager.sweeper import Sweeper
from tests.api.house import CATALOG, House, opened

MINUTE = timedelta(minutes=1)
RUN = "d1d0ed3c-8a9e-4b0c-a57c-2f9b8ac0d6a5"
WRITTEN = (
    Heartbeat.model_validate({"name": "backup", "every": "1h", "grace": "10m", "severity": "SEV-3"}),
    Heartbeat.model_validate({"name": "prometheus", "every": "5m", "watchdog": ["alertname = Watchdog"]}),
)
NAMED = replace(CATALOG, heartbeats=WRITTEN)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, NAMED) as found:
        yield found


async def ask(house: House, method: str, path: str, **options: Any) -> tuple[int, str]:
    async with house.http.request(method, house.url + path, **options) as answer:
        return answer.status, await answer.text() if method != "HEAD" else ""


async def listed(house: House) -> dict[str, Any]:
    """Each heartbeat by its title."""
    return {one["title"]: one for one in (await house.get("/api/v1/heartbeats"))["heartbeats"]}


async def waiting(house: House) -> int:
    return await house.database.read(inbox.backlog)


# Each row has a heartbeat of its own; `{}` is its name.
ADDRESSES = (
    ("a sign of life", "GET", "/ping/-/{}", 200, "OK", "up"),
    ("by POST", "POST", "/ping/-/{}", 200, "OK", "up"),
    ("by HEAD", "HEAD", "/ping/-/{}", 200, "", "up"),
    ("without tokens any word will do here", "GET", "/ping/whatever/{}", 200, "OK", "up"),
    ("it begins", "GET", "/ping/-/{}/start", 200, "OK", "started"),
    ("it failed", "GET", "/ping/-/{}/fail", 200, "OK", "failed"),
    ("exit status 0", "GET", "/ping/-/{}/0", 200, "OK", "up"),
    ("another exit status", "GET", "/ping/-/{}/255", 200, "OK", "failed"),
    ("a run by its name", "GET", f"/ping/-/{{}}?rid={RUN}", 200, "OK", "up"),
    ("as Opsgenie has them", "GET", "/v2/heartbeats/{}/ping", 202, "PONG", "up"),
    ("a remark", "GET", "/ping/-/{}/log", 200, "OK", "new"),
    ("no exit status", "GET", "/ping/-/{}/256", 400, "exit status is 0 to 255", "new"),
    ("no name of a run", "GET", "/ping/-/{}?rid=7", 400, "not a UUID", "new"),
    ("no kind of ping", "GET", "/ping/-/{}/stop", 404, "start, fail, log", "new"),
    ("what the files do not name", "GET", "/ping/-/not-{}", 404, "not found", "new"),
    ("a watchdog", "GET", "/ping/-/prometheus", 404, "heard by its alerts", "new"),
    ("which takes every name at Opsgenie's", "POST", "/v2/heartbeats/not-{}/ping", 202, "PONG", "new"),
    ("a webhook that says nothing", "POST", "/webhook/heartbeat", 400, "empty", "new"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def jobs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    written = [Heartbeat(name=f"job-{number}", every=60 * MINUTE) for number in range(len(ADDRESSES))]
    async with opened(tmp_path_factory.mktemp("jobs"), replace(CATALOG, heartbeats=(*written, *WRITTEN))) as found:
        yield found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("number", "method", "path", "status", "said", "state"),
    [pytest.param(number, *row[1:], id=row[0]) for number, row in enumerate(ADDRESSES)],
)
async def test_each_address_says_what_it_says(
    jobs: House, number: int, method: str, path: str, status: int, said: str, state: str
) -> None:
    answered, words = await ask(jobs, method, path.format(f"job-{number}"))
    kept = await waiting(jobs)
    await jobs.work()

    assert (answered, said in words) == (status, True), words
    assert (await listed(jobs))[f"job-{number}"]["state"] == state
    assert kept == (state != "new" or path.endswith("/log")), "what was answered by OK was on the disk"


async def test_what_a_job_says_is_its_last_word_and_never_too_long(house: House) -> None:
    async with house.http.post(house.url + f"/ping/-/backup/start?rid={RUN}") as answer:
        assert answer.headers["Ping-Body-Limit"] == "10000"
    await house.work()
    house.clock.now += 3 * MINUTE
    output = b"\xff\x00copied\n" + b"x" * 20_000
    assert (await ask(house, "POST", f"/ping/-/backup/3?rid={RUN}", data=output))[0] == 200
    await house.work()

    one = (await listed(house))["backup"]
    assert (one["state"], one["exit_status"], one["lasted_seconds"]) == ("failed", 3, 180)
    assert one["word"].startswith("\ufffdcopied\nxxx") and len(one["word"]) < 10_001


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_picture_on_a_foreign_page_is_no_sign_of_life(house: House, site: str) -> None:
    assert (await ask(house, "GET", "/ping/-/backup", headers={"Sec-Fetch-Site": site}))[0] == 403
    assert await waiting(house) == 0


async def test_the_token_in_the_address_says_who_pings_and_is_told_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sources = {"cron": Source(name="cron", dialect="heartbeat", token="CRON")}
    async with opened(tmp_path, replace(NAMED, sources=sources), {"CRON": "s3cret"}) as house:
        house.shows = {"Authorization": f"Bearer {await house.token('admin')}"}
        refused = [(await ask(house, "GET", f"/ping/{word}/backup"))[0] for word in ("-", "wrong")]
        assert refused == [401, 403]
        assert (await ask(house, "GET", "/ping/s3cret/backup"))[0] == 200
        row = await house.database.read(lambda tx: tx.one("SELECT source, body FROM inbox"))
        assert row is not None and row.source == "cron" and b"s3cret" not in bytes(row.body)
        metrics = house.metrics.requests.collect()
        assert "s3cret" not in str(metrics) + caplog.text


async def test_heartbeats_are_listed_with_what_is_waited_for(house: House) -> None:
    now = house.clock.now
    assert (await house.post("/api/v1/heartbeats/backup/ping", {"word": "by hand"}))[0] == 200
    assert (await house.post("/api/v1/heartbeats/prometheus/ping", {}))[0] == 404
    await house.fires("Watchdog", "InfoInhibitor", severity="none", cluster="eu")
    told = await house.get("/api/v1/heartbeats")

    backup, prometheus = told["heartbeats"]
    assert {name: backup[name] for name in ("name", "instance", "state", "word", "every", "grace", "severity")} == {
        "name": "backup", "instance": None, "state": "up", "word": "by hand", "every": "1h", "grace": "10m",
        "severity": "SEV-3",
    }  # fmt: skip
    assert backup["due_at"] == (now + 70 * MINUTE).isoformat().replace("+00:00", "Z")
    assert (prometheus["title"], prometheus["state"], len(prometheus["instance"])) == (
        "prometheus (cluster=eu)",
        "up",
        16,
    )
    assert [(one["alertname"], one["labels"]["cluster"]) for one in told["to_expect"]] == [("InfoInhibitor", "eu")]
    assert (await house.get("/api/v1/incidents?state=all"))["incidents"] == []


async def test_an_instance_that_is_gone_for_good_is_forgotten_and_what_is_told_of_it_ends(house: House) -> None:
    await house.fires("Watchdog", severity="none", cluster="eu")
    house.clock.now += 6 * MINUTE
    await Sweeper(house.engine).sweep()
    await house.work()
    assert (await house.get("/api/v1/incidents"))["incidents"][0]["title"].startswith("prometheus (cluster=eu) has not")

    instance = (await listed(house))["prometheus (cluster=eu)"]["instance"]
    statuses = [(await ask(house, "DELETE", f"/api/v1/heartbeats/prometheus/{instance}"))[0] for _ in range(2)]
    await house.work()
    assert statuses == [200, 404]
    assert (await house.get("/api/v1/incidents"))["incidents"] == []
    assert [one["state"] for one in (await listed(house)).values() if one["name"] == "prometheus"] == ["new"]


async def test_metrics_say_whether_each_is_up_as_the_worst_of_its_instances(house: House) -> None:
    for cluster in ("eu", "us"):
        await house.fires("Watchdog", severity="none", cluster=cluster)
    await refresh(house.database, house.metrics)
    assert metric(house, "up") == {"backup": 1, "prometheus": 1}
    assert metric(house, "last_timestamp_seconds") == {"prometheus": house.clock.now.timestamp()}

    house.clock.now += 4 * MINUTE
    await house.fires("Watchdog", severity="none", cluster="us")
    house.clock.now += 2 * MINUTE
    await refresh(house.database, house.metrics)
    assert (metric(house, "up"), metric(house, "missing")) == (
        {"backup": 1, "prometheus": 0},
        {"backup": 0, "prometheus": 1},
    )
    assert metric(house, "last_timestamp_seconds") == {"prometheus": (house.clock.now - 6 * MINUTE).timestamp()}


def metric(house: House, name: str) -> dict[str, float]:
    return {
        sample.labels["name"]: sample.value
        for family in house.metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"pager_heartbeat_{name}"
    }
