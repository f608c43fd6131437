"""Sources: the last word of each, and the stretches in which pager itself could not listen."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.stale import Stretch
from pager.store import meta
from pager.store.database import Tx
from pager.store.sql import EPOCH, instant, micros

WORD_EVERY = timedelta(seconds=10)
_ALIVE = "listened_at"


class Word(Struct, frozen=True):
    """The last word of a source, in whichever dialect it came."""

    name: str
    dialect: str
    spoke_at: datetime


def spoke(tx: Tx, words: Iterable[tuple[Word, timedelta]]) -> None:
    """Sources spoke: each is written if its last word on record is older than so long; else that one stays."""
    tx.many(
        "INSERT INTO sources (name, dialect, spoke_at) VALUES (:name, :dialect, :at) "
        "ON CONFLICT (name) DO UPDATE SET dialect = excluded.dialect, spoke_at = excluded.spoke_at "
        "WHERE sources.spoke_at <= :before",
        [
            {"name": word.name, "dialect": word.dialect, "at": word.spoke_at, "before": word.spoke_at - every}
            for word, every in words
        ],
    )


def expect(tx: Tx, words: Iterable[Word]) -> None:
    """Sources that are named in the files and were never heard: their silence counts from now on."""
    tx.many(
        "INSERT INTO sources (name, dialect, spoke_at) VALUES (:name, :dialect, :at) ON CONFLICT (name) DO NOTHING",
        [{"name": word.name, "dialect": word.dialect, "at": word.spoke_at} for word in words],
    )


def last_words(tx: Tx) -> dict[str, Word]:
    """The last word of every source that was ever heard, by its name."""
    rows = tx.all("SELECT name, dialect, spoke_at FROM sources ORDER BY name")
    return {row.name: Word(row.name, row.dialect, instant(row.spoke_at)) for row in rows}


def listens(tx: Tx) -> None:
    """Pager listens now. Written often: the last time is where a stretch of not listening begins."""
    meta.put(tx, _ALIVE, str(micros(tx.now())))


def listens_again(tx: Tx) -> None:
    """From the last time that pager listened up to now nobody could be heard."""
    row = tx.one("SELECT said FROM meta WHERE name = :name", name=_ALIVE)
    if row is not None and instant(int(row.said)) < tx.now():
        tx.run(
            "INSERT INTO downtimes (began_at, ended_at) VALUES (:began_at, :now) "
            "ON CONFLICT (began_at) DO UPDATE SET ended_at = excluded.ended_at",
            began_at=int(row.said),
            now=tx.now(),
        )


def down(tx: Tx, since: datetime = EPOCH) -> list[Stretch]:
    """The stretches in which pager did not listen that ended after `since`."""
    rows = tx.all("SELECT began_at, ended_at FROM downtimes WHERE ended_at > :since ORDER BY began_at", since=since)
    return [(instant(row.began_at), instant(row.ended_at)) for row in rows]
