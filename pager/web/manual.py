"""The package's own documentation, /help: the topics of `pagerctl help`, also when the internet is away."""

from functools import cache
from importlib import resources
from typing import Any

from aiohttp import web
from markupsafe import Markup

from pager.api.openapi import document, routes_of
from pager.api.problems import Problem
from pager.web.runbook import as_html
from pager.web.seat import shown

routes = web.RouteTableDef()


@routes.get("/help")
async def listed(request: web.Request) -> web.Response:
    """What there is to read."""
    return shown(
        request, "help.html", topics=[(name, title) for name, (title, _) in _topics().items()], title="Help", html=None
    )


@routes.get("/help/api")
async def api(request: web.Request) -> web.Response:
    """The API, as its OpenAPI document tells it."""
    told = document(routes_of(request.app))
    about = [_marked(part) for part in told["info"]["description"].split("\n\n")]
    return shown(request, "api.html", about=about, groups=_groups(told), marked=_marked)


def _marked(text: str) -> Markup:
    """`text` with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _groups(told: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations of an OpenAPI document by their tags, each with what it takes as fields."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            takes = [one for one in operation["parameters"] if one["in"] == "query"]
            fields = _fields(operation.get("requestBody"), told["components"]["schemas"])
            scope = operation["security"][0]["token"][0] if operation["security"] else ""
            about = {"method": method.upper(), "path": path, "takes": takes, "fields": fields, "scope": scope}
            found.setdefault(operation["tags"][0], []).append({**operation, **about})
    return found


def _fields(body: dict[str, Any] | None, schemas: dict[str, Any]) -> list[tuple[str, bool]]:
    """The fields of a body, and whether each must be there; none for a body that is a list."""
    schema = body["content"]["application/json"]["schema"] if body else {}
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    return [(name, name in named.get("required", ())) for name in named.get("properties", {})]


@routes.get("/help/{topic}")
async def one(request: web.Request) -> web.Response:
    """One topic."""
    topic = request.match_info["topic"]
    if topic not in _topics():
        raise Problem(404, f"There is no topic {topic[:50]!r}; there are: {', '.join(_topics()) or 'none yet'}.")
    title, html = _topics()[topic]
    return shown(request, "help.html", topics=[], title=title, html=Markup(html))


@cache
def _topics() -> dict[str, tuple[str, str]]:
    """Title and HTML of each topic, by name."""
    found = {}
    for file in sorted(resources.files("pager").joinpath("help").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            text = file.read_text(encoding="utf-8")
            found[file.name.removesuffix(".md")] = (text.partition("\n")[0].lstrip("# "), as_html(text))
    return found
