"""Webhooks of monitoring systems by their names, those with a parser and those with a mapping; never redirected."""

from aiohttp import web

from pager.api.generic import is_mapped, taken
from pager.api.ingest import take_in
from pager.api.problems import Problem
from pager.core.report import Malformed

routes = web.RouteTableDef()


@routes.post("/webhook/{dialect}")
@routes.post("/webhook/{dialect}/")
@routes.put("/webhook/{dialect}")
@routes.put("/webhook/{dialect}/")
async def webhook(request: web.Request) -> web.Response:
    """Accept a body. 2xx: it is durable. 4xx: it can never work. 503: send it again."""
    dialect = request.match_info["dialect"]
    if is_mapped(request, dialect):
        return await taken(request, dialect)
    try:
        accepted = await take_in(request, dialect)
    except Malformed as error:
        raise Problem(400, error.what, path=error.path) from None
    return web.json_response({"accepted": accepted.count})
