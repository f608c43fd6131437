"""Timelines as text, from either evaluator: `29 01:00 bo` is from when, in UTC, who is on call."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from pager.core.oncall import Schedule, runs, timeline
from tests.schedules.brute import Ranks, walk

T = TypeVar("T")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text + ("T00:00" if len(text) == 10 else "") + "+00:00")


def show(begin: datetime, runs: Iterable[tuple[datetime, tuple[str, ...]]]) -> str:
    """The first run without its start, which is where the look begins; nobody is `-`, a group `ana+bo`."""
    return ", ".join(
        "+".join(people) or "-" if at == begin else f"{at:%d %H:%M} {'+'.join(people) or '-'}" for at, people in runs
    )


def rota(zone: str, handoff: str, people: str, start: str, **keys: Any) -> dict[str, Any]:
    """A schedule with one rotation: `people` as `ana bo`, a group as `ana+bo`."""
    version = {"from": start, "handoff": handoff, "people": ring(people)}
    return {"schedule": "rota", "timezone": zone, "rotation": [version], **keys}


def ring(people: str) -> list[Any]:
    return [entry.split("+") if "+" in entry else entry for entry in people.split()]


def check_timeline(doc: dict[str, Any], window: str, expected: str) -> None:
    """Both evaluators say `expected` over `window`, which is `2026-03-28/2026-03-31` in UTC, and agree on all ranks."""
    begin, end = (instant(text) for text in window.split("/"))
    segments = timeline(Schedule.model_validate(doc), begin, end)
    # The edges of the tables lie on quarters; a short window is stepped minute by minute all the same.
    stepped = by_stepping(doc, begin, end, step=1 if (end - begin).days < 1 else 5 if (end - begin).days <= 4 else 15)

    assert show(begin, [(run.start, run.people) for run in runs(segments)]) == expected
    assert show(begin, joined((at, ranks[0] if ranks else ()) for at, ranks in stepped)) == expected
    assert ranks_of(doc, begin, end) == stepped


def by_stepping(doc: dict[str, Any], begin: datetime, end: datetime, step: int) -> list[tuple[datetime, Ranks]]:
    return joined(walk(doc, begin, end, step))


def joined(states: Iterable[tuple[datetime, T]]) -> list[tuple[datetime, T]]:
    """Neighbours that are the same as one."""
    found: list[tuple[datetime, T]] = []
    for at, state in states:
        if not found or found[-1][1] != state:
            found.append((at, state))
    return found


def ranks_of(doc: dict[str, Any], begin: datetime, end: datetime) -> list[tuple[datetime, Ranks]]:
    """What the product says, whatever the layer."""
    segments = timeline(Schedule.model_validate(doc), begin, end)
    return joined((segment.start, segment.ranks) for segment in segments)
