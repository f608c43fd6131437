"""What reports read: who was sent what, and the incidents of a stretch with their first page and first answer."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from pager.core.incident import Incident
from pager.store import incidents
from pager.store.database import Tx
from pager.store.sql import instant

CHUNK = 400


class Known(Struct, frozen=True):
    """An incident, how often it paged, and when it first did and was first answered; None: never."""

    incident: Incident
    pages: int
    paged_at: datetime | None
    acked_at: datetime | None


class _Ruled(msgspec.Struct):
    rule: str = ""


_ruled = msgspec.json.Decoder(_Ruled).decode


class Hits(Struct, frozen=True):
    """How many incidents the rules of a name opened, and when the last of them."""

    count: int
    last_at: datetime


def hits(tx: Tx, since: datetime, most: int) -> dict[str, Hits]:
    """What each rule has opened since then, among the newest `most` incidents."""
    rows = tx.all(
        "SELECT opened_at, body FROM incidents WHERE opened_at >= :since AND version > 0 "
        "ORDER BY number DESC LIMIT :most",
        since=since,
        most=most,
    )
    found: dict[str, Hits] = {}
    for row in rows:
        rule = _ruled(row.body).rule
        before = found.get(rule)
        # The newest come first.
        found[rule] = Hits(before.count + 1, before.last_at) if before else Hits(1, instant(row.opened_at))
    return found


def sent_to(tx: Tx, person: str, start: datetime, end: datetime) -> list[datetime]:
    """When messages of [start, end) went to `person`: pages, those that carried several, and pages by hand.

    What never reached them is left out, and so are notices: nobody gets up for those.
    """
    rows = tx.all(
        "SELECT sent_at FROM pages WHERE recipient = :person AND sent_at >= :start AND sent_at < :end "
        "AND state NOT IN ('failed', 'carried', 'held') AND (kind IN ('page', 'bundle') OR "
        "(kind = 'notice' AND why = 'asked')) ORDER BY sent_at",
        person=person,
        start=start,
        end=end,
    )
    return [instant(row.sent_at) for row in rows]


def opened(tx: Tx, start: datetime, end: datetime, below: int) -> tuple[Sequence[Known], int | None]:
    """Some incidents with numbers below `below` that were opened in [start, end), newest first, and where to go on.

    None: there are no more.
    """
    found = incidents.page_of(tx, state="all", team="", below=below, limit=CHUNK)
    numbers = [kept.incident.number for kept in found if start <= kept.incident.opened_at < end]
    paged = {
        row.incident: (row.n, instant(row.at))
        for row in tx.all(
            "SELECT incident, count(*) AS n, min(issued_at) AS at FROM pages WHERE incident IN (:numbers) "
            "AND kind = 'page' AND (state <> 'withdrawn' OR sent_at IS NOT NULL) GROUP BY incident",
            numbers=numbers,
        )
    }
    acked = {
        row.incident: instant(row.at)
        for row in tx.all(
            "SELECT incident, min(at) AS at FROM timeline WHERE incident IN (:numbers) "
            "AND (said = 'acknowledged' OR said LIKE 'snoozed until %') GROUP BY incident",
            numbers=numbers,
        )
    }
    known = []
    for kept in found:
        number = kept.incident.number
        if start <= kept.incident.opened_at < end:
            count, first = paged.get(number, (0, None))
            known.append(Known(kept.incident, count, first, acked.get(number)))
    # Numbers rise with time, so that whole rows of older ones say that the rest is older, too.
    over = len(found) < CHUNK or all(kept.incident.opened_at < start for kept in found)
    return known, None if over else found[-1].incident.number
