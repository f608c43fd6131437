"""Overrides made at run time: how they are kept, how they lie over the files, and whose turns one of them moves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.moment import Moment
from pager.core.schedule import Override
from pager.core.shiftdiff import Moved, changes
from pager.core.wall import minute_of

Kind = Literal["who", "replace", "add", "remove"]


class Wanted(Struct, frozen=True):
    """What somebody asks for: from `start` to `end`, exclusive, both UTC and whole minutes.

    `names` are the people of `who`, `with`, `add` or `remove`; `replaced` belongs to the kind `replace` alone.
    """

    schedule: str
    start: datetime
    end: datetime
    kind: Kind
    names: tuple[str, ...]
    replaced: str = ""
    by: str = ""
    why: str = ""

    @property
    def body(self) -> dict[str, str | list[str]]:
        """As people write it in a file: `{"replace": "bo", "with": ["ana"]}`."""
        if self.kind == "replace":
            return {"replace": self.replaced, "with": list(self.names)}
        return {self.kind: list(self.names)}

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody whom it names, each once."""
        return tuple(dict.fromkeys((*self.names, *([self.replaced] if self.replaced else []))))

    def override(self) -> Override:
        """The same as schedules know it. Raises ValueError for what no file may say either."""
        span = {name: Moment(minute_of(at), exact=True) for name, at in (("from", self.start), ("to", self.end))}
        return Override.model_validate({**span, **self.body, "why": self.why or None})


class RunOverride(Struct, frozen=True):
    """An override as it is kept. Later ones, by `id`, see what those before them made of the people on call."""

    id: int
    wanted: Wanted
    created_at: datetime
    removed_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it has no effect from `now` on."""
        return self.removed_at is not None or self.wanted.end <= now


def misfit(wanted: Wanted, catalog: Catalog) -> str:
    """Why it cannot be applied to these files, "" if it can: it may name what a reload has removed."""
    if wanted.schedule not in catalog.schedules:
        return f"there is no schedule {wanted.schedule!r} any more"
    gone = [name for name in wanted.people if name not in catalog.people]
    if gone:
        return f"nobody is called {' or '.join(map(repr, gone))} any more"
    try:
        wanted.override()
    except ValueError:
        return "it says what no schedule may say"
    return ""


def layered(catalog: Catalog, overrides: Iterable[RunOverride]) -> Catalog:
    """`catalog` with those of `overrides` over it that can be applied, in order; itself if it has none."""
    found: dict[str, tuple[Override, ...]] = {}
    for one in overrides:
        if not misfit(one.wanted, catalog):
            name = one.wanted.schedule
            found[name] = (*found.get(name, ()), one.wanted.override())
    if not found and not catalog.overrides:
        return catalog
    return catalog.with_overrides(found)


def repeats(wanted: Wanted, standing: Sequence[RunOverride]) -> RunOverride | None:
    """The override that already says this, if nothing was laid over it since: to ask twice is to ask once."""
    for one in reversed(standing):
        other = one.wanted
        if other.schedule != wanted.schedule:
            continue
        if replace(other, by="", why="") == replace(wanted, by="", why=""):
            return one
        if other.start < wanted.end and wanted.start < other.end:
            return None
    return None


def moved(
    files: Catalog,
    before: Iterable[RunOverride],
    after: Iterable[RunOverride],
    wanted: Wanted,
    now: datetime,
) -> list[Moved]:
    """Who gains and who loses time on call while `wanted` runs, from `now` on, by what only one of the two has."""
    schedule = files.schedules.get(wanted.schedule)
    if schedule is None or wanted.end <= now:
        return []
    alone, start = replace(files, schedules={wanted.schedule: schedule}, overrides={}), max(now, wanted.start)
    return changes(layered(alone, before), layered(alone, after), start, wanted.end - start)


def spelled(body: Mapping[str, str | list[str]]) -> str:
    """What it does, in words: `bo replaced by ana`, `nobody`, `ana, bo`, `and ana`, `without bo`."""
    (kind, first), *rest = body.items()
    names = ", ".join(rest[0][1] if rest else first) if not isinstance(first, str) or rest else first
    if kind == "replace":
        return f"{first} replaced by {names}"
    return {"who": names or "nobody", "add": f"and {names}", "remove": f"without {names}"}[kind]
