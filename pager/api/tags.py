"""Tags: by its ETag an answer is not sent twice, and an act is only done while a thing is as it was seen.

A tag is a digest of JSON as it is answered, byte for byte: a strong one, since `If-Match` is for those alone (RFC 9110,
13.1). It changes with whatever the answer tells, also of other things: what a silence hides, or the turns of the files.
"""

import hashlib
import json
from typing import Any

from aiohttp import ETag, web
from aiohttp.typedefs import Handler

from pager.api.problems import Problem

BELOW = "/api/v1/"
ANY = "*"
_READS = ("GET", "HEAD")


@web.middleware
async def tags(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each answer to a GET its tag; 304 to whoever has it already."""
    response = await handler(request)
    if request.method not in _READS or not request.path.startswith(BELOW):
        return response
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    if response.status != 200 or response.content_type != "application/json":
        return response
    tag = tag_of(response.body)
    # Weak comparison: here `W/` makes no difference.
    if any(given.value in (tag, ANY) for given in request.if_none_match or ()):
        response = web.Response(status=304)
    response.etag = ETag(tag)
    return response


def check_seen(request: web.Request, now: Any) -> bool:
    """Whether an act is only for what was seen. Problem 412 unless that is how it stands: `now` is what a GET tells."""
    if "If-Match" not in request.headers:
        return False
    tag = tag_of(json.dumps(now).encode())
    if not any(given.value in (tag, ANY) and not given.is_weak for given in request.if_match or ()):
        raise changed()
    return True


def changed() -> Problem:
    """The refusal of an act on what is not as it was seen any more."""
    return Problem(412, "it has changed since it was seen; look again, and decide anew", path="If-Match")


def tag_of(body: bytes) -> str:
    """The tag of an answer, without its quotes."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()
