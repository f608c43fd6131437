"""Sign-in at a provider: /login/to sends a browser there, and /login/back is where it comes back with a code.

What must come back with it is kept by the browser, in a cookie that we signed: a stranger makes us keep nothing.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import asdict

from pager.api.auditing import remark
from pager.api.doors import is_https
from pager.api.parts import DATABASE, ENGINE, KEYRING, METRICS, OIDC, PARTS, SESSIONS
from pager.api.problems import Problem
from pager.core.hygiene import one_line
from pager.core.people import known_as
from pager.log import log
from pager.oidc import NotProven, Oidc, ProviderFailed
from pager.store import signins
from pager.store.sessions import Holder
from pager.store.sql import micros
from pager.web.login import form, let_in, safe

routes = web.RouteTableDef()
COOKIE = "pager_signin"
NONE = "Nobody signs in at a provider here."
AGAIN = "That sign-in is over, or was begun in another browser. Begin it once more."
DOWN = "{} cannot be asked now. Sign in by a password or a token meanwhile; the link in a page opens without."
SAID_NO = "{} says no: {}."
UNKNOWN = "{} says that you are {!r}, who is nobody of the files, or may not come in. Ask whoever runs pager."


class Begun(Struct, frozen=True):
    """A sign-in on its way. `at` is when it began, in microseconds."""

    state: str
    nonce: str
    verifier: str
    goes_to: str
    at: int


@routes.get("/login/to")
async def leave(request: web.Request) -> web.Response:
    """Send the browser to the provider. Nothing is kept here, so that looking at the link does nothing."""
    oidc, now = _oidc(request), request.app[PARTS].clock()
    made = (secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    begun = Begun(*made, safe(request.query.get("next", "/")), micros(now))
    try:
        place = await oidc.address(_back(request), begun.state, begun.nonce, begun.verifier)
    except ProviderFailed as error:
        return await _down(request, error, begun.goes_to)
    response = web.Response(status=302, headers={"Location": place, "Cache-Control": "no-store"})
    age, secure = int(signins.LASTS.total_seconds()), is_https(request)
    response.set_cookie(
        _cookie(request), _sealed(request, begun), max_age=age, path="/", httponly=True, samesite="Lax", secure=secure
    )
    return response


@routes.get("/login/back")
async def back(request: web.Request) -> web.Response:
    """Whoever comes back with a code of their own sign-in, for the first time, comes in if the files know them."""
    oidc, query, now = _oidc(request), request.query, request.app[PARTS].clock()
    begun = _begun(request, now)
    if begun is None or not hmac.compare_digest(query.get("state", "").encode(), begun.state.encode()):
        return await _refused(request, "state", AGAIN)
    if query.get("iss", oidc.provider.issuer) != oidc.provider.issuer:
        return await _refused(request, "issuer", AGAIN, begun.goes_to)
    if "error" in query or not query.get("code"):
        said = one_line(query.get("error", "it sent no code"))[:100]
        return await _refused(request, "provider", SAID_NO.format(_name(oidc), said), begun.goes_to)
    try:
        said = await oidc.who(query["code"], _back(request), begun.nonce, begun.verifier, now)
    except NotProven as error:
        return await _refused(request, "proof", SAID_NO.format(_name(oidc), error), begun.goes_to)
    except ProviderFailed as error:
        return await _down(request, error, begun.goes_to)
    # Only what was proven is written down: strangers fill no table.
    if not await request.app[DATABASE].write(lambda tx: signins.use(tx, begun.state, now)):
        return await _refused(request, "replayed", AGAIN, begun.goes_to)
    return await _enter(request, oidc, said, begun.goes_to)


async def _enter(request: web.Request, oidc: Oidc, said: str, goes_to: str) -> web.Response:
    person = known_as(request.app[ENGINE].catalog.people, said)
    if person is None or await request.app[KEYRING].is_kept_out(person):
        return await _refused(request, "person", UNKNOWN.format(_name(oidc), one_line(said)[:100]), goes_to)
    remark(request, who=person, via="oidc", object=f"user {person}")
    response = await let_in(request, Holder(person=person, way="oidc"), goes_to)
    response.del_cookie(_cookie(request), path="/", secure=is_https(request), httponly=True, samesite="Lax")
    return response


def _oidc(request: web.Request) -> Oidc:
    oidc = request.app[OIDC]
    if oidc.provider.issuer:
        return oidc
    raise Problem(404, NONE)


async def _refused(request: web.Request, why: str, words: str, goes_to: str = "/") -> web.Response:
    request.app[METRICS].refused.labels("provider").inc()
    log.warning("a sign-in at the provider is refused", why=why, said=words, often=True)
    return await form(request, 403, goes_to, error=words)


async def _down(request: web.Request, error: ProviderFailed, goes_to: str) -> web.Response:
    log.error("the provider that people sign in at does not work", error=str(error), often=True)
    return await form(request, 502, goes_to, error=DOWN.format(_name(_oidc(request))))


def _name(oidc: Oidc) -> str:
    return f"{oidc.provider.name[:1].upper()}{oidc.provider.name[1:]}"


def _back(request: web.Request) -> str:
    """Where the provider sends browsers back to: what it was told when pager was registered with it."""
    return f"{request.app[PARTS].url}/login/back"


def _cookie(request: web.Request) -> str:
    return f"__Host-{COOKIE}" if is_https(request) else COOKIE


def _sealed(request: web.Request, begun: Begun) -> str:
    written = urlsafe_b64encode(msgspec.json.encode(asdict(begun))).decode()
    return f"{written}.{_seal(request, written)}"


def _begun(request: web.Request, now: datetime) -> Begun | None:
    """What this browser began; None where it is not ours, or too long ago."""
    written, _, seal = request.cookies.get(_cookie(request), "").partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(request, written).encode()):
        return None
    begun = msgspec.json.decode(urlsafe_b64decode(written), type=Begun)
    return begun if 0 <= micros(now) - begun.at <= signins.LASTS.total_seconds() * 1_000_000 else None


def _seal(request: web.Request, written: str) -> str:
    key = f"sign-in {request.app[SESSIONS].form_key}"
    return hmac.new(key.encode(), written.encode(), hashlib.sha256).hexdigest()
