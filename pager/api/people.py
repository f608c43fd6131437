"""People, over HTTP: page one by hand, test how one is reached, and list which contacts are proven."""

from typing import Annotated, Any

import msgspec
from aiohttp import web

from pager.api import answers
from pager.api.declared import told
from pager.api.parts import DATABASE, ENGINE
from pager.api.privacy import reader_of
from pager.api.problems import Problem
from pager.api.reading import Name, known_in, name_in, read_body, text_in, up_to
from pager.api.shapes import rfc3339
from pager.core.proven import proven_urls, standing, trial_notice
from pager.store import notices, proofs
from pager.store.database import Tx
from pager.store.sql import instant, micros

routes = web.RouteTableDef()
LONGEST_TEXT = 500


class PageAsked(msgspec.Struct, forbid_unknown_fields=True):
    """What to page somebody with."""

    by: Name
    text: Annotated[str, up_to(LONGEST_TEXT, 1)]


class TestAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants to know."""

    by: Name


@routes.post("/api/v1/people/{name}/page")
@told(answers.Paging, status=202, body=PageAsked)
async def page(request: web.Request) -> web.Response:
    """Page a person by hand. Incidents that the text names by their codes note it."""
    name, said = _person(request), await read_body(request, PageAsked)
    by, text = name_in(said.by), text_in(said.text, "text", LONGEST_TEXT)
    await request.app[ENGINE].page(name, by, text, reader=reader_of(request))
    answer: answers.Paging = {"to": name, "text": text, "by": by}
    return web.json_response(answer, status=202)


@routes.post("/api/v1/people/{name}/tests")
@told(answers.Testing, status=202, body=TestAsked)
async def test(request: web.Request) -> web.Response:
    """Send a test page to each contact of a person; `at` names it."""
    name, said = _person(request), await read_body(request, TestAsked)
    by = name_in(said.by)
    if not request.app[ENGINE].catalog.people[name].contacts:
        raise Problem(400, f"{name} has no contacts", path="name")

    def issue(tx: Tx) -> int:
        notices.issue(tx, [trial_notice(name, by, tx.now())])
        return micros(tx.now())

    at = await request.app[DATABASE].write(issue)
    answer: answers.Testing = {"to": name, "at": str(at)}
    return web.json_response(answer, status=202)


@routes.get("/api/v1/people/{name}/tests/{id}")
@told(answers.Tested)
async def outcome(request: web.Request) -> web.Response:
    """What became of a test page, by contact: seconds until it was accepted, and until somebody answered."""
    name, written = _person(request), request.match_info["id"]
    if not (written.isascii() and written.isdigit() and len(written) < 18):
        raise Problem(404, "there is no such test page")
    at = instant(int(written))
    rows = await request.app[DATABASE].read(lambda tx: proofs.of_test(tx, name, at))
    tried: dict[str, answers.Tried] = {
        contact: {"contact": contact, "outcome": None, "detail": "", "accepted_after": None, "answered_after": None}
        for contact in request.app[ENGINE].catalog.people[name].contacts
    }
    for row in rows:
        tried[row.contact] = {
            "contact": row.contact,
            "outcome": row.outcome,
            "detail": row.detail or "",
            "accepted_after": _seconds(row.ended_at, at) if row.outcome == "delivered" else None,
            "answered_after": _seconds(row.acked_at, at),
        }
    answer: answers.Tested = {"to": name, "contacts": list(tried.values())}
    return web.json_response(answer)


@routes.get("/api/v1/contacts")
@told(answers.Contacts)
async def contacts(request: web.Request) -> web.Response:
    """Every contact of the files, and when it was last proven; never an address."""
    catalog = request.app[ENGINE].catalog
    proven, now = await request.app[DATABASE].read(lambda tx: (proofs.proven(tx, proven_urls(catalog)), tx.now()))
    listed: list[answers.Contact] = [
        {"person": one.person, "contact": one.contact, "proven_at": rfc3339(one.proven_at), "proven": one.is_proven}
        for one in standing(catalog, proven, now)
    ]
    answer: answers.Contacts = {"contacts": listed}
    return web.json_response(answer)


def _person(request: web.Request) -> str:
    name = request.match_info["name"]
    people = request.app[ENGINE].catalog.people
    if name not in people:
        known_in(people, name, "person", "name")
    return name


def _seconds(at: int | None, since: Any) -> float | None:
    return None if at is None else round(max(0.0, (instant(at) - since).total_seconds()), 1)
