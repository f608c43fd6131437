"""Single words that the database keeps by name."""

from pager.store.database import Tx


def put(tx: Tx, name: str, said: str) -> None:
    """Keep this word in the place of the one before."""
    tx.run(
        "INSERT INTO meta (name, said) VALUES (:name, :said) ON CONFLICT (name) DO UPDATE SET said = excluded.said",
        name=name,
        said=said,
    )
