"""Generic webhooks: any body by a mapping of the files, by one that ships, or by a guess that says what it guessed."""

import asyncio
from collections.abc import Mapping as Object
from collections.abc import Sequence

from aiohttp import web

from pager.api.doors import CALLER
from pager.api.ingest import proven, refuse_other_sites, take_in
from pager.api.parts import ENGINE
from pager.api.problems import Problem
from pager.core.mapping import Mapping
from pager.intake import LARGE, Accepted
from pager.presets import presets
from pager.sources.forms import body_of
from pager.sources.generic import wrapped

routes = web.RouteTableDef()
DIALECT = "generic"
MOST_TOLD = 10


@routes.get("/webhook/generic")
@routes.post("/webhook/generic")
@routes.put("/webhook/generic")
@routes.get("/webhook/generic/{mapping}")
@routes.post("/webhook/generic/{mapping}")
@routes.put("/webhook/generic/{mapping}")
async def generic(request: web.Request) -> web.Response:
    """Accept a body, a form or a query, and say what it came to. 404: no mapping of that name."""
    return await taken(request, request.match_info.get("mapping", ""))


def is_mapped(request: web.Request, name: str) -> bool:
    """Whether a mapping of this name ships, or is written below `sources:`."""
    own = request.app[ENGINE].catalog.sources.get(name)
    return name in presets() or (own is not None and own.map is not None)


async def taken(request: web.Request, name: str) -> web.Response:
    """Accept a body by the mapping of this name; "": by that of the source, or by a guess."""
    accepted = await keep(request, name)
    said: dict[str, object] = {"accepted": accepted.count}
    if accepted.note:
        said["note"] = accepted.note
    if accepted.faults:
        said["faults"] = [f"{fault.path}: {fault.what}" for fault in accepted.faults[:MOST_TOLD]]
    return web.json_response(said)


async def keep(request: web.Request, name: str, beside: Object[str, str] | None = None) -> Accepted:
    """Keep a body by the mapping of this name, with the fields `beside` it that it does not say.

    Raises Problem and Malformed.
    """
    refuse_other_sites(request)
    maps = _maps(request, name)
    await proven(request, DIALECT, name)  # Before anything reads it.
    return await take_in(request, DIALECT, await _wrapped(request, maps, beside or {}), name)


async def _wrapped(request: web.Request, maps: Sequence[Mapping], beside: Object[str, str]) -> bytes:
    """What is kept: the body and the mappings by which it is read. A large one is read in a thread."""
    query = {key: value for key, value in request.query.items() if key != "token"}
    more = {key: value for key, value in beside.items() if key != "token"}
    said, kind = await request.read(), request.headers.get("Content-Type", "")

    def read() -> bytes:
        body = body_of(said, kind, query)
        return wrapped({**more, **body} if more and isinstance(body, dict) else body, maps)

    return await asyncio.to_thread(read) if len(said) > LARGE else read()


def _maps(request: web.Request, name: str) -> Sequence[Mapping]:
    sources = request.app[ENGINE].catalog.sources
    own = sources.get(name or request[CALLER].source)
    if own is not None and own.map is not None:
        return (own.map,)
    if not name:
        return ()
    if name not in presets():
        raise Problem(404, f"no mapping {name[:50]!r}: write one below sources:, or use {', '.join(presets())}")
    return presets()[name]
