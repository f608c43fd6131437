"""The next version of a rotation: somebody joins or leaves, and nobody's turn moves before it takes over.

The ring is written so that whoever is due at the take-over stands first, since a version counts from its own start.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from pager.core.moment import Moment, spoken
from pager.core.ranks import Ring
from pager.core.rotation import NOBODY, Stack, stack_of, turns
from pager.core.schedule import Layer, Loc, RotationVersion, Schedule
from pager.core.wall import DAY, datetime_of, minute_of, wall_of

_LOOKS = 3 * 366 * DAY  # minutes ahead in which a hand-off must come


class Next(Struct, frozen=True):
    """A version to append to the list at `path`: `from` as it is to be written, its ring, and its take-over (UTC)."""

    path: Loc
    from_: Moment
    ring: Ring
    takes_over: datetime

    @property
    def people(self) -> list[str | list[str]]:
        """The ring as people write it."""
        return [entry[0] if len(entry) == 1 else list(entry) for entry in self.ring]


def add(
    schedule: Schedule, who: str, now: datetime, *, start: Moment | None = None, after: str = "", layer: str = ""
) -> Next:
    """The version by which `who` takes turns behind `after`, else behind everybody, from the first turn that starts
    at or after `start` (default: now). Raises ValueError that says what to write instead.
    """

    def joined(ring: Ring) -> Ring:
        if any(who in entry for entry in ring):
            raise ValueError(f"{who!r} takes turns already: {_listed(ring)}")
        place = next((at for at, entry in enumerate(ring) if after in entry), None)
        if after and place is None:
            raise ValueError(f"{after!r} takes no turns; write --after with one of: {_listed(ring)}")
        cut = len(ring) if place is None else place + 1
        return (*ring[:cut], (who,), *ring[cut:])

    return _next(schedule, layer, start, now, joined)


def remove(schedule: Schedule, who: str, now: datetime, *, start: Moment | None = None, layer: str = "") -> Next:
    """The version by which `who` takes no turns any more, from the first turn that starts at or after `start`.

    A turn that would be theirs then passes to the next. Raises ValueError that says what to write instead.
    """

    def left(ring: Ring) -> Ring:
        if not any(who in entry for entry in ring):
            raise ValueError(f"{who!r} takes no turns; those who do: {_listed(ring)}")
        rest = tuple(tuple(name for name in entry if name != who) for entry in ring)
        if not any(rest):
            raise ValueError(f"nobody would be left without {who!r}; add somebody first")
        return tuple(filter(None, rest))

    return _next(schedule, layer, start, now, left)


def appended(schedule: Schedule, version: Next) -> Schedule:
    """The schedule with the version behind those that are written."""
    new = RotationVersion(from_=version.from_, people=version.people)
    fields = {name: getattr(schedule, name) for name in schedule.model_fields_set}
    if len(version.path) == 1:
        return Schedule.model_validate({**fields, "rotation": (*(schedule.rotation or ()), new)})
    layers = list(schedule.layers or ())
    place = int(version.path[1])
    layers[place] = _with(layers[place], new)
    return Schedule.model_validate({**fields, "layers": tuple(layers)})


def _next(schedule: Schedule, name: str, start: Moment | None, now: datetime, change: Callable[[Ring], Ring]) -> Next:
    path, layer = _layer(schedule, name)
    stack = stack_of(layer, schedule.timezone)
    at, slot = _due(stack, layer, start, now)
    roster, place = stack.slots[slot]
    ring = change(roster.ring[place:] + roster.ring[:place])  # the one who is due stays first
    return Next((*path, "rotation"), _from(layer, ring, start, at, stack.zone), ring, datetime_of(at))


def _layer(schedule: Schedule, name: str) -> tuple[Loc, Layer]:
    stack = list(schedule.stack())
    names = [layer.name for _, layer in stack]
    if len(stack) == 1 and name in ("", names[0]):
        return stack[0]
    if name not in names:
        said = f"no layer {name!r}" if name else "several layers"
        raise ValueError(f"{said} in {schedule.name!r}; write --layer with one of: {', '.join(filter(None, names))}")
    return stack[names.index(name)]


def _due(stack: Stack, layer: Layer, start: Moment | None, now: datetime) -> tuple[int, int]:
    """The first turn that starts ahead of `now` and not before `start`: the instant, and whose turn it would be."""
    if not any(version.handoff for version in layer.rotation):
        raise ValueError("this rotation has no hand-off, so nobody takes turns; write the version by hand")
    soonest = minute_of(now) + 1
    begin = soonest if start is None else start.instant(stack.zone)
    if begin < soonest:
        raise ValueError(f"{start} has passed, and the past stays as it was; write a later --from, or leave it out")
    instants, slots = turns(stack, begin - 1, begin + _LOOKS)
    for instant, slot in zip(instants, slots, strict=True):
        if instant >= begin and slot != NOBODY:
            return instant, slot
    raise ValueError(f"no turn starts after {spoken(begin)}; write an earlier --from")


def _from(layer: Layer, ring: Ring, start: Moment | None, at: int, zone: str) -> Moment:
    """What to write as `from` so that the version takes over at `at`: as asked, if that does, else the day or time.

    A version must begin after the one above it, and takes over at a hand-off that may lie within a turn.
    """
    last, wall = layer.rotation[-1].from_, wall_of(at, zone)
    for moment in (start, Moment(wall // DAY * DAY), Moment(wall), Moment(at, exact=True)):
        if moment is None or moment.instant(zone) <= last.instant(zone):
            continue
        spans = stack_of(_with(layer, RotationVersion(from_=moment, people=ring)), zone).spans
        if spans[-1][0] == at:
            return moment
    raise ValueError(
        f"the last version begins {last}, later than {spoken(at)}; change that one, or write a later --from"
    )


def _with(layer: Layer, version: RotationVersion) -> Layer:
    return layer.model_copy(update={"rotation": (*layer.rotation, version)})


def _listed(ring: Sequence[tuple[str, ...]]) -> str:
    """`ana, bo+chi, dee`."""
    return ", ".join("+".join(entry) for entry in ring)
