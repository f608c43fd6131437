"""Limits: how large and how slow a request may be, and the record of each: its route, never its query or its token."""

import asyncio

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.parts import METRICS
from pager.api.problems import Problem, handler_of
from pager.intake import LARGEST_BODY

log = structlog.get_logger()
BODY_TAKES = 15.0
"""Seconds in which a whole body must have come."""
KEEP_ALIVE = 75.0
"""Seconds after which a silent connection is closed, one that has sent half a head included."""
QUIET = ("/metrics", "/-/healthy", "/-/ready", "/livez", "/readyz", "/healthz")


@web.middleware
async def records(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, time and log a request."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    response = await handler(request)
    route, took = handler_of(request), loop.time() - began
    request.app[METRICS].answered(request.method, route, response.status, took)
    if response.status >= 400 and route not in QUIET:
        log.info("request refused", method=request.method, route=route, status=response.status)
    else:
        log.debug("request", method=request.method, route=route, status=response.status, ms=round(took * 1000, 1))
    return response


@web.middleware
async def bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have the body here, in time and not too large, before anybody works on it."""
    if request.can_read_body and request.match_info.http_exception is None:
        try:
            async with asyncio.timeout(BODY_TAKES):
                await request.read()
        except TimeoutError:
            raise Problem(408, f"the body did not come within {BODY_TAKES:g} s") from None
        except web.HTTPRequestEntityTooLarge:
            log.error("a body was too large and is lost", route=handler_of(request), largest=LARGEST_BODY)
            request.app[METRICS].invalid.labels("unknown", "too_large").inc()
            raise Problem(413, f"the body is too large: {LARGEST_BODY} bytes at most") from None
    return await handler(request)
