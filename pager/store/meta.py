"""Single words that the database keeps by name."""

from pager.store.database import Tx


def put(tx: Tx, name: str, said: str) -> None:
    """Keep this word in the place of the one before."""
    tx.run(
        "INSERT INTO meta (name, said) VALUES (:name, :said) ON CONFLICT (name) DO UPDATE SET said = excluded.said",
        name=name,
        said=said,
    )


def keep_first(tx: Tx, name: str, said: str) -> None:
    """Keep this word unless there is one of that name."""
    tx.run("INSERT INTO meta (name, said) VALUES (:name, :said) ON CONFLICT (name) DO NOTHING", name=name, said=said)
