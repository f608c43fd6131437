"""The OpenAPI document: it is valid, and it tells of every route of the API that is served, and of no other."""

import gzip
import html
import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from pager.api import openapi
from pager.api.app import build_app
from tests.api.house import House
from tests.api.test_matrix import ROUTES, canonical, parts_of

PATH = "/api/v1/openapi.json"


@pytest.fixture
async def document(house: House) -> Any:
    """The document as it is served."""
    return await house.get(PATH)


async def test_the_document_is_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_every_route_is_in_the_document_and_no_other(house: House, document: Any) -> None:
    app = build_app(parts_of(house))
    served = {
        (route.method, canonical(route))
        for route in app.router.routes()
        if canonical(route).startswith(openapi.BELOW) and route.method != "HEAD"
    }

    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert told == served
    assert len(told) > 50


async def test_the_document_says_who_may(document: Any) -> None:
    wanted = {
        (method.lower(), path): scope
        for scope, rows in ROUTES.items()
        for method, path in (row.split() for row in rows)
        if path.startswith(openapi.BELOW)
    }

    told = {
        (method, path): operation["security"][0]["token"][0] if operation["security"] else "nothing"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    assert told == wanted


async def test_every_route_says_what_it_is_for(document: Any) -> None:
    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    assert [name for name, said in operations.items() if not 3 < len(said["summary"]) < 120] == []
    assert len({said["operationId"] for said in operations.values()}) == len(operations)


async def test_limits_of_the_document_are_those_of_the_handlers(house: House, document: Any) -> None:
    limit = document["paths"]["/api/v1/incidents"]["get"]["parameters"][0]["schema"]
    longest = document["components"]["schemas"]["Declared"]["properties"]["title"]["maxLength"]
    said = {"title": "x" * longest, "severity": "SEV-3", "by": "ana"}

    await house.get(f"/api/v1/incidents?limit={limit['maximum']}")
    async with house.http.get(f"{house.url}/api/v1/incidents?limit={limit['maximum'] + 1}") as answer:
        assert answer.status == 400
    assert (await house.post("/api/v1/incidents", said))[0] == 201
    assert (await house.post("/api/v1/incidents", {**said, "title": said["title"] + "x"}))[0] == 400


async def test_the_document_names_no_place_of_this_machine(house: House, document: Any) -> None:
    assert str(house.url) not in json.dumps(document)


async def test_a_page_of_the_manual_tells_all_of_it_to_people(house: House, document: Any) -> None:
    async with house.http.get(f"{house.url}/help/api") as answer:
        page = await answer.text()

    assert answer.status == 200
    assert [path for path in document["paths"] if html.escape(path) not in page] == []
    assert f'href="{PATH}"' in page
    assert len(gzip.compress(page.encode())) < 40_000
