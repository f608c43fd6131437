"""Rendering: templates with everything escaped, and the headers that keep a page to whom it is for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pager.web.static import path_of

WEB = "/p/"
CSP = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "img-src 'none'; script-src 'none'"
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}

_templates = ImmutableSandboxedEnvironment(
    loader=PackageLoader("pager.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.globals["stylesheet"] = path_of("pager.css")


def page(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> web.Response:
    """A page of `template`; every value is escaped in it."""
    text = _templates.get_template(template).render(**values)
    return web.Response(status=status, text=text, content_type="text/html", headers={**HEADERS, **(headers or {})})


def words(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A page that only says something."""
    return page("words.html", status, headers, heading=HTTPStatus(status).phrase, text=text)
