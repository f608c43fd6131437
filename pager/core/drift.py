"""Regions that drift apart: their hours meet in one part of the year and leave a hole in another, since their clocks
change on other days.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct

from pager.core.rotation import Stack
from pager.core.wall import DAY, wall_of
from pager.core.windows import stretches

WEEK = 7 * DAY
Span = tuple[int, int]


class Hole(Struct, frozen=True):
    """Behind the hours of layer number `layer` nobody's are open for `length` minutes, in UTC minutes from `first`,
    the first time, to `last`, the end of the last.
    """

    layer: int
    length: int
    first: int
    last: int


def drifting(stacks: Sequence[Stack], begin: int, end: int) -> list[Hole]:
    """The holes of [begin, end) that are not there all the year: one for each stretch in which one has one length.

    Only layers with hours count, while all of them run; they drift only if they are in more than one zone.
    """
    regions = [number for number, stack in enumerate(stacks) if stack.windows is not None and stack.spans]
    if len({stacks[number].zone for number in regions}) < 2:
        return []
    begin = max([begin, *(stacks[number].spans[0][0] for number in regions)])
    end = min([end, *(stacks[number].spans[-1][1] for number in regions)])
    opened = {number: _open(stacks[number], begin, end) for number in regions}
    together = _joined(sorted(span for spans in opened.values() for span in spans))
    return [hole for number in regions for hole in _behind(number, stacks[number].zone, opened[number], together, end)]


def _open(stack: Stack, begin: int, end: int) -> tuple[Span, ...]:
    return stretches(stack.windows, stack.zone, begin, end) if stack.windows and begin < end else ()


def _behind(number: int, zone: str, spans: Sequence[Span], together: Sequence[Span], end: int) -> Iterator[Hole]:
    """The holes behind one layer's windows, of those windows that are followed at once in another part of the year."""
    starts = [start for start, _ in together]
    gaps: dict[int, list[tuple[int, int]]] = {}  # which window of the week -> when it closes, how long nobody opens
    for _, closes in spans:
        at = bisect_right(starts, closes) - 1
        opens = closes if together[at][1] > closes else starts[at + 1] if at + 1 < len(starts) else end
        if closes < end and opens < end:
            gaps.setdefault(wall_of(closes, zone) % WEEK, []).append((closes, opens - closes))
    drifts = [gap for found in gaps.values() if any(not length for _, length in found) for gap in found]
    run: list[tuple[int, int]] = []
    for gap in [*sorted(drifts), (end, -1)]:
        if run and gap[1] != run[0][1]:
            if run[0][1]:
                yield Hole(number, run[0][1], run[0][0], run[-1][0] + run[-1][1])
            run = []
        run.append(gap)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Overlapping and touching ones as one."""
    joined: list[Span] = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined
