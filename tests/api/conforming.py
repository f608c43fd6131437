"""Every answer of the API in these tests is held to the OpenAPI document, and may have no key that is not in it."""

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs
from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.openapi import BELOW, document, routes_of


@web.middleware
async def conforming(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let an answer out that the document has; another one is a 500, and its log says why."""
    response = await handler(request)
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    if path.startswith(BELOW) and request.method != "HEAD" and request.match_info.http_exception is None:
        _check(request.app, path, request.method.lower(), response)
    return response


def _check(app: web.Application, path: str, method: str, response: web.StreamResponse) -> None:
    told = _document(app)
    answers = told["paths"][path][method]["responses"]
    assert str(response.status) in answers, f"{method} {path}: {response.status} is not in the document"
    answer = answers[str(response.status)]
    if "$ref" in answer:
        answer = told["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    kinds = answer.get("content", {})
    if not kinds:
        return
    assert response.content_type in kinds, f"{method} {path}: {response.content_type} is not in the document"
    if isinstance(response, web.Response) and response.content_type.endswith("json"):
        _validator(app, json.dumps(kinds[response.content_type]["schema"])).validate(
            json.loads(response.body or b"null")
        )


@lru_cache(maxsize=4)
def _document(app: web.Application) -> Any:
    """The document, whose objects have the keys that are named and no other."""
    told = document(routes_of(app))
    for one in told["components"]["schemas"].values():
        if one.get("type") == "object" and "properties" in one:
            one.setdefault("additionalProperties", False)
    return told


@lru_cache(maxsize=200)
def _validator(app: web.Application, schema: str) -> Any:
    return jsonschema_rs.validator_for({**json.loads(schema), "components": _document(app)["components"]})
