"""Packing: pages go out gzipped to browsers that take that, so that a phone in a dead corner waits for less."""

import gzip

from aiohttp import web
from aiohttp.typedefs import Handler

TYPES = ("text/html", "text/css", "text/javascript", "image/svg+xml")
SMALL = 1200
"""What goes in one packet anyway, in bytes."""
LEVEL = 5
REFUSED = ("q=0", "q=0.0", "q=0.00", "q=0.000")


@web.middleware
async def packed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pack what people look at; answers for scripts and streams stay as they are."""
    response = await handler(request)
    if isinstance(response, web.Response) and response.content_type in TYPES:
        response.headers["Vary"] = "Accept-Encoding, Sec-Fetch-Site"
        if _takes_it(request) and isinstance(response.body, bytes) and len(response.body) > SMALL:
            response.body = gzip.compress(response.body, LEVEL, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
    return response


def _takes_it(request: web.Request) -> bool:
    # Whoever can have their words put into a page from another site, and sees how long it gets by each letter of
    # them, reads the key of its forms from that (BREACH): what another site asks for is never packed.
    names = (part.partition(";") for part in request.headers.get("Accept-Encoding", "").lower().split(","))
    taken = any(name.strip() == "gzip" and quality.replace(" ", "") not in REFUSED for name, _, quality in names)
    return taken and request.headers.get("Sec-Fetch-Site", "") != "cross-site"
