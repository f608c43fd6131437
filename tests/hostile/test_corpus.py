"""The hostile corpus at every way in: no 5xx, no good alert lost beside a bad one, and the next one is paged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pager.api import (
    alertmanager,
    alertmanager_read,
    alerts,
    generic,
    goalert,
    grafana_oncall,
    incidents,
    opsgenie,
    pagerduty,
    victorops,
    webhook,
)
from pager.web import link
from tests.api.house import House
from tests.hostile.ways import hostile_bodies, long_body, many_alerts, ordinary, ordinary_is_taken, paged
from tests.support import covers

DIALECTS = ("alertmanager", "generic", "grafana", "opsgenie", "pagerduty", "prometheus", "victorops")
SENDERS = (generic, webhook, alertmanager, alertmanager_read, opsgenie, pagerduty, victorops, goalert, grafana_oncall)
POSTED = sorted(
    {
        (route.method, route.path)
        for module in (*SENDERS, alerts, incidents, link)
        for route in module.routes
        if isinstance(route, web.RouteDef) and route.method in ("POST", "PUT", "PATCH") and route.path[-1] != "/"
    }
)
WAYS = [
    (method, path.replace("{dialect}", dialect))
    for method, path in POSTED
    for dialect in (DIALECTS if "{dialect}" in path else ("",))
]
PATHS = ("/webhook/alertmanager", "/webhook/grafana", "/webhook/prometheus", "/api/v2/alerts", "/api/v1/alerts")


@covers("T16", "P2")
@pytest.mark.parametrize(("method", "path"), [pytest.param(*way, id=" ".join(way)) for way in WAYS])
async def test_no_body_brings_down_what_it_is_sent_to(house: House, payloads: Path, method: str, path: str) -> None:
    code = await house.fires("Before")
    path = (
        path.replace("{ident:.+}", "disk")
        .replace("{mapping}", "pingdom")
        .replace("{verb}", "close")
        .replace("{name}", "x")
        .replace("{kind}", "formatted_webhook")
        .replace("{routing_key}", "db")
        .replace("{code}", code)
        .replace("{token}", (await house.link("ana")).removeprefix("/p/"))
    )
    answered: dict[str, int] = {}
    bodies = hostile_bodies(payloads)
    for at, (name, body) in enumerate(bodies.items()):
        async with house.http.request(method, house.url + path, data=body, allow_redirects=False) as answer:
            answered[name] = answer.status
            await answer.read()
        await ordinary_is_taken(house, f"Ordinary{at}")

    assert {name: status for name, status in answered.items() if status >= 500 or status < 200} == {}
    assert {f"Ordinary{at}" for at in range(len(bodies))} <= await paged(house)
    async with house.http.get(f"{house.url}/-/healthy") as answer:
        assert answer.status == 200


def with_good(body: bytes, path: str, good: bytes) -> bytes | None:
    """The body's alerts as they are written, with a good one before and after; None for what has no list of them."""
    text = body.decode("utf-8-sig", "surrogateescape")
    start = re.search(r'"alerts"\s*:\s*(?=\[)', text)
    try:
        json.loads(text, parse_constant=int)
        _, end = json.JSONDecoder().raw_decode(text, start.end() if start else 0)
    except (ValueError, RecursionError):
        return None
    # Of a key that comes twice the last one is what was said.
    if start is None or text.count('"alerts"') > 1:
        return None
    inside = text[start.end() + 1 : end - 1].strip()
    said = good.decode().replace("good", "first") + (f", {inside}, " if inside else ", ")
    mixed = f"[{said}{good.decode().replace('good', 'last')}]"
    array = path.endswith("prometheus") or path.startswith("/api/")
    whole = mixed if array else text[: start.end()] + mixed + text[end:]
    return whole.encode("utf-8", "surrogateescape")


@covers("T16", "P2")
@pytest.mark.parametrize("path", PATHS)
async def test_good_alerts_are_kept_beside_hostile_ones(house: House, payloads: Path, path: str) -> None:
    wanted: set[str] = set()
    for name, body in hostile_bodies(payloads).items():
        mixed = with_good(body, path, json.dumps(ordinary(f"{name}-good")).encode())
        if mixed is None:
            continue
        async with house.http.post(house.url + path, data=mixed) as answer:
            # Whether something was lost beside them is for the dialect to say, and no reason to lose them.
            assert answer.status == 200 or (answer.status == 400 and path.startswith("/api/")), name
        wanted |= {f"{name}-first", f"{name}-last"}
    await house.work()

    known = {alert["labels"].get("alertname") for alert in await everything(house)}
    assert len(wanted) > 60
    assert wanted - known == set()


@covers("T16", "P2", "F48")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/webhook/alertmanager"),
        pytest.param("/webhook/grafana", marks=pytest.mark.slow),
        pytest.param("/api/v2/alerts", marks=pytest.mark.slow),
    ],
)
async def test_ten_megabytes_are_refused_or_all_kept(house: House, payloads: Path, path: str) -> None:
    for name, body in (("long", long_body()), ("many", many_alerts(payloads))):
        sent = json.dumps(json.loads(body)["alerts"]).encode() if path.startswith("/api/") else body
        async with house.http.post(house.url + path, data=sent) as answer:
            assert answer.status in (200, 413), name
        await ordinary_is_taken(house, f"After {name}")

    assert {"After long", "After many"} <= await paged(house)
    if answer.status == 200:
        (held,) = await house.database.read(lambda tx: tx.all("SELECT count(*) AS n FROM alerts"))
        assert held.n >= len(json.loads(body)["alerts"])


async def everything(house: House) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        page = await house.get(f"/api/v1/alerts?state=all&limit=500{cursor}")
        found += page["alerts"]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"
