"""Intake: a body is checked, committed to the inbox as it was received, and only then promised to its sender."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from pager.backlog import Backlog, Room
from pager.core.catalog import Catalog
from pager.core.quota import Way
from pager.core.report import Fault, Malformed, Parsed, Source, TooMany
from pager.keyring import Keys
from pager.log import log
from pager.metrics import Metrics
from pager.shares import OverQuota, Shares
from pager.store import StoreUnavailable, inbox
from pager.store.database import Database
from pager.token_watch import TokenWatch

LARGEST_BODY = 16 * 1024 * 1024
LARGE = 64 * 1024
"""Bytes from which on a body is parsed in a thread, so that it holds up nobody else."""
PATIENCE = 2.0
"""Seconds until a sender is told to come back."""


class UnknownDialect(LookupError):
    """No parser of that name."""


class TooLarge(ValueError):
    """The body is larger than any sender's."""


class Accepted(Struct, frozen=True):
    """`count` alerts are kept; `faults` are what was left out or mended, `note` is what else the parser said."""

    count: int
    faults: tuple[Fault, ...] = ()
    note: str = ""


class Intake:
    """Takes bodies in. `secret(name)` gives the value of a secret, or raises LookupError."""

    def __init__(
        self,
        database: Database,
        sources: Mapping[str, Source],
        config: Callable[[], Catalog],
        metrics: Metrics,
        *,
        secret: Callable[[str], str] | None = None,
        largest: int = LARGEST_BODY,
        room: Room | None = None,
    ) -> None:
        self.sources = sources
        self.largest = largest
        self._database = database
        self._metrics = metrics
        self.secret = secret or _no_secrets
        self.keys = Keys(config, self.secret)
        self.backlog = Backlog(database, room or Room(), database.folder)
        self.shares = Shares(database, config, room or Room())
        self.watch = TokenWatch(database, config)

    async def accept(self, dialect: str, source_name: str, body: bytes, now: datetime) -> Accepted:
        """Keep the alerts of `body`: when this returns they are durable, and will page.

        Raises UnknownDialect, TooLarge, Malformed (it can never work), and StoreUnavailable within about two
        seconds (try again; it may have been stored all the same), also as OverQuota: too much of this source waits.
        """
        began = asyncio.get_running_loop().time()
        parsed = await self._parse(dialect, source_name, body, now)
        if parsed.alerts or parsed.acts or parsed.beats:
            await self._take(dialect, source_name, body, parsed, now)
        if parsed.faults:
            paths = [fault.path for fault in parsed.faults[:10]]
            log.warning("a body was kept in part", source=source_name, faults=paths, often=True)
        self._metrics.took_in(source_name, parsed, asyncio.get_running_loop().time() - began)
        return Accepted(len(parsed.alerts), parsed.faults, parsed.note)

    async def _take(self, dialect: str, source_name: str, body: bytes, parsed: Parsed, now: datetime) -> None:
        """Keep a body where its source's share says; OverQuota where that is nowhere for now."""
        try:
            way = await self.shares.place(source_name, parsed, len(body), now)
        except OverQuota as error:
            self._metrics.late.labels(source_name, "refused").inc()
            log.error("a body is to come back later", source=source_name, why=str(error), often=True)
            raise
        try:
            await self._keep(dialect, source_name, body, now, way)
        except StoreUnavailable:
            self.shares.gave_up(source_name, way, parsed, len(body), now)
            raise
        self.shares.took(source_name, way, parsed, len(body), now)
        if way == "last":
            self._metrics.late.labels(source_name, "worked_last").inc()

    async def _parse(self, dialect: str, source_name: str, body: bytes, now: datetime) -> Parsed:
        source = self.sources.get(dialect)
        if source is None:
            raise UnknownDialect(f"no dialect {dialect!r}; there are: {', '.join(sorted(self.sources))}")
        if len(body) > self.largest:
            self.refused(source_name, "too_large")
            raise TooLarge(f"{len(body)} bytes; {self.largest} at most")
        try:
            if len(body) > LARGE:
                return await asyncio.to_thread(source.parse, body, now, source_name)
            return source.parse(body, now, source_name)
        except Malformed as error:
            self.refused(source_name, "too_large" if isinstance(error, TooMany) else "malformed", path=error.path)
            raise

    def refused(self, source_name: str, reason: str, path: str = "") -> None:
        """A body was lost for good: its sender will not repeat it."""
        self._metrics.invalid.labels(source_name, reason).inc()
        self.shares.invalid(source_name)
        log.error("a body was refused", source=source_name, reason=reason, path=path, often=True)

    async def _keep(self, dialect: str, source_name: str, body: bytes, now: datetime, way: Way) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.backlog.check()
                await self._database.write(
                    lambda tx: inbox.append(tx, source_name, dialect, body, now, way), urgent=True
                )
                self.backlog.add(len(body))
        except TimeoutError:
            self._metrics.db_errors.labels("ingest").inc()
            raise StoreUnavailable(f"not stored within {PATIENCE:g} s") from None
        except StoreUnavailable as error:
            self._metrics.db_errors.labels("ingest").inc()
            log.error("a body could not be stored", source=source_name, error=str(error), often=True)
            raise


def _no_secrets(name: str) -> str:
    raise LookupError(f"no secret {name}")
