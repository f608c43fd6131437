"""Stale in a trial: the sources go on speaking, and of what fires they say nothing more."""

from datetime import timedelta

from pager import unheard
from pager.store import alerts, incidents, sources
from pager.store.database import Tx
from pager.store.sources import Word
from pager.virtual import Impossible, VirtualHouse

_MANY = 100_000


async def fall_silent(house: VirtualHouse, number: int | None) -> None:
    """From now on nothing is heard of the firing alerts of this incident, else of all that are open.

    Raises Impossible where none fires.
    """
    if not await house.engine.database.write(lambda tx: _stale(tx, number)):
        raise Impossible("no alert fires that could become stale")


async def close_unheard(house: VirtualHouse) -> bool:
    """Close the incidents that nobody speaks of any more, as pager does every second; whether there were any."""
    files = house.engine.catalog
    closing = await house.engine.database.read(unheard.closing)
    for number in closing:
        news = await house.engine.database.write(lambda tx, number=number: unheard.close(tx, files, number))  # type: ignore[misc]
        house.engine.listener.news(news)
    return bool(closing)


def _stale(tx: Tx, number: int | None) -> int:
    now = tx.now()
    open_now = incidents.page_of(tx, state="open", team="", below=2**62, limit=_MANY)
    numbers = [kept.incident.number for kept in open_now if number in (None, kept.incident.number)]
    firing = [known for one in numbers for known in alerts.of_incident(tx, one, firing=True) if not known.stale]
    alerts.judged(tx, [(known, now, True) for known in firing])
    heard = {known.state.source for known in firing}
    sources.spoke(tx, [(Word(name, "alertmanager", now), timedelta()) for name in sorted(heard)])
    return len(firing)
