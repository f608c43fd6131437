"""The seat before the screen: who sits there, what they may do, and what their forms must show to be ours."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from msgspec import Struct

from pager.api.doors import CALLER, SESSION
from pager.api.parts import ENGINE, SESSIONS
from pager.api.problems import Problem
from pager.core.scope import allows
from pager.web.render import page

BY = "pager_by"
REMEMBERED = 365 * 86_400
NOT_OURS = "This page is too old, or not of this pager. Go back, load it again, and press once more."
WHO = "Say who you are: choose a name of the list."
NOBODY = "somebody"
"""Who acts where the files name no people."""


class Seat(Struct, frozen=True):
    """Who looks. `person` is who acts, "" until they have said so; `people` are the names to choose from.

    `badge` is the name of their token or their own, "" while there are none; `way` is how they came in. `key` is what
    each form shows: it is bound to the session, and no other site can read it.
    """

    person: str
    people: Sequence[tuple[str, str]]
    scope: str
    badge: str
    key: str
    zone: str
    path: str
    way: str = "token"

    @property
    def can_act(self) -> bool:
        return allows(self.scope, "respond")

    @property
    def is_admin(self) -> bool:
        return allows(self.scope, "admin")

    @property
    def name(self) -> str:
        return next((name for key, name in self.people if key == self.person), self.person)


def seat_of(request: web.Request) -> Seat:
    """Who sits there: the person that the token is named after, else whom the browser last said it was."""
    people, caller = request.app[ENGINE].catalog.people, request[CALLER]
    named = [name for name in (caller.name, request.cookies.get(BY, "")) if name in people]
    person = named[0] if named else "" if people else caller.name or NOBODY
    known = people.get(person)
    return Seat(
        person=person,
        people=[(name, one.name or name) for name, one in people.items()],
        scope=caller.scope,
        badge=caller.name,
        key=_key(request),
        zone=known.timezone if known else "UTC",
        path=request.path,
        way=caller.via,
    )


async def form_of(request: web.Request, seat: Seat) -> dict[str, str]:
    """The fields of one of our forms. Problem 400 for one that is not ours."""
    form = await fields_of(request)
    if not hmac.compare_digest(form.get("form", "").encode(), seat.key.encode()):
        raise Problem(400, NOT_OURS)
    return form


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields of a form, whatever its Content-Type says."""
    body = (await request.read()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=30, errors="replace"))
    except ValueError:
        raise Problem(400, "That is no form of this page.") from None


def who_in(form: Mapping[str, str], seat: Seat) -> str:
    """Who acts. Problem 400 while nobody has said so."""
    chosen = form.get("by", "")
    if seat.person:
        return seat.person
    if chosen not in dict(seat.people):
        raise Problem(400, WHO)
    return chosen


def shown(request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
    """A page for whoever sits there."""
    return page(template, status, **{"seat": seat_of(request), **values})


def see_other(location: str, by: str = "") -> web.Response:
    """Send the browser on after a form; it remembers who said that they are `by`."""
    headers = {"Location": location, "Cache-Control": "no-store"}
    response = web.Response(status=303, text="done\n", headers=headers)
    if by:
        response.set_cookie(BY, by, max_age=REMEMBERED, httponly=True, samesite="Lax")
    return response


def _key(request: web.Request) -> str:
    """Bound to the session; without one, to whom a proxy names, and the same on every node."""
    opened, caller = request.get(SESSION), request[CALLER]
    seed = opened.session.hash if opened else f"{request.app[SESSIONS].form_key} {caller.via} {caller.name}"
    return hmac.new(seed.encode(), b"form", hashlib.sha256).hexdigest()[:32]
