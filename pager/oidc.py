"""Sign-in at an OpenID provider: the code flow with PKCE, and what must be right with what comes back.

The provider is named by whoever runs pager; all that it names itself must be https, and nothing is followed anywhere
else. Its word counts when it is signed by a key of its own, for us, just now, and as the answer to our question.
"""

import asyncio
import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from pager.core.hygiene import one_line
from pager.core.signing import Provider
from pager.log import log

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that only the provider has: never none, and none by a secret that others know, too."""
LEEWAY = 60
"""Seconds that the provider's clock may be off."""
PATIENCE = 10.0
LARGEST = 512 * 1024
FRESH = 3600.0
"""Seconds for which what a provider says of itself counts; its keys are asked for again when one is not known."""
ASKED_AGAIN = 30.0
NEEDS = "signing in at a provider needs joserfc: install pagerd[oidc], or pip install 'joserfc>=1.8'"


class ProviderFailed(RuntimeError):
    """The provider could not be asked, or does not work as it should; for the log and whoever runs pager."""


class NotProven(PermissionError):
    """What came back proves nothing; the message says why."""


class Oidc:
    """Asks one provider. What it says of itself, and its keys, are remembered for an hour."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._said: dict[str, Any] | None = None
        self._keys: list[dict[str, Any]] = []
        self._read_at = self._keys_at = float("-inf")
        self._reading = asyncio.Lock()

    async def address(self, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser, which comes `back` with a code. Raises ProviderFailed."""
        async with _http() as http:
            said = await self._discovered(http)
        asked = {
            "response_type": "code",
            "client_id": self.provider.client,
            "redirect_uri": back,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        place = str(said["authorization_endpoint"])
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    async def who(self, code: str, back: str, nonce: str, verifier: str, now: datetime) -> str:
        """Who the provider says signed in, by the claim that names people. Raises ProviderFailed and NotProven."""
        async with _http() as http:
            said = await self._discovered(http)
            answer = await self._exchanged(http, said, code, back, verifier)
            claims = await self._proven(http, said, answer.get("id_token"), nonce, now)
            claim = self.provider.claim
            if claim not in claims and "userinfo_endpoint" in said and isinstance(answer.get("access_token"), str):
                claims = await self._more(http, said, answer["access_token"], claims)
        return _named(claims, claim)

    async def _discovered(self, http: ClientSession) -> dict[str, Any]:
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if self._said is None or now - self._read_at > FRESH:
                said = await _asked(http, f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
                self._check(said)
                self._said, self._read_at = said, now
            return self._said

    def _check(self, said: Mapping[str, Any]) -> None:
        if said.get("issuer") != self.provider.issuer:
            raise ProviderFailed(f"it calls itself {str(said.get('issuer'))[:200]!r}, and not {self.provider.issuer!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            place = said.get(name)
            if place is None and name == "userinfo_endpoint":
                continue
            if not isinstance(place, str) or not self._is_safe(place):
                raise ProviderFailed(f"its {name} is no https address")

    def _is_safe(self, place: str) -> bool:
        """https, or plain http on the one host that the provider is on: that is this machine then."""
        here, there = urlsplit(self.provider.issuer), urlsplit(place)
        return there.scheme == "https" or (there.scheme, there.netloc) == ("http", here.netloc) == here[:2]

    async def _exchanged(
        self, http: ClientSession, said: Mapping[str, Any], code: str, back: str, verifier: str
    ) -> dict[str, Any]:
        """The tokens for a code, which the provider takes once."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers, ways = {}, said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self.provider.secret and "client_secret_basic" in ways:
            pair = f"{quote(self.provider.client, safe='')}:{quote(self.provider.secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.provider.client
            if self.provider.secret:
                form["client_secret"] = self.provider.secret
        return await _asked(http, said["token_endpoint"], form, headers)

    async def _proven(
        self, http: ClientSession, said: Mapping[str, Any], token: object, nonce: str, now: datetime
    ) -> dict[str, Any]:
        """What the id token says, if it is right."""
        if not isinstance(token, str):
            raise NotProven("there is no id token in its answer")
        if self._is_old():
            await self._read_keys(http, said)
        claims = self._signed(token)
        if claims is None:  # By a new key, perhaps.
            await self._read_keys(http, said)
            claims = self._signed(token)
        if claims is None:
            raise NotProven("the id token is signed by no key of the provider's, or in a way that is not taken here")
        self._check_claims(claims, nonce, now)
        return claims

    def _signed(self, token: str) -> dict[str, Any] | None:
        """What a token says that one of the known keys signed; None if none of them did."""
        named = _key_id(token)
        found = (_signed_by(token, key) for key in self._keys if _may_be(key, named))
        return next((claims for claims in found if claims is not None), None)

    def _is_old(self) -> bool:
        return asyncio.get_running_loop().time() - self._keys_at > FRESH

    async def _read_keys(self, http: ClientSession, said: Mapping[str, Any]) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._keys_at < ASKED_AGAIN:  # Whoever makes names of keys up does not make us ask.
            return
        found = (await _asked(http, said["jwks_uri"])).get("keys")
        self._keys = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        self._keys_at = now

    def _check_claims(self, claims: Mapping[str, Any], nonce: str, now: datetime) -> None:
        audience, client, at = claims.get("aud"), self.provider.client, now.timestamp()
        meant = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.provider.issuer:
            raise NotProven("the id token is of another issuer")
        if client not in meant:
            raise NotProven("the id token is for another audience")
        if claims.get("azp", client) != client or (len(meant) > 1 and "azp" not in claims):
            raise NotProven("the id token is for another party")
        if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(
            claims["nonce"].encode(errors="replace"), nonce.encode()
        ):
            raise NotProven("the id token answers another question: its nonce is not ours")
        if not _is_time(claims.get("exp")) or at >= claims["exp"] + LEEWAY:
            raise NotProven("the id token has expired; is one of the clocks wrong?")
        if not _is_time(claims.get("iat")) or claims["iat"] > at + LEEWAY:
            raise NotProven("the id token is of the future; is one of the clocks wrong?")
        if "nbf" in claims and (not _is_time(claims["nbf"]) or claims["nbf"] > at + LEEWAY):
            raise NotProven("the id token counts from later on")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise NotProven("the id token names nobody")

    async def _more(
        self, http: ClientSession, said: Mapping[str, Any], token: str, claims: dict[str, Any]
    ) -> dict[str, Any]:
        """What the provider says of whom it just named, beside the id token."""
        more = await _asked(http, said["userinfo_endpoint"], headers={"Authorization": f"Bearer {token}"})
        if more.get("sub") != claims["sub"]:
            raise NotProven("the provider tells of somebody else")
        return {**more, **claims}


def check_installed() -> None:
    """Raise ValueError, saying what to install, when the library that checks signatures is not there."""
    try:
        import joserfc  # noqa: F401
    except ImportError:
        raise ValueError(NEEDS) from None


def _named(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or not value.strip():
        raise NotProven(f"the provider does not say your {claim}")
    # Whoever may write any address into their account must not become its owner.
    if claim == "email" and claims.get("email_verified") not in (True, "true"):
        raise NotProven("the provider has not verified your email")
    return value


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key_id(token: str) -> str:
    """The name of the key in the token's head, which nobody signed yet; "" for none."""
    from joserfc.errors import JoseError
    from joserfc.jws import extract_compact

    try:
        found = extract_compact(token.encode()).headers().get("kid", "")
    except (JoseError, ValueError):
        raise NotProven("the id token is none") from None
    return found if isinstance(found, str) else ""


def _may_be(key: Mapping[str, Any], named: str) -> bool:
    """Whether this key of the provider's may have signed what names that one."""
    usable = key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    return usable and (not named or key.get("kid", named) == named)


def _signed_by(token: str, key: dict[str, Any]) -> dict[str, Any] | None:
    """The claims, if `key` signed them in a way that is taken here."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    try:
        return jwt.decode(token, import_key(key), algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, KeyError) as error:
        log.debug("an id token is not signed by this key", error=type(error).__name__)
        return None


def _http() -> ClientSession:
    return ClientSession(timeout=ClientTimeout(total=PATIENCE), trust_env=False)


async def _asked(
    http: ClientSession, place: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON that a place of the provider's answers. Raises ProviderFailed, and NotProven for what it refuses."""
    method, given = ("GET" if form is None else "POST"), {"Accept": "application/json", **(headers or {})}
    try:
        async with http.request(method, place, data=form, headers=given, allow_redirects=False) as answer:
            body = await answer.content.read(LARGEST + 1)
            status = answer.status
    except (ClientError, OSError, ValueError) as error:  # A timeout is an OSError.
        raise ProviderFailed(f"{urlsplit(place).netloc} cannot be asked: {type(error).__name__}") from None
    found = _json(body) if len(body) <= LARGEST else None
    if form is not None and found and status in (400, 401) and isinstance(found.get("error"), str):
        if found["error"] == "invalid_grant":
            raise NotProven("the provider does not take the code: it was used, or is too old")
        raise ProviderFailed(f"its token endpoint says {one_line(found['error'])[:100]}")
    if status != 200 or found is None:
        raise ProviderFailed(f"{urlsplit(place).netloc} answered {status}, and nothing that is understood")
    return found


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
