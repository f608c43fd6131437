"""What reports and the pages of silences ask of either engine."""

from datetime import timedelta

from pager.core.incident import Entry, Incident, Page
from pager.core.matcher import parse_matcher
from pager.core.silence import Wanted
from pager.store import incidents, load, pages, silences
from pager.store.database import Tx
from pager.store.incidents import Kept
from tests.store.test_seen import NOON, real

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
END = NOON + HOUR


def make(tx: Tx) -> None:
    """Three incidents: of yesterday, answered after two minutes, and never paged."""
    for at, opened_at in enumerate((NOON - 24 * HOUR, NOON, NOON + MINUTE)):
        number = incidents.create(tx, f"group {at}", opened_at)
        assert number is not None
        one = Incident(number, f"group {at}", f"incident {at}", "SEV-2", "default", opened_at)
        incidents.save(tx, [(Kept(one, 1, 0), "")])
    pages.issue(tx, [(2, "SEV-2", Page("ana", 1, 0, step, "100 % sure", NOON), NOON + MINUTE) for step in (0, 1)])
    pages.issue(tx, [(2, "SEV-2", Page("bo", 1, 0, 0, "too late", NOON), NOON + MINUTE)])
    tx.run("UPDATE pages SET sent_at = :at, state = 'delivered' WHERE recipient = 'ana'", at=NOON + MINUTE)
    tx.run("UPDATE pages SET sent_at = :at, state = 'failed' WHERE recipient = 'bo'", at=NOON + MINUTE)
    said = ("opened", "snoozed until 2026-02-17 12:00 UTC", "acknowledged")
    rows = [(2, seq, NOON + seq * MINUTE, Entry(text, "ana"), None, "c0ffee") for seq, text in enumerate(said, 1)]
    incidents.append(tx, rows)


async def test_reports_read_who_was_sent_what_and_how_soon_it_was_answered(url: str) -> None:
    async with real(url) as database:
        await database.write(make)
        sent = await database.read(lambda tx: [load.sent_to(tx, who, NOON, END) for who in ("ana", "bo", "chi")])
        known, below = await database.read(lambda tx: load.opened(tx, NOON, END, 2**62))

    assert sent == [[NOON + MINUTE] * 2, [], []]
    assert below is None
    assert [(one.incident.number, one.pages, one.paged_at, one.acked_at) for one in known] == [
        (3, 0, None, None),
        (2, 3, NOON + MINUTE, NOON + 2 * MINUTE),
    ]


async def test_a_long_list_is_read_in_pieces_until_all_that_is_left_is_older(url: str) -> None:
    def many(tx: Tx) -> None:
        for at in range(load.CHUNK + 5):
            opened_at = NOON - HOUR if at < 3 else NOON
            number = incidents.create(tx, f"group {at}", opened_at)
            assert number is not None
            one = Incident(number, f"group {at}", "x", "SEV-2", "default", opened_at)
            incidents.save(tx, [(Kept(one, 1, 0), "")])

    async with real(url) as database:
        await database.write(many)
        first, below = await database.read(lambda tx: load.opened(tx, NOON, END, 2**62))
        assert (len(first), below) == (load.CHUNK, 6)
        rest, end = await database.read(lambda tx: load.opened(tx, NOON, END, 6))

    assert ([one.incident.number for one in rest], end) == ([5, 4], None)


async def test_silences_that_are_over_come_newest_first(url: str) -> None:
    def some(tx: Tx) -> list[int]:
        match = (parse_matcher("alertname = X"),)
        for hours in (-2, 1, -1, 2):
            silences.add(tx, Wanted("silence", match, NOON - 3 * HOUR, NOON + hours * HOUR, "ana", "why"))
        silences.expire(tx, 4, "bo")
        return [one.id for one in silences.ended(tx, "silence", 2)]

    async with real(url) as database:
        assert await database.write(some) == [4, 3]
        assert await database.read(lambda tx: silences.ended(tx, "pause", 9)) == []
