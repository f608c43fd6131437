"""Proven contacts: a test page went out by it, and a person answered by the link that was in it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.hygiene import one_line
from pager.core.notices import Notice

LASTS = timedelta(days=30)
"""For so long a contact counts as proven."""
TEST: Literal["test"] = "test"
ASKED: Literal["asked"] = "asked"


class Standing(Struct, frozen=True):
    """A contact of somebody, and when it was last proven with the URL that it has now; None: never."""

    person: str
    contact: str
    proven_at: datetime | None
    is_proven: bool


def proven_urls(catalog: Catalog) -> dict[tuple[str, str], str]:
    """The URL of each contact, as the files write it, by person and contact."""
    return {(name, contact): url for name, one in catalog.people.items() for contact, url in one.contacts.items()}


def standing(catalog: Catalog, proven: dict[tuple[str, str], datetime], now: datetime) -> list[Standing]:
    """Every contact of the files, by person; `proven` says when each was last proven."""
    found = []
    for name, person in catalog.people.items():
        for contact in person.contacts:
            at = proven.get((name, contact))
            found.append(Standing(name, contact, at, at is not None and now - at < LASTS))
    return found


def unproven(known: Iterable[Standing]) -> dict[str, list[str]]:
    """The contacts that nobody has proven for 30 days, by person."""
    found: dict[str, list[str]] = {}
    for one in known:
        if not one.is_proven:
            found.setdefault(one.person, []).append(one.contact)
    return found


def trial_notice(person: str, by: str, now: datetime) -> Notice:
    """A test page of somebody: it goes to each of their contacts at once, with a link of its own."""
    return Notice(TEST, person, "", now, now, "Test page: nothing is broken", f"{by} tests how you are reached.")


def trial_words(body: str, link: str) -> str:
    """The text of a test page; the link stands in the first line, which is all that an SMS has."""
    return f"Press to prove that this reaches you: {link}\n{body}"


def asked_notice(person: str, by: str, text: str, now: datetime) -> Notice:
    """A page that a person sends to another: it wakes them as a SEV-1 does."""
    title, body = f"{by} pages you: {one_line(text)}", f"Answer {by}: pager passes nothing on."
    return Notice(ASKED, person, by, now, now, title, body)
