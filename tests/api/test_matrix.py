"""A stranger on the network: every route with no token, a wrong one, an old one, and one of each scope."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from msgspec.structs import replace
from yarl import URL

from pager.api.app import build_app
from pager.api.parts import Parts
from pager.core.rule import Source
from pager.store import tokens
from pager.web.render import is_page
from tests.api.house import CATALOG, House, bearer, opened
from tests.support import covers

STRANGER = {"Host": "pager.example.org", "X-Forwarded-For": "10.0.0.7"}
OPENS: dict[str, set[str]] = {
    "nothing": {"none", "wrong", "expired", "source", "ingest", "calendar", "read", "respond", "admin"},
    "ingest": {"source", "ingest", "admin"},
    "keyed": {"source", "ingest", "admin"},
    "calendar": {"calendar", "read", "respond", "admin"},
    "read": {"read", "respond", "admin"},
    "respond": {"respond", "admin"},
    "admin": {"admin"},
}
"""What a route needs -> what opens it."""
SHOWN = sorted(OPENS["nothing"])
ROUTES: dict[str, tuple[str, ...]] = {
    "nothing": (
        "GET /-/healthy",
        "GET /-/ready",
        "GET /livez",
        "GET /readyz",
        "GET /healthz",
        "GET /metrics",
        "GET /api/v1/openapi.json",
        "GET /p/{token}",
        "GET /p/{token}/",
        "GET /p/{token}/runbook",
        "GET /p/{token}/plan",
        "POST /p/{token}",
        "POST /p/{token}/",
        "GET /p/proof/{token}",
        "POST /p/proof/{token}",
        "GET /enrol/{token}",
        "POST /enrol/{token}",
        "GET /static/{name}",
    ),
    "ingest": (
        "POST /webhook/{dialect}",
        "POST /webhook/{dialect}/",
        "PUT /webhook/{dialect}",
        "PUT /webhook/{dialect}/",
        *(f"{method} /webhook/generic{more}" for method in ("GET", "POST", "PUT") for more in ("", "/{mapping}")),
        *(f"{method} /ping/{{token}}/{{name}}{more}" for method in ("GET", "POST") for more in ("", "/{said}")),
        *(
            f"POST /integrations/{path}{slash}"
            for path in (
                "generic/20131114/alert/{token}",
                "generic/20131114/alert/{token}/{routing_key}",
                "v1/{kind}/{token}",
                "v1/{kind}/{token}/heartbeat",
            )
            for slash in ("", "/")
        ),
        *(f"GET /integrations/v1/{{kind}}/{{token}}/heartbeat{slash}" for slash in ("", "/")),
        *(f"POST /api/v2/{kind}/incoming" for kind in ("generic", "grafana", "prometheusalertmanager")),
        "POST /v2/alerts",
        "GET /v2/alerts",
        "GET /v2/alerts/requests/{request}",
        "GET /v2/alerts/{ident}",
        "DELETE /v2/alerts/{ident}",
        "POST /v2/alerts/{ident}/{verb}",
        "PUT /v2/alerts/{ident}/{verb}",
        "GET /v2/heartbeats/{name}/ping",
        "POST /v2/heartbeats/{name}/ping",
        "PUT /v2/heartbeats/{name}/ping",
        "PATCH /v2/heartbeats/{name}/ping",
        "POST /api/v2/alerts",
        "POST /api/v2/alerts/",
        "POST /api/v1/alerts",
        "POST /api/v1/alerts/",
    ),
    "keyed": (
        "POST /v2/enqueue",
        "POST /v2/enqueue/",
        "POST /v2/change/enqueue",
        "POST /v2/change/enqueue/",
        "POST /generic/2010-04-15/create_event.json",
    ),
    "calendar": (
        "GET /schedules/{name}.ics",
        "GET /people/{name}.ics",
    ),
    "read": (
        "GET /api/v1/incidents",
        "GET /api/v1/incidents/{code}",
        "GET /api/v1/incidents/{code}/timeline",
        "GET /api/v1/incidents/{code}/pages",
        "GET /api/v1/incidents/{code}/explain",
        "GET /api/v1/alerts",
        "GET /api/v1/events",
        "GET /api/v1/heartbeats",
        "GET /api/v1/sources",
        "GET /api/v1/oncall",
        "GET /api/v1/overrides",
        "GET /api/v1/overrides/{id}",
        "GET /api/v1/silences",
        "GET /api/v1/webhooks",
        "GET /api/v1/silences/{id}",
        "GET /api/v2/status",
        "GET /api/v2/receivers",
        "GET /api/v2/alerts",
        "GET /api/v2/alerts/",
        "GET /api/v2/alerts/groups",
        "GET /api/v2/silences",
        "GET /api/v2/silence/{id}",
        "GET /api/v1/load",
        "GET /api/v1/maintenance",
        "GET /api/v1/maintenance/{id}",
        "GET /api/v1/pause",
        "GET /api/v1/schedules/{name}",
        "GET /api/v1/schedules/{name}.svg",
        "GET /oncall/{name}.txt",
        "GET /api/v1/schedules/{name}/cover",
        "GET /api/v1/status",
        "GET /api/v1/contacts",
        "GET /api/v1/people/{name}/tests/{id}",
    ),
    "respond": (
        "POST /api/v1/incidents",
        "POST /api/v1/incidents/{code}/{act}",
        "POST /api/v1/overrides",
        "DELETE /api/v1/overrides/{id}",
        "POST /api/v1/silences",
        "DELETE /api/v1/silences/{id}",
        "POST /api/v1/heartbeats/{name}/ping",
        "DELETE /api/v1/heartbeats/{name}/{instance}",
        "POST /api/v2/silences",
        "DELETE /api/v2/silence/{id}",
        "POST /api/v1/maintenance",
        "DELETE /api/v1/maintenance/{id}",
        "POST /api/v1/people/{name}/page",
        "POST /api/v1/people/{name}/tests",
        "POST /api/v1/pause",
        "DELETE /api/v1/pause",
    ),
    "admin": (
        "POST /-/reload",
        "GET /api/v1/tokens",
        "POST /api/v1/webhooks/{name}/on",
        "POST /api/v1/webhooks/{name}/test",
        "POST /api/v1/tokens",
        "DELETE /api/v1/tokens/{name}",
        "POST /api/v1/backups",
        "GET /api/v1/doctor",
        "GET /api/v1/users",
        "POST /api/v1/users/{name}/enrolment",
        "POST /api/v1/users/{name}/disable",
        "POST /api/v1/users/{name}/enable",
        "GET /api/v1/users/{name}/sessions",
        "DELETE /api/v1/users/{name}/sessions",
        "DELETE /api/v1/users/{name}/sessions/{id}",
        "GET /api/v1/audit",
        "GET /api/v1/audit/check",
        "GET /api/v1/requests",
    ),
}
PAGES: dict[str, tuple[str, ...]] = {
    "nothing": (
        "GET /login",
        "POST /login",
        "GET /login/to",
        "GET /login/back",
    ),
    "read": (
        "GET /",
        "GET /i/{code}",
        "GET /i/{code}/runbook",
        "GET /i/{code}/plan",
        "GET /oncall",
        "GET /oncall/{name}",
        "GET /oncall/{name}/picture.svg",
        "GET /alerts",
        "GET /routes",
        "GET /silences",
        "GET /maintenance",
        "GET /reports",
        "GET /reports/{table}.csv",
        "GET /wall",
        "GET /declare",
        "GET /system",
        "GET /help",
        "GET /help/api",
        "GET /help/{topic}",
        "GET /live",
        "GET /me",
        "GET /me/contact.vcf",
        "POST /me",
    ),
    "respond": (
        "POST /i/{code}",
        "POST /oncall/{name}",
        "POST /declare",
        "POST /me/test",
        "POST /silences",
        "POST /maintenance",
    ),
    "admin": (
        "POST /system",
        "GET /audit",
    ),
}
VALUES = {"dialect": "alertmanager", "code": "7KQ", "act": "ack", "name": "payments", "id": "1", "token": "a" * 16}
VALUES |= {"topic": "nodes", "table": "people", "ident": "1", "verb": "close", "request": "1", "mapping": "pingdom"}
VALUES |= {"said": "start", "instance": "f00", "kind": "webhook", "routing_key": "db"}
EVERY = [(scope, *route.split()) for shelf in (ROUTES, PAGES) for scope, routes in shelf.items() for route in routes]


@dataclass(frozen=True)
class Street:
    """A served pager with a token of each kind."""

    house: House
    shows: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    sources = {"prom": Source(name="prom", dialect="alertmanager", token="PROM")}
    folder = tmp_path_factory.mktemp("street")
    async with opened(folder, replace(CATALOG, sources=sources), {"PROM": "s3cret"}) as house:
        shows = {scope: await house.token(scope) for scope in ("ingest", "calendar", "read", "respond", "admin")}
        shows |= {"source": "s3cret", "wrong": tokens.new_api_token()}
        shows["expired"] = await house.token("admin", "expired", timedelta())
        yield Street(house, shows)


async def asked(street: Street, method: str, path: str, shown: str) -> tuple[int, str]:
    """What a stranger is answered who shows this: the status and all words."""
    headers = {**STRANGER, **(bearer(street.shows[shown]) if shown != "none" else {})}
    values = VALUES
    if path.startswith(("/ping/", "/integrations/")):  # Here the address is all that is shown.
        headers, values = STRANGER, {**VALUES, "token": street.shows.get(shown, "-")}
    async with street.house.http.request(
        method, street.house.url + path.format_map(values), headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text()


@covers("T1", "T32")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("path", [route.split()[1] for route in ROUTES["keyed"]])
async def test_a_token_in_the_body_opens_what_it_opens_in_the_head(street: Street, path: str, shown: str) -> None:
    key = "service_key" if path.endswith("json") else "routing_key"
    body = {key: street.shows.get(shown, "")}
    async with street.house.http.post(street.house.url + path, headers=STRANGER, json=body) as answer:
        words = await answer.text()

    # It says nothing, and is refused for that by whoever let it in.
    assert answer.status in (400, 429)
    assert ("routing_key:" in words or answer.status == 429) == (shown not in OPENS["keyed"]), words


@covers("T1", "T32", "T33")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize(("scope", "method", "path"), EVERY, ids=[f"{row[1]} {row[2]}" for row in EVERY])
async def test_t1_every_route_opens_to_its_scope_alone(
    street: Street, scope: str, method: str, path: str, shown: str
) -> None:
    status, words = await asked(street, method, path, shown)

    if shown in OPENS[scope]:
        # An unknown page link may be told to wait: whoever asks for hundreds of them guesses.
        assert status not in (401, 403), words
        assert status != 429 or "{token}" in path
        assert status < 500 or status == 501, words
    elif shown == "none" and scope == "keyed":
        assert status == 400  # The body may show one, and this one is empty.
    elif shown == "none":
        # Beside the pages for people, refusals are words for people, too.
        assert (status, '"status":401' in words or is_page(path)) == (401, True)
    else:
        assert status in ((403, 429) if shown == "wrong" else (403,)), words


@covers("T1", "T32")
@pytest.mark.asyncio(loop_scope="module")
async def test_t32_every_route_has_a_row_here(street: Street) -> None:
    house = street.house
    served = build_app(parts_of(house)).router.routes()

    found = {f"{route.method} {canonical(route)}" for route in served if route.method != "HEAD"}

    assert found == {f"{method} {path}" for _, method, path in EVERY}


@covers("T1")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nothing", 401, id="what is not there"),
        pytest.param("GET", "/", 401, id="the front door"),
        pytest.param("GET", "/debug/pprof", 401, id="a debugger"),
        pytest.param("DELETE", "/metrics", 405, id="another method of what is open"),
        pytest.param("GET", "/p/../api/v1/incidents", 404, id="out of an open folder"),
        pytest.param("GET", "/p/%2e%2e/api/v1/incidents", 404, id="the same in disguise"),
        pytest.param("GET", "/p/..%2fapi%2fv1%2fincidents", 404, id="a link that only looks like it"),
        pytest.param("GET", "/static/..%2f..%2fpager.db", 404, id="a file that is not for all"),
        pytest.param("GET", "//api/v1/incidents", 401, id="two slashes"),
        pytest.param("GET", "/API/v1/incidents", 401, id="capitals"),
        pytest.param("GET", "/metrics/../api/v1/tokens", 401, id="out of the metrics"),
        pytest.param("GET", "/api/v1/incidents?token={admin}", 401, id="a token in a query is none here"),
        pytest.param("GET", "/api/v1/alerts?token=s3cret", 401, id="nor a source's"),
        pytest.param("POST", "/webhook/alertmanager?token=s3cret", 400, id="but on webhooks"),
        pytest.param("POST", "/webhook/nothing", 401, id="the names of dialects are not told"),
    ],
)
async def test_no_other_spelling_opens_a_door(street: Street, method: str, path: str, status: int) -> None:
    url = URL(street.house.url + path.replace("{admin}", street.shows["admin"]), encoded=True)
    async with street.house.http.request(method, url, headers=STRANGER) as answer:
        assert answer.status in (status, 429) if "/p/" in path else answer.status == status


def canonical(route: web.AbstractRoute) -> str:
    assert route.resource is not None
    return route.resource.canonical


def parts_of(house: House) -> Parts:
    return Parts(house.database, house.engine, house.intake, house.metrics, house.clock, lambda: house.beats)
