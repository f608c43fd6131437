"""Pings: a job says that it begins, ends well or fails, by any HTTP client and with an address alone.

`/ping/TOKEN/NAME`, `…/start`, `…/fail`, `…/log` and `…/EXIT-STATUS`, as Healthchecks has them. The token is the ingest
token of a source; `-` stands for none, as on this machine while there are no tokens.
"""

import re
from uuid import UUID

from aiohttp import web

from pager.api.ingest import refuse_other_sites, take_in
from pager.api.parts import ENGINE
from pager.api.problems import Problem
from pager.core.catalog import Catalog
from pager.core.heartbeat import LONGEST_WORD, Beat, Kind
from pager.intake import Accepted
from pager.sources.heartbeat import DIALECT, ping_of

routes = web.RouteTableDef()
HEADERS = {"Ping-Body-Limit": str(LONGEST_WORD)}
MOST_STATUS = 255
_WORDS: dict[str, Kind] = {"": "ok", "start": "start", "fail": "fail", "log": "log"}


@routes.get("/ping/{token}/{name}")
@routes.post("/ping/{token}/{name}")
@routes.get("/ping/{token}/{name}/{said}")
@routes.post("/ping/{token}/{name}/{said}")
async def ping(request: web.Request) -> web.Response:
    """`OK`: it was heard, and is durable. 404: the files name no such heartbeat. 503: send it again."""
    refuse_other_sites(request)
    name = request.match_info["name"]
    if why := unheard(request.app[ENGINE].catalog, name):
        return web.Response(status=404, text=f"{why}\n", headers=HEADERS)
    kind, exit_status = _meant(request.match_info.get("said", ""))
    word = (await request.read())[:LONGEST_WORD].decode("utf-8", "replace") if request.method == "POST" else ""
    await heard(request, Beat(name, kind, exit_status, _run(request), word))
    return web.Response(text="OK", headers=HEADERS)


async def heard(request: web.Request, beat: Beat) -> Accepted:
    """Keep a sign of life. Raises Problem and Malformed."""
    return await take_in(request, DIALECT, ping_of(beat))


def unheard(catalog: Catalog, name: str) -> str:
    """Why a ping of this name would not be heard, "" if it is."""
    written = next((heartbeat for heartbeat in catalog.heartbeats if heartbeat.name == name), None)
    if written is None:
        return "not found: no heartbeat of that name in the files"
    return "not found: this heartbeat is heard by its alerts" if written.watchdog else ""


def _meant(said: str) -> tuple[Kind, int | None]:
    """What the end of the address says; an exit status of 0 is a success, every other one a failure."""
    if said in _WORDS:
        return _WORDS[said], None
    if not re.fullmatch("[0-9]{1,9}", said):
        raise Problem(404, f"a ping ends in start, fail, log or an exit status, not in {said[:20]!r}")
    if int(said) > MOST_STATUS:
        raise Problem(400, f"an exit status is 0 to {MOST_STATUS}", path="status")
    return "fail" if int(said) else "ok", int(said)


def _run(request: web.Request) -> str:
    """`?rid=` ties the start and the end of one run; it is a UUID."""
    written = request.query.get("rid", "")
    try:
        return str(UUID(written)) if written else ""
    except ValueError:
        raise Problem(400, f"not a UUID: {written[:50]!r}", path="rid") from None
