"""A night at the example's company, for tests that look at pages: incidents, silences, turns taken and pages sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from shutil import copytree

from msgspec.structs import replace

from pager.core.code import number_of
from pager.core.matcher import parse_matcher
from pager.core.rule import Maintenance
from pager.files import load_catalog
from pager.store import proofs
from pager.store.database import Tx
from tests.api.house import NOON, House, opened
from tests.support import ROOT

WINDOW = Maintenance(
    name="patch night",
    match=(parse_matcher("env = staging"),),
    starts="0 22 * * TUE",
    lasts=timedelta(hours=4),
    timezone="Europe/Berlin",
    why="patching",
    owner="eli",
)
NIGHT = NOON + timedelta(hours=14, minutes=4)
CODE = "{code}"
"""Stands for the code of the worst incident."""
PLACES = (
    *("/", f"/i/{CODE}", f"/i/{CODE}/runbook", "/oncall", "/oncall/payments", "/declare", "/alerts", "/silences"),
    *("/maintenance", "/routes?labels=alertname%3DCheckoutDown%0Aenv%3Dprod-eu", "/reports", "/wall", "/system"),
    *("/help", "/help/nodes", "/me", "/audit", "/login", "/p/{link}", "/silences?match=DiskFull&why=new+disk&for=2h"),
    *("/i/ZZZ", "/help/nothing", "/i/{code}?cursor=2", "/alerts?state=unrouted", "/p/{link}/runbook", "/help/api"),
)


@asynccontextmanager
async def night(folder: Path) -> AsyncIterator[tuple[House, dict[str, str]]]:
    """The house at four past three in Berlin, and what stands for CODE and the like in paths."""
    loaded = load_catalog(ROOT, NOON)
    assert loaded.catalog is not None, loaded.problems
    catalog = replace(loaded.catalog, maintenance=(*loaded.catalog.maintenance, WINDOW))
    copytree(ROOT / "runbooks", folder / "runbooks")
    async with opened(folder, catalog) as house:
        await _days_before(house)
        house.clock.now = NIGHT
        worst = await _tonight(house)
        link = await house.link("ana", number_of(worst) or 0)
        yield house, {"code": worst, "link": link.removeprefix("/p/")}


async def _days_before(house: House) -> None:
    """Something happened, was answered and ended."""
    for number, (name, hours) in enumerate((("DiskFull", 1), ("DiskFull", 3), ("PodRestarts", 2), ("LatencyHigh", 4))):
        house.clock.now += timedelta(hours=hours)
        code = await house.fires(name, cluster=f"eu-{number}", severity="warning", summary=f"{name} for {hours} h")
        await _is_sent(house)
        await house.passes(timedelta(minutes=number + 1))
        await house.post(f"/api/v1/incidents/{code}/ack", {"by": "bo"})
        labels = {
            "alertname": name,
            "cluster": f"eu-{number}",
            "severity": "warning",
            "summary": f"{name} for {hours} h",
        }
        await house.post("/webhook/alertmanager", {"alerts": [{"status": "resolved", "labels": labels}]})
        await house.work()


async def _tonight(house: House) -> str:
    """One that nobody has, one that somebody has, one that is silenced, and what people made."""
    here = {"by": "eli", "why": "new switches", "for": "4h"}
    await house.post("/api/v1/silences", {**here, "match": ["alertname = DiskFull", 'cluster =~ "eu.*"']})
    await house.post("/api/v1/maintenance", {**here, "match": ["rack = 7"], "name": "new rack"})
    await house.post(
        "/api/v1/overrides",
        {"schedule": "payments", "from": "2026-02-18T08:00Z", "to": "2026-02-18T20:00Z", "who": ["chi"], "by": "bo"},
    )
    summary = "Checkout answers 502 for 100 % of requests"
    labels = {
        "alertname": "CheckoutDown",
        "env": "prod-eu",
        "cluster": "prod-1",
        "service": "checkout",
        "instance": "web-3",
    }
    url = "https://prometheus.example.org/graph?g0.expr=checkout_errors"
    alert = {"status": "firing", "labels": labels, "annotations": {"summary": summary}, "generatorURL": url}
    await house.post("/webhook/alertmanager", {"alerts": [alert]})
    worst = await house.work()
    other = await house.fires("NodeNotReady", cluster="eu-central-1", node="worker-17.eu-central-1.compute.internal")
    await house.fires("DiskFull", cluster="eu-west", severity="warning", mount="/var/lib/postgresql")
    await _is_sent(house)
    await house.passes(timedelta(minutes=3))
    await house.post(f"/api/v1/incidents/{other}/ack", {"by": "dee"})
    await house.post(f"/api/v1/incidents/{worst}/note", {"by": "chi", "text": "The last deploy was at 02:40."})
    await house.database.write(lambda tx: proofs.begin(tx, "t" * 16, 1, "ana", "push", "console://"))
    await house.database.write(lambda tx: proofs.answer(tx, "t" * 16))
    return worst


async def _is_sent(house: House) -> None:
    def mark(tx: Tx) -> None:
        tx.run("UPDATE pages SET sent_at = issued_at, state = 'delivered', due_at = NULL WHERE state = 'due'")

    await house.database.write(mark)
