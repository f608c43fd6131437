"""Webhooks of monitoring systems: kept first, answered then, and never redirected."""

import binascii
from base64 import b64decode

from aiohttp import web

from pager.api.parts import INTAKE, PARTS
from pager.api.problems import RETRY_AFTER, Problem
from pager.core.report import Malformed, TooMany
from pager.intake import Accepted, BadKey, TooLarge, UnknownDialect
from pager.store import StoreUnavailable

routes = web.RouteTableDef()


@routes.post("/webhook/{dialect}")
@routes.post("/webhook/{dialect}/")
@routes.put("/webhook/{dialect}")
@routes.put("/webhook/{dialect}/")
async def webhook(request: web.Request) -> web.Response:
    """Accept a body. 2xx: it is durable. 4xx: it can never work. 503: send it again."""
    try:
        accepted = await take_in(request, request.match_info["dialect"])
    except Malformed as error:
        raise Problem(400, error.what, path=error.path) from None
    return web.json_response({"accepted": accepted.count})


async def take_in(request: web.Request, dialect: str) -> Accepted:
    """Keep what the sender says. Raises Malformed, which each dialect words in its own way, and Problem."""
    intake = request.app[INTAKE]
    try:
        source = intake.speaker(dialect, token_of(request))
        return await intake.accept(dialect, source, await request.read(), request.app[PARTS].clock())
    except UnknownDialect as error:
        raise Problem(404, str(error)) from None
    except BadKey as error:
        raise _refused(error) from None
    except TooMany as error:
        raise Problem(413, error.what, path=error.path) from None
    except TooLarge as error:
        raise Problem(413, str(error)) from None
    except StoreUnavailable:
        raise Problem(503, "not stored: send it again", headers=RETRY_AFTER) from None


def _refused(error: BadKey) -> Problem:
    if error.missing:
        return Problem(401, str(error), headers={"WWW-Authenticate": 'Bearer realm="pager"'})
    return Problem(403, str(error))


def token_of(request: web.Request) -> str:
    """What the sender shows: a Bearer token, the password of Basic, or `?token=`; "" for nothing of these."""
    scheme, _, shown = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(shown.strip(), validate=True).decode("utf-8", "replace").partition(":")[2]
        except binascii.Error:
            return ""
    if scheme and shown:  # Grafana lets people choose the scheme's name.
        return shown.strip()
    return request.query.get("token", "")
