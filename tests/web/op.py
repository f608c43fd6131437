"""An OpenID provider for tests: real keys, real signatures, codes that work once; and every way to do it wrong."""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "pager", "client & secret"


@dataclass
class Provider:
    """What it says of whom. `claims` are laid over those of each id token; None takes one away.

    `signs` makes the token of its claims; `codes` are those given out; `asked` are the places that were asked.
    """

    now: float
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    key: RSAKey | ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}))
    alg: str = "ES256"
    status: int = 200
    forged: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        places |= {"userinfo_endpoint": "/userinfo"}
        return {"issuer": self.url, **{name: self.url + path for name, path in places.items()}, **self.says}

    def token(self, nonce: str) -> str:
        usual = {"iss": self.url, "aud": CLIENT, "sub": "4711", "nonce": nonce, "iat": self.now, "exp": self.now + 300}
        usual |= {"email": "ana@example.org", "email_verified": True}
        claims = {name: value for name, value in {**usual, **self.claims}.items() if value is not None}
        header = {"alg": self.alg, "kid": self.key.kid}
        return self.forged or jwt.encode(header, claims, self.key, algorithms=[self.alg])


@asynccontextmanager
async def running(provider: Provider) -> AsyncIterator[Provider]:
    """The provider, served until the end of the block."""
    routes = web.RouteTableDef()

    @routes.get("/.well-known/openid-configuration")
    async def discovery(request: web.Request) -> web.Response:
        provider.asked.append("discovery")
        return web.json_response(provider.document(), status=provider.status)

    @routes.get("/keys")
    async def keys(request: web.Request) -> web.Response:
        provider.asked.append("keys")
        junk = [{"kty": "oct", "kid": "x", "k": "c2VjcmV0"}, {"kty": "RSA"}, "no key"]
        return web.json_response({"keys": [*junk, provider.key.as_dict(private=False)]})

    @routes.get("/authorize")
    async def authorize(request: web.Request) -> web.Response:
        """Whoever comes is signed in already, and is sent back at once."""
        query = dict(request.query)
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert query["scope"].split()[0] == "openid"
        code = secrets.token_hex(8)
        provider.codes[code] = query
        back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': provider.url})}"
        return web.Response(status=302, headers={"Location": back})

    @routes.post("/token")
    async def token(request: web.Request) -> web.Response:
        provider.asked.append("token")
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        basic = base64.b64encode(b"pager:client%20%26%20secret").decode()
        if request.headers.get("Authorization") != f"Basic {basic}":
            return web.json_response({"error": "invalid_client"}, status=401)
        query = provider.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if query is None or query["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if query["code_challenge"] != challenge.decode():
            return web.json_response({"error": "invalid_grant"}, status=400)
        answer = {"access_token": "at", "token_type": "Bearer", "id_token": provider.token(query["nonce"])}
        return web.json_response(answer)

    @routes.get("/userinfo")
    async def userinfo(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(provider.userinfo)

    app = web.Application()
    app.add_routes(routes)
    async with served_plainly(app) as provider.url:
        yield provider


@asynccontextmanager
async def served_plainly(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
