"""The page of alerts, /alerts: what each source says now, where it went, and what no rule knows."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct

from pager.api.alerts import FIRST
from pager.api.parts import DATABASE, ENGINE
from pager.api.privacy import eyes_of, is_veil
from pager.api.reading import choice_in, cursor_in
from pager.core.catalog import Catalog
from pager.core.classify import classify
from pager.core.code import code_of
from pager.core.merge import AlertState, as_alert
from pager.core.silence import matchers_for
from pager.core.text import clock
from pager.store import alerts
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.web.seat import seat_of, shown
from pager.web.view import is_link, rough

routes = web.RouteTableDef()
MOST = 50
STATES = ("firing", "resolved", "all", "unrouted")
LONGEST = 200


class Line(Struct, frozen=True):
    """An alert in words. `rule` is "" where no rule matches; `code` is that of its incident, "" for none.

    `is_veil`: it stands for all that a private incident has, and says only that there is one.
    """

    name: str
    status: str
    source: str
    since: str
    labels: tuple[tuple[str, str], ...]
    rule: str
    place: str
    severity: str
    code: str
    url: str
    tried: str
    silence: str
    is_veil: bool = False


@routes.get("/alerts")
async def listed(request: web.Request) -> web.Response:
    """Alerts, those that fire if nothing else is asked for: `?state=` resolved, all, or unrouted."""
    after, state = cursor_in(request.query, FIRST), choice_in(request.query, "state", "firing", STATES)
    kept = "firing" if state == "unrouted" else state
    eyes = eyes_of(request)

    def read(tx: Tx) -> tuple[list[KnownAlert], int | None, datetime]:
        found = alerts.page_of(tx, state=kept, after=after, limit=MOST + 1)
        more = found[MOST - 1].state.key if len(found) > MOST else None
        return eyes.alerts(tx, found[:MOST]), more, tx.now()

    found, more, now = await request.app[DATABASE].read(read)
    seat, catalog = seat_of(request), request.app[ENGINE].catalog
    lines = [
        _line(
            known, catalog, f"{clock(known.state.starts_at, seat.zone, now)}, {rough(now - known.state.starts_at)} ago"
        )
        for known in found
    ]
    told = [line for line in lines if state != "unrouted" or not (line.rule or line.is_veil)]
    return shown(request, "alerts.html", lines=told, state=state, states=STATES, more=more)


def _line(known: KnownAlert, catalog: Catalog, since: str) -> Line:
    state = known.state
    if is_veil(known):
        return _veil(state, since)
    decision = classify(as_alert(state), catalog)
    status = "stale" if known.stale else "firing" if state.counts_as_firing else "resolved"
    return Line(
        name=state.labels.get("alertname", "unnamed alert"),
        status="flapping" if state.flapping and not known.stale else status,
        source=state.source,
        since=since,
        labels=tuple((name, _cut(value)) for name, value in state.labels.items() if name != "alertname"),
        rule=decision.rule,
        place=decision.place,
        severity=decision.severity,
        code=code_of(known.incident) if known.incident else "",
        url=state.generator_url if is_link(state.generator_url) else "",
        tried=quote("\n".join(_written(known)), safe=""),
        silence=quote("\n".join(matchers_for([state.labels])), safe="") if state.counts_as_firing else "",
    )


def _veil(state: AlertState, since: str) -> Line:
    labels = state.labels
    return Line(
        name=labels["alertname"],
        status=state.status,
        source="",
        since=since,
        labels=(),
        rule="",
        place="",
        severity=labels["severity"],
        code=labels["incident"],
        url="",
        tried="",
        silence="",
        is_veil=True,
    )


def _written(known: KnownAlert) -> Iterator[str]:
    """The alert as the box on the page of rules takes it."""
    yield f"source={known.state.source}"
    for name, value in known.state.labels.items():
        yield f"{name}={_cut(' '.join(value.split()))}"


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
