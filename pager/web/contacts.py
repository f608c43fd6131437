"""The part of /me about how you are reached: your contacts and when each was proven, a test page, the contact card."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from msgspec import Struct

from pager.api.auditing import remark
from pager.api.parts import DATABASE, ENGINE, PARTS
from pager.api.problems import Problem
from pager.core.duration import format_duration
from pager.core.people import Person, Via
from pager.core.proven import proven_urls, standing, trial_notice
from pager.core.severity import LEVELS
from pager.core.text import clock
from pager.core.vcard import vcard
from pager.store import notices, proofs
from pager.store.database import Tx
from pager.store.sql import Row, instant, micros
from pager.web.render import HEADERS
from pager.web.seat import Seat, form_of, seat_of, see_other
from pager.web.view import rough

routes = web.RouteTableDef()
NO_CARD = "There is no card: nobody has said in `callers` of pager.toml which numbers pages come from."
NO_CONTACTS = "You have no contacts in the files: there is nothing to test."
NOBODY_YET = "Say who you are first."
WORDS = {
    "delivered": "the service took it",
    "failed": "it could not be sent",
    "unknown": "nobody knows whether it went",
}


class Reach(Struct, frozen=True):
    """One contact in words; `tested` says what became of the test page that was just sent, "" where none was."""

    contact: str
    proven: str
    is_proven: bool
    tested: str


class Reached(Struct, frozen=True):
    """How somebody is reached: each contact, and per level which are tried in which order."""

    contacts: Sequence[Reach]
    ways: Sequence[tuple[str, str]]
    quiet: str
    callers: Sequence[str]


async def reached(request: web.Request, seat: Seat) -> Reached | None:
    """What the files and the proofs say of whoever sits there; None while nobody does."""
    catalog, test = request.app[ENGINE].catalog, request.query.get("test", "")
    person = catalog.people.get(seat.person)
    if person is None:
        return None
    at = instant(int(test)) if test.isascii() and test.isdigit() and len(test) < 18 else None
    proven, rows, now = await request.app[DATABASE].read(
        lambda tx: (
            proofs.proven(tx, proven_urls(catalog)),
            proofs.of_test(tx, seat.person, at) if at is not None else [],
            tx.now(),
        )
    )
    outcomes = {row.contact: row for row in rows}
    contacts = []
    for one in standing(catalog, proven, now):
        if one.person == seat.person:
            when = f"proven {clock(one.proven_at, seat.zone, now)}" if one.proven_at else "never proven"
            when += f", {rough(now - one.proven_at)} ago" if one.proven_at else ""
            tested = _tested(outcomes.get(one.contact)) if at is not None else ""
            contacts.append(Reach(one.contact, when, one.is_proven, tested))
    return Reached(contacts, _ways(person), person.quiet, request.app[PARTS].callers)


@routes.post("/me/test")
async def test(request: web.Request) -> web.Response:
    """Send a test page to each contact of whoever sits there. Problem 400 where there are none."""
    seat = seat_of(request)
    await form_of(request, seat)
    person = request.app[ENGINE].catalog.people.get(seat.person)
    if person is None or not person.contacts:
        raise Problem(400, NOBODY_YET if person is None else NO_CONTACTS)

    def issue(tx: Tx) -> int:
        notices.issue(tx, [trial_notice(seat.person, seat.person, tx.now())])
        return micros(tx.now())

    at = await request.app[DATABASE].write(issue)
    remark(request, act="test", object=f"person {seat.person}")
    return see_other(f"/me?done=tested&test={at}")


@routes.get("/me/contact.vcf")
async def card(request: web.Request) -> web.Response:
    """The numbers that pages come from, for the contacts of a phone. Problem 404 where nobody has said them."""
    parts = request.app[PARTS]
    if not parts.callers:
        raise Problem(404, NO_CARD)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="pager.vcf"'}
    return web.Response(text=vcard(parts.callers, parts.url), content_type="text/vcard", headers=headers)


def _ways(person: Person) -> list[tuple[str, str]]:
    """Levels and their ways, neighbours of the same ways as one: (`SEV-1`, `push, then call after 1m`)."""
    found: list[tuple[list[str], str]] = []
    for level in LEVELS:
        told = _told(person.ways(level))
        if found and found[-1][1] == told:
            found[-1][0].append(level)
        else:
            found.append(([level], told))
    return [(levels[0] if len(levels) == 1 else f"{levels[0]} to {levels[-1]}", told) for levels, told in found]


def _told(ways: Sequence[Via]) -> str:
    at_once = [way.via for way in ways if not way.after]
    later = [f"{way.via} after {format_duration(way.after)}" for way in ways if way.after]
    return ", then ".join([" and ".join(at_once), *later] if at_once else later)


def _tested(row: Row | None) -> str:
    if row is None:
        return "on its way"
    if row.acked_at is not None:
        return "answered"
    words: Mapping[str, str] = WORDS
    return words.get(row.outcome or "", "on its way")
