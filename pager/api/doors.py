"""Doors: who may come in. Without tokens only this machine; behind them nothing that a token does not guard.

Browsers are kept from acting for a foreign page: a request with another site's Origin is refused, and the Host
must be one of ours, so that no foreign name can be pointed at this machine.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.parts import INTAKE, PARTS
from pager.api.problems import Problem

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
GUARDED_BY_ITSELF = ("/-/healthy", "/-/ready", "/livez", "/readyz", "/healthz", "/metrics", "/p/", "/static/")
SAFE = ("GET", "HEAD", "OPTIONS")
ONLY_HERE = "answered on this machine only, by a loopback address and not through a proxy"


def check_listen(host: str, have_tokens: bool) -> None:
    """Raise ValueError when `host` is not loopback and nothing would guard what is offered there."""
    if not have_tokens and not is_loopback(host):
        raise ValueError(
            f"cannot listen on {host!r} without tokens: anybody could page people and acknowledge for them; "
            "listen on 127.0.0.1, or give each of `sources:` a token: the name of a secret"
        )


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address without a port, can only be this machine."""
    name = host.strip("[]").lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@web.middleware
async def doors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what comes from elsewhere, unless the path is guarded by itself."""
    _check_origin(request)
    if not (_is_unix(request) or _is_local(request) or _is_guarded(request)):
        raise Problem(403, ONLY_HERE)
    return await handler(request)


def _is_local(request: web.Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    return is_loopback(_host_of(request.host)) and is_loopback(_peer_of(request))


def _is_guarded(request: web.Request) -> bool:
    """With tokens in the files, senders show one, and a page link is one."""
    if not request.app[INTAKE].has_keys:
        return False
    return request.path.startswith(GUARDED_BY_ITSELF) or takes_alerts(request)


def takes_alerts(request: web.Request) -> bool:
    """Whether this is for senders, who show the token of a source."""
    if request.path.startswith(("/webhook/", "/api/v2/alerts")):
        return True
    return request.method == "POST" and request.path.rstrip("/") == "/api/v1/alerts"


def _check_origin(request: web.Request) -> None:
    """A page of another site must not act here. Pages without a referrer send the Origin "null"."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "")
    if site == "cross-site" and request.method not in SAFE:
        raise Problem(403, "a page of another site cannot act here")
    if origin is None or request.method in ("HEAD", "OPTIONS"):
        return
    if origin == "null":
        # Our own page says so too. Its link is its token, and a stranger does not know it.
        if not (request.path.startswith("/p/") or site in ("same-origin", "none")):
            raise Problem(403, "a page of another site cannot act here")
    elif urlsplit(origin).netloc.lower() not in _own_names(request):
        raise Problem(403, f"the Origin {origin[:100]!r} is not this pager's")


def _own_names(request: web.Request) -> set[str]:
    return {request.host.lower(), urlsplit(request.app[PARTS].url).netloc.lower()} - {""}


def _host_of(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _peer_of(request: web.Request) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _is_unix(request: web.Request) -> bool:
    """The Unix socket is the admin's door: the file's mode guards it."""
    found = request.transport.get_extra_info("socket") if request.transport else None
    return getattr(found, "family", None) == socket.AF_UNIX
