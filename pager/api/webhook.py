"""Webhooks of monitoring systems by their names, those with a parser and those with a mapping; never redirected."""

from aiohttp import web

from pager.api.generic import is_mapped, taken
from pager.api.ingest import proven, take_in
from pager.api.parts import ENGINE
from pager.sources import mail

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
    accepted = await take_in(request, dialect, await _mail(request) if dialect == mail.DIALECT else None)
    return web.json_response({"accepted": accepted.count})


async def _mail(request: web.Request) -> bytes:
    """A mail that a mail server posts, with how the files say that those of its source are read."""
    source = await proven(request, mail.DIALECT)
    return mail.wrapped(await request.read(), mail.reads_of(request.app[ENGINE].catalog.sources.get(source)))
