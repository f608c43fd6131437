"""Grafana OnCall's ways in for senders, at the addresses that they have there: whoever leaves it changes the host.

What OnCall calls the type of an integration says how a body is read. One that is not known here is read by a guess.
"""

from collections.abc import Mapping

from aiohttp import web

from pager.api.doors import CALLER
from pager.api.generic import keep
from pager.api.ingest import refuse_other_sites, take_in
from pager.api.parts import ENGINE
from pager.api.ping import heard, unheard
from pager.api.problems import Problem
from pager.core.heartbeat import Beat
from pager.presets import presets

routes = web.RouteTableDef()
DIALECTS: Mapping[str, str] = {
    "alertmanager": "alertmanager",
    "alertmanagerV2": "alertmanager",
    "legacy_alertmanager": "alertmanager",
    "grafana": "grafana",
    "grafana_alerting": "grafana",
    "legacy_grafana_alerting": "grafana",
}
MAPPINGS: Mapping[str, str] = {"formatted_webhook": "oncall", "amazon_sns": "cloudwatch", "stackdriver": "gcp"}
_ADDRESS = "/integrations/v1/{kind}/{token}"


@routes.post(_ADDRESS)
@routes.post(_ADDRESS + "/")
async def integration(request: web.Request) -> web.Response:
    """Accept a body. 2xx: it is durable. 4xx: it can never work. 503: send it again."""
    kind = request.match_info["kind"]
    if kind == "heartbeat":
        raise Problem(404, "a heartbeat is heard at /ping/TOKEN/NAME; name it below heartbeats:")
    if kind in DIALECTS:
        return _accepted((await take_in(request, DIALECTS[kind])).count)
    name = MAPPINGS.get(kind, kind)
    return _accepted((await keep(request, name if name in presets() else "")).count)


@routes.get(_ADDRESS + "/heartbeat")
@routes.get(_ADDRESS + "/heartbeat/")
@routes.post(_ADDRESS + "/heartbeat")
@routes.post(_ADDRESS + "/heartbeat/")
async def heartbeat(request: web.Request) -> web.Response:
    """A sign of life of the heartbeat that has the name of the source. 404: the files have none of that name."""
    refuse_other_sites(request)
    name = request[CALLER].source or request.match_info["kind"]
    if why := unheard(request.app[ENGINE].catalog, name):
        raise Problem(404, f"{why} ({name})")
    await heard(request, Beat(name))
    return web.json_response("OK")


def _accepted(count: int) -> web.Response:
    return web.json_response({"accepted": count})
