"""Backups: which of the copies that were taken are still worth their room."""

from collections.abc import Iterable
from datetime import date, datetime


def surplus(taken: Iterable[datetime], newest: int = 8, days: int = 7) -> list[datetime]:
    """The copies that may go, oldest first: all but the `newest` and the last one of each day, for `days` days.

    Days without a copy do not count: after a month without any, the copies from before it are still there.
    """
    ordered = sorted(set(taken), reverse=True)
    daily: dict[date, datetime] = {}
    for at in ordered:
        daily.setdefault(at.date(), at)
    kept = {*ordered[:newest], *list(daily.values())[:days]}
    return sorted(set(ordered) - kept)
