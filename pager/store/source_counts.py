"""Source counts: what each source sent, hour by hour, and what of it was late, refused, unrouted or invalid."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import fields

from pager.store.database import Tx
from pager.store.sql import Row, instant, micros

KEPT = timedelta(days=7)
HOUR = timedelta(hours=1)
_HOUR = HOUR // timedelta(microseconds=1)


class Counts(Struct):
    """Alerts and bytes taken in, those of the alerts that were worked `late`, bodies `refused` for being too many,
    alerts for which no rule is (`unrouted`), bodies and parts of them that are `invalid`; `over_at`: when it was over
    its quota last.
    """

    alerts: int = 0
    bytes: int = 0
    late: int = 0
    refused: int = 0
    unrouted: int = 0
    invalid: int = 0
    over_at: datetime | None = None

    def add(self, other: "Counts") -> None:
        """Count these, too."""
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.over_at = max((at for at in (self.over_at, other.over_at) if at is not None), default=None)


_NAMES = tuple(each.name for each in fields(Counts) if each.name != "over_at")


def count(tx: Tx, counts: Mapping[str, Counts]) -> dict[str, Counts]:
    """Add what these sources sent to what stands of this hour; that hour after it, as all nodes know it."""
    hour = micros(tx.now()) // _HOUR * _HOUR
    after: dict[str, Counts] = {}
    for source in sorted(counts):
        row = tx.one(_COUNT, source=source, hour=hour, over_at=counts[source].over_at, **_values(counts[source]))
        if row is not None:
            after[source] = _counts(row)
    return after


_COUNT = (
    f"INSERT INTO source_counts (source, hour, over_at, {', '.join(_NAMES)}) "
    f"VALUES (:source, :hour, :over_at, {', '.join(':' + name for name in _NAMES)}) "
    "ON CONFLICT (source, hour) DO UPDATE SET "
    "over_at = coalesce(excluded.over_at, source_counts.over_at), "
    + ", ".join(f"{name} = source_counts.{name} + excluded.{name}" for name in _NAMES)
    + f" RETURNING over_at, {', '.join(_NAMES)}"
)


def since(tx: Tx, start: datetime) -> dict[str, Counts]:
    """By source all that it sent since the beginning of the hour of `start`, by name."""
    rows = tx.all(
        f"SELECT source, max(over_at) AS over_at, {', '.join(f'sum({name}) AS {name}' for name in _NAMES)} "
        "FROM source_counts WHERE hour >= :hour GROUP BY source ORDER BY source",
        hour=micros(start) // _HOUR * _HOUR,
    )
    return {row.source: _counts(row) for row in rows}


def forget(tx: Tx) -> int:
    """Drop what is older than a week; how many rows."""
    return tx.run("DELETE FROM source_counts WHERE hour < :hour", hour=micros(tx.now() - KEPT))


def open_alerts(tx: Tx) -> dict[str, int]:
    """By source how many of its alerts fire."""
    rows = tx.all("SELECT source, count(*) AS n FROM alerts WHERE status = 'firing' GROUP BY source")
    return {row.source: int(row.n) for row in rows}


def _values(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in _NAMES}


def _counts(row: Row) -> Counts:
    found = Counts()
    for name in _NAMES:
        setattr(found, name, int(row[name]))
    found.over_at = None if row.over_at is None else instant(row.over_at)
    return found
