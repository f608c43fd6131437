"""A schedule as people write it: dated rotations, layers, hours, absences, overrides and shadows.

One YAML document is one schedule. These models hold what was written and refuse what cannot be meant; what it
amounts to at an instant is worked out in `oncall`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from pager.core.cron import check_cron
from pager.core.model import Model
from pager.core.moment import Day, Moment, When, Zone, day_after
from pager.core.windows import Hours

Loc = tuple[str | int, ...]
T = TypeVar("T")

_LIST_HOW = "write [ana, bo], and a group on call together as an inner list: [[ana, bo], chi]"
_OFF = ("off", "ok", False)


def _as_entries(written: Any) -> Any:
    if not isinstance(written, list | tuple) or not written:
        raise ValueError(f"not a list of people: {written!r}; {_LIST_HOW}")
    for at, entry in enumerate(written):
        if not isinstance(entry, str | list | tuple):
            fault((at,), f"not a name: {entry!r}; {_LIST_HOW}, and a name like a number in quotes", entry)
    return tuple((entry,) if isinstance(entry, str) else entry for entry in written)


def _as_names(written: Any) -> Any:
    return (written,) if isinstance(written, str) else written


def _as_switches(written: Any) -> Any:
    """`{back-to-back: off}`, or why it is off, as the names that are off; a list of names is taken as it stands."""
    if not isinstance(written, dict):
        return written
    for name, value in written.items():
        if value not in _OFF and not (isinstance(value, str) and " " in value.strip()):
            raise ValueError(f'not a switch: {name}: {value!r}; write {name}: off, or why: "two of us, agreed"')
    return tuple(written)


Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_names)]
Entry = Annotated[tuple[Name, ...], Field(min_length=1)]
Handoff = Annotated[str, BeforeValidator(check_cron)]


class Written(Model):
    """What all parts of a schedule share: frozen, no unknown keys, Python names beside the written ones."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class RotationVersion(Written):
    """One dated version of a rotation, counting its turns from its own start; omitted keys are inherited."""

    from_: When = Field(alias="from")
    handoff: Handoff | None = None
    every: int | None = Field(default=None, ge=1, le=10_000, strict=True)
    people: Annotated[tuple[Entry, ...], BeforeValidator(_as_entries)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for at, entry in enumerate(self.people or ()):
            if len(set(entry)) < len(entry):
                fault(
                    ("people", at), f"somebody stands twice in the group {list(entry)!r}; write each name once", entry
                )
        return self


def _not_empty(entries: T) -> T:
    # Not min_length: pydantic counts the entries that are right, and tells of one that is wrong twice.
    if not entries:
        raise ValueError("an empty list; write at least one entry, or leave the key out")
    return entries


Versions = Annotated[tuple[RotationVersion, ...], AfterValidator(_not_empty)]


class Layer(Written):
    """One layer of a schedule; a later layer wins wherever it has somebody. `until` is exclusive."""

    name: Name
    rotation: Versions
    hours: Hours | None = None
    timezone: Zone | None = None
    until: When | None = None
    when_away: Literal["next", "gap"] = "next"


class Stretch(Written):
    """A dated stretch: from `from` to `to`, exclusive, or `through` a day, inclusive."""

    from_: When = Field(alias="from")
    to: When | None = None
    through: Day | None = None
    why: str | None = None

    @model_validator(mode="after")
    def _check_stretch(self) -> Self:
        if self.to is None and self.through is None:
            fault((), "no end; write to: 2026-07-20 09:00 (exclusive) or through: 2026-07-19 (inclusive)", None)
        if self.to is not None and self.through is not None:
            fault(("through",), "two ends; write either to: or through:", str(self.through))
        key, end = ("to", self.to) if self.to is not None else ("through", self.end)
        if end is not None and end.exact == self.from_.exact and end.minute <= self.from_.minute:
            fault((key,), f"ends before it starts: from {self.from_} {key} {getattr(self, key)}", str(end))
        return self

    @property
    def end(self) -> Moment:
        """The exclusive end."""
        if self.to is not None:
            return self.to
        return day_after(self.through) if self.through is not None else self.from_

    def span(self, zone: str) -> tuple[int, int]:
        """[from, to) in UTC minutes, wall times read in `zone`."""
        return self.from_.instant(zone), self.end.instant(zone)


class Away(Stretch):
    """An absence. `cover` steps in unless away, too; without one the next of the ring stands in."""

    who: Name
    cover: Name | None = None

    @model_validator(mode="after")
    def _check_cover(self) -> Self:
        if self.cover == self.who:
            fault(
                ("cover",),
                f"{self.who!r} cannot cover for {self.who!r}; write another name or leave cover out",
                self.cover,
            )
        return self


class Override(Stretch):
    """A change of who is on call for a stretch: one of `who`, `replace` + `with`, `add` and `remove`.

    `who: []` is nobody on purpose. `replace` acts only while that person is on call, so gaps stay gaps.
    """

    who: Names | None = None
    replace: Name | None = None
    with_: Names | None = Field(default=None, alias="with")
    add: Names | None = None
    remove: Names | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        kinds = [key for key in ("who", "replace", "add", "remove") if getattr(self, key) is not None]
        if len(kinds) != 1:
            said = f"{' and '.join(kinds)} together" if kinds else "nothing to do"
            fault(
                (kinds[1],) if kinds else (), f"{said}; write one of who: [..], replace: + with:, add:, remove:", kinds
            )
        if self.replace is not None and not self.with_:
            fault(("replace",), f"nobody in the place of {self.replace!r}; write with: beside it", self.replace)
        if self.with_ is not None and self.replace is None:
            fault(("with",), "with: belongs to replace:; write replace: beside it", self.with_)
        for key in ("who", "with", "add", "remove"):
            _check_names(key, self.with_ if key == "with" else getattr(self, key))
        return self


class Shadow(Stretch):
    """Somebody who gets copies of what `of` is paged for, and never counts as coverage."""

    who: Name
    of: Name


class Schedule(Written):
    """One schedule document. Wall times are read in `timezone`, those of a layer in the layer's own, if it has one."""

    name: Name = Field(alias="schedule")
    timezone: Zone = "UTC"
    rotation: Versions | None = None
    layers: Annotated[tuple[Layer, ...], AfterValidator(_not_empty)] | None = None
    hours: Hours | None = None
    until: When | None = None
    when_away: Literal["next", "gap"] = "next"
    away: tuple[Away, ...] = ()
    overrides: tuple[Override, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    gaps: Literal["ok"] | None = None
    lint: Annotated[tuple[Name, ...], BeforeValidator(_as_switches)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rotation is None and self.layers is None:
            fault((), f"{self.name!r} has nobody to take turns; write rotation: or layers:", None)
        if self.rotation is not None and self.layers is not None:
            fault(("layers",), "rotation and layers together; write the rotation as the first of the layers", None)
        for key in ("hours", "until", "when_away"):
            if self.layers is not None and key in self.model_fields_set:
                fault((key,), f"{key}: beside layers: says nothing; write it in the layer that it is for", None)
        for at, layer in enumerate(self.layers or ()):
            if layer.name in [earlier.name for earlier in (self.layers or ())[:at]]:
                fault(("layers", at, "name"), f"a second layer {layer.name!r}; write another name", layer.name)
        for path, layer in self.stack():
            _check_versions((*path, "rotation"), layer.rotation, layer.timezone or self.timezone)
        for key, at, stretch in _stretches(self):
            _check_order((key, at), stretch, self.timezone)
        return self

    def stack(self) -> Iterator[tuple[Loc, Layer]]:
        """The layers, lowest first, each with its place in the document; a plain rotation is one without a name."""
        for at, layer in enumerate(self.layers or ()):
            yield ("layers", at), layer
        if self.rotation is not None:
            yield (
                (),
                Layer.model_construct(
                    name="", rotation=self.rotation, hours=self.hours, until=self.until, when_away=self.when_away
                ),
            )


def fault(loc: Loc, message: str, found: object) -> NoReturn:
    """Refuse what stands at `loc`, counted from the model that is being checked, so that a reader can be shown it."""
    error = PydanticCustomError("value_error", "{reason}", {"reason": message})
    raise ValidationError.from_exception_data("schedule", [InitErrorDetails(type=error, loc=loc, input=found)])


def named_people(schedule: Schedule) -> list[tuple[Loc, str]]:
    """Every name in the document with its place. A name that stands without brackets may have a last index too many."""
    found: list[tuple[Loc, str]] = []
    for path, layer in schedule.stack():
        for at, version in enumerate(layer.rotation):
            found += _in_entries((*path, "rotation", at, "people"), version.people or ())
    for key, at, stretch in _stretches(schedule):
        for part in ("who", "cover", "replace", "with", "add", "remove", "of"):
            named = getattr(stretch, "with_" if part == "with" else part, None)
            if isinstance(named, str):
                found.append(((key, at, part), named))
            else:
                found += [((key, at, part, place), name) for place, name in enumerate(named or ())]
    return found


def schedule_people(schedule: Schedule) -> set[str]:
    """Everybody named anywhere in the schedule."""
    return {name for _, name in named_people(schedule)}


def _in_entries(path: Loc, entries: Iterable[tuple[str, ...]]) -> Iterator[tuple[Loc, str]]:
    for at, entry in enumerate(entries):
        for place, name in enumerate(entry):
            yield ((*path, at, place) if len(entry) > 1 else (*path, at)), name


def _stretches(schedule: Schedule) -> Iterator[tuple[str, int, Stretch]]:
    for key in ("away", "overrides", "shadows"):
        for at, stretch in enumerate(getattr(schedule, key)):
            yield key, at, stretch


def _check_versions(path: Loc, versions: Sequence[RotationVersion], zone: str) -> None:
    """`from` must increase; the first names its people; without a hand-off there is one entry."""
    handoff, people = None, None
    for at, version in enumerate(versions):
        handoff, people = version.handoff or handoff, version.people or people
        if people is None:
            fault((*path, at), f"the first version names nobody; write people: and {_LIST_HOW}", None)
        if handoff is None and len(people) > 1:
            why = f"{len(people)} turns but no hand-off"
            fault((*path, at, "people"), f'{why}; write handoff: "0 10 * * MON", or a group [[..]]', len(people))
        if at and _point(version.from_, zone) <= _point(versions[at - 1].from_, zone):
            before = f"{version.from_} is not after {versions[at - 1].from_} of the version above"
            fault((*path, at, "from"), f"{before}; append versions, oldest first", str(version.from_))


def _check_order(path: Loc, stretch: Stretch, zone: str) -> None:
    """The order of a wall time and an exact one, which only the schedule's zone can tell."""
    start, end = stretch.span(zone)
    if end < start or (end == start and stretch.from_.exact != stretch.end.exact):
        fault((*path, "through" if stretch.to is None else "to"), f"ends before it starts in {zone}", str(stretch.end))


def _check_names(key: str, names: tuple[str, ...] | None) -> None:
    if names is None:
        return
    if not names and key != "who":
        fault((key,), f"{key}: names nobody; write {key}: [ana]", names)
    for at, name in enumerate(names):
        if name in names[:at]:
            fault((key, at), f"{name!r} stands twice; write each name once", name)


def _point(moment: Moment, zone: str) -> tuple[int, int]:
    """Sorts moments: wall times by what they name, even where the clock jumps over both."""
    return moment.instant(zone), moment.wall(zone)
