"""Taking in what a sender says: kept first, and answered then."""

from aiohttp import web

from pager.api.access import SAFE
from pager.api.doors import CALLER
from pager.api.parts import INTAKE, PARTS
from pager.api.problems import RETRY_AFTER, Problem
from pager.api.signatures import check_signature
from pager.core.report import TooMany
from pager.intake import Accepted, TooLarge, UnknownDialect
from pager.shares import OverQuota
from pager.store import StoreUnavailable

LARGEST_EVENT = 1024 * 1024
"""Bytes of a body that tells of one event; PagerDuty takes half as much."""
HEEDS_429 = "/v2/"
"""PagerDuty's and Opsgenie's addresses: who posts there repeats what is answered 429. Others, such as Alertmanager,
Prometheus and Grafana, would lose it.
"""
LATER = {"Retry-After": "30"}


async def small_body(request: web.Request) -> bytes:
    """The body of a dialect that says one thing at a time. Problem 413 for a large one: it would be read in one go."""
    body = await request.read()
    if len(body) > LARGEST_EVENT:
        raise Problem(413, f"{len(body)} bytes; {LARGEST_EVENT} at most for one event")
    return body


def refuse_other_sites(request: web.Request) -> None:
    """Problem 403 where a GET does something, and a picture on a page of another site asks for it."""
    if request.method in SAFE and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Problem(403, "a page of another site cannot act here")


async def proven(request: web.Request, dialect: str, name: str = "") -> str:
    """The source that speaks. Problem 401 and 403 when its files want a signature, and the body has no right one."""
    source = request[CALLER].source or name or dialect
    await check_signature(request, source)
    return source


async def take_in(request: web.Request, dialect: str, body: bytes | None = None, name: str = "") -> Accepted:
    """Keep what the sender says; `body` where it is not as it came, `name` of a source that shows no token.

    Raises Malformed, which each dialect words in its own way, and Problem.
    """
    intake = request.app[INTAKE]
    source = await proven(request, dialect, name)
    said = await request.read() if body is None else body
    try:
        return await intake.accept(dialect, source, said, request.app[PARTS].clock())
    except UnknownDialect as error:
        raise Problem(404, str(error)) from None
    except TooMany as error:
        raise Problem(413, error.what, path=error.path) from None
    except TooLarge as error:
        raise Problem(413, str(error)) from None
    except OverQuota as error:
        # Whoever gives up at 429 is told 503: it is repeated.
        raise Problem(429 if request.path.startswith(HEEDS_429) else 503, str(error), headers=LATER) from None
    except StoreUnavailable:
        raise Problem(503, "not stored: send it again", headers=RETRY_AFTER) from None
