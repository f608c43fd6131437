"""VictorOps's REST endpoint for senders, at the address that it has there: whoever leaves it changes the host.

The token of a source stands where the API key stood. The routing key is kept as the label `routing_key`, for rules.
"""

from uuid import uuid4

import msgspec
from aiohttp import web

from pager.api.ingest import small_body, take_in
from pager.core.report import Malformed
from pager.sources.victorops import wrong_with
from pager.sources.wire import decode_object

routes = web.RouteTableDef()
DIALECT = "victorops"
_ADDRESS = "/integrations/generic/20131114/alert/{token}"


@routes.post(_ADDRESS)
@routes.post(_ADDRESS + "/")
@routes.post(_ADDRESS + "/{routing_key}")
@routes.post(_ADDRESS + "/{routing_key}/")
async def alert(request: web.Request) -> web.Response:
    """200 with the entity, which is made up where the sender names none. 400: it can never work."""
    try:
        body = decode_object(await small_body(request))
        for path, what in wrong_with(body).items():
            raise Malformed(path, what)
        entity = body.get("entity_id") or str(uuid4())
        routed = request.match_info.get("routing_key", "")
        said = {**body, "entity_id": entity} | ({"routing_key": routed} if routed else {})
        await take_in(request, DIALECT, msgspec.json.encode(said))
    except Malformed as error:
        return web.json_response({"result": "failure", "message": str(error)}, status=400)
    return web.json_response({"result": "success", "entity_id": entity})
