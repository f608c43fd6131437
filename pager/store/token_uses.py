"""Token uses: since when the token of each source is known, when it was used last, and from which networks."""

from collections.abc import Collection, Iterable
from datetime import datetime

from pager.core.token_use import TokenUse
from pager.store.database import Tx
from pager.store.sql import instant

_ANYWHERE = ""


def know(tx: Tx, sources: Iterable[str], now: datetime) -> None:
    """These sources have a token; what is known already stands."""
    tx.many(
        "INSERT INTO token_uses (token, network, first_at) VALUES (:token, :network, :now) ON CONFLICT DO NOTHING",
        [{"token": name, "network": _ANYWHERE, "now": now} for name in sorted(sources)],
    )


def used(tx: Tx, source: str, network: str, at: datetime) -> bool:
    """A token was used from there, and anywhere; whether it is the first time from there."""
    told = {"token": source, "at": at}
    tx.run(
        "INSERT INTO token_uses (token, network, first_at, seen_at) VALUES (:token, :network, :at, :at) "
        "ON CONFLICT (token, network) DO UPDATE SET seen_at = excluded.seen_at",
        network=_ANYWHERE,
        **told,
    )
    seen = tx.run(
        "UPDATE token_uses SET seen_at = :at WHERE token = :token AND network = :network", network=network, **told
    )
    if seen:
        return False
    made = tx.run(
        "INSERT INTO token_uses (token, network, first_at, seen_at) VALUES (:token, :network, :at, :at) "
        "ON CONFLICT DO NOTHING",
        network=network,
        **told,
    )
    return made > 0


def used_anywhere(tx: Tx, source: str, at: datetime) -> None:
    """A token was used, from a place of which nothing is kept."""
    tx.run(
        "UPDATE token_uses SET seen_at = :at WHERE token = :token AND network = :network",
        token=source,
        network=_ANYWHERE,
        at=at,
    )


def every(tx: Tx) -> dict[str, TokenUse]:
    """All that is known, by source."""
    known: dict[str, tuple[datetime, datetime | None]] = {}
    networks: dict[str, dict[str, datetime]] = {}
    for row in tx.all("SELECT token, network, first_at, seen_at FROM token_uses ORDER BY token, network"):
        if row.network == _ANYWHERE:
            known[row.token] = instant(row.first_at), None if row.seen_at is None else instant(row.seen_at)
        else:
            networks.setdefault(row.token, {})[row.network] = instant(row.first_at)
    return {name: TokenUse(since, at, networks.get(name, {})) for name, (since, at) in known.items()}


def forget(tx: Tx, sources: Collection[str]) -> None:
    """These have no token any more."""
    tx.run("DELETE FROM token_uses WHERE token IN (:sources)", sources=list(sources))
