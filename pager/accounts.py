"""Accounts: people of the files who sign in by a password, which they set by a link that was made for them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pager.core.password import check_password
from pager.core.people import Person, known_as
from pager.keyring import Keyring
from pager.log import log
from pager.passwords import Passwords
from pager.store import StoreUnavailable, accounts, sessions
from pager.store.accounts import Account
from pager.store.database import Database, Tx

USUAL_LINK = timedelta(hours=24)
LONGEST_LINK = timedelta(days=7)


class Accounts:
    """Kept in the database. `people` are those of the files: nobody else has one, whatever is kept."""

    def __init__(
        self, database: Database, keyring: Keyring, people: Callable[[], Mapping[str, Person]], passwords: Passwords
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._people = people
        self._passwords = passwords

    async def invite(self, person: str, by: str, lasts: timedelta, now: datetime) -> str:
        """A new link for `person`: what it ends in. An older one ends, and a disabled account is one again."""
        shown = accounts.new_invite()
        await self._database.write(lambda tx: accounts.invite(tx, person, shown, by, now + lasts, now))
        self._keyring.changed()
        return shown

    async def invited(self, shown: str, now: datetime) -> Account | None:
        """Whom a link was made for; None when it was used, has ended, or they are not in the files any more."""
        found = await self._database.read(lambda tx: accounts.invited(tx, shown))
        return found if found is not None and found.has_invite(now) and found.person in self._people() else None

    async def accept(self, shown: str, password: str, now: datetime) -> str | None:
        """Set the password by a link, which is used up, and end all their sessions: whose it is.

        None as with `invited`. Raises WeakPassword, and TooMany.
        """
        found = await self.invited(shown, now)
        if found is None:
            return None
        self._check(password, found.person)
        kept = await self._passwords.make(password)

        def accept(tx: Tx) -> str | None:
            person = accounts.accept(tx, shown, kept, now)
            if person is not None:
                sessions.end_of_person(tx, person)
            return person

        return await self._database.write(accept)

    async def owner(self, said: str, password: str, lane: str) -> str | None:
        """Whose name and password these are; None for a wrong one, which takes as long. Raises TooMany.

        `lane` is where they come from: what does is checked one after the other.
        """
        people, written = self._people(), said.strip()
        person = written if written in people else known_as(people, written)
        found = await self._database.read(lambda tx: accounts.get(tx, person)) if person else None
        kept = found.password if found is not None and found.disabled_at is None else ""
        if not await self._passwords.fits(kept, password, lane):
            return None
        if self._passwords.is_old(kept) and person:
            await self._renew(person, kept, password)
        return person

    async def change(self, person: str, old: str, new: str, now: datetime) -> bool:
        """Put a new password in the place of the old one; whether that was right. Raises WeakPassword, and TooMany."""
        self._check(new, person)
        found = await self._database.read(lambda tx: accounts.get(tx, person))
        if found is None or not await self._passwords.fits(found.password, old):
            return False
        kept, known = await self._passwords.make(new), found.password
        return await self._database.write(lambda tx: accounts.change(tx, person, known, kept, now))

    async def disable(self, person: str, by: str, now: datetime) -> tuple[bool, int]:
        """Keep a person out, at once: whether they were not, and how many sessions ended."""

        def disable(tx: Tx) -> tuple[bool, int]:
            return accounts.disable(tx, person, by, now), sessions.end_of_person(tx, person)

        done = await self._database.write(disable)
        self._keyring.changed()
        return done

    async def enable(self, person: str) -> bool:
        """Let a person in again by the password that they had; whether they were kept out."""
        done = await self._database.write(lambda tx: accounts.enable(tx, person))
        self._keyring.changed()
        return done

    def _check(self, password: str, person: str) -> None:
        known = self._people().get(person)
        check_password(password, person, f"{known.name} {known.login}" if known else "")

    async def _renew(self, person: str, kept: str, password: str) -> None:
        try:
            renewed = await self._passwords.make(password)
            await self._database.write(lambda tx: accounts.rehash(tx, person, kept, renewed))
        except (StoreUnavailable, RuntimeError) as error:  # Another time will do: the door is open.
            log.debug("a password is not hashed anew", error=str(error))
