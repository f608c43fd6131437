"""Sessions of browsers: opaque, only their hashes are kept; each belongs to a token and ends with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pager.store.database import Tx
from pager.store.sql import Row, instant
from pager.store.tokens import hash_of, letters

PREFIX = "pgs"
LASTS = timedelta(days=7)
IDLE = timedelta(hours=12)
"""A session ends a week after it began, and when nobody used it for half a day."""
USED_EVERY = timedelta(minutes=5)
_COLUMNS = "id, hash, token, agent, created_at, used_at"


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """A browser that somebody came in with, as it is kept: without its secret. `token` is the id of their token."""

    id: str
    hash: str
    token: str
    agent: str
    created_at: datetime
    used_at: datetime

    def has_ended(self, now: datetime) -> bool:
        return now >= min(self.created_at + LASTS, self.used_at + IDLE)


def new_session() -> str:
    """`pgs_<id>_<secret>`: it is looked up by the id; the secret has 130 bits."""
    return f"{PREFIX}_{letters(8)}_{letters(26)}"


def id_in(shown: str) -> str:
    """The id in what a browser shows, "" where it has none."""
    prefix, _, rest = shown.partition("_")
    return rest.partition("_")[0] if prefix == PREFIX else ""


def keep(tx: Tx, shown: str, token: str, agent: str, now: datetime) -> None:
    """Keep a new session, and forget those that have ended."""
    tx.run("DELETE FROM sessions WHERE created_at <= :lasted OR used_at <= :idle", lasted=now - LASTS, idle=now - IDLE)
    tx.run(
        "INSERT INTO sessions (id, hash, token, agent, created_at, used_at) "
        "VALUES (:id, :hash, :token, :agent, :now, :now)",
        id=id_in(shown),
        hash=hash_of(shown),
        token=token,
        agent=agent,
        now=now,
    )


def get(tx: Tx, session: str) -> Session | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM sessions WHERE id = :id", id=session)
    return _session(row) if row else None


def of_token(tx: Tx, token: str) -> list[Session]:
    """The sessions of one token, the one used last first."""
    rows = tx.all(f"SELECT {_COLUMNS} FROM sessions WHERE token = :token ORDER BY used_at DESC, id", token=token)
    return [_session(row) for row in rows]


def used(tx: Tx, session: str, now: datetime) -> None:
    """A session was used; written at most every five minutes, by whichever node hears first."""
    tx.run(
        "UPDATE sessions SET used_at = :now WHERE id = :id AND used_at <= :before",
        id=session,
        now=now,
        before=now - USED_EVERY,
    )


def end(tx: Tx, session: str, token: str) -> bool:
    """Whether `token` had this session, which is over now."""
    return tx.run("DELETE FROM sessions WHERE id = :id AND token = :token", id=session, token=token) > 0


def _session(row: Row) -> Session:
    return Session(row.id, row.hash, row.token, row.agent, instant(row.created_at), instant(row.used_at))
