"""Repeats: a POST that shows an Idempotency-Key is done once, and answered the same whenever it comes again.

The claim to a key is a row that the nodes of a database share. Each transaction of the one who works it marks that
row, so that a request whose answer was lost is known to be done or not, also after a crash.
"""

import asyncio
import hashlib
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.access import takes_key
from pager.api.doors import CALLER
from pager.api.parts import DATABASE
from pager.api.problems import Problem, handler_of
from pager.keyring import Caller
from pager.log import log
from pager.store import StoreUnavailable, answers
from pager.store.answers import Answer, Asked, Found, TakenOver
from pager.store.database import FIRST, Database

KEY, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
LONGEST_KEY = 255
PATIENCE = 5.0
"""Seconds that a repeat waits for the first one's answer."""
LOOK_EVERY = 0.1
_KEPT_HEADERS = ("Location",)
_BUSY = {"Retry-After": "1"}


@web.middleware
async def repeats(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Do it once. Problem 409 while another does it, and where it was done and nothing can be told; 422 for a key of
    another request.
    """
    key = request.headers.get(KEY)
    if key is None or not takes_key(request.method, handler_of(request)):
        return await handler(request)
    asked = await _asked(request, key)
    found = await _claimed(request.app[DATABASE], asked)
    if found.answer is not None:
        return _again(found.answer)
    if found.standing != "mine":
        raise _refusal(found)
    response = await _work(request, handler, asked)
    await _keep(request.app[DATABASE], asked, response)
    return response


async def _asked(request: web.Request, key: str) -> Asked:
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Problem(400, f"a key has 1 to {LONGEST_KEY} characters that can be printed", path=KEY)
    what = hashlib.sha256(f"{request.method} {request.path_qs}\0".encode("utf-8", "replace"))
    what.update(await request.read())
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    return Asked(_name(request[CALLER]), digest, what.hexdigest(), uuid4().hex)


def _name(caller: Caller) -> str:
    """Whose key it is: those of two callers have nothing to do with each other."""
    return f"{caller.via}:{caller.name}"


async def _claimed(database: Database, asked: Asked) -> Found:
    """How it stands, once nobody works it any more; `busy` when that takes too long."""
    ends_at = asyncio.get_running_loop().time() + PATIENCE
    while True:
        found = await database.write(lambda tx: answers.claim(tx, asked))
        if found.standing != "busy" or asyncio.get_running_loop().time() > ends_at:
            return found
        await asyncio.sleep(LOOK_EVERY)


async def _work(request: web.Request, handler: Handler, asked: Asked) -> web.StreamResponse:
    try:
        return await _marked(request, handler, asked)
    except TakenOver:
        raise _refusal(Found("busy")) from None
    except Exception:
        # What was refused, or failed before it did anything, may come again.
        await _let_go(request.app[DATABASE], asked)
        raise


async def _marked(request: web.Request, handler: Handler, asked: Asked) -> web.StreamResponse:
    """Each transaction of the handler says that something was done for this request, or is none."""
    marked = FIRST.set(lambda tx: answers.acts(tx, asked))
    try:
        return await handler(request)
    finally:
        FIRST.reset(marked)


async def _keep(database: Database, asked: Asked, response: web.StreamResponse) -> None:
    """Keep what is answered. Without it a repeat is still not done twice: it is told that the answer is lost."""
    if response.status >= 400 or not isinstance(response, web.Response):
        await _let_go(database, asked)
        return
    secret = "no-store" in response.headers.get("Cache-Control", "")
    body = response.body.decode() if isinstance(response.body, bytes) and not secret else None
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    try:
        await database.write(lambda tx: answers.keep(tx, asked, Answer(response.status, headers, body)))
    except StoreUnavailable as error:
        log.warning("an answer is not kept for repeats of its request", error=str(error))


async def _let_go(database: Database, asked: Asked) -> None:
    try:
        await database.write(lambda tx: answers.let_go(tx, asked))
    except StoreUnavailable as error:
        log.warning("a request that was refused is not let go of yet", error=str(error))


def _again(answer: Answer) -> web.Response:
    if answer.body is None:
        raise Problem(409, "this was done before, and what it shows is shown only once")
    headers = {**answer.headers, REPLAYED: "true"}
    return web.Response(status=answer.status, text=answer.body, content_type="application/json", headers=headers)


def _refusal(found: Found) -> Problem:
    if found.standing == "other":
        return Problem(422, "this key came with another request before; take a new one for each", path=KEY)
    if found.standing == "lost":
        return Problem(409, "this was done before, and its answer is lost; look at what is there", path=KEY)
    return Problem(409, "this request is being worked; ask again for its answer", path=KEY, headers=_BUSY)
