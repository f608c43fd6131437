"""Signatures, asked for: a source of the files that is `signed:` is heard only in bodies that prove to be its own.

It holds beside the token, and wherever the source may post: what is not signed there is refused.
"""

import asyncio

from aiohttp import web

from pager.api.parts import ENGINE, INTAKE, METRICS, PARTS, SNS
from pager.api.problems import RETRY_AFTER, Problem
from pager.core.report import Malformed
from pager.core.signature import Signed, Why, wrong_with
from pager.core.sns import NotSigned
from pager.intake import LARGE
from pager.log import log
from pager.sns import SnsFailed
from pager.sources.wire import decode_object

LARGEST_MESSAGE = 512 * 1024
"""Bytes; SNS takes half as much."""
CHECKED = web.RequestKey("checked", str)
"""The source whose signature was right."""
_WORDS: dict[Why, str] = {
    "missing": "this source signs what it says, and there is no signature",
    "wrong": "the signature is wrong: the secret is another one, or the body was changed on the way",
    "old": "the signature is too old, or of a time to come: compare the clocks",
}


async def check_signature(request: web.Request, source: str) -> None:
    """Problem 401 without a signature, 403 with a wrong or old one, 503 if nobody can tell now."""
    known = request.app[ENGINE].catalog.sources.get(source)
    if known is None or known.signed is None or request.get(CHECKED) == source:
        return
    try:
        if known.signed.by == "sns":
            await _check_message(request, source, known.signed)
        else:
            await _check_body(request, source, known.signed, await request.read())
    except Problem as problem:
        if problem.status < 500:
            _count(request, source, problem.detail)
        raise
    request[CHECKED] = source


async def _check_body(request: web.Request, source: str, signed: Signed, body: bytes) -> None:
    secrets = _secrets(request, source, signed)
    if not secrets:
        # Nothing is wrong with the sender, who is to try again.
        raise Problem(503, "nobody can tell now whether this is signed: send it again", headers=RETRY_AFTER)
    asked = (signed, secrets, request.headers, body, request.app[PARTS].clock())
    why = await asyncio.to_thread(wrong_with, *asked) if len(body) > LARGE else wrong_with(*asked)
    if why:
        raise Problem(401 if why == "missing" else 403, _WORDS[why])


def _secrets(request: web.Request, source: str, signed: Signed) -> list[str]:
    found = []
    for name in signed.secret:
        try:
            found.append(request.app[INTAKE].secret(name))
        except LookupError as error:
            log.error("the secret of a signature cannot be read", source=source, error=str(error), often=True)
    return [secret for secret in found if secret]


async def _check_message(request: web.Request, source: str, signed: Signed) -> None:
    body, sns = await request.read(), request.app[SNS]
    if len(body) > LARGEST_MESSAGE:
        raise Problem(413, f"{len(body)} bytes; {LARGEST_MESSAGE} at most for a message of SNS")
    try:
        message = await asyncio.to_thread(decode_object, body)
        await sns.check(message, signed, request.app[PARTS].clock())
        if message["Type"] == "SubscriptionConfirmation":
            await sns.confirm(message)
    except Malformed as error:
        raise Problem(400, error.what, path=error.path) from None
    except NotSigned as error:
        raise Problem(403, f"not taken: {error}") from None
    except SnsFailed as error:
        log.error("a message of SNS could not be checked", source=source, error=str(error), often=True)
        raise Problem(503, "nobody can tell now whether this is signed: send it again", headers=RETRY_AFTER) from None


def _count(request: web.Request, source: str, why: str) -> None:
    request.app[METRICS].refused.labels("signature").inc()
    request.app[INTAKE].refused(source, "signature")
    log.warning("a signature was refused", source=source, why=why, often=True)
