"""`/api/v1/incidents/{code}/explain`: every decision about an incident, with the place in the files that says so."""

from collections.abc import Mapping

from aiohttp import web

from pager.api import answers
from pager.api.declared import told
from pager.api.parts import DATABASE, ENGINE
from pager.api.privacy import eyes_of
from pager.api.reading import number_in
from pager.api.shapes import rfc3339
from pager.core.code import code_of
from pager.core.explain import Explained, Line, Sent, explain
from pager.engine import UnknownIncident
from pager.store import incidents, pages
from pager.store.database import Tx
from pager.store.incidents import Kept
from pager.store.pages import PageRow

routes = web.RouteTableDef()


@routes.get("/api/v1/incidents/{code}/explain")
@told(answers.Explanation)
async def explained(request: web.Request) -> web.Response:
    """Why this severity, whose opinion lost, why these people, why not others, what held it; oldest first."""
    number, catalog, eyes = number_in(request), request.app[ENGINE].catalog, eyes_of(request)

    def read(tx: Tx) -> tuple[Kept, list[Line], list[Sent]]:
        kept = incidents.get(tx, number)
        if kept is None:
            raise UnknownIncident(f"no incident {code_of(number)}")
        eyes.check(kept.incident)
        lines = [Line(entry.at, entry.said, entry.by, entry.config) for entry in incidents.timeline(tx, number)]
        return kept, lines, [_sent(page, tried) for page, tried in pages.of_incident(tx, number)]

    kept, lines, paged = await request.app[DATABASE].read(read)
    incident = kept.incident
    found = explain(incident, lines, paged, catalog)
    answer: answers.Explanation = {
        "code": code_of(number),
        "severity": incident.severity,
        "state": incident.state,
        "title": incident.title,
        "config": catalog.hash,
        "decisions": [_json(one) for one in found],
    }
    return web.json_response(answer)


def _sent(page: PageRow, deliveries: list[Mapping[str, object]]) -> Sent:
    """A page with what became of each attempt: contacts by their names, never an address."""
    tried = tuple(f"{each['contact']} {each['outcome'] or 'being sent'}" for each in deliveries)
    return Sent(page.issued_at, page.recipient, page.target, page.why, page.kind, page.state, tried)


def _json(one: Explained) -> answers.Decision:
    return {
        "at": rfc3339(one.at),
        "what": one.what,
        "text": one.text,
        "by": one.by or None,
        "file": one.place or None,
        "config": one.config or None,
    }
