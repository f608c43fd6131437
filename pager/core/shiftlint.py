"""Lint of schedules: what they say and their writers hardly mean, from now on, each with the dates it comes to.

Every finding has a name that one schedule can switch off, best with the reason: `lint: {back-to-back: "we agreed"}`.
Names that nobody has and two versions with one `from` are errors and found elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from pager.core.drift import drifting
from pager.core.duration import format_duration
from pager.core.findings import Finding, Part
from pager.core.lint import gaps
from pager.core.schedule import Schedule
from pager.core.turnlint import Look, Told, back_to_back, lost, starved, too_often
from pager.core.wall import minute_of

CODES: Mapping[str, str] = {
    "gaps": "W310",
    "never-reached": "W311",
    "away-unused": "W312",
    "override-hidden": "W313",
    "override-away": "W314",
    "back-to-back": "W315",
    "drift": "W316",
    "no-turn": "W317",
    "too-often": "W318",
    "lost-turn": "W319",
}
"""The names that can be switched off, and their codes."""

_MOST_HOLES = 4


def lint_schedules(parts: Sequence[Part], now: datetime) -> list[Finding]:
    """The findings of all schedules from `now` on: what is over is left alone. All are warnings but a switch for a
    finding that there is not.
    """
    found = gaps(parts, now)
    for part in parts:
        if isinstance(part.content, Schedule):
            found += [*_unknown(part, part.content), *_warnings(part, part.content, minute_of(now))]
    return found


def _unknown(part: Part, schedule: Schedule) -> Iterator[Finding]:
    for name in schedule.lint:
        if name not in CODES:
            said = f'no lint is called "{name}"'
            yield part.error(("lint", name), "E113", said, at_key=True, word=name, known=tuple(CODES))


def _warnings(part: Part, schedule: Schedule, now: int) -> Iterator[Finding]:
    look = Look(schedule, now)
    for check in (_unreached, _unused, _hidden, _named_away, back_to_back, _drift, starved, too_often, lost):
        for name, path, said in check(look):
            if name not in schedule.lint:
                yield part.warning(path, CODES[name], f"{said} [{name}]")


def _unreached(look: Look) -> Told:
    """Versions that never take over; not those that are history."""
    for layer in look.layers:
        zone, versions = layer.stack.zone, layer.written.rotation
        reached = {version.counts_from for _, _, version in layer.stack.spans}
        for at, version in enumerate(versions):
            later = [other.from_.instant(zone) for other in versions[at + 1 :]]
            if version.from_.wall(zone) not in reached and max([version.from_.instant(zone), *later[:1]]) > look.now:
                why = (
                    "the next takes over at the same hand-off" if later else "the layer ends before its first hand-off"
                )
                yield "never-reached", (*layer.path, "rotation", at), f"this version is never reached: {why}"


def _unused(look: Look) -> Told:
    """Absences that change nothing: of somebody who has no turns then, or within another of the same person."""
    spans, written = look.plan.away_spans, look.schedule.away
    listed = [(start, end, version.roster.places) for one in look.layers for start, end, version in one.stack.spans]
    for at, (away, (start, end)) in enumerate(zip(written, spans, strict=True)):
        if end <= look.now:
            continue
        if not any(away.who in names and first < end and start < last for first, last, names in listed):
            yield "away-unused", ("away", at), f"{away.who} takes no turns here {look.said(start, end)}"
        else:
            around = [
                n for n, other in enumerate(written) if n != at and other.who == away.who and _within(look, at, n)
            ]
            if around:
                yield "away-unused", ("away", at), f"{away.who} is away already {look.said(*spans[around[0]])}"


def _within(look: Look, at: int, other: int) -> bool:
    """Whether absence number `at` adds nothing to number `other` of the same person; of two equal ones the later."""
    (start, end), (first, last) = look.plan.away_spans[at], look.plan.away_spans[other]
    covers = look.schedule.away[at].cover in (None, look.schedule.away[other].cover)
    return covers and first <= start and end <= last and ((first, last) != (start, end) or other < at)


def _hidden(look: Look) -> Told:
    """Overrides of which nothing is left, because later ones say who is on call all the while."""
    spans = list(enumerate(look.plan.override_spans))
    says_who = {at for at, override in enumerate(look.schedule.overrides) if override.who is not None}
    for at, (start, end) in spans:
        left = max(start, look.now)
        if end <= left:
            continue
        for first, last in sorted(span for n, span in spans[at + 1 :] if n in says_who and span[1] > left):
            left = max(left, last) if first <= left else left
        if left >= end:
            yield "override-hidden", ("overrides", at), f"later overrides hide all of it, {look.said(start, end)}"


def _named_away(look: Look) -> Told:
    """Overrides that put somebody on call who is away then."""
    absent: dict[str, list[tuple[int, int]]] = {}
    for away, span in zip(look.schedule.away, look.plan.away_spans, strict=True):
        absent.setdefault(away.who, []).append(span)
    for at, (override, (start, end)) in enumerate(zip(look.schedule.overrides, look.plan.override_spans, strict=True)):
        for name in (*(override.who or ()), *(override.with_ or ()), *(override.add or ())):
            spans = [span for span in absent.get(name, ()) if max(span[0], start, look.now) < min(span[1], end)]
            if spans:
                yield "override-away", ("overrides", at), f"{name} is away {look.said(*spans[0])}"


def _drift(look: Look) -> Told:
    """Regions whose hours meet for a part of the year only."""
    told: dict[int, list[str]] = {}
    for hole in drifting(look.plan.stacks, look.now, look.end):
        length = format_duration(timedelta(minutes=hole.length))
        told.setdefault(hole.layer, []).append(f"{length} {look.said(hole.first, hole.last)}")
    for number, holes in told.items():
        layer = look.layers[number]
        more = f" and {len(holes) - _MOST_HOLES} times more" if len(holes) > _MOST_HOLES else ""
        when = "; ".join(holes[:_MOST_HOLES]) + more
        said = f'nobody\'s hours follow those of "{layer.written.name}" while clocks differ: {when}'
        yield "drift", (*layer.path, "hours"), said
