"""The audit over HTTP, for admins: what people changed, and whether it is whole."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from pager.api import answers_admin as answers
from pager.api.declared import Parameter, told
from pager.api.parts import DATABASE
from pager.api.reading import CURSOR, LIMIT, cursor_in, limit_in
from pager.api.shapes import rfc3339
from pager.store import audit
from pager.store.audit import Deed, Kept

routes = web.RouteTableDef()
NEWEST = 2**62
_NARROWS = tuple(
    Parameter(name, says, {"type": "string"})
    for name, says in (
        ("who", "Who did it."),
        ("about", "What it was done to, as `incident 7KQ`."),
        ("act", "What was done."),
    )
)
_LAST = ("was", "now")


@routes.get("/api/v1/audit")
@told(answers.Audit, LIMIT, CURSOR, *_NARROWS)
async def listed(request: web.Request) -> web.Response:
    """What people changed, newest first; `?who=`, `?about=` (as `incident 7KQ`) and `?act=` narrow it down."""
    limit, below, query = limit_in(request.query), cursor_in(request.query, NEWEST), request.query
    who, about, act = (query.get(name, "")[:200] for name in ("who", "about", "act"))
    found = await request.app[DATABASE].read(
        lambda tx: audit.page_of(tx, below=below, limit=limit + 1, who=who, about=about, act=act)
    )
    following = str(found[limit - 1].id) if len(found) > limit else None
    answer: answers.Audit = {"audit": [_entry(one) for one in found[:limit]], "next": following}
    return web.json_response(answer)


@routes.get("/api/v1/audit/check")
@told(answers.AuditChecked)
async def checked(request: web.Request) -> web.Response:
    """Whether each entry fits the one before; `broken_at` is the first that does not, or that is missing."""
    found = await request.app[DATABASE].read(audit.check)
    whole = found.broken_at is None
    answer: answers.AuditChecked = {"entries": found.rows, "whole": whole, "broken_at": found.broken_at}
    return web.json_response(answer)


def detail_of(deed: Deed) -> str:
    """The details on one line, as `why moving, was state triggered, now state resolved`."""
    names = sorted(deed.detail, key=lambda name: _LAST.index(name) if name in _LAST else -1)
    return ", ".join(f"{name} {_said(deed.detail[name])}" for name in names)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_said(one)}" for name, one in value.items())
    return " ".join(map(_said, value)) if isinstance(value, list) else str(value)


def _entry(kept: Kept) -> answers.Deed:
    deed = kept.deed
    return {
        "id": kept.id,
        "at": rfc3339(kept.at),
        "who": deed.who,
        "via": deed.via,
        "address": deed.address or None,
        "act": deed.act,
        "object": deed.object,
        "detail": deed.detail,
    }
