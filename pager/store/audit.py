"""The audit: what people changed, oldest first. It only grows, and each row's hash covers the row before.

Whoever alters or takes away a row in the middle breaks the chain; whoever cuts its end off must also know to alter
the last hash, which is kept beside it. It is no proof against somebody who may write the database and knows how.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from pager.store import meta
from pager.store.database import Tx
from pager.store.sql import Row, instant, micros

_COLUMNS = "id, at, who, via, address, act, object, detail, hash"
_HEAD = "audit"
_encode = msgspec.json.Encoder(order="sorted").encode
_STEP = 1000


class Deed(Struct, frozen=True):
    """What somebody did: `who`, `via` which door and from which `address`, which `act` on which `object`.

    `detail` is what they asked for, and what it was before, where that is small; never a secret.
    """

    who: str
    via: str
    address: str
    act: str
    object: str
    detail: dict[str, Any] = field(default_factory=dict)


class Kept(Struct, frozen=True):
    """A deed as it is kept."""

    id: int
    at: datetime
    deed: Deed
    hash: str


class Found(Struct, frozen=True):
    """What became of the chain: how many rows there are, and the first that does not fit, None if all do."""

    rows: int
    broken_at: int | None


def append(tx: Tx, deed: Deed) -> int:
    """Write it behind all others; its number, without gaps. Of several nodes one is first."""
    meta.keep_first(tx, _HEAD, "0 ")
    last, before = _head(tx, tx.locking())
    number, at, detail = last + 1, tx.now(), _encode(deed.detail).decode()
    hashed = _hash(before, number, micros(at), deed, detail)
    tx.run(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (:id, :at, :who, :via, :address, :act, :object, :detail, :hash)",
        id=number,
        at=at,
        who=deed.who,
        via=deed.via,
        address=deed.address,
        act=deed.act,
        object=deed.object,
        detail=detail,
        hash=hashed,
    )
    meta.put(tx, _HEAD, f"{number} {hashed}")
    return number


def page_of(tx: Tx, *, below: int, limit: int, who: str = "", about: str = "", act: str = "") -> Sequence[Kept]:
    """The newest first, with a lower number than `below`: of one person, about one thing, of one kind ("": any)."""
    conditions = ["id < :below"]
    conditions += [f"{name} = :{name}" for name, value in (("who", who), ("object", about), ("act", act)) if value]
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT :limit",
        below=below,
        limit=limit,
        who=who,
        object=about,
        act=act,
    )
    return [_kept(row) for row in rows]


def check(tx: Tx) -> Found:
    """Read all of it, and see whether each row fits the one before, and the last one what is kept beside it."""
    before, rows, at = "", 0, 0
    while found := tx.all(f"SELECT {_COLUMNS} FROM audit WHERE id > :at ORDER BY id LIMIT :step", at=at, step=_STEP):
        for row in found:
            rows += 1
            fits = hmac.compare_digest(row.hash, _hash(before, row.id, row.at, _kept(row).deed, row.detail))
            if row.id != rows or not fits:
                return Found(rows, rows)
            before, at = row.hash, row.id
    last, hashed = _head(tx)
    return Found(rows, None if (last, hashed) == (rows, before) else rows + 1)


def _head(tx: Tx, locking: str = "") -> tuple[int, str]:
    row = tx.one(f"SELECT said FROM meta WHERE name = :name{locking}", name=_HEAD)
    number, _, hashed = row.said.partition(" ") if row else ("0", "", "")
    return int(number), hashed


def _hash(before: str, number: int, at: int, deed: Deed, detail: str) -> str:
    said = (before, number, at, deed.who, deed.via, deed.address, deed.act, deed.object, detail)
    return hashlib.sha256(_encode(said)).hexdigest()


def _kept(row: Row) -> Kept:
    deed = Deed(row.who, row.via, row.address, row.act, row.object, msgspec.json.decode(row.detail))
    return Kept(row.id, instant(row.at), deed, row.hash)
