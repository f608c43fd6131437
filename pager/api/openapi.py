"""/api/v1/openapi.json: OpenAPI 3.1 of the routes that are served, made of what their handlers declare."""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from pager.api import answers
from pager.api.access import needed, takes_key
from pager.api.declared import DECLARED, Declared, Media, Parameter, told
from pager.api.repeats import KEY, LONGEST_KEY, REPLAYED
from pager.core.scope import Scope

routes = web.RouteTableDef()
Json = dict[str, Any]
BELOW = "/api/v1/"
JSON, PROBLEM = "application/json", "application/problem+json"
_REF = "#/components/schemas/{name}"
_ALWAYS = (400, 401, 403, 429, 503)
"""What every route may refuse with: a head or a token that does not fit, and a database that is away."""
_WITH_BODY = (408, 413, 415)
_WORDS = {
    400: "What was sent does not fit; `path` names the place.",
    401: "A token is needed.",
    403: "The token is wrong, too old or for something else; or a page of another site asks.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "It is not as the request takes it to be.",
    412: "It is not as `If-Match` says any more.",
    413: "The body is too large.",
    415: "The body is compressed in a way that is not read here.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many wrong tokens from this address; wait.",
    501: "This pager does not do that.",
    503: "The database, or what else is needed, cannot be used now; try again.",
}
_HEADERS: Mapping[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "How to show a token."),
    429: ("Retry-After", "Seconds to wait."),
}
_ABOUT = """\
Lists take `limit` and `cursor`, and answer `next`: the cursor of what follows, null at the end. Times are RFC 3339 in
UTC. Refusals are problems (RFC 9457). Keys are added to answers as pager grows; those that are here stay.

A token is shown as `Authorization: Bearer`, or as the password of Basic; its scope is among `read`, `respond` and
`admin`, each of which opens what the one before does. While there are no tokens, this machine alone is answered. On
the Unix socket none is asked for."""
_PATH: Mapping[str, tuple[str, Json]] = {
    "code": ("An incident's code, such as 7KQ.", {"type": "string", "examples": ["7KQ"]}),
    "id": ("Its number or name, as lists tell it.", {"type": "string"}),
    "instance": ("An instance of a watchdog, as the list of heartbeats tells it.", {"type": "string"}),
    "name": ("Its name, as in the files.", {"type": "string"}),
}


class Route(Struct, frozen=True):
    """A route of the API: `path` as it is declared in the router."""

    method: str
    path: str
    summary: str
    description: str
    declared: Declared

    @property
    def scope(self) -> Scope | None:
        return needed(self.method, self.path)

    @property
    def is_answered_again(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return takes_key(self.method, self.path)

    @property
    def is_tagged(self) -> bool:
        """Whether its answers have an ETag."""
        return self.method == "GET" and any(_is_json(kind) for kind in self.declared.kinds(200))


def routes_of(app: web.Application) -> Iterator[Route]:
    """The routes of the API that are declared, as the router has them. HEAD is answered wherever GET is."""
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        declared = DECLARED.get(route.handler)
        if declared is not None and route.method != "HEAD" and path.startswith(BELOW):
            text = re.sub(r"\s+", " ", route.handler.__doc__ or "").strip()
            yield Route(route.method, path, _first_sentence(text), text, declared)


def document(listed: Iterable[Route], url: str = "") -> Json:
    """The OpenAPI document of these routes; `url` is where people reach this pager."""
    listed = list(listed)
    schemas = _Schemas(listed)
    paths: dict[str, Json] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pager", "version": "1", "description": _ABOUT, "license": _LICENSE},
        "servers": [{"url": url or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(route) for route in listed)],
        "paths": paths,
        "components": {
            "schemas": schemas.all,
            "responses": {"304": _SAME, **{str(status): _problem(status) for status in _WORDS}},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic", "description": "Any user; the password is the token."},
            },
        },
    }


_KEY_SAYS = (
    "A word of the caller's own for this request. When it comes again within a day, with the same body and from the "
    "same caller, it is not done again, and is answered as it was; with another body it is refused."
)
_SAME = {
    "description": "It is as `If-None-Match` names it.",
    "headers": {"ETag": {"description": "Of the answer that the caller has.", "schema": {"type": "string"}}},
}
_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


@routes.get("/api/v1/openapi.json")
@told(dict[str, Any])
async def served(request: web.Request) -> web.Response:
    """This document."""
    return web.json_response(document(routes_of(request.app)))


class _Schemas:
    """JSON Schemas of all types that routes name, each with its place in the components."""

    def __init__(self, listed: Iterable[Route]) -> None:
        named = [answers.Problem]
        for route in listed:
            said = [kind for status in route.declared.answers for kind in route.declared.kinds(status)]
            named += [kind for kind in (route.declared.body, *said) if _is_json(kind)]
        self._kinds = list({repr(kind): kind for kind in named}.values())
        places, self.all = msgspec.json.schema_components(self._kinds, ref_template=_REF)
        self._places = {repr(kind): place for kind, place in zip(self._kinds, places, strict=True)}

    def of(self, kind: Any) -> Json:
        return dict(self._places[repr(kind)])


def _is_json(kind: Any) -> bool:
    return kind is not None and not isinstance(kind, Media)


def _operation(route: Route, schemas: _Schemas) -> Json:
    declared, scope = route.declared, route.scope
    found: Json = {
        "operationId": _operation_id(route),
        "tags": [_tag(route)],
        "summary": route.summary,
        "description": route.description,
        "parameters": [*_path(route), *map(_query, declared.query), *_headers(route)],
        "responses": {**_answers(route, schemas), **_refusals(route)},
        "security": [{"token": [scope]}, {"password": [scope]}] if scope else [],
    }
    if declared.body is not None:
        found["requestBody"] = _body(declared.body, schemas)
    return found


def _operation_id(route: Route) -> str:
    # The last stroke counts: there are senders that end their addresses with one.
    return route.method.lower() + re.sub(r"[^A-Za-z0-9]+", "_", route.path.removeprefix(BELOW.rstrip("/")))


def _tag(route: Route) -> str:
    return re.split(r"[/.]", route.path.removeprefix(BELOW))[0]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:;])\s", text, maxsplit=1)[0].rstrip(".:;")


def _body(kind: Any, schemas: _Schemas) -> Json:
    fields = msgspec.structs.fields(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ()
    return {
        "required": not fields or any(field.required for field in fields),
        "content": {JSON: {"schema": schemas.of(kind)}},
    }


def _path(route: Route) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        says, schema = _PATH.get(name, ("", {"type": "string"}))
        given = (route.declared.path or {}).get(name, schema)
        yield {"name": name, "in": "path", "required": True, "description": says, "schema": dict(given)}


def _query(one: Parameter) -> Json:
    said = {"description": one.says} if one.says else {}
    return {"name": one.name, "in": "query", **said, "required": one.required, "schema": dict(one.schema)}


def _headers(route: Route) -> Iterator[Json]:
    if route.is_answered_again:
        schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"}
        yield _header(KEY, _KEY_SAYS, schema)
    if route.is_tagged:
        yield _header("If-None-Match", "The ETag of an answer that the caller has: 304 if it is the same still.")
    if route.declared.if_match:
        yield _header("If-Match", "The ETag of what was seen: 412 if it has changed since.")


def _header(name: str, says: str, schema: Json | None = None) -> Json:
    said = {"description": says, "required": False, "schema": schema or {"type": "string"}}
    return {"name": name, "in": "header", **said}


def _answers(route: Route, schemas: _Schemas) -> Json:
    found = {}
    for status in route.declared.answers:
        answer: Json = {"description": HTTPStatus(status).phrase, "headers": _answer_headers(route, status)}
        kinds = route.declared.kinds(status)
        answer["content"] = {name: schema for kind in kinds for name, schema in _content(kind, schemas)}
        found[str(status)] = {name: value for name, value in answer.items() if value}
    return found


def _content(kind: Any, schemas: _Schemas) -> Iterator[tuple[str, Json]]:
    if isinstance(kind, Media):
        yield kind.kind, {"schema": {"type": "string"}}
    elif kind is not None:
        yield JSON, {"schema": schemas.of(kind)}


def _answer_headers(route: Route, status: int) -> Json:
    where = {"description": "Where it is from now on.", "required": True, "schema": {"type": "string"}}
    again = {"description": "It was done before, and this is its answer.", "schema": {"const": "true"}}
    found = {"Location": where} if route.declared.located and status < 300 else {}
    if route.is_tagged:
        found["ETag"] = {"description": "Of this very answer.", "schema": {"type": "string"}}
    return {**found, REPLAYED: again} if route.is_answered_again else found


def _refusals(route: Route) -> Json:
    known = {*_ALWAYS, *route.declared.refuses}
    known |= set(_WITH_BODY) if route.declared.body is not None else set()
    known |= {404} if "{" in route.path else set()
    known |= {409, 422} if route.is_answered_again else set()
    known |= {412} if route.declared.if_match else set()
    known -= {int(status) for status in route.declared.answers}
    known |= {304} if route.is_tagged else set()
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(known)}


def _problem(status: int) -> Json:
    found: Json = {"description": _WORDS[status]}
    if status in _HEADERS:
        name, says = _HEADERS[status]
        found["headers"] = {name: {"description": says, "schema": {"type": "string"}}}
    found["content"] = {PROBLEM: {"schema": {"$ref": _REF.format(name="Problem")}}}
    return found
