"""Answers: what a request with an Idempotency-Key was answered, kept for a day; the first to claim the key works it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, field

from pager.store.database import Tx
from pager.store.sql import Row, instant

LASTS = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""After so long without an answer, whoever worked it is gone."""
Standing = Literal["mine", "busy", "other", "lost", "answered"]


class TakenOver(Exception):
    """Another has taken the request over: this transaction must not happen."""


class Asked(Struct, frozen=True):
    """A request: its `caller`, and digests of its `key` and of what it asks for. `claim` is whoever works it."""

    caller: str
    key: str
    asked: str
    claim: str


class Answer(Struct, frozen=True):
    """What was answered. `body` is None where it must not be kept."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


class Found(Struct, frozen=True):
    """How a request stands that shows a key.

    `mine`: work it now. `busy`: somebody does. `other`: the key came with another request before. `lost`: it was done,
    and whoever did it is gone without an answer. `answered`: see `answer`.
    """

    standing: Standing
    answer: Answer | None = None


def claim(tx: Tx, asked: Asked) -> Found:
    """Claim a request, unless another has. What is older than a day is forgotten."""
    now = tx.now()
    tx.run("DELETE FROM answers WHERE at <= :old", old=now - LASTS)
    new = tx.run(
        "INSERT INTO answers (caller, key, asked, claim, at) VALUES (:caller, :key, :asked, :claim, :now) "
        "ON CONFLICT (caller, key) DO NOTHING",
        caller=asked.caller,
        key=asked.key,
        asked=asked.asked,
        claim=asked.claim,
        now=now,
    )
    row = None if new else _row(tx, asked)
    if row is None:
        return Found("mine" if new else "busy")
    found = _standing(row, asked, now)
    if found.standing == "mine":
        tx.run(
            "UPDATE answers SET claim = :claim, at = :now WHERE caller = :caller AND key = :key",
            claim=asked.claim,
            now=now,
            caller=asked.caller,
            key=asked.key,
        )
    return found


def _standing(row: Row, asked: Asked, now: datetime) -> Found:
    if row.asked != asked.asked:
        return Found("other")
    if row.status is not None:
        headers = json.loads(row.headers)
        return Found("answered", Answer(row.status, headers, row.body or None))
    if instant(row.at) > now - LEASE:
        return Found("busy")
    return Found("lost" if row.acted else "mine")


def acts(tx: Tx, asked: Asked) -> None:
    """Whatever this transaction does is done for `asked`. Raises TakenOver when another works it by now."""
    if not tx.run(
        "UPDATE answers SET acted = 1 WHERE caller = :caller AND key = :key AND claim = :claim",
        caller=asked.caller,
        key=asked.key,
        claim=asked.claim,
    ):
        raise TakenOver("another works this request by now")


def keep(tx: Tx, asked: Asked, answer: Answer) -> None:
    """This is what it was answered."""
    tx.run(
        "UPDATE answers SET status = :status, headers = :headers, body = :body, acted = 1 "
        "WHERE caller = :caller AND key = :key AND claim = :claim",
        status=answer.status,
        headers=json.dumps(dict(answer.headers)),
        body=answer.body or "",
        caller=asked.caller,
        key=asked.key,
        claim=asked.claim,
    )


def let_go(tx: Tx, asked: Asked) -> None:
    """It came to nothing, so that it may be asked again; what did something stays."""
    tx.run(
        "DELETE FROM answers WHERE caller = :caller AND key = :key AND claim = :claim AND acted = 0",
        caller=asked.caller,
        key=asked.key,
        claim=asked.claim,
    )


def forget(tx: Tx, _before: datetime) -> None:
    """Forget what is older than a day, however long other things are kept."""
    tx.run("DELETE FROM answers WHERE at <= :old", old=tx.now() - LASTS)


def _row(tx: Tx, asked: Asked) -> Row | None:
    return tx.one(
        "SELECT asked, claim, at, acted, status, headers, body FROM answers "
        "WHERE caller = :caller AND key = :key FOR UPDATE",
        caller=asked.caller,
        key=asked.key,
    )
