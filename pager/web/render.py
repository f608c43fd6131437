"""Rendering: templates with everything escaped, and the headers that keep a page to whom it is for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from pager.web.static import path_of

PAGES = (
    *("/p/", "/i/", "/oncall", "/declare", "/alerts", "/routes", "/system", "/help", "/login", "/live", "/me"),
    *("/enrol/", "/audit", "/silences", "/maintenance", "/reports", "/wall"),
)
FOR_SCRIPTS = (".txt", ".ics", ".csv", ".vcf")
CSP = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "img-src 'none'; script-src 'none'"
)
OWN = "img-src 'self'; script-src 'self'; connect-src 'self'"
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
# Inside, forms show whose they are by their Origin, and there are pictures and one script of our own.
INSIDE: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": CSP.replace("img-src 'none'; script-src 'none'", OWN),
    "Referrer-Policy": "same-origin",
}

_templates = ImmutableSandboxedEnvironment(
    loader=PackageLoader("pager.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.globals["stylesheet"] = path_of("pager.css")
_templates.globals["script"] = path_of("live.js")
_templates.globals["places"] = (
    ("/", "Now"),
    ("/oncall", "On call"),
    ("/declare", "Declare"),
    ("/alerts", "Alerts"),
    ("/silences", "Silences"),
    ("/routes", "Rules"),
    ("/reports", "Reports"),
    ("/system", "System"),
    ("/help", "Help"),
    ("/me", "You"),
)


def is_page(path: str) -> bool:
    """Whether people look at what is served there, so that refusals are worded as pages, too."""
    return path == "/" or (path.startswith(PAGES) and not path.endswith(FOR_SCRIPTS))


def page(
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    seat: Any = None,
    inside: bool = False,
    **values: Any,
) -> web.Response:
    """A page of `template`; every value is escaped in it. `seat` is who looks, None behind a page link.

    `inside` are the pages with a seat, and the one that leads there.
    """
    inside = inside or seat is not None
    text = _templates.get_template(template).render(seat=seat, inside=inside, **values)
    usual = INSIDE if inside else HEADERS
    return web.Response(status=status, text=text, content_type="text/html", headers={**usual, **(headers or {})})


class Offers(Struct, frozen=True):
    """The ways to sign in beside a token: a password, and a provider, "" for none."""

    passwords: bool = False
    provider: str = ""


NO_OFFERS = Offers()


def login(
    status: int,
    goes_to: str,
    headers: Mapping[str, str] | None = None,
    *,
    error: str = "",
    needed: bool = True,
    offers: Offers = NO_OFFERS,
) -> web.Response:
    """The page where people say who they are, which then leads on to `goes_to`; `needed`: the doors are closed."""
    values = {"goes_to": goes_to, "error": error, "needed": needed, "offers": offers}
    return page("login.html", status, headers, inside=True, **values)


def words(status: int, text: str, headers: Mapping[str, str] | None = None, *, home: bool = False) -> web.Response:
    """A page that only says something; `home`: with a way to the page of now."""
    return page("words.html", status, headers, heading=HTTPStatus(status).phrase, text=text, home=home)
