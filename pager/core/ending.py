"""Before a silence ends: its author is told, if it still hides something."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pager.core.catalog import Catalog
from pager.core.notices import Notice, when
from pager.core.silence import Silence

WARNED = timedelta(minutes=15)
"""So long before its end; who makes one that is shorter knows when it ends."""


def ends_soon(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """Those in force of whose end it is time to tell."""
    return [
        one
        for one in silences
        if one.state(now) == "active" and one.ends_at - now <= WARNED and one.ends_at - one.wanted.starts_at > WARNED
    ]


def notice_of_end(
    silence: Silence, alerts: int, codes: Sequence[str], catalog: Catalog, now: datetime
) -> Notice | None:
    """What its author is told; None where it hides nothing, or its author is nobody of the files."""
    wanted = silence.wanted
    author = catalog.people.get(wanted.by)
    if author is None or not alerts:
        return None
    counted = f"{alerts} firing alert{'s' if alerts != 1 else ''}"
    incidents = (
        f" of {', '.join(codes[:5])}" + (f" and {len(codes) - 5} more" if len(codes) > 5 else "") if codes else ""
    )
    about = ", ".join(map(str, wanted.matchers)) or "all pages"
    return Notice(
        kind="silence",
        person=wanted.by,
        schedule=f"{wanted.kind} {silence.id}",
        at=silence.ends_at,
        due_at=now,
        title=f"Your {wanted.kind} {silence.id} ends at {when(silence.ends_at, author)}",
        body=f"It hides {counted}{incidents} ({about}: {wanted.why}). What still fires then and nobody has pages then.",
    )
