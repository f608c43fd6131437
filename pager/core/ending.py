"""Before a silence or a maintenance ends: whoever made it is told what it still holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.maintenance import window_at
from pager.core.matcher import Matcher
from pager.core.notices import Notice, when

WARNED = timedelta(minutes=15)
"""So long before its end; who makes one that is shorter knows when it ends."""


class Ending(Struct, frozen=True):
    """What ends soon: `silence 3`, `maintenance patch night`; and whose it is."""

    title: str
    person: str
    matchers: tuple[Matcher, ...]
    why: str
    starts_at: datetime
    ends_at: datetime


def ends_soon(catalog: Catalog, now: datetime) -> list[Ending]:
    """What is in force and of whose end it is time to tell."""
    found = []
    for silence in catalog.silences:
        wanted = silence.wanted
        title = f"{wanted.kind} {silence.id}" + (f" ({wanted.name})" if wanted.name else "")
        found.append(Ending(title, wanted.by, wanted.matchers, wanted.why, wanted.starts_at, silence.ends_at))
    for written in catalog.maintenance:
        window = window_at(written, now)
        if window is not None:
            found.append(Ending(f"maintenance {written.name}", written.owner, written.match, written.why, *window))
    return [one for one in found if _is_soon(one, now)]


def _is_soon(one: Ending, now: datetime) -> bool:
    lasts = one.ends_at - one.starts_at
    return one.starts_at <= now < one.ends_at and one.ends_at - now <= WARNED < lasts


def notice_of_end(one: Ending, alerts: int, codes: Sequence[str], catalog: Catalog, now: datetime) -> Notice | None:
    """What its author is told; None where it hides nothing, or its author is nobody of the files."""
    author = catalog.people.get(one.person)
    if author is None or not alerts:
        return None
    counted = f"{alerts} firing alert{'s' if alerts != 1 else ''}"
    incidents = (
        f" of {', '.join(codes[:5])}" + (f" and {len(codes) - 5} more" if len(codes) > 5 else "") if codes else ""
    )
    about = ", ".join(map(str, one.matchers)) or "all pages"
    return Notice(
        kind="silence",
        person=one.person,
        schedule=one.title,
        at=one.ends_at,
        due_at=now,
        title=f"Your {one.title} ends at {when(one.ends_at, author)}",
        body=f"It hides {counted}{incidents} ({about}: {one.why}). What still fires then and nobody has pages then.",
    )
