"""Alerts over HTTP: what each source says now, and the incident that it went to."""

from aiohttp import web

from pager.api.parts import DATABASE
from pager.api.reading import choice_in, cursor_in, limit_in
from pager.api.shapes import alert_json
from pager.store import alerts

routes = web.RouteTableDef()
FIRST = -(2**63)


@routes.get("/api/v1/alerts")
async def listed(request: web.Request) -> web.Response:
    """Alerts, those that fire if nothing else is asked for, in no order that means anything."""
    limit, after = limit_in(request.query), cursor_in(request.query, FIRST)
    state = choice_in(request.query, "state", "firing", ("firing", "resolved", "all"))
    found = await request.app[DATABASE].read(lambda tx: alerts.page_of(tx, state=state, after=after, limit=limit + 1))
    shown = found[:limit]
    following = str(shown[-1].state.key) if len(found) > limit else None
    return web.json_response({"alerts": [alert_json(known) for known in shown], "next": following})
