"""GoAlert's ways in for senders, at the addresses that they have there: whoever leaves it changes the host."""

from aiohttp import web

from pager.api.generic import keep
from pager.api.ingest import take_in

routes = web.RouteTableDef()
_DIALECTS = {"/api/v2/grafana/incoming": "grafana", "/api/v2/prometheusalertmanager/incoming": "alertmanager"}


@routes.post("/api/v2/generic/incoming")
async def generic(request: web.Request) -> web.Response:
    """204: `summary`, `details`, `dedup` and `action=close` of body and query are kept. 400: none is there."""
    accepted = await keep(request, "goalert", beside=request.query)
    if "json" in request.headers.get("Accept", ""):
        return web.json_response({"accepted": accepted.count})
    return web.Response(status=204)


@routes.post("/api/v2/grafana/incoming")
@routes.post("/api/v2/prometheusalertmanager/incoming")
async def webhook(request: web.Request) -> web.Response:
    """204: the alerts of the body are kept, each of them, where GoAlert makes one of all."""
    await take_in(request, _DIALECTS[request.path])
    return web.Response(status=204)
