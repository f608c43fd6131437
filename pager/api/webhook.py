"""Webhooks of monitoring systems by their names, those with a parser and those with a mapping; never redirected."""

from aiohttp import web

from pager.api.generic import is_mapped, taken
from pager.api.ingest import take_in

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
    accepted = await take_in(request, dialect)
    return web.json_response({"accepted": accepted.count})
