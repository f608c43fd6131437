"""Limits: how large and how slow a request may be, and the record of each: its route, never its query or its token."""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from pager.api.parts import GUARD, INTAKE, METRICS
from pager.api.problems import RETRY_AFTER, Problem, handler_of
from pager.log import log
from pager.metrics import METHODS

BODY_TAKES = 15.0
"""Seconds in which a whole body must have come."""
KEEP_ALIVE = 75.0
"""Seconds after which a connection at rest is closed."""
LINGER = 2.0
"""Seconds for which the rest of a refused body is thrown away, so that its sender can read why."""
SMALL = 64 * 1024
ENCODINGS = ("", "identity", "gzip", "deflate")
QUIET = ("/metrics", "/-/healthy", "/-/ready", "/livez", "/readyz", "/healthz")


class Unread(logging.Handler):
    """aiohttp's log of what it could not read. It quotes lines of the request, which hold tokens: its name will do."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            log.info("a request could not be read", error=type(error).__name__, often=True)
        else:
            log.error("a connection failed", error=type(error).__name__, exc_info=error, often=True)


def unread() -> logging.Logger:
    """What aiohttp may log to."""
    logger = logging.Logger("pager.http", logging.WARNING)
    logger.addHandler(Unread())
    return logger


@web.middleware
async def records(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, time and log a request."""
    loop, connection = asyncio.get_running_loop(), request.app[GUARD].of(request)
    began = loop.time()
    if connection is not None:
        connection.begins()
    try:
        response = await handler(request)
    finally:
        if connection is not None:
            connection.rests()
    route, took = handler_of(request), loop.time() - began
    request.app[METRICS].answered(request.method, route, response.status, took)
    if response.status >= 400 and route not in QUIET:
        method = request.method if request.method in METHODS else "other"
        log.info("request refused", method=method, route=route, status=response.status, often=True)
    else:
        log.debug("request", method=request.method, route=route, status=response.status, ms=round(took * 1000, 1))
    return response


@web.middleware
async def bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have the body here, in time and not too large, before anybody works on it."""
    guard = request.app[GUARD]
    large = _check_head(request)
    if large > guard.caps.in_flight - guard.in_flight:
        raise Problem(503, "too many large bodies at once; send it again", headers=RETRY_AFTER)
    guard.in_flight += large
    try:
        if request.can_read_body and request.match_info.http_exception is None:
            await _read(request)
        if (connection := guard.of(request)) is not None:
            connection.is_read()
        return await handler(request)
    finally:
        guard.in_flight -= large


def _check_head(request: web.Request) -> int:
    """How many bytes the body may take in memory, if that is much. Problem 413 and 415, before any of it has come."""
    largest, length = request.app[INTAKE].largest, request.content_length
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise Problem(415, "the body is compressed in a way that is not read here", headers={"Accept-Encoding": "gzip"})
    if length is not None and length > largest:
        raise _too_large(request)
    if not request.can_read_body:
        return 0
    unknown = length is None or encoding not in ENCODINGS[:2]
    return largest if unknown else length if length is not None and length > SMALL else 0


async def _read(request: web.Request) -> None:
    try:
        async with asyncio.timeout(BODY_TAKES):
            await request.read()
    except TimeoutError:
        raise Problem(408, f"the body did not come within {BODY_TAKES:g} s") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(request) from None
    except ConnectionError:
        # Nobody is left to read this; it is for the log and the metrics, and no failure of ours.
        raise Problem(400, "its sender hung up", path="body") from None
    except web.RequestPayloadError as error:
        raise Problem(400, f"the body cannot be read: {type(error.__cause__ or error).__name__}", path="body") from None


def _too_large(request: web.Request) -> Problem:
    """The refusal; whoever runs pager must know, since no sender repeats it."""
    largest = request.app[INTAKE].largest
    log.error("a body was too large and is lost", route=handler_of(request), largest=largest, often=True)
    request.app[METRICS].invalid.labels("unknown", "too_large").inc()
    return Problem(413, f"the body is too large: {largest} bytes at most")
