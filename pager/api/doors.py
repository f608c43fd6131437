"""Doors: who may come in. While there are no tokens only this machine, from the first one on whoever shows one.

Browsers are kept from acting for a foreign page: a request with another site's Origin is refused, and the Host
must be one of ours, so that no foreign name can be pointed at this machine.
"""

import binascii
import ipaddress
import socket
from base64 import b64decode
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.access import IN_PATH, IN_QUERY, SAFE, is_calendar, is_keyed, needed
from pager.api.parts import ENGINE, GUESSERS, INTAKE, KEYRING, METRICS, PARTS, SESSIONS
from pager.api.problems import Problem
from pager.core.hygiene import one_line
from pager.core.people import known_as
from pager.core.scope import SCOPE_OF, Scope, allows
from pager.keyring import BadToken, Caller
from pager.log import log
from pager.sessions import Opened
from pager.web.render import is_page

CALLER = web.RequestKey("caller", Caller)
SESSION = web.RequestKey("session", Opened)
"""The session that let a browser in; no key for who came in otherwise."""
COOKIE = "pager_session"

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
SOCKET, HERE = Caller("admin", via="socket"), Caller("admin", via="here")
ANYBODY = Caller(via="")
UNASKED = Caller("none")
"""Whoever may show their token in the body, which is not read yet."""
NOT_KNOWN = "You are signed in as {!r}, who is nobody of the files, or may not come in. Ask whoever runs pager."
ONLY_HERE = "answered on this machine only, by a loopback address and not through a proxy"


def check_listen(host: str, have_tokens: bool) -> None:
    """Raise ValueError when `host` is not loopback and nothing would guard what is offered there."""
    if not have_tokens and not is_loopback(host):
        raise ValueError(
            f"cannot listen on {host!r} without tokens: anybody could page people and acknowledge for them; "
            "listen on 127.0.0.1, or make one there first: `pagerctl token create NAME --scope SCOPE`, in `sources:`, "
            "or `pagerctl user enroll NAME`"
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
    """Refuse who may not."""
    _check_origin(request)
    request[CALLER] = await _let_in(request)
    return await handler(request)


async def let_in_by(request: web.Request, key: str) -> None:
    """Whoever did not show a token at the door shows `key`, which the body has. Problem as there."""
    if request[CALLER] is UNASKED:
        request[CALLER] = await _let_in(request, key)


async def load_tokens(app: web.Application) -> None:
    """Know them before the first request comes."""
    await app[KEYRING].load()
    await app[SESSIONS].load()


async def _let_in(request: web.Request, key: str | None = None) -> Caller:
    """Who asks. Problem 401 without a token, 403 with one that does not open this, 429 after too many of those.

    `key` is what the body shows; None: it is not read yet.
    """
    # The route decides, since it is what will act; a request without one is refused by its path.
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else request.path
    scope = needed(request.method, path)
    is_local, shown = _is_local(request), token_of(request) or key or ""
    if key is None and not shown and resource is not None and is_keyed(path):
        return UNASKED
    if scope is None and is_local:
        return ANYBODY
    if _is_unix(request) and not (scope == "ingest" and shown):
        return SOCKET
    if not await request.app[KEYRING].closed():
        if is_local or _is_unix(request):
            return HERE
        raise Problem(403, ONLY_HERE)
    if scope is None:
        return ANYBODY
    caller = await _by_proxy(request) or await _by_session(request) or await holder_of(request, shown)
    if not allows(caller.scope, scope):
        _count(request, "scope", caller.name)
        raise Problem(403, _too_little(caller, scope))
    return caller


def _too_little(caller: Caller, scope: Scope) -> str:
    if caller.via == "token":
        return f"this needs a token with the scope {scope}; this one has {caller.scope}"
    role_of = {grants: role for role, grants in SCOPE_OF.items()}
    return f"this is for the role {role_of.get(scope, 'admin')}; the files give {caller.name} another one"


async def _by_proxy(request: web.Request) -> Caller | None:
    """Who the proxy says it is: only from its own address, only for pages, and only whom the files know."""
    signing = request.app[PARTS].signing
    if not signing.header or "Authorization" in request.headers or not is_page(request.path):
        return None
    said = request.headers.getall(signing.header, [])
    if not said or not any(said):
        return None
    if not signing.trusts(_peer_of(request)):
        _count(request, "proxy")
        return None
    # Two of them: one was the browser's own, which the proxy let through.
    person = known_as(request.app[ENGINE].catalog.people, said[0]) if len(said) == 1 else None
    caller = request.app[SESSIONS].person(person, "proxy") if person else None
    if caller is None or await request.app[KEYRING].is_kept_out(caller.name):
        _count(request, "person")
        raise Problem(403, NOT_KNOWN.format(one_line(said[0])[:100]))
    return caller


async def _by_session(request: web.Request) -> Caller | None:
    """Who signed in with this browser. Sessions open pages and nothing else: scripts have tokens."""
    cookie = request.cookies.get(cookie_name(request), "")
    if not cookie or "Authorization" in request.headers or not is_page(request.path):
        return None
    opened = await request.app[SESSIONS].holder(cookie, address_of(request), request.app[PARTS].clock())
    if opened is None:
        return None
    request[SESSION] = opened
    return opened.caller


def cookie_name(request: web.Request) -> str:
    """By https the browser itself sees to it that no other host and no plain http can set or read the cookie."""
    return f"__Host-{COOKIE}" if is_https(request) else COOKIE


def is_https(request: web.Request) -> bool:
    """Whether the browser came by https, here or at a proxy under the name that people reach pager by."""
    url = urlsplit(request.app[PARTS].url)
    return request.secure or (url.scheme == "https" and url.netloc.lower() == request.host.lower())


async def holder_of(request: web.Request, shown: str) -> Caller:
    """Whose token was shown. Problem 401 for none, 403 for a wrong or old one, 429 after too many of those."""
    now = request.app[PARTS].clock()
    try:
        caller = await request.app[KEYRING].holder(shown, now)
        if caller.source:
            request.app[INTAKE].watch.used(caller.source, address_of(request), now)
        return caller
    except BadToken as error:
        if error.why == "wrong":
            slow_down(request, "wrong")
        else:
            _count(request, error.why)
        if error.why == "missing":
            raise Problem(401, str(error), headers={"WWW-Authenticate": 'Bearer realm="pager"'}) from None
        raise Problem(403, str(error)) from None


def slow_down(request: web.Request, why: str) -> None:
    """A guess was wrong. Problem 429 once its address has guessed too often.

    Nothing else that comes from there is held up: whoever has a right token or link is not made to wait for others.
    """
    wait = request.app[GUESSERS].wrong(address_of(request))
    _count(request, "slowed" if wait else why)
    if wait:
        raise Problem(429, f"too many wrong tokens; wait {wait} s", headers={"Retry-After": str(wait)})


def token_of(request: web.Request) -> str:
    """What is shown: a Bearer token, the password of Basic, a part of an address, `?token=` of webhooks, calendars."""
    scheme, _, shown = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(shown.strip(), validate=True).decode("utf-8", "replace").partition(":")[2]
        except binascii.Error:
            return ""
    if scheme and shown:  # Grafana lets people choose the scheme's name.
        return shown.strip()
    if request.path.startswith(IN_PATH):
        return "" if (said := request.match_info.get("token", "")) == "-" else said
    in_address = request.path.startswith("/webhook/") or request.path in IN_QUERY or is_calendar(request.path)
    return request.query.get("token", "") if in_address else ""


def _count(request: web.Request, why: str, name: str = "") -> None:
    request.app[METRICS].refused.labels(why).inc()
    log.warning("refused at the door", why=why, token=name, address=address_of(request), often=True)


def address_of(request: web.Request) -> str:
    """Where a request comes from, "" for the socket; behind a trusted proxy, what that says."""
    return request.app[PARTS].signing.origin(_peer_of(request), request.headers.getall("X-Forwarded-For", []))


def _is_local(request: web.Request) -> bool:
    # Whoever a proxy on this machine brings is a stranger, also where it does not say so.
    if any(name in request.headers for name in FORWARDED) or request.app[PARTS].signing.trusts(_peer_of(request)):
        return False
    return is_loopback(_host_of(request.host)) and is_loopback(_peer_of(request))


def _check_origin(request: web.Request) -> None:
    """A page of another site must not act here. Pages without a referrer send the Origin "null"."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "")
    if site == "cross-site" and request.method not in SAFE:
        raise Problem(403, "a page of another site cannot act here")
    if origin is None or request.method in ("HEAD", "OPTIONS"):
        return
    if origin == "null":
        # Our own page says so too. Its link is its token, and a stranger does not know it.
        if not (request.path.startswith(("/p/", "/enrol/")) or site in ("same-origin", "none")):
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
