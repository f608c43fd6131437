"""Sessions of browsers: opaque, only their hashes are kept; each belongs to a token or a person, and ends with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct

from pager.store.database import Tx
from pager.store.sql import Row, instant
from pager.store.tokens import hash_of, letters

PREFIX = "pgs"
LASTS = timedelta(days=7)
IDLE = timedelta(hours=12)
"""A session ends a week after it began, and when nobody used it for half a day."""
USED_EVERY = timedelta(minutes=5)
_COLUMNS = "id, hash, token, agent, created_at, used_at, person, way, address"


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """A browser that somebody came in with, as it is kept: without its secret.

    It is that of a token, whose id it has, or of the `person` who came in by `way`. `address` is where it was last.
    """

    id: str
    hash: str
    token: str
    agent: str
    created_at: datetime
    used_at: datetime
    person: str = ""
    way: str = "token"
    address: str = ""

    def has_ended(self, now: datetime) -> bool:
        return now >= min(self.created_at + LASTS, self.used_at + IDLE)


class Holder(Struct, frozen=True):
    """Whose a new session is: that of the token of this id, or of the `person` who came by `way`."""

    token: str = ""
    person: str = ""
    way: str = "token"


def new_session() -> str:
    """`pgs_<id>_<secret>`: it is looked up by the id; the secret has 130 bits."""
    return f"{PREFIX}_{letters(8)}_{letters(26)}"


def id_in(shown: str) -> str:
    """The id in what a browser shows, "" where it has none."""
    prefix, _, rest = shown.partition("_")
    return rest.partition("_")[0] if prefix == PREFIX else ""


def keep(tx: Tx, shown: str, whose: Holder, agent: str, address: str, now: datetime) -> None:
    """Keep a new session, and forget those that have ended."""
    tx.run("DELETE FROM sessions WHERE created_at <= :lasted OR used_at <= :idle", lasted=now - LASTS, idle=now - IDLE)
    tx.run(
        "INSERT INTO sessions (id, hash, token, agent, created_at, used_at, person, way, address) "
        "VALUES (:id, :hash, :token, :agent, :now, :now, :person, :way, :address)",
        id=id_in(shown),
        hash=hash_of(shown),
        token=whose.token,
        agent=agent,
        now=now,
        person=whose.person,
        way=whose.way,
        address=address,
    )


def get(tx: Tx, session: str) -> Session | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM sessions WHERE id = :id", id=session)
    return _session(row) if row else None


def of_token(tx: Tx, token: str) -> list[Session]:
    """The sessions of one token, the one used last first."""
    return _all(tx, "token = :token AND person = ''", token=token)


def of_person(tx: Tx, person: str) -> list[Session]:
    """The sessions of one person, the one used last first; not those of a token that is named like them."""
    return _all(tx, "person = :person", person=person)


def of_people(tx: Tx) -> list[Session]:
    """The sessions of all people."""
    return _all(tx, "person <> ''")


def used(tx: Tx, session: str, address: str, now: datetime) -> None:
    """A session was used; written at most every five minutes, by whichever node hears first."""
    tx.run(
        "UPDATE sessions SET used_at = :now, address = :address WHERE id = :id AND used_at <= :before",
        id=session,
        address=address,
        now=now,
        before=now - USED_EVERY,
    )


def end(tx: Tx, session: str) -> bool:
    """Whether there was this session, which is over now."""
    return tx.run("DELETE FROM sessions WHERE id = :id", id=session) > 0


def end_others(tx: Tx, mine: Session) -> int:
    """End all sessions of the same token or person but this one; how many there were."""
    return tx.run(
        "DELETE FROM sessions WHERE token = :token AND person = :person AND id <> :id",
        token=mine.token,
        person=mine.person,
        id=mine.id,
    )


def end_of_person(tx: Tx, person: str) -> int:
    """End all sessions of a person; how many there were."""
    return tx.run("DELETE FROM sessions WHERE person = :person AND person <> ''", person=person)


def _all(tx: Tx, whose: str, **values: str) -> list[Session]:
    rows = tx.all(f"SELECT {_COLUMNS} FROM sessions WHERE {whose} ORDER BY used_at DESC, id", **values)
    return [_session(row) for row in rows]


def _session(row: Row) -> Session:
    at = instant(row.created_at), instant(row.used_at)
    return Session(row.id, row.hash, row.token, row.agent, *at, row.person, row.way, row.address)
