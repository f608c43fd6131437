"""Single words that the database keeps by name."""

from pager.store.database import Tx


def put(tx: Tx, name: str, said: str) -> None:
    """Keep this word in the place of the one before."""
    tx.run(
        "INSERT INTO meta (name, said) VALUES (:name, :said) ON CONFLICT (name) DO UPDATE SET said = excluded.said",
        name=name,
        said=said,
    )


def get(tx: Tx, name: str) -> str:
    """The word of that name, "" for none."""
    row = tx.one("SELECT said FROM meta WHERE name = :name", name=name)
    return str(row.said) if row else ""


def keep_first(tx: Tx, name: str, said: str) -> None:
    """Keep this word unless there is one of that name."""
    tx.run("INSERT INTO meta (name, said) VALUES (:name, :said) ON CONFLICT (name) DO NOTHING", name=name, said=said)
