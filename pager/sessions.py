"""Sessions: browsers that somebody came in with, by a token or as a person. They end with that token or person."""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from pager.core.hygiene import one_line
from pager.core.people import Person
from pager.core.scope import SCOPE_OF
from pager.keyring import Caller, Keyring
from pager.log import log
from pager.store import StoreUnavailable, accounts, meta, sessions, tokens
from pager.store.accounts import Account
from pager.store.database import Database, Tx
from pager.store.sessions import Holder, Session

LONGEST_AGENT = 200
_FORMS = "form_key"


class Opened(Struct, frozen=True):
    """Who came in, and with which session."""

    caller: Caller
    session: Session


class Sessions:
    """Kept in the database, so that every node knows them and a restart ends none. `people` are those of the files."""

    def __init__(self, database: Database, keyring: Keyring, people: Callable[[], Mapping[str, Person]]) -> None:
        self._database = database
        self._keyring = keyring
        self._people = people
        self.form_key = secrets.token_hex(16)
        self._writing: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Know the key of forms that belong to no session; every node has the same, once the database can be asked."""
        made = self.form_key

        def first(tx: Tx) -> str:
            meta.keep_first(tx, _FORMS, made)
            return meta.get(tx, _FORMS)

        try:
            self.form_key = await self._database.write(first)
        except StoreUnavailable as error:
            log.warning("the key of forms cannot be read: forms of other nodes are refused", error=str(error))

    async def begin(self, whose: Holder, agent: str, address: str, now: datetime, *, before: str = "") -> str:
        """What the browser is to show from now on. What it showed `before` ends, so that no session outlives a sign-in.

        Whoever it is was found to be right: their token, their password, or what a provider said of them.
        """
        shown, said = sessions.new_session(), one_line(agent)[:LONGEST_AGENT]

        def keep(tx: Tx) -> None:
            old = sessions.get(tx, sessions.id_in(before)) if before else None
            if old is not None and hmac.compare_digest(tokens.hash_of(before), old.hash):
                sessions.end(tx, old.id)
            sessions.keep(tx, shown, whose, said, address, now)

        await self._database.write(keep)
        return shown

    async def holder(self, shown: str, address: str, now: datetime) -> Opened | None:
        """Who shows this; None where it is no session, has ended, or its token or person may not come in any more.

        Raises StoreUnavailable.
        """
        number = sessions.id_in(shown)
        found, account = await self._database.read(lambda tx: _find(tx, number)) if number else (None, None)
        if found is None or not hmac.compare_digest(tokens.hash_of(shown), found.hash) or found.has_ended(now):
            return None
        caller = await self._caller(found, account, now)
        if caller is None:
            return None
        self._note_use(found, address, now)
        return Opened(caller, found)

    def person(self, name: str, way: str) -> Caller | None:
        """A person of the files who came by `way`, with what their role lets them do."""
        known = self._people().get(name)
        return Caller(SCOPE_OF[known.role], name, way) if known else None

    async def of(self, opened: Opened) -> Sequence[Session]:
        """All sessions of the same token or person."""
        mine = opened.session
        if mine.person:
            return await self._database.read(lambda tx: sessions.of_person(tx, mine.person))
        return await self._database.read(lambda tx: sessions.of_token(tx, mine.token))

    async def end(self, opened: Opened, session: str) -> bool:
        """End one of the sessions of the same token or person; whether there was one of that id."""

        def end(tx: Tx) -> bool:
            found, mine = sessions.get(tx, session), opened.session
            same = found is not None and (found.token, found.person) == (mine.token, mine.person)
            return same and sessions.end(tx, session)

        return await self._database.write(end)

    async def end_others(self, opened: Opened) -> int:
        """End all sessions of the same token or person but this one; how many there were."""
        return await self._database.write(lambda tx: sessions.end_others(tx, opened.session))

    async def _caller(self, found: Session, account: Account | None, now: datetime) -> Caller | None:
        if not found.person:
            return await self._keyring.by_id(found.token, now)
        caller = self.person(found.person, found.way)
        if caller is not None and (account is None or account.disabled_at is None):
            return caller
        # For good: a name that comes back into the files may be that of somebody else.
        try:
            await self._database.write(lambda tx: sessions.end_of_person(tx, found.person))
        except StoreUnavailable as error:
            log.warning("a session is refused and cannot be ended", person=found.person, error=str(error), often=True)
        else:
            log.info("the sessions of a person who may not come in any more have ended", person=found.person)
        return None

    def _note_use(self, session: Session, address: str, now: datetime) -> None:
        if now - session.used_at < sessions.USED_EVERY:
            return
        # Nobody waits for it: it is a remark, and the disk may be full.
        task = asyncio.create_task(self._write_use(session.id, address, now))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, session: str, address: str, now: datetime) -> None:
        try:
            await self._database.write(lambda tx: sessions.used(tx, session, address, now))
        except StoreUnavailable as error:
            log.debug("a session's use is not noted", error=str(error))


def _find(tx: Tx, session: str) -> tuple[Session | None, Account | None]:
    found = sessions.get(tx, session)
    return found, accounts.get(tx, found.person) if found is not None and found.person else None
