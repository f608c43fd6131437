"""Proofs as rows: a link for each contact that a test page went to, and when it was pressed."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from pager.store.database import Tx
from pager.store.sql import Row, instant
from pager.store.tokens import hash_of


def url_hash(url: str) -> str:
    """What tells a contact's URL, as the files write it, from another; nothing of it can be read."""
    return hashlib.sha256(url.encode()).hexdigest()


def begin(tx: Tx, token: str, page: int, person: str, contact: str, url: str) -> None:
    """A test goes out by this contact; `token` is in its link."""
    tx.run(
        "INSERT INTO proofs (hash, page, person, contact, url, tested_at) "
        "VALUES (:hash, :page, :person, :contact, :url, :now)",
        hash=hash_of(token),
        page=page,
        person=person,
        contact=contact,
        url=url_hash(url),
        now=tx.now(),
    )


def find(tx: Tx, token: str) -> Row | None:
    """`person, contact, tested_at, acked_at` of a link; None: there is no such link."""
    return tx.one("SELECT person, contact, tested_at, acked_at FROM proofs WHERE hash = :hash", hash=hash_of(token))


def answer(tx: Tx, token: str) -> None:
    """The link was pressed. The first time counts."""
    hashed = hash_of(token)
    tx.run("UPDATE proofs SET acked_at = :now WHERE hash = :hash AND acked_at IS NULL", hash=hashed, now=tx.now())


def beside(tx: Tx, token: str) -> list[str]:
    """The contacts that the same test page was delivered to and that are not answered yet; none before its own is."""
    rows = tx.all(
        "SELECT q.contact FROM proofs p JOIN proofs q ON q.page = p.page AND q.contact <> p.contact "
        "WHERE p.hash = :hash AND p.acked_at IS NOT NULL AND q.acked_at IS NULL AND EXISTS (SELECT 1 FROM deliveries d "
        "WHERE d.page = q.page AND d.contact = q.contact AND d.outcome = 'delivered') ORDER BY q.contact",
        hash=hash_of(token),
    )
    return list(dict.fromkeys(row.contact for row in rows))


def answer_beside(tx: Tx, token: str, contact: str) -> None:
    """Whoever pressed this link says that another contact of the same test page reached them, too."""
    if contact in beside(tx, token):
        tx.run(
            "UPDATE proofs SET acked_at = :now WHERE acked_at IS NULL AND contact = :contact "
            "AND page = (SELECT page FROM proofs WHERE hash = :hash)",
            now=tx.now(),
            contact=contact,
            hash=hash_of(token),
        )


def proven(tx: Tx, urls: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], datetime]:
    """When each (person, contact) was last proven with the URL given for it."""
    rows = tx.all(
        "SELECT person, contact, url, max(acked_at) AS at FROM proofs WHERE acked_at IS NOT NULL "
        "GROUP BY person, contact, url"
    )
    return {
        (row.person, row.contact): instant(row.at)
        for row in rows
        if (url := urls.get((row.person, row.contact))) is not None and url_hash(url) == row.url
    }


def of_test(tx: Tx, person: str, at: datetime) -> list[Row]:
    """The attempts of the test page of `person` that was made at `at`, each with when its link was pressed."""
    return tx.all(
        "SELECT d.contact, d.attempt, d.begun_at, d.ended_at, d.outcome, d.detail, "
        "(SELECT max(q.acked_at) FROM proofs q WHERE q.page = p.id AND q.contact = d.contact) AS acked_at "
        "FROM pages p JOIN notices n ON n.id = p.run JOIN deliveries d ON d.page = p.id "
        "WHERE p.incident = 0 AND p.kind = 'notice' AND n.kind = 'test' AND n.person = :person AND n.at = :at "
        "ORDER BY d.contact, d.attempt",
        person=person,
        at=at,
    )
