"""Heartbeats: when each was heard, what it said last, and which state an alert tells of."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from pager.core.heartbeat import Pulse
from pager.store.database import Tx
from pager.store.sql import Row, instant

_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = (
    "name, instance, labels, expected_at, heard_at, began_at, run, failed_at, exit_status, lasted, word, word_at, "
    "told, gone_at"
)
_encode = msgspec.json.Encoder(order="sorted").encode
_labels = msgspec.json.Decoder(dict[str, str]).decode


def every(tx: Tx) -> list[Pulse]:
    """All that is known of heartbeats, by name."""
    return [_pulse(row) for row in tx.all(f"SELECT {_COLUMNS} FROM heartbeats ORDER BY name, instance")]


def locked(tx: Tx, names: Iterable[str]) -> list[Pulse]:
    """What is known of these heartbeats, and nobody else changes it until this transaction ends."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM heartbeats WHERE name IN (:names) ORDER BY name, instance FOR UPDATE",
        names=sorted(names),
    )
    return [_pulse(row) for row in rows]


def save(tx: Tx, pulses: Sequence[Pulse]) -> None:
    """Write what is known of these."""
    tx.many(
        f"INSERT INTO heartbeats ({_COLUMNS}) VALUES (:name, :instance, :labels, :expected_at, :heard_at, :began_at, "
        ":run, :failed_at, :exit_status, :lasted, :word, :word_at, :told, :gone_at) "
        "ON CONFLICT (name, instance) DO UPDATE SET labels = excluded.labels, expected_at = excluded.expected_at, "
        "heard_at = excluded.heard_at, began_at = excluded.began_at, run = excluded.run, "
        "failed_at = excluded.failed_at, exit_status = excluded.exit_status, lasted = excluded.lasted, "
        "word = excluded.word, word_at = excluded.word_at, told = excluded.told, gone_at = excluded.gone_at",
        [
            {
                "name": pulse.name,
                "instance": pulse.instance,
                "labels": _encode(dict(pulse.labels)).decode(),
                "expected_at": pulse.expected_at,
                "heard_at": pulse.heard_at,
                "began_at": pulse.began_at,
                "run": pulse.run,
                "failed_at": pulse.failed_at,
                "exit_status": pulse.exit_status,
                "lasted": None if pulse.lasted is None else pulse.lasted // _MICROSECOND,
                "word": pulse.word,
                "word_at": pulse.word_at,
                "told": pulse.told,
                "gone_at": pulse.gone_at,
            }
            for pulse in pulses
        ],
    )


def begin(tx: Tx, pulses: Iterable[Pulse]) -> None:
    """These are waited for from now on, unless they are already."""
    tx.many(
        "INSERT INTO heartbeats (name, instance, labels, expected_at) VALUES (:name, :instance, :labels, :expected_at) "
        "ON CONFLICT (name, instance) DO NOTHING",
        [
            {
                "name": pulse.name,
                "instance": pulse.instance,
                "labels": _encode(dict(pulse.labels)).decode(),
                "expected_at": pulse.expected_at,
            }
            for pulse in pulses
        ],
    )


def drop(tx: Tx, name: str, instance: str) -> bool:
    """Forget what is known of one; whether there was any."""
    return bool(
        tx.run("DELETE FROM heartbeats WHERE name = :name AND instance = :instance", name=name, instance=instance)
    )


def forget_gone(tx: Tx, before: datetime) -> int:
    """Forget those that the files do not name since before that instant."""
    return tx.run("DELETE FROM heartbeats WHERE gone_at < :before", before=before)


def move(tx: Tx, step: timedelta) -> None:
    """The wall clock was set by `step`: what is waited for is as far away as it was."""
    tx.run(
        "UPDATE heartbeats SET expected_at = expected_at + :by, heard_at = heard_at + :by, began_at = began_at + :by, "
        "failed_at = failed_at + :by, word_at = word_at + :by, gone_at = gone_at + :by",
        by=step // _MICROSECOND,
    )


def _pulse(row: Row) -> Pulse:
    return Pulse(
        name=row.name,
        expected_at=instant(row.expected_at),
        instance=row.instance,
        labels=_labels(row.labels),
        heard_at=_instant(row.heard_at),
        began_at=_instant(row.began_at),
        run=row.run,
        failed_at=_instant(row.failed_at),
        exit_status=row.exit_status,
        lasted=None if row.lasted is None else row.lasted * _MICROSECOND,
        word=row.word,
        word_at=_instant(row.word_at),
        told=row.told,
        gone_at=_instant(row.gone_at),
    )


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
