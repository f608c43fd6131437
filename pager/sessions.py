"""Sessions: browsers that somebody came in with by a token. They may what their token may, and end with it."""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from pager.core.hygiene import one_line
from pager.keyring import Caller, Keyring
from pager.store import StoreUnavailable, sessions, tokens
from pager.store.database import Database
from pager.store.sessions import Session

log = structlog.get_logger()
LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """Who came in, and with which session."""

    caller: Caller
    session: Session


class Sessions:
    """Kept in the database, so that every node knows them and a restart ends none."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._writing: set[asyncio.Task[None]] = set()

    async def begin(self, token: str, agent: str, now: datetime) -> str:
        """What the browser is to show from now on, for somebody whose token is known to be right."""
        shown, said = sessions.new_session(), one_line(agent)[:LONGEST_AGENT]
        await self._database.write(lambda tx: sessions.keep(tx, shown, tokens.id_in(token), said, now))
        return shown

    async def holder(self, shown: str, now: datetime) -> Opened | None:
        """Who shows this; None where it is no session, has ended, or its token was revoked. Raises StoreUnavailable."""
        number = sessions.id_in(shown)
        found = await self._database.read(lambda tx: sessions.get(tx, number)) if number else None
        if found is None or not hmac.compare_digest(tokens.hash_of(shown), found.hash) or found.has_ended(now):
            return None
        caller = await self._keyring.by_id(found.token, now)
        if caller is None:
            return None
        self._note_use(found, now)
        return Opened(caller, found)

    async def of(self, opened: Opened) -> Sequence[Session]:
        """All sessions of the same token."""
        return await self._database.read(lambda tx: sessions.of_token(tx, opened.session.token))

    async def end(self, opened: Opened, session: str) -> bool:
        """End one of the sessions of the same token; whether there was one of that id."""
        return await self._database.write(lambda tx: sessions.end(tx, session, opened.session.token))

    def _note_use(self, session: Session, now: datetime) -> None:
        if now - session.used_at < sessions.USED_EVERY:
            return
        # Nobody waits for it: it is a remark, and the disk may be full.
        task = asyncio.create_task(self._write_use(session.id, now))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, session: str, now: datetime) -> None:
        try:
            await self._database.write(lambda tx: sessions.used(tx, session, now))
        except StoreUnavailable as error:
            log.debug("a session's use is not noted", error=str(error))
