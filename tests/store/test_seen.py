"""What pages for people ask of either engine: sessions, what is open by urgency, and whether anything is new."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pager.core.incident import Incident, State
from pager.core.severity import Level
from pager.store import incidents, sessions
from pager.store.database import Database, Tx, open_database
from pager.store.incidents import Kept
from pager.store.sessions import IDLE, USED_EVERY, Holder

NOON = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
OPEN: list[tuple[Level, State]] = [
    ("SEV-1", "acknowledged"),
    ("SEV-4", "triggered"),
    ("SEV-2", "triggered"),
    ("SEV-3", "mitigated"),
    ("SEV-1", "resolved"),
    ("SEV-2", "triggered"),
]


@asynccontextmanager
async def real(url: str) -> AsyncIterator[Database]:
    """A database with the tables of pager."""
    database = open_database(url, lambda: NOON)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def make(tx: Tx) -> list[Kept]:
    kept = []
    for at, (severity, state) in enumerate(OPEN):
        number = incidents.create(tx, f"group {at}", NOON)
        assert number is not None
        one = Incident(number, f"group {at}", f"incident {at}", severity, "default", NOON, state=state)
        kept.append(Kept(one, 1, 0))
    incidents.save(tx, [(one, "") for one in kept])
    return kept


async def test_the_most_urgent_comes_first_and_every_change_is_news(url: str) -> None:
    async with real(url) as database:
        empty = await database.read(incidents.mark)
        kept = await database.write(make)
        full = await database.read(incidents.mark)

        found = await database.read(lambda tx: incidents.urgent(tx, after=0, limit=3))
        rest = await database.read(lambda tx: incidents.urgent(tx, after=3, limit=3))
        assert [one.incident.title for one in found] == ["incident 5", "incident 2", "incident 1"]
        assert [one.incident.title for one in rest] == ["incident 0", "incident 3"]
        assert await database.read(incidents.count_open) == 5

        changed = Kept(kept[0].incident.changed(title="another"), 2, 0)
        await database.write(lambda tx: incidents.save(tx, [(changed, "")]))
        assert len({empty, full, await database.read(incidents.mark)}) == 3


async def test_a_session_is_kept_used_and_ended(url: str) -> None:
    shown, later = sessions.new_session(), NOON + USED_EVERY
    async with real(url) as database:
        await database.write(lambda tx: sessions.keep(tx, shown, Holder("ana"), "Phone", "10.0.0.7", NOON))
        await database.write(lambda tx: sessions.used(tx, sessions.id_in(shown), "", NOON + timedelta(seconds=1)))
        (kept,) = await database.read(lambda tx: sessions.of_token(tx, "ana"))
        assert (kept.agent, kept.created_at, kept.used_at, shown in repr(kept)) == ("Phone", NOON, NOON, False)

        await database.write(lambda tx: sessions.used(tx, kept.id, "10.0.0.8", later))
        found = await database.read(lambda tx: sessions.get(tx, kept.id))
        assert found == replace(kept, used_at=later, address="10.0.0.8")

        assert not await database.write(lambda tx: sessions.end(tx, "another"))
        assert await database.write(lambda tx: sessions.end(tx, kept.id))
        assert await database.read(lambda tx: sessions.get(tx, kept.id)) is None


async def test_whoever_signs_in_sweeps_away_what_has_ended(url: str) -> None:
    old, new = sessions.new_session(), sessions.new_session()
    async with real(url) as database:
        await database.write(lambda tx: sessions.keep(tx, old, Holder("ana"), "", "", NOON))
        await database.write(lambda tx: sessions.keep(tx, new, Holder("ana"), "", "", NOON + IDLE))

        assert [one.id for one in await database.read(lambda tx: sessions.of_token(tx, "ana"))] == [sessions.id_in(new)]
