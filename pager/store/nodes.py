"""Nodes as rows: each life of a pagerd has one, which it alone writes while it lives."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pager.core.nodes import Node
from pager.store.database import Tx
from pager.store.sql import Row, instant

_WRITTEN = "life, name, started_at, seen_at, version, config, config_since, skew, lanes, waiting_since"
_MICROSECOND = timedelta(microseconds=1)


def beat(tx: Tx, node: Node) -> None:
    """Write down that this node lives, and how it is."""
    tx.run(
        f"INSERT INTO nodes ({_WRITTEN}) "
        "VALUES (:life, :name, :started_at, :seen_at, :version, :config, :config_since, :skew, :lanes, :waiting_since) "
        "ON CONFLICT (life) DO UPDATE SET seen_at = excluded.seen_at, config = excluded.config, "
        "config_since = excluded.config_since, skew = excluded.skew, lanes = excluded.lanes, "
        "waiting_since = excluded.waiting_since, gone_at = NULL",
        life=node.life,
        name=node.name,
        started_at=node.started_at,
        seen_at=node.seen_at,
        version=node.version,
        config=node.config,
        config_since=node.config_since,
        skew=node.skew // _MICROSECOND,
        lanes=",".join(map(str, node.lanes)),
        waiting_since=node.waiting_since,
    )


def leave(tx: Tx, life: str) -> None:
    """This node stops, as it was told to."""
    tx.run("UPDATE nodes SET gone_at = :now WHERE life = :life", life=life, now=tx.now())


def forget(tx: Tx, lives: Sequence[str]) -> None:
    if lives:
        tx.run("DELETE FROM nodes WHERE life IN (:lives)", lives=lives)


def listed(tx: Tx) -> tuple[Node, ...]:
    """All that are not forgotten, by name, the newest life first."""
    rows = tx.all(f"SELECT {_WRITTEN}, gone_at FROM nodes ORDER BY name, started_at DESC, life")
    return tuple(_node(row) for row in rows)


def waiting_since(tx: Tx, lanes: Sequence[int]) -> datetime | None:
    """When the oldest request was accepted that waits in these lanes."""
    row = tx.one(
        "SELECT min(accepted_at) AS at FROM inbox "
        "WHERE id IN (SELECT min(inbox_id) FROM todo WHERE lane IN (:lanes) GROUP BY lane)",
        lanes=lanes,
    )
    return instant(row.at) if row is not None and row.at is not None else None


def _node(row: Row) -> Node:
    return Node(
        life=row.life,
        name=row.name,
        started_at=instant(row.started_at),
        seen_at=instant(row.seen_at),
        version=row.version,
        config=row.config,
        config_since=instant(row.config_since),
        skew=timedelta(microseconds=row.skew),
        lanes=tuple(int(lane) for lane in row.lanes.split(",") if lane),
        waiting_since=None if row.waiting_since is None else instant(row.waiting_since),
        gone_at=None if row.gone_at is None else instant(row.gone_at),
    )
