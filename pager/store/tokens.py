"""Tokens: opaque, only their hashes are kept. Those of page links, and those of people and scripts."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct

from pager.store.database import Tx
from pager.store.sql import Row, instant

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
AFTER_RESOLVE = timedelta(hours=24)
PREFIX = "pgr"
USED_EVERY = timedelta(minutes=1)
_COLUMNS = "id, hash, scope, name, created_at, used_at, expires_at"


class NameTaken(ValueError):
    """There is a token of this name."""


@dataclass(frozen=True, slots=True, repr=False)
class ApiToken:
    """A token of a person or a script, as it is kept: without its secret."""

    id: str
    hash: str
    scope: str
    name: str
    created_at: datetime
    used_at: datetime | None = None
    expires_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


def new_page_token() -> str:
    """16 base32 characters, 80 bits: short enough for an SMS, and nobody guesses it."""
    return letters(16)


def new_api_token() -> str:
    """`pgr_<id>_<secret>`: it is looked up by the id; the secret has 130 bits."""
    return f"{PREFIX}_{letters(8)}_{letters(26)}"


def id_in(token: str) -> str:
    """The id in what somebody shows as an API token, "" where it has none."""
    prefix, _, rest = token.partition("_")
    return rest.partition("_")[0] if prefix == PREFIX else ""


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class PageLink(Struct, frozen=True):
    """A link that a page to `person` about an incident carries."""

    token: str
    person: str
    incident: int
    at: datetime


def keep_page_tokens(tx: Tx, links: Iterable[PageLink]) -> None:
    tx.many(
        "INSERT INTO tokens (hash, scope, name, incident, created_at) VALUES (:hash, 'page', :name, :incident, :now)",
        [{"hash": hash_of(one.token), "name": one.person, "incident": one.incident, "now": one.at} for one in links],
    )


def page_token(tx: Tx, token: str) -> Row | None:
    """Whose link this is, and to which incident: `name`, `incident`; None: there is no such link."""
    return tx.one("SELECT name, incident FROM tokens WHERE hash = :hash AND scope = 'page'", hash=hash_of(token))


def keep_api_token(
    tx: Tx, token: str, name: str, scope: str, now: datetime, expires_at: datetime | None = None
) -> ApiToken:
    """Keep a new token of a person or a script. Raises NameTaken."""
    made = ApiToken(id_in(token), hash_of(token), scope, name, now, None, expires_at)
    kept = tx.run(
        "INSERT INTO tokens (hash, scope, name, created_at, id, expires_at)"
        " VALUES (:hash, :scope, :name, :now, :id, :expires_at) ON CONFLICT DO NOTHING",
        hash=made.hash,
        scope=scope,
        name=name,
        now=now,
        id=made.id,
        expires_at=expires_at,
    )
    if not kept:
        raise NameTaken(f"there is a token {name!r}; revoke it first, or choose another name")
    return made


def api_tokens(tx: Tx) -> list[ApiToken]:
    """All tokens of people and scripts, by name, those that have expired too."""
    return [_api_token(row) for row in tx.all(f"SELECT {_COLUMNS} FROM tokens WHERE id IS NOT NULL ORDER BY name")]


def has_api_tokens(tx: Tx) -> bool:
    return tx.one("SELECT 1 FROM tokens WHERE id IS NOT NULL LIMIT 1") is not None


def revoke(tx: Tx, name: str) -> bool:
    """Whether there was a token of this name, which is gone now."""
    return tx.run("DELETE FROM tokens WHERE id IS NOT NULL AND name = :name", name=name) > 0


def used(tx: Tx, token_id: str, now: datetime) -> None:
    """A token was used; written at most once a minute, by whichever node hears first."""
    tx.run(
        "UPDATE tokens SET used_at = :now WHERE id = :id AND (used_at IS NULL OR used_at <= :before)",
        id=token_id,
        now=now,
        before=now - USED_EVERY,
    )


def _api_token(row: Row) -> ApiToken:
    at = {name: None if row[name] is None else instant(row[name]) for name in ("used_at", "expires_at")}
    return ApiToken(row.id, row.hash, row.scope, row.name, instant(row.created_at), **at)


def letters(count: int) -> str:
    """So many random letters and digits that nobody mistakes for each other: five bits each."""
    # There are 32 letters: five bits of a random byte are one, and none is likelier than another.
    return "".join(_BASE32[byte & 31] for byte in secrets.token_bytes(count))
