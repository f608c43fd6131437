"""Accounts: whom of the files a link was made for, what Argon2 made of their password, and who may not come in."""

from dataclasses import dataclass
from datetime import datetime

from pager.store.database import Tx
from pager.store.sql import Row, instant
from pager.store.tokens import hash_of, letters

_COLUMNS = "person, password, invited_by, invited_at, invite_ends, invite, set_at, disabled_at, disabled_by"


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """A person's account as it is kept. `password` is a hash, "" before they chose one."""

    person: str
    password: str
    invited_by: str
    invited_at: datetime
    invite_ends: datetime
    is_invited: bool
    set_at: datetime | None = None
    disabled_at: datetime | None = None
    disabled_by: str = ""

    def has_invite(self, now: datetime) -> bool:
        """Whether a link that was made for them still opens."""
        return self.is_invited and now < self.invite_ends


def new_invite() -> str:
    """What the link ends in: 130 bits."""
    return letters(26)


def invite(tx: Tx, person: str, shown: str, by: str, ends: datetime, now: datetime) -> None:
    """A link for `person`, who has one at a time. Whoever was kept out may come in again."""
    tx.run(
        "INSERT INTO accounts (person, invite, invited_by, invited_at, invite_ends) "
        "VALUES (:person, :invite, :by, :now, :ends) ON CONFLICT (person) DO UPDATE SET invite = excluded.invite, "
        "invited_by = excluded.invited_by, invited_at = excluded.invited_at, invite_ends = excluded.invite_ends, "
        "disabled_at = NULL, disabled_by = ''",
        person=person,
        invite=hash_of(shown),
        by=by,
        now=now,
        ends=ends,
    )


def invited(tx: Tx, shown: str) -> Account | None:
    """Whom this link was made for; None: there is no such link, or it was used."""
    row = tx.one(f"SELECT {_COLUMNS} FROM accounts WHERE invite = :invite", invite=hash_of(shown))
    return _account(row) if row else None


def accept(tx: Tx, shown: str, password: str, now: datetime) -> str | None:
    """Keep the password, a hash, of whom this link was made for, and use the link up: their name.

    None when somebody was faster, or the link has ended.
    """
    rows = tx.all(
        "UPDATE accounts SET password = :password, set_at = :now, invite = NULL "
        "WHERE invite = :invite AND invite_ends > :now AND disabled_at IS NULL RETURNING person",
        password=password,
        invite=hash_of(shown),
        now=now,
    )
    return str(rows[0].person) if rows else None


def change(tx: Tx, person: str, known: str, password: str, now: datetime) -> bool:
    """Put a password, a hash, in the place of the one that was `known`; whether that one still stood."""
    changed = tx.run(
        "UPDATE accounts SET password = :password, set_at = :now "
        "WHERE person = :person AND password = :known AND disabled_at IS NULL",
        password=password,
        person=person,
        known=known,
        now=now,
    )
    return changed > 0


def rehash(tx: Tx, person: str, known: str, password: str) -> None:
    """The same password by today's measure."""
    tx.run(
        "UPDATE accounts SET password = :password WHERE person = :person AND password = :known",
        password=password,
        person=person,
        known=known,
    )


def get(tx: Tx, person: str) -> Account | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM accounts WHERE person = :person", person=person)
    return _account(row) if row else None


def every(tx: Tx) -> list[Account]:
    """All accounts by name, also of people who are no longer in the files."""
    return [_account(row) for row in tx.all(f"SELECT {_COLUMNS} FROM accounts ORDER BY person")]


def are_any(tx: Tx) -> bool:
    return tx.one("SELECT 1 FROM accounts LIMIT 1") is not None


def disable(tx: Tx, person: str, by: str, now: datetime) -> bool:
    """Keep a person out, whichever way they come, and forget their link; whether they were not kept out before."""
    changed = tx.run(
        "INSERT INTO accounts (person, invited_at, invite_ends, disabled_at, disabled_by) "
        "VALUES (:person, :now, :now, :now, :by) ON CONFLICT (person) DO UPDATE SET invite = NULL, "
        "disabled_at = excluded.disabled_at, disabled_by = excluded.disabled_by WHERE accounts.disabled_at IS NULL",
        person=person,
        by=by,
        now=now,
    )
    return changed > 0


def enable(tx: Tx, person: str) -> bool:
    """Let a person in again by what they had; whether they were kept out."""
    sql = "UPDATE accounts SET disabled_at = NULL, disabled_by = '' WHERE person = :person AND disabled_at IS NOT NULL"
    return tx.run(sql, person=person) > 0


def _account(row: Row) -> Account:
    at = {name: None if row[name] is None else instant(row[name]) for name in ("set_at", "disabled_at")}
    return Account(
        row.person,
        row.password,
        row.invited_by,
        instant(row.invited_at),
        instant(row.invite_ends),
        row.invite is not None,
        disabled_by=row.disabled_by,
        **at,
    )
