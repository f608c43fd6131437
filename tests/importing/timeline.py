"""Who is on call over eight weeks, written by hand as local times, and the same asked of an imported folder."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pager.core.catalog import Catalog
from pager.core.importing.folder import Folder
from pager.core.importing.systems import imported
from pager.core.oncall import timeline
from pager.files import load_catalog
from tests.importing.org import NOW, WEEKS

END = NOW + timedelta(weeks=WEEKS)
Line = list[tuple[datetime, tuple[str, ...]]]
"""From each instant on these are on call, by first names, until the next."""


def diary(zone: str, first: str, rows: Iterable[str]) -> Line:
    """A row a day from `first` on, as the clock in `zone` reads it: `00:00 hal, 07:00 eli+fay, 23:00 -`."""
    line: Line = []
    for number, row in enumerate(rows):
        day = date.fromisoformat(first) + timedelta(days=number)
        for entry in filter(None, (part.strip() for part in row.split(","))):
            clock, people = entry.split()
            at = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)
            line.append((at, () if people == "-" else tuple(sorted(people.split("+")))))
    return merged(line)


def merged(line: Line) -> Line:
    """Cut to the eight weeks, without changes that change nothing."""
    running = [entry for entry in line if entry[0] <= NOW][-1:]
    inside = [(NOW, people) for _, people in running] + [entry for entry in line if NOW < entry[0] < END]
    return [entry for at, entry in enumerate(inside) if at == 0 or entry[1] != inside[at - 1][1]]


def on_call(catalog: Catalog, names: Sequence[str]) -> Line:
    """What the imported schedules of these names say together."""
    found = [segment for name in names for segment in timeline(catalog.schedules[name], NOW, END)]
    edges = sorted({segment.start for segment in found})
    people = [
        {who for segment in found if segment.start <= edge < segment.end for who in segment.people} - {"nobody"}
        for edge in edges
    ]
    return merged(
        [(at, tuple(sorted(who.partition("-")[0] for who in on))) for at, on in zip(edges, people, strict=True)]
    )


def written(made: Folder, folder: Path) -> Catalog:
    """The catalog of the imported files, which have no error."""
    for name, text in made.texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    loaded = load_catalog(folder, NOW)
    assert [problem for problem in loaded.problems if problem.level == "error"] == []
    assert loaded.catalog is not None
    return loaded.catalog


def import_(system: str, files: Mapping[str, Any], folder: Path) -> tuple[Folder, Catalog]:
    """A system's export as the folder it becomes, and its catalog."""
    made = imported(system, files, NOW)
    return made, written(made, folder)


def weekly(zone: str, clock: str, first: str, people: str) -> Line:
    """A name a week from `first` on, each from `clock` on."""
    rows = [row for name in people.split() for row in (f"{clock} {name}", *[""] * 6)]
    return diary(zone, first, rows)


# By hand, from the calendar: 5 January 2026 is a Monday, and so is 23 February, seven weeks later.

PAYMENTS = diary(
    "Europe/Berlin",
    "2026-02-16",
    [
        *("10:00 ana", "", "", "", "", "", ""),
        *("10:00 bo", "", "09:00 dee, 21:00 bo", "", "", "", ""),  # 25 February: an override
        *("10:00 chi", "", "", "", "", "", ""),
        *("10:00 ana", "", "", "", "", "", ""),
        *("10:00 bo", "", "", "", "", "", ""),
        *("10:00 chi", "", "", "", "", "", ""),  # clocks change on 29 March
        *("10:00 ana", "", "", "", "", "", ""),
        *("10:00 bo", "", "", "", "", "", ""),
        *("10:00 chi", "", "", "", "", "", ""),
    ],
)
PLATFORM = diary(
    "Europe/Berlin",
    "2026-02-23",
    [
        "00:00 hal, 07:00 fay, 15:00 hal",
        "00:00 hal, 07:00 eli, 15:00 hal",
        "00:00 hal, 07:00 fay, 15:00 hal",
        "00:00 hal, 07:00 eli, 15:00 hal",
        "00:00 hal, 07:00 fay, 15:00 hal",
        "00:00 hal, 07:00 eli, 17:00 hal",  # Saturday: no Americas
        "00:00 hal, 07:00 fay, 17:00 hal",
        "00:00 hal, 07:00 eli, 15:00 gus, 23:00 hal",
        "00:00 hal, 07:00 fay, 15:00 gus, 23:00 hal",
        "00:00 hal, 07:00 eli, 15:00 gus, 23:00 hal",
        "00:00 hal, 07:00 fay, 15:00 gus, 23:00 hal",
        "00:00 hal, 07:00 eli, 15:00 gus, 23:00 hal",
        "00:00 hal, 07:00 fay, 17:00 hal",
        "00:00 hal, 07:00 eli, 17:00 hal",
    ]
    * 4,
)
SEARCH = diary(
    "America/New_York",
    "2026-02-22",
    ["08:00 ida, 20:00 jon", "08:00 kim, 20:00 ida", "08:00 jon, 20:00 kim"] * 19,
)
DATA = weekly("UTC", "09:00", "2026-02-16", "pam pam mia mia ned ned oz oz pam")
MOBILE = weekly("Asia/Tokyo", "09:00", "2026-02-16", "sia tom quy rex sia tom quy rex sia")
