"""What senders sent, for admins: the bodies that are kept for replay. Those that changed nothing are not kept."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import TypedDict

from aiohttp import web

from pager.api.answers import At, Next
from pager.api.declared import told
from pager.api.parts import DATABASE, ENGINE
from pager.api.reading import CURSOR, LIMIT, cursor_in, instant_in, limit_in, moment
from pager.api.shapes import rfc3339
from pager.keeping import pack, redacted
from pager.store import keeping

routes = web.RouteTableDef()
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Request(TypedDict):
    """One request. `body` is base64 of zlib; passwords that its dialect is known for are taken out."""

    id: int
    at: At
    source: str
    dialect: str
    body: str


class Requests(TypedDict):
    requests: list[Request]
    next: Next


@routes.get("/api/v1/requests")
@told(Requests, LIMIT, CURSOR, moment("since", "Only what was accepted from then on; all that is kept, if left out."))
async def kept(request: web.Request) -> web.Response:
    """What was received and worked, oldest first, for replay."""
    limit, after = limit_in(request.query), cursor_in(request.query, 0)
    since = instant_in(request.query, "since", _LONG_AGO)
    rows = await request.app[DATABASE].read(lambda tx: keeping.history(tx, since, after, limit))
    sources = request.app[ENGINE].sources
    answer: Requests = {
        "requests": [
            {
                "id": row.id,
                "at": rfc3339(keeping.accepted(row)),
                "source": row.source,
                "dialect": row.dialect,
                "body": b64encode(bytes(row.body) if row.packed else pack(redacted(sources, row))).decode(),
            }
            for row in rows
        ],
        "next": str(rows[-1].id) if rows else None,
    }
    return web.json_response(answer)
