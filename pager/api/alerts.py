"""Alerts over HTTP: what each source says now, and the incident that it went to."""

from aiohttp import web

from pager.api import answers
from pager.api.declared import told
from pager.api.parts import DATABASE
from pager.api.reading import CURSOR, LIMIT, Choice, cursor_in, limit_in
from pager.api.shapes import alert_json
from pager.store import alerts

routes = web.RouteTableDef()
FIRST = -(2**63)
STATE = Choice("state", "firing", ("firing", "resolved", "all"))


@routes.get("/api/v1/alerts")
@told(answers.Alerts, LIMIT, CURSOR, STATE.parameter)
async def listed(request: web.Request) -> web.Response:
    """Alerts, those that fire if nothing else is asked for, in no order that means anything."""
    limit, after = limit_in(request.query), cursor_in(request.query, FIRST)
    state = STATE.of(request.query)
    found = await request.app[DATABASE].read(lambda tx: alerts.page_of(tx, state=state, after=after, limit=limit + 1))
    shown = found[:limit]
    following = str(shown[-1].state.key) if len(found) > limit else None
    answer: answers.Alerts = {"alerts": [alert_json(known) for known in shown], "next": following}
    return web.json_response(answer)
