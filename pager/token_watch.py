"""The token watch: notes from where the tokens of senders are used, once a minute at most, and what is new of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pager.core.catalog import Catalog
from pager.core.token_use import TokenUse, judge, network_of
from pager.store import token_uses, tokens
from pager.store.database import Database, Tx

EVERY = timedelta(minutes=1)
MOST = 500
"""Uses that are noted at once; whoever has a token and very many addresses fills no memory."""


class TokenWatch:
    """Hears of each use, and writes few of them."""

    def __init__(self, database: Database, config: Callable[[], Catalog]) -> None:
        self.known: dict[str, TokenUse] = {}
        self._database = database
        self._config = config
        self._uses: dict[tuple[str, str], datetime] = {}
        self._written: dict[tuple[str, str], datetime] = {}

    def used(self, source: str, address: str, now: datetime) -> None:
        """The token of a source was shown by whoever has this address."""
        use = source, network_of(address)
        last = self._written.get(use)
        if (last is None or not timedelta() <= now - last < EVERY) and len(self._uses) < MOST:
            self._uses[use] = now

    async def settle(self, now: datetime) -> list[tuple[str, str]]:
        """Write what was used since the last time; the sources and networks that are news. Raises StoreUnavailable."""
        named = {source.name for source in self._config().sources.values() if source.token}
        self.known, current = await self._database.read(lambda tx: (token_uses.every(tx), named | _kept(tx)))
        if not self._uses and self.known.keys() == current:
            return []
        uses, self._uses = self._uses, {}
        news, self.known = await self._database.write(lambda tx: _written(tx, uses, current, now))
        if len(self._written) > MOST:
            self._written = {}
        self._written.update(uses)
        return news


def _kept(tx: Tx) -> set[str]:
    """Sources whose tokens the database has."""
    return {token.name for token in tokens.api_tokens(tx) if token.scope == "ingest"}


def _written(
    tx: Tx, uses: dict[tuple[str, str], datetime], current: set[str], now: datetime
) -> tuple[list[tuple[str, str]], dict[str, TokenUse]]:
    """All uses of tokens that are `current` are written; which of them are news, and what is known then."""
    known = token_uses.every(tx)
    token_uses.forget(tx, known.keys() - current)
    token_uses.know(tx, current - known.keys(), now)
    news: list[tuple[str, str]] = []
    for (source, network), at in sorted(uses.items()):
        found = judge(known.get(source), network, at)
        if source not in current:
            continue
        if not network or found == "roams":
            token_uses.used_anywhere(tx, source, at)
        elif token_uses.used(tx, source, network, at) and found == "new":
            news.append((source, network))
    return news, token_uses.every(tx)
