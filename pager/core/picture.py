"""The picture of a schedule: weeks below each other as one SVG, made of text alone, light and dark, without scripts.

Each week has a lane for every layer and a thick one for who is on call. People keep their colours whatever the
stretch, nobody is red, what an override changes is hatched. All times are those of the schedule's zone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from zoneinfo import ZoneInfo

from pager.core.hygiene import one_line
from pager.core.lanes import RESULT, Bar, Lane, Week, cut, lanes_of, weeks_from
from pager.core.schedule import Override, Schedule, named_people

WIDTH, GUTTER, DAY_WIDTH, MARGIN = 1120, 112, 142, 14
TOP, HEAD, THIN, THICK, BETWEEN, WEEK_GAP = 62, 22, 17, 30, 3, 18
_GLYPH = 6.6  # the width of a letter of 12 px, on average

HUES = (212, 28, 145, 282, 48, 178, 330, 88, 248, 12, 196, 308)
"""Neighbours in the list are far apart; red itself is left to nobody."""

_STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2328}
.paper{fill:#fff}.title{font-size:17px;font-weight:600}.soft{fill:#59636e}.strong{font-weight:600}
.track{fill:#f1f3f5}.weekend{fill:#e4e8ec}.line{stroke:#c9d1d9;stroke-width:1}
.gap{fill:#cf222e}.on-gap{fill:#fff;font-weight:600}.meant{fill:none;stroke:#8c959f;stroke-dasharray:4 3}
.thin{opacity:.62}.hatch{stroke:#1f2328;stroke-width:2;opacity:.38}
.small{font-size:11px;fill:#32383f}.now{stroke:#0a0c10;stroke-width:2}.flag{fill:#0a0c10}
.on-flag{fill:#fff;font-size:11px;font-weight:600}
"""
_DARK = """
text{fill:#e6edf3}.paper{fill:#0d1117}.soft{fill:#9198a1}.track{fill:#161b22}.weekend{fill:#20262e}
.line{stroke:#30363d}.gap{fill:#da3633}.on-gap{fill:#fff}.meant{stroke:#6e7681}.hatch{stroke:#f0f6fc;opacity:.34}
.small{fill:#d1d7e0}.now{stroke:#f0f6fc}.flag{fill:#f0f6fc}.on-flag{fill:#0d1117}
"""


def picture(
    schedule: Schedule,
    first: datetime,
    weeks: int,
    now: datetime | None = None,
    overrides: Sequence[Override] = (),
) -> str:
    """An SVG of `weeks` calendar weeks from that of `first` on; a line stands at `now`, if it falls into them.

    The same arguments give the same text. Raises ValueError for times without a zone.
    """
    rows = weeks_from(first, weeks, schedule.timezone)
    lanes = lanes_of(schedule, rows[0].edges[0], rows[-1].edges[-1], overrides)
    hues = colours_of(schedule, overrides)
    return "\n".join(_Drawing(schedule, rows, lanes, hues, now).lines()) + "\n"


def colours_of(schedule: Schedule, overrides: Iterable[Override] = ()) -> dict[str, int]:
    """A number of `HUES` for everybody who is named: by the hash of the name, the next free one if that is taken.

    Names that come later take nothing from those before them, so an appended person changes nobody's colour. Last are
    those of `overrides` that lie over the file.
    """
    found: dict[str, int] = {}
    beside = (name for one in overrides for names in (one.who, one.with_, one.add) for name in names or ())
    for name in (*(name for _, name in named_people(schedule)), *beside):
        if name not in found:
            wanted = int.from_bytes(sha256(name.encode()).digest()[:4]) % len(HUES)
            ring = [(wanted + step) % len(HUES) for step in range(len(HUES))]
            found[name] = next((hue for hue in ring if hue not in found.values()), wanted)
    return found


class _Drawing:
    """One picture on its way: where things stand, and the elements of each part."""

    def __init__(
        self,
        schedule: Schedule,
        weeks: Sequence[Week],
        lanes: Sequence[Lane],
        hues: Mapping[str, int],
        now: datetime | None,
    ) -> None:
        self.schedule = schedule
        self.zone = ZoneInfo(schedule.timezone)
        self.weeks = weeks
        self.lanes = lanes
        self.now = now
        self.hues = hues
        self.tall = HEAD + sum(_height(lane) + BETWEEN for lane in lanes) + WEEK_GAP
        self.height = TOP + self.tall * len(weeks) + MARGIN

    def lines(self) -> Iterator[str]:
        first, last = self.weeks[0].days[0], self.weeks[-1].days[-1]
        about = f"Who is on call in {self.schedule.name}, {first} to {last}"
        size = f'viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" height="{self.height}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="about">'
        yield f'<title id="about">{_safe(about)}</title>'
        yield f"<style>{self._style()}</style>"
        yield (
            '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform='
            '"rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="8"/></pattern></defs>'
        )
        yield f'<rect class="paper" width="{WIDTH}" height="{self.height}" rx="8"/>'
        yield _text(MARGIN, 28, self.schedule.name, "title")
        yield _text(WIDTH - MARGIN, 28, f"{first:%-d %b} to {last:%-d %b %Y}, {self.schedule.timezone}", "soft", "end")
        yield from self._legend()
        for number, week in enumerate(self.weeks):
            yield from self._week(week, TOP + number * self.tall)
        yield "</svg>"

    def _style(self) -> str:
        used = sorted({self.hues[name] for lane in self.lanes for bar in lane.bars for name in bar.people})
        light = "".join(f".p{hue}{{fill:hsl({HUES[hue]} 72% 80%)}}" for hue in used)
        dark = "".join(f".p{hue}{{fill:hsl({HUES[hue]} 46% 30%)}}" for hue in used)
        return f"{_STYLE}{light}\n@media (prefers-color-scheme:dark){{{_DARK}{dark}}}\n"

    def _legend(self) -> Iterator[str]:
        """Nobody and overrides, if there are any; then who, with the hours of each, as far as they fit."""
        result = self.lanes[-1].bars
        empty = sum((bar.end - bar.start for bar in result if not bar.people), timedelta())
        entries = [("meant" if self.schedule.gaps == "ok" else "gap", f"nobody {_hours(empty)}")] if empty else []
        if any(bar.override for bar in result):
            entries.append(("track", "override"))
        entries += [(f"p{self.hues[name]}", f"{name} {_hours(length)}") for name, length in _loads(result).items()]
        at: float = MARGIN
        for kind, label in entries:
            place = f'x="{at:g}" y="40" width="16" height="12" rx="3"'
            wide = 38 + _GLYPH * len(label)
            if at + wide > WIDTH:
                return
            yield f'<rect class="{kind}" {place}/>'
            if label == "override":
                yield f'<rect fill="url(#hatch)" {place}/>'
            yield _text(at + 21, 50, label, "soft")
            at += wide

    def _week(self, week: Week, top: int) -> Iterator[str]:
        below = top + self.tall - WEEK_GAP - BETWEEN
        yield _text(MARGIN, top + 15, f"Week {week.days[0].isocalendar().week}", "strong")
        for number, day in enumerate(week.days):
            left = GUTTER + number * DAY_WIDTH
            kind = "weekend" if number > 4 else "track"
            place = f'x="{left}" y="{top + HEAD}" width="{DAY_WIDTH}" height="{below - top - HEAD}"'
            yield f'<rect class="{kind}" {place}/>'
            skipped = week.edges[number] == week.edges[number + 1]
            yield _text(left + 6, top + 15, f"{day:%a %-d %b}" + (" (skipped)" if skipped else ""), "soft")
        for number in range(8):
            left = GUTTER + number * DAY_WIDTH
            yield f'<line class="line" x1="{left}" y1="{top + 4}" x2="{left}" y2="{below}"/>'
        at = top + HEAD
        for lane in self.lanes:
            yield _text(MARGIN, at + _height(lane) / 2 + 4, _fitting(lane.name, GUTTER - 20), _said(lane))
            for bar in cut(lane.bars, week.edges[0], week.edges[-1]):
                yield from self._bar(week, bar, lane, at)
            at += _height(lane) + BETWEEN
        yield from self._now(week, top, below)

    def _bar(self, week: Week, bar: Bar, lane: Lane, top: int) -> Iterator[str]:
        begins = bar.start >= week.edges[0]
        left = _place(week, max(bar.start, week.edges[0])) + begins
        width = _place(week, min(bar.end, week.edges[-1])) - left
        is_result = lane.name == RESULT and lane is self.lanes[-1]
        if width <= 0 or not (bar.people or is_result):
            return
        tall = _height(lane)
        yield f'<g class="{"thick" if is_result else "thin"}"><title>{_safe(self._told(bar, lane))}</title>'
        yield from self._fill(bar, left, top, width, tall)
        if bar.override:
            yield f'<rect fill="url(#hatch)" x="{left:g}" y="{top}" width="{width:g}" height="{tall}" rx="3"/>'
        yield "</g>"
        yield from self._name(bar, begins, left, top + tall / 2 + 4, width, is_result)

    def _fill(self, bar: Bar, left: float, top: int, width: float, tall: int) -> Iterator[str]:
        """A bar of each of a group, one above the other."""
        kinds = [f"p{self.hues[name]}" for name in bar.people] or ["meant" if self.schedule.gaps == "ok" else "gap"]
        part = tall / len(kinds)
        for number, kind in enumerate(kinds):
            place = f'x="{left:g}" y="{top + number * part:g}" width="{width:g}" height="{part:g}"'
            yield f'<rect class="{kind}" {place} rx="3"/>'

    def _name(self, bar: Bar, begins: bool, left: float, base: float, width: float, is_result: bool) -> Iterator[str]:
        """As much as fits: who and since when, who, or two letters of them."""
        name, room = " + ".join(bar.people) or "nobody", width - 10
        red = not bar.people and self.schedule.gaps != "ok"
        kind = "on-gap" if red else "strong" if is_result else "small"
        since = f"{bar.start.astimezone(self.zone):%H:%M}" if begins and is_result else ""
        shown = _fitting(name, room)
        if shown == name and since and room > _GLYPH * (1.15 * len(name) + 6):
            time = f'<tspan class="{"on-gap" if red else "small"}" dx="6">{since}</tspan>'
            yield f'<text class="{kind}" x="{left + 6:g}" y="{base:g}">{_safe(shown)}{time}</text>'
        elif shown:
            yield _text(left + 6, base, shown, kind)

    def _told(self, bar: Bar, lane: Lane) -> str:
        since, until = (f"{edge.astimezone(self.zone):%a %-d %b %H:%M}" for edge in (bar.start, bar.end))
        why = f" (override{': ' + bar.why if bar.why else ''})" if bar.override else ""
        return f"{lane.name}: {' + '.join(bar.people) or 'nobody'}, {since} to {until}{why}"

    def _now(self, week: Week, top: int, below: int) -> Iterator[str]:
        if self.now is None or not week.edges[0] <= self.now < week.edges[-1]:
            return
        at = _place(week, self.now)
        label = f"now {self.now.astimezone(self.zone):%H:%M}"
        left = min(at - 1, GUTTER + 7 * DAY_WIDTH - 78)
        yield f'<line class="now" x1="{at:g}" y1="{top + HEAD - 4}" x2="{at:g}" y2="{below + 4}"/>'
        yield f'<rect class="flag" x="{left:g}" y="{below + 2}" width="78" height="16" rx="3"/>'
        yield _text(left + 6, below + 14, label, "on-flag")


def _place(week: Week, at: datetime) -> float:
    """Where `at` stands in a row. A day is as wide as any other, though it may have 23 hours."""
    for number in range(7):
        begin, end = week.edges[number], week.edges[number + 1]
        if at < end:
            return round(GUTTER + DAY_WIDTH * (number + max(at - begin, timedelta()) / (end - begin)), 1)
    return GUTTER + 7 * DAY_WIDTH


def _height(lane: Lane) -> int:
    return THICK if lane.name == RESULT else THIN


def _said(lane: Lane) -> str:
    return "strong" if lane.name == RESULT else "soft"


def _loads(bars: Iterable[Bar]) -> dict[str, timedelta]:
    loads: dict[str, timedelta] = {}
    for bar in bars:
        for name in bar.people:
            loads[name] = loads.get(name, timedelta()) + (bar.end - bar.start)
    return loads


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):.0f} h"


def _fitting(name: str, room: float) -> str:
    """The whole name, its beginning, two letters, or nothing in the room of so many pixels."""
    letters = int(room / _GLYPH)
    if len(name) <= letters:
        return name
    return f"{name[: letters - 1]}…" if letters >= 5 else name[:2] if letters >= 2 else ""


def _text(x: float, y: float, text: str, kind: str, anchor: str = "") -> str:
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{where}>{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(one_line(text))
