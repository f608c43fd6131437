"""People, over HTTP: page one by hand, test how one is reached, and list which contacts are proven."""

from typing import Any

import msgspec
from aiohttp import web

from pager.api.parts import DATABASE, ENGINE
from pager.api.problems import Problem
from pager.api.reading import known_in, name_in, read_body, text_in
from pager.api.shapes import rfc3339
from pager.core.proven import proven_urls, standing, trial_notice
from pager.store import notices, proofs
from pager.store.database import Tx
from pager.store.sql import instant, micros

routes = web.RouteTableDef()
LONGEST_TEXT = 500


class Asked(msgspec.Struct):
    by: str = ""
    text: str = ""


class Tested(msgspec.Struct):
    by: str = ""


@routes.post("/api/v1/people/{name}/page")
async def page(request: web.Request) -> web.Response:
    """Page a person by hand. Incidents that the text names by their codes note it."""
    name, said = _person(request), await read_body(request, Asked)
    by, text = name_in(said.by), text_in(said.text, "text", LONGEST_TEXT)
    await request.app[ENGINE].page(name, by, text)
    return web.json_response({"to": name, "text": text, "by": by}, status=202)


@routes.post("/api/v1/people/{name}/tests")
async def test(request: web.Request) -> web.Response:
    """Send a test page to each contact of a person; `at` names it."""
    name, said = _person(request), await read_body(request, Tested)
    by = name_in(said.by)
    if not request.app[ENGINE].catalog.people[name].contacts:
        raise Problem(400, f"{name} has no contacts", path="name")

    def issue(tx: Tx) -> int:
        notices.issue(tx, [trial_notice(name, by, tx.now())])
        return micros(tx.now())

    at = await request.app[DATABASE].write(issue)
    return web.json_response({"to": name, "at": str(at)}, status=202)


@routes.get("/api/v1/people/{name}/tests/{id}")
async def outcome(request: web.Request) -> web.Response:
    """What became of a test page, by contact: seconds until it was accepted, and until somebody answered."""
    name, written = _person(request), request.match_info["id"]
    if not (written.isascii() and written.isdigit() and len(written) < 18):
        raise Problem(404, "there is no such test page")
    at = instant(int(written))
    rows = await request.app[DATABASE].read(lambda tx: proofs.of_test(tx, name, at))
    told: dict[str, dict[str, Any]] = {
        contact: {"contact": contact, "outcome": None, "detail": "", "accepted_after": None, "answered_after": None}
        for contact in request.app[ENGINE].catalog.people[name].contacts
    }
    for row in rows:
        told[row.contact] = {
            "contact": row.contact,
            "outcome": row.outcome,
            "detail": row.detail or "",
            "accepted_after": _seconds(row.ended_at, at) if row.outcome == "delivered" else None,
            "answered_after": _seconds(row.acked_at, at),
        }
    return web.json_response({"to": name, "contacts": list(told.values())})


@routes.get("/api/v1/contacts")
async def contacts(request: web.Request) -> web.Response:
    """Every contact of the files, and when it was last proven; never an address."""
    catalog = request.app[ENGINE].catalog
    proven, now = await request.app[DATABASE].read(lambda tx: (proofs.proven(tx, proven_urls(catalog)), tx.now()))
    listed = [
        {"person": one.person, "contact": one.contact, "proven_at": rfc3339(one.proven_at), "proven": one.is_proven}
        for one in standing(catalog, proven, now)
    ]
    return web.json_response({"contacts": listed})


def _person(request: web.Request) -> str:
    name = request.match_info["name"]
    people = request.app[ENGINE].catalog.people
    if name not in people:
        known_in(people, name, "person", "name")
    return name


def _seconds(at: int | None, since: Any) -> float | None:
    return None if at is None else round(max(0.0, (instant(at) - since).total_seconds()), 1)
