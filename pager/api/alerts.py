"""Alerts over HTTP: what each source says now, and the incident that it went to."""

from aiohttp import web

from pager.api import answers
from pager.api.declared import told
from pager.api.parts import DATABASE
from pager.api.privacy import eyes_of
from pager.api.reading import CURSOR, LIMIT, Choice, cursor_in, limit_in
from pager.api.shapes import alert_json
from pager.store import alerts
from pager.store.alerts import KnownAlert
from pager.store.database import Tx

routes = web.RouteTableDef()
FIRST = -(2**63)
STATE = Choice("state", "firing", ("firing", "resolved", "all"))


@routes.get("/api/v1/alerts")
@told(answers.Alerts, LIMIT, CURSOR, STATE.parameter)
async def listed(request: web.Request) -> web.Response:
    """Alerts, those that fire if nothing else is asked for, in no order that means anything."""
    limit, after = limit_in(request.query), cursor_in(request.query, FIRST)
    state, eyes = STATE.of(request.query), eyes_of(request)

    def read(tx: Tx) -> tuple[list[KnownAlert], str | None]:
        found = alerts.page_of(tx, state=state, after=after, limit=limit + 1)
        following = str(found[limit - 1].state.key) if len(found) > limit else None
        return eyes.alerts(tx, found[:limit]), following

    shown, following = await request.app[DATABASE].read(read)
    answer: answers.Alerts = {"alerts": [alert_json(known) for known in shown], "next": following}
    return web.json_response(answer)
