"""Tokens over HTTP, for admins: made and shown once, listed without their secrets, revoked."""

import re
from datetime import datetime
from typing import Annotated, cast

import msgspec
from aiohttp import web

from pager.api import answers_admin as answers
from pager.api.auditing import remark
from pager.api.declared import told
from pager.api.parts import DATABASE, KEYRING, PARTS
from pager.api.problems import Problem
from pager.api.reading import Length, read_body
from pager.api.shapes import rfc3339
from pager.core.duration import parse_duration
from pager.core.scope import SCOPES, Scope
from pager.store import tokens
from pager.store.tokens import ApiToken, NameTaken

routes = web.RouteTableDef()
# As the name of a source: a token with the scope ingest speaks for the source of its name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class TokenAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`expires` is how long it lasts, such as `90d`; without one it lasts until it is revoked."""

    name: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^{_NAME.pattern}$"})]
    scope: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(SCOPES)})]
    expires: Length = ""


@routes.post("/api/v1/tokens")
@told(answers.NewToken, status=201, body=TokenAsked, refuses=(409,))
async def create(request: web.Request) -> web.Response:
    """201 with the token, which is shown only here. `first`: from now on every request needs one. `url` is where
    people reach this pager, for addresses with the token in them.
    """
    wanted, now = await read_body(request, TokenAsked), request.app[PARTS].clock()
    if not _NAME.fullmatch(wanted.name):
        raise Problem(400, "a name has 1 to 64 letters, digits, and . _ - after the first", path="name")
    if wanted.scope not in SCOPES:
        raise Problem(400, f"not a scope: {wanted.scope[:50]!r}; write one of {', '.join(SCOPES)}", path="scope")
    end, shown = _end(wanted.expires, now), tokens.new_api_token()
    first = not await request.app[KEYRING].closed()
    try:
        made = await request.app[DATABASE].write(
            lambda tx: tokens.keep_api_token(tx, shown, wanted.name, wanted.scope, now, end)
        )
    except NameTaken as error:
        raise Problem(409, str(error), path="name") from None
    request.app[KEYRING].changed()
    url = request.app[PARTS].url
    answer: answers.NewToken = {**_json(made, now), "token": shown, "first": first, "url": url}
    return web.json_response(answer, status=201, headers={"Cache-Control": "no-store"})


@routes.get("/api/v1/tokens")
@told(answers.Tokens)
async def listed(request: web.Request) -> web.Response:
    """All tokens of the database by name, those that have expired too; those of `sources:` are in the files.

    `closed`: there are tokens, here or there, so that every request over TCP needs one.
    """
    now = request.app[PARTS].clock()
    found = await request.app[DATABASE].read(tokens.api_tokens)
    closed = await request.app[KEYRING].closed()
    answer: answers.Tokens = {"tokens": [_json(token, now) for token in found], "closed": closed, "next": None}
    return web.json_response(answer)


@routes.delete("/api/v1/tokens/{name}")
@told(answers.Revoked)
async def revoke(request: web.Request) -> web.Response:
    """From now on the token opens nothing; on other nodes within two seconds."""
    name = request.match_info["name"]
    known = await request.app[DATABASE].read(tokens.api_tokens)
    remark(request, was={token.name: token.scope for token in known if token.name == name})
    gone = await request.app[DATABASE].write(lambda tx: tokens.revoke(tx, name))
    request.app[KEYRING].changed()
    if not gone:
        raise Problem(404, f"there is no token {name[:64]!r}")
    return web.json_response({"revoked": name})


def _end(expires: str, now: datetime) -> datetime | None:
    if not expires:
        return None
    try:
        return now + parse_duration(expires)
    except (ValueError, OverflowError) as error:
        raise Problem(400, str(error), path="expires") from None


def _json(token: ApiToken, now: datetime) -> answers.Token:
    return {
        "id": token.id,
        "name": token.name,
        "scope": cast(Scope, token.scope),
        "created_at": rfc3339(token.created_at),
        "used_at": rfc3339(token.used_at),
        "expires_at": rfc3339(token.expires_at),
        "expired": token.has_expired(now),
    }
