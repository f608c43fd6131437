"""Signs of life: which sources and heartbeats the requests of one transaction speak for."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.heartbeat import Beat, beats_of
from pager.heartbeats import hear
from pager.sources.heartbeat import DIALECT
from pager.store import sources as spoken
from pager.store.database import Tx
from pager.store.sources import WORD_EVERY, Word
from pager.store.sql import Row, instant

Heard = tuple[Row, Sequence[Alert], Sequence[Beat]]
"""A request, those of its alerts that are worked now, and its pings."""


def take(tx: Tx, catalog: Catalog, heard: Sequence[Heard]) -> None:
    """Write who spoke. An alert that only repeats itself is as good a sign as any."""
    _spoke(tx, catalog, [row for row, _, _ in heard])
    hear(tx, catalog, list(_beats(catalog, heard)))


def _beats(catalog: Catalog, heard: Iterable[Heard]) -> Iterable[tuple[Beat, datetime]]:
    for row, alerts, pings in heard:
        at = instant(row.accepted_at)
        yield from ((beat, at) for beat in pings)
        if catalog.watchdogs:
            yield from ((beat, at) for alert in alerts for beat in beats_of(alert, catalog.watchdogs))


def _spoke(tx: Tx, catalog: Catalog, rows: Iterable[Row]) -> None:
    """The newest word of each source, written now and then. A ping is the word of a source of pings alone."""
    words = {row.source: Word(row.source, row.dialect, instant(row.accepted_at)) for row in rows}
    told = [word for word in words.values() if word.dialect != DIALECT or _pings(catalog, word.name)]
    spoken.spoke(tx, [(word, _every(catalog, word.name)) for word in told])


def _pings(catalog: Catalog, name: str) -> bool:
    source = catalog.sources.get(name)
    return source is not None and source.dialect == DIALECT


def _every(catalog: Catalog, name: str) -> timedelta:
    source = catalog.sources.get(name)
    must_speak = source.must_speak if source else None
    return WORD_EVERY if must_speak is None else min(WORD_EVERY, must_speak / 4)
