"""Webhooks out, over HTTP: how each is, a test of one, and switching one on again whose receiver was gone."""

from aiohttp import web

from pager.api import answers_events as answers
from pager.api.declared import told as declared
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.api.shapes import rfc3339
from pager.core.webhook import Webhook
from pager.store import webhooks
from pager.store.webhooks import State

routes = web.RouteTableDef()


@routes.get("/api/v1/webhooks")
@declared(answers.Webhooks)
async def listed(request: web.Request) -> web.Response:
    """All that the files name, with what waits and how the last attempts went."""
    states = await request.app[DATABASE].read(webhooks.states)
    written = request.app[ENGINE].catalog.webhooks
    told = [_json(webhook, states.get(name, State(name))) for name, webhook in written.items()]
    return web.json_response({"webhooks": told, "next": None})


@routes.post("/api/v1/webhooks/{name}/test")
@declared(answers.Tried, refuses=(501,))
async def test(request: web.Request) -> web.Response:
    """Send a `pager.test` now, and tell what became of it; it is not repeated. 404: the files name none such."""
    webhook, sender = _named(request), request.app[PARTS].webhooks
    if sender is None:
        raise Problem(501, "this pager sends to no webhooks")
    answer = await sender.try_out(webhook)
    return web.json_response(
        {"name": webhook.name, "taken": answer.taken, "status": answer.status or None, "said": answer.said or "taken"}
    )


@routes.post("/api/v1/webhooks/{name}/on")
@declared(answers.Webhook)
async def on(request: web.Request) -> web.Response:
    """Tell it again of what happens from now on. Safe to repeat. 404: the files name none such."""
    webhook = _named(request)
    await request.app[DATABASE].write(lambda tx: webhooks.switch_on(tx, webhook.name))
    states = await request.app[DATABASE].read(webhooks.states)
    return web.json_response(_json(webhook, states.get(webhook.name, State(webhook.name))))


def _named(request: web.Request) -> Webhook:
    name, written = request.match_info["name"], request.app[ENGINE].catalog.webhooks
    if name not in written:
        raise Problem(404, f"no webhook {name[:64]!r}; there are: {', '.join(written) or 'none'}")
    return written[name]


def _json(webhook: Webhook, state: State) -> answers.Webhook:
    """Never its whole address: the path may hold a secret."""
    return {
        "name": webhook.name,
        "to": webhook.place,
        "events": list(webhook.events),
        "severities": list(webhook.severities),
        "teams": list(webhook.teams),
        "match": [str(matcher) for matcher in webhook.match],
        "state": "off" if state.off_at else "failing" if state.failing_since else "ok",
        "why": state.off_why or state.said or None,
        "since": rfc3339(state.off_at or state.failing_since),
        "waiting": state.waiting,
        "delivered": state.delivered,
        "failed": state.failed,
        "dropped": state.dropped,
        "delivered_at": rfc3339(state.delivered_at),
    }
