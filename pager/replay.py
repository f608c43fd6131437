"""Replay: what was received, worked again by some files on a virtual clock: which incidents, and who would be paged."""

import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from pager.core.catalog import CHANNEL, Catalog
from pager.core.incident import Incident, Snoozed
from pager.core.load import night_of
from pager.core.severity import Level
from pager.engine import Engine
from pager.sources import SOURCES
from pager.store import inbox, incidents
from pager.store.database import Tx
from pager.store.memory import MemoryDatabase
from pager.virtual import Clock, VirtualHouse

STAYS = timedelta(days=7)
"""Whoever acknowledges stays on it as long as its level lets them."""
AFTERWARDS = timedelta(hours=1)
"""So long after the last request it is watched who else is paged."""
_MANY = 100_000


class Received(Struct, frozen=True):
    """One request as it is kept: `packed` is its body, compressed."""

    at: datetime
    source: str
    dialect: str
    packed: bytes


class Outcome(Struct):
    """What came of it. Pages are messages that ask for somebody, by recipient; `nights` those at night, on their clock.

    `by_title` has incidents and pages by the incident's title, and the worst level that one of them had.
    """

    incidents: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    nights: Counter[str] = field(default_factory=Counter)
    by_title: dict[str, "Titled"] = field(default_factory=dict)
    unread: int = 0


class Titled(Struct, frozen=True):
    """The incidents of one title."""

    incidents: int
    pages: int
    severity: Level


class _House(VirtualHouse):
    """A house in which nobody asks what held an incident: that would read all of them after each request."""

    async def _look(self) -> None:
        return


async def replay(catalog: Catalog, received: Sequence[Received], answered_after: timedelta) -> Outcome:
    """Work these requests, oldest first, each at its instant; whoever is paged acknowledges `answered_after` that.

    What cannot be read any more is counted and left out. Alerts end when their sources say so: nothing becomes stale.
    """
    clock = Clock(received[0].at if received else Clock().at)
    database = MemoryDatabase(clock)
    await database.open()
    house = _House(Engine(database, catalog, SOURCES), database, clock)
    found = Outcome()
    try:
        for one in received:
            await _pass(house, one.at, answered_after)
            found.unread += not await _work(house, one)
        await _pass(house, clock.at + AFTERWARDS, answered_after)
        known = await database.read(lambda tx: incidents.page_of(tx, state="all", team="", below=2**62, limit=_MANY))
    finally:
        await database.close()
    _count_incidents([kept.incident for kept in known], found)
    _count_pages(house, catalog, found)
    return found


async def _pass(house: VirtualHouse, until: datetime, answered_after: timedelta) -> None:
    """Let time pass up to `until`; who was paged answers on the way."""
    while house.clock.at < until:
        waits = await house.engine.database.read(_unanswered)
        end = min(until, house.clock.at + answered_after) if waits else until
        await house.pass_until(end)
        house.clock.at = end
        for number, name in waits.items():
            await house.engine.act(number, Snoozed(name, end + STAYS))
        await house.settle()


def _unanswered(tx: Tx) -> dict[int, str]:
    """Incidents that nobody has though somebody was paged, and who of them answers: whom the last step waits for."""
    found = incidents.page_of(tx, state="triggered", team="", below=2**62, limit=_MANY)
    people = {kept.incident.number: _people(kept.incident) for kept in found}
    return {number: names[0] for number, names in people.items() if names}


def _people(incident: Incident) -> list[str]:
    if incident.hold is not None:
        return []
    return [name for name in (*incident.waiting, *incident.paged) if not name.startswith(CHANNEL)]


async def _work(house: VirtualHouse, one: Received) -> bool:
    """Take one request in and work it; whether there was anything to read."""
    body = zlib.decompress(one.packed)
    if not body:
        return False
    await house.engine.database.write(lambda tx: inbox.append(tx, one.source, one.dialect, body, one.at))
    while await house.engine.work_inbox():
        pass
    await house.settle()
    return True


def _count_incidents(known: Sequence[Incident], found: Outcome) -> None:
    for incident in known:
        found.incidents[incident.severity] += 1
        was = found.by_title.get(incident.title, Titled(0, 0, "SEV-5"))
        worst = min(was.severity, incident.severity)
        found.by_title[incident.title] = replace(was, incidents=was.incidents + 1, severity=worst)


def _count_pages(house: VirtualHouse, catalog: Catalog, found: Outcome) -> None:
    """Each message once, however many contacts it went to; a bundle is one, and counts for its worst incident."""
    seen: set[int] = set()
    for at, attempt in house.tried:
        if attempt.page.id in seen or attempt.facts.kind != "page":
            continue
        seen.add(attempt.page.id)
        to, title = attempt.page.recipient, attempt.facts.title
        found.pages[to] += 1
        person = catalog.people.get(to)
        found.nights[to] += person is not None and night_of(at, person.timezone) is not None
        if title in found.by_title:
            was = found.by_title[title]
            found.by_title[title] = replace(was, pages=was.pages + 1)
