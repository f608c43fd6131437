"""The keyring: whose token this is. Those of senders are named in `sources:`, those of others are in the database."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.log import log
from pager.store import StoreUnavailable, accounts, tokens
from pager.store.database import Database, Tx
from pager.store.tokens import ApiToken

FRESH = 2.0
"""Seconds for which what was read counts: another node's new or revoked tokens are known after that."""
EAGER = 0.2
"""The same, for a token that is not known yet: it may be new."""
PATIENCE = 2.0
SHORT = 0.5
"""Seconds that a reading may take; the shorter where what was read before can stand: a sender waits."""
_NOBODY = hashlib.sha256(b"").hexdigest()

Why = Literal["missing", "wrong", "expired"]
_WORDS: dict[Why, str] = {
    "missing": "a token is needed: Authorization: Bearer, Basic, or ?token= on /webhook/",
    "wrong": "unknown token",
    "expired": "this token has expired",
}


class BadToken(PermissionError):
    """What was shown opens nothing."""

    def __init__(self, why: Why) -> None:
        super().__init__(_WORDS[why])
        self.why = why


class Caller(Struct, frozen=True):
    """Who asks: the scope they have, and the name of their token, "" for who needs none.

    `via` is how they came: by a token, or the person of this name by password, oidc or proxy.
    """

    scope: str = ""
    name: str = ""
    via: str = "token"

    @property
    def source(self) -> str:
        """The source that the token stands for, "" for none: then the dialect is its own."""
        return self.name if self.scope == "ingest" else ""


class Keys:
    """The tokens of `sources:`, as digests, read again when the files changed."""

    def __init__(self, config: Callable[[], Catalog], secret: Callable[[str], str]) -> None:
        self._config = config
        self._secret = secret
        self._read_from: Catalog | None = None
        self._wanted = False
        self._digests: list[tuple[str, str]] = []

    @property
    def any(self) -> bool:
        """Whether a source has a token, be it one that cannot be read."""
        self._refresh()
        return self._wanted

    def name_of(self, digest: str) -> str:
        """The source whose token has this digest, "" for none."""
        self._refresh()
        found = ""
        for name, kept in self._digests:  # All of them, whichever fits: the time tells nothing.
            if hmac.compare_digest(digest, kept) and not found:
                found = name
        return found

    def _refresh(self) -> None:
        catalog = self._config()
        if catalog is self._read_from:
            return
        named = [source for source in catalog.sources.values() if source.token]
        self._wanted = bool(named)
        values = ((one.name, self._value(one.name, one.token)) for one in named)
        self._digests = [(name, tokens.hash_of(value)) for name, value in values if value]
        self._read_from = catalog

    def _value(self, source: str, name: str) -> str:
        try:
            return self._secret(name)
        except LookupError as error:
            log.error("the token of a source cannot be read: nobody can speak for it", source=source, error=str(error))
            return ""


class Known(Struct, frozen=True):
    """What was read: tokens by their ids, whether anybody has an account, and who is kept out."""

    tokens: Mapping[str, ApiToken]
    accounts: bool = False
    disabled: frozenset[str] = frozenset()


class Keyring:
    """All tokens. Those of the database are read every other second, by whoever asks; what was read last stands
    while it cannot be asked, so that senders are told 503 then and not 403.

    `guarded`: people sign in at a provider or a proxy, so that the doors are closed without any token.
    """

    def __init__(self, database: Database, keys: Keys, *, guarded: bool = False) -> None:
        self._database = database
        self._keys = keys
        self._guarded = guarded
        self._tokens: Known | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._used_at: dict[str, datetime] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def closed(self) -> bool:
        """Whether there are tokens or accounts, so that one is needed. StoreUnavailable if that was never known."""
        if self._keys.any or self._guarded:
            return True
        known = await self._known(FRESH)
        return bool(known.tokens or known.accounts)

    async def has_accounts(self) -> bool:
        """Whether anybody has an account, and may sign in by a password; False if that was never known."""
        try:
            return (await self._known(FRESH)).accounts
        except StoreUnavailable:
            return False

    async def is_kept_out(self, person: str) -> bool:
        """Whether somebody disabled this person's account."""
        return person in (await self._known(FRESH)).disabled

    async def holder(self, shown: str, now: datetime) -> Caller:
        """Whose token was shown. Raises BadToken, and StoreUnavailable."""
        if not shown:
            raise BadToken("missing")
        digest = tokens.hash_of(shown)
        token = await self._find(tokens.id_in(shown))
        # Compared also when there is no such id: the time tells nothing.
        fits = hmac.compare_digest(digest, token.hash if token else _NOBODY)
        if token is None or not fits:
            if source := self._keys.name_of(digest):
                return Caller("ingest", source)
            raise BadToken("wrong")
        if token.has_expired(now):
            raise BadToken("expired")
        self._note_use(token, now)
        return Caller(token.scope, token.name)

    async def by_id(self, token_id: str, now: datetime) -> Caller | None:
        """Who has the token of this id; None once it was revoked, or has expired. Raises StoreUnavailable."""
        token = (await self._known(FRESH)).tokens.get(token_id)
        if token is None or token.has_expired(now):
            return None
        self._note_use(token, now)
        return Caller(token.scope, token.name)

    def changed(self) -> None:
        """A token or an account was made or ended: whoever asks next reads them anew."""
        self._read_at = float("-inf")

    async def load(self) -> None:
        """Read the tokens now, if they can be read."""
        try:
            await self._known(0.0)
        except StoreUnavailable as error:
            log.warning("the tokens cannot be read", error=str(error), often=True)

    async def _find(self, token_id: str) -> ApiToken | None:
        if not token_id:
            return None
        return (await self._known(FRESH)).tokens.get(token_id) or (await self._known(EAGER)).tokens.get(token_id)

    async def _known(self, fresh: float) -> Known:
        loop = asyncio.get_running_loop()
        if self._tokens is not None and loop.time() - self._read_at < fresh:
            return self._tokens
        asked_at = loop.time()
        async with self._reading:
            if self._tokens is None or self._read_at < asked_at:  # Else somebody read them while we waited.
                await self._read()
            return self._tokens or Known({})

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(PATIENCE if self._tokens is None else SHORT):
                found = await self._database.read(_read)
        except (StoreUnavailable, TimeoutError) as error:
            if self._tokens is None:
                raise StoreUnavailable("the tokens cannot be read") from error
            log.warning("the tokens cannot be read: those known before stand", error=str(error), often=True)
            self._read_at = loop.time()  # Whoever waited for this does not wait again.
        else:
            self._tokens, self._read_at = found, began

    def _note_use(self, token: ApiToken, now: datetime) -> None:
        last = self._used_at.get(token.id) or token.used_at
        if last is not None and now - last < tokens.USED_EVERY:
            return
        self._used_at[token.id] = now
        # Nobody waits for it: it is a remark, and the disk may be full.
        task = asyncio.create_task(self._write_use(token.id, now))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, token_id: str, now: datetime) -> None:
        try:
            await self._database.write(lambda tx: tokens.used(tx, token_id, now))
        except StoreUnavailable as error:
            log.debug("a token's use is not noted", error=str(error))


def _read(tx: Tx) -> Known:
    known = accounts.every(tx)
    disabled = frozenset(account.person for account in known if account.disabled_at is not None)
    return Known({token.id: token for token in tokens.api_tokens(tx)}, bool(known), disabled)
