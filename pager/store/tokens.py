"""Tokens: opaque, only their hashes are kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from pager.store.database import Tx
from pager.store.sql import Row

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
AFTER_RESOLVE = timedelta(hours=24)


def new_page_token() -> str:
    """16 base32 characters, 80 bits: short enough for an SMS, and nobody guesses it."""
    return "".join(secrets.choice(_BASE32) for _ in range(16))


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def keep_page_token(tx: Tx, token: str, person: str, incident: int, now: datetime) -> None:
    tx.run(
        "INSERT INTO tokens (hash, scope, name, incident, created_at) VALUES (:hash, 'page', :name, :incident, :now)",
        hash=hash_of(token),
        name=person,
        incident=incident,
        now=now,
    )


def page_token(tx: Tx, token: str) -> Row | None:
    """Whose link this is, and to which incident: `name`, `incident`; None: there is no such link."""
    return tx.one("SELECT name, incident FROM tokens WHERE hash = :hash AND scope = 'page'", hash=hash_of(token))
