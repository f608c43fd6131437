"""Overtaken: alerts of which a newer report was worked before older ones that still wait."""

from collections.abc import Collection

from pager.store.database import Tx
from pager.store.sql import chunks


def note(tx: Tx, reports: Collection[tuple[int, int]]) -> None:
    """These reports, each an alert's key and the row of the inbox it is in, go before older ones."""
    newest = dict(sorted(reports, key=lambda report: report[1]))
    tx.many(
        "INSERT INTO overtaken (key, inbox_id) VALUES (:key, :row) "
        "ON CONFLICT (key) DO UPDATE SET inbox_id = excluded.inbox_id WHERE overtaken.inbox_id < excluded.inbox_id",
        [{"key": key, "row": newest[key]} for key in sorted(newest)],
    )


def newest(tx: Tx, keys: Collection[int]) -> dict[int, int]:
    """The row up to which what waits of these alerts is old news, by key; those that were overtaken."""
    found: dict[int, int] = {}
    for chunk in chunks(keys):
        rows = tx.all("SELECT key, inbox_id FROM overtaken WHERE key IN (:keys)", keys=chunk)
        found.update({row.key: row.inbox_id for row in rows})
    return found


def forget(tx: Tx) -> int:
    """Drop what nothing that waits is older than; how many."""
    return tx.run(
        "DELETE FROM overtaken WHERE inbox_id < coalesce((SELECT min(inbox_id) FROM todo), 9223372036854775807)"
    )


def any_left(tx: Tx) -> bool:
    return tx.one("SELECT 1 FROM overtaken LIMIT 1") is not None
