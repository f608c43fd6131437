"""A number for each thing that every node holds in memory: another one after each change, so that all read it anew."""

from pager.store.database import Tx


def change(tx: Tx, topic: str) -> None:
    """Come here before reading what is to be changed: of several who change it one is first.

    Every node reads it anew after the commit.
    """
    tx.run(
        "INSERT INTO meta (name, said) VALUES (:topic, '1') ON CONFLICT (name) DO UPDATE "
        "SET said = CAST(CAST(meta.said AS BIGINT) + 1 AS TEXT)",
        topic=topic,
    )
    tx.notify(topic)


def version(tx: Tx, topic: str) -> int:
    """A number that is another one after each change; 0 before the first."""
    row = tx.one("SELECT said FROM meta WHERE name = :topic", topic=topic)
    return int(row.said) if row else 0
