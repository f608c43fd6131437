"""Sources over HTTP: when each spoke last, what it sent, how it keeps to its quota, and where its token is used."""

from datetime import datetime, timedelta
from typing import TypedDict

from aiohttp import web

from pager.api.declared import told as declared
from pager.api.parts import DATABASE, ENGINE, INTAKE
from pager.api.shapes import rfc3339
from pager.core.catalog import Catalog
from pager.core.quota import CALM, Waits
from pager.core.token_use import TokenUse
from pager.fairness import is_over
from pager.shares import quota_of
from pager.source_checks import NEW_FOR
from pager.store import inbox, source_counts, sources, token_uses
from pager.store.database import Tx
from pager.store.source_counts import Counts

routes = web.RouteTableDef()
DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Sent(TypedDict):
    """What a source sent: alerts and bytes taken in; `late` were worked behind all others, `refused` bodies were told
    to come back, for `unrouted` alerts that began to fire no rule is, `invalid` bodies or parts were left out.
    """

    alerts: int
    bytes: int
    late: int
    refused: int
    unrouted: int
    invalid: int


class Allowed(TypedDict):
    """`alerts` and `bytes` a minute, and `open` alerts at once."""

    alerts: int
    bytes: int
    open: int


class Token(TypedDict):
    """Where a token is used; `new_networks` are those of the last week that it had never come from."""

    known_since: str
    used_at: str | None
    unused: bool
    networks: list[str]
    new_networks: list[str]


class Speaker(TypedDict):
    """A source. `waiting` requests are worked behind all others; `open` alerts as they were counted last."""

    name: str
    dialect: str
    spoke_at: str | None
    over_quota: bool
    quota: Allowed
    waiting: int
    open: int
    day: Sent
    week: Sent
    token: Token | None


class Speakers(TypedDict):
    """All that the files name, and all that were ever heard."""

    sources: list[Speaker]
    next: None


@routes.get("/api/v1/sources")
@declared(Speakers)
async def listed(request: web.Request) -> web.Response:
    """Every source of the files, and every one that was heard without standing there, by name."""
    return web.json_response(await told(request))


async def told(request: web.Request) -> Speakers:
    """What `listed` answers, and the page of pager itself shows. Raises StoreUnavailable."""
    catalog, waits = request.app[ENGINE].catalog, request.app[INTAKE].shares.waits
    return await request.app[DATABASE].read(lambda tx: _told(tx, catalog, waits))


def _told(tx: Tx, catalog: Catalog, stands: dict[str, Waits]) -> Speakers:
    now, words, uses = tx.now(), sources.last_words(tx), token_uses.every(tx)
    day, week, lately = (source_counts.since(tx, now - length) for length in (DAY, WEEK, CALM))
    waiting = inbox.waiting_last(tx)
    found: list[Speaker] = []
    for name in sorted({*catalog.sources, *words, *week, *waiting}):
        open_alerts = stands.get(name, Waits()).open
        waits = Waits(*waiting.get(name, (0, 0)), open_alerts)
        quota, named, word = quota_of(catalog, name), catalog.sources.get(name), words.get(name)
        found.append(
            {
                "name": name,
                "dialect": named.dialect if named else word.dialect if word else "",
                "spoke_at": rfc3339(word.spoke_at) if word else None,
                "over_quota": is_over(catalog, name, lately.get(name), waits, now),
                "quota": {"alerts": quota.alerts, "bytes": quota.bytes, "open": quota.open},
                "waiting": waits.rows,
                "open": open_alerts,
                "day": _sent(day.get(name)),
                "week": _sent(week.get(name)),
                "token": _token(uses[name], now) if name in uses else None,
            }
        )
    return {"sources": found, "next": None}


def _sent(counts: Counts | None) -> Sent:
    known = counts or Counts()
    return {
        "alerts": known.alerts,
        "bytes": known.bytes,
        "late": known.late,
        "refused": known.refused,
        "unrouted": known.unrouted,
        "invalid": known.invalid,
    }


def _token(use: TokenUse, now: datetime) -> Token:
    return {
        "known_since": rfc3339(use.since),
        "used_at": rfc3339(use.used_at) if use.used_at else None,
        "unused": use.is_unused(now),
        "networks": sorted(use.networks),
        "new_networks": use.new_networks(now - NEW_FOR),
    }
