"""Problems: every refusal as application/problem+json (RFC 9457), and every failure without its secrets."""

import asyncio
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from pager.api.parts import INTAKE, KEYRING, METRICS, PARTS
from pager.core.privacy import Private
from pager.core.report import Malformed
from pager.engine import UnknownIncident, VersionMismatch
from pager.log import log
from pager.store import StoreUnavailable
from pager.web.render import Offers, is_page, login, words

RETRY_AFTER = {"Retry-After": "5"}


class Problem(Exception):
    """A refusal: a status, what is wrong for people, and `path`, the place in what was sent."""

    def __init__(self, status: int, detail: str, *, path: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.path = path
        self.headers = headers or {}


async def answer(request: web.Request, problem: Problem) -> web.Response:
    """The response to a refused request: words on a page, problem+json everywhere else."""
    if is_page(request.path):
        if problem.status == 401:
            goes_to = request.path_qs if request.method == "GET" else "/"
            return login(401, goes_to, problem.headers, offers=await offers_of(request))
        inside = not request.path.startswith(("/p/", "/enrol/"))
        return words(problem.status, problem.detail, headers=problem.headers, home=inside)
    title = HTTPStatus(problem.status).phrase
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": problem.status}
    body["detail"] = problem.detail
    if problem.path:
        body["path"] = problem.path
    response = web.Response(
        status=problem.status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=problem.headers,
    )
    if problem.status in (408, 413, 415):
        response.force_close()  # The rest of the body is not waited for.
    return response


REFUSALS = (Problem, web.HTTPException, Malformed, StoreUnavailable, UnknownIncident, VersionMismatch, Private)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Word whatever goes wrong further in."""
    try:
        return await handler(request)
    except REFUSALS as error:
        return await answer(request, problem_of(request, error))
    except asyncio.CancelledError:
        raise
    except Exception:  # A fence: the sender is told to try again, and the log has what it was.
        log.exception("a request failed", method=request.method, handler=handler_of(request))
        return await answer(request, Problem(500, "an error of pager's own; its log says more"))


async def offers_of(request: web.Request) -> Offers:
    """The ways to sign in here."""
    provider = request.app[PARTS].signing.provider
    return Offers(await request.app[KEYRING].has_accounts(), provider.name if provider else "")


def problem_of(request: web.Request, error: Exception) -> Problem:
    """What went wrong, as it is told; `error` is one of those that the middleware names."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        return _of_http(request, error)
    if isinstance(error, Malformed):
        return Problem(400, error.what, path=error.path)
    if isinstance(error, UnknownIncident):
        return Problem(404, str(error))
    if isinstance(error, Private):
        return Problem(403, str(error))
    if isinstance(error, VersionMismatch):
        return Problem(409, str(error), path="version")
    request.app[METRICS].db_errors.labels("read" if request.method in ("GET", "HEAD") else "act").inc()
    log.warning("the database cannot be used", handler=handler_of(request), error=str(error))
    return Problem(503, "the database cannot be used now; try again", headers=RETRY_AFTER)


def _of_http(request: web.Request, error: web.HTTPException) -> Problem:
    keep = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After", "Connection")}
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Problem(405, f"{error.method} is not for this; it takes {keep.get('Allow')}", headers=keep)
    if error.status == 404:
        return Problem(404, "there is nothing here")
    if error.status == 413:
        return Problem(413, f"the body is too large: {request.app[INTAKE].largest} bytes at most")
    return Problem(error.status, error.reason, headers=keep)


def handler_of(request: web.Request) -> str:
    """The route as it is declared, for logs and metrics: it has no token and nothing that a stranger wrote."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
