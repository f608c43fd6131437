"""What the export says of who is on call, held against our answer over the same stretch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec import Struct

from pager.core.importing.model import NOBODY, Shown
from pager.core.oncall import Schedule, timeline

_MOST = 20


class Difference(Struct, frozen=True):
    """In [start, end) the export has `there` on call, and we have `here`; both sorted."""

    start: datetime
    end: datetime
    there: tuple[str, ...]
    here: tuple[str, ...]


class Compared(Struct, frozen=True):
    """A roster's comparison over [start, end): its differences, the first 20 of them, and how many there are."""

    roster: str
    start: datetime
    end: datetime
    differences: tuple[Difference, ...]
    found: int


def compare(
    roster: str, documents: Iterable[Mapping[str, Any]], shown: Sequence[Shown], told: tuple[datetime, datetime]
) -> Compared:
    """Every stretch of `told` in which those on call in any of our schedules are others than those `shown`."""
    schedules = [Schedule.model_validate(dict(document)) for document in documents]
    start, end = told
    ours = [segment for schedule in schedules for segment in timeline(schedule, start, end)]
    edges = {start, end, *(one.start for one in ours), *(at for one in shown for at in (one.start, one.end))}
    inside = sorted(edge for edge in edges if start <= edge <= end)
    found: list[Difference] = []
    for begin, stop in pairwise(inside):
        there = {one.person for one in shown if one.start <= begin < one.end} - {NOBODY}
        here = {who for one in ours if one.start <= begin < one.end for who in one.people} - {NOBODY}
        if there != here:
            _add(found, Difference(begin, stop, tuple(sorted(there)), tuple(sorted(here))))
    return Compared(roster, start, end, tuple(found[:_MOST]), len(found))


def _add(found: list[Difference], one: Difference) -> None:
    """Joined to the one before it, if that goes on."""
    last = found[-1] if found else None
    if last and (last.end, last.there, last.here) == (one.start, one.there, one.here):
        found[-1] = Difference(last.start, one.end, one.there, one.here)
    else:
        found.append(one)
