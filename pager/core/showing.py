"""Showing: what came of a scenario, in the words in which it is expected, and where the two differ."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.catalog import CHANNEL, Catalog
from pager.core.incident import Incident
from pager.core.scenario import Expect, Paged, Told

NOBODY_YET = "no incident"
FORMER = "former acker"
"""No target of the files: it is shown as the person."""


class Issued(Struct, frozen=True):
    """A page as it went out at `at`: `target` as the files write it."""

    at: datetime
    to: str
    target: str
    why: str
    kind: str


class Happened(Struct, frozen=True):
    """One line of a timeline."""

    after: timedelta
    text: str
    by: str = ""


class Story(Struct, frozen=True):
    """One incident at the end: how it stands, what ever held it, whom it paged and told, and what happened.

    `steps` are those of its policy in which somebody was paged, from 1; one past the last is `then`.
    """

    incident: Incident
    held: tuple[str, ...] = ()
    pages: tuple[Paged, ...] = ()
    told: tuple[Told, ...] = ()
    timeline: tuple[Happened, ...] = ()
    steps: frozenset[int] = frozenset()


class Miss(Struct, frozen=True):
    """One thing that came out otherwise: what was expected and what was got, in the same order and shape."""

    what: str
    expected: tuple[str, ...]
    got: tuple[str, ...]


def shown(page: Issued, catalog: Catalog) -> str:
    """A schedule as the person on call, roles and other targets as written, a ticket as its channel."""
    if page.kind == "ticket" or page.to.startswith(CHANNEL):
        return page.to
    by_name = page.target in catalog.schedules or page.target == FORMER
    return page.to if by_name and not page.why.startswith("role ") else page.target or page.to


def lines_of(pages: Iterable[Issued], catalog: Catalog, start: datetime) -> tuple[Paged, ...]:
    """The pages of one incident, in order, as `pages:` lists them.

    Whoever was paged at that instant already adds no line: a target all of whose people were is not listed.
    """
    found: dict[tuple[datetime, str], Paged] = {}
    reached: set[tuple[datetime, str]] = set()
    for page in pages:
        if (page.at, page.to) not in reached:
            reached.add((page.at, page.to))
            to = shown(page, catalog)
            found.setdefault((page.at, to), Paged(page.at - start, to))
    return tuple(found.values())


def misses(expect: Expect, stories: Sequence[Story], label: str = "") -> Iterator[Miss]:
    """Where `stories`, in order of opening, are not as expected. What one incident is asked for is the newest open."""
    newest = next((story for story in reversed(stories) if story.incident.is_open), stories[-1] if stories else None)
    for what, got in _FACTS.items():
        wanted = getattr(expect, what)
        found = got(newest) if newest is not None else NOBODY_YET
        if wanted is not None and wanted != found:
            yield Miss(label + what, (wanted,), (found,))
    if expect.held is not None:
        yield from _held(expect.held, newest, label)
    if expect.pages is not None:
        got_pages = [page for story in stories for page in story.pages]
        yield from _lists(f"{label}pages", _as_tickets(expect.pages, got_pages), got_pages)
    if expect.told is not None:
        got_told = [told for story in stories for told in story.told]
        yield from _lists(f"{label}told", _as_told(expect.told, got_told), got_told)
    if expect.incidents is not None:
        yield from _incidents(expect.incidents, stories, label)


_FACTS: Mapping[str, Callable[[Story], str]] = {
    "severity": lambda story: story.incident.severity,
    "rule": lambda story: story.incident.rule,
    "policy": lambda story: story.incident.policy,
    "runbook": lambda story: story.incident.runbook,
    "state": lambda story: story.incident.state,
}


def _held(wanted: str, story: Story | None, label: str) -> Iterator[Miss]:
    """Held for that reason at some time; `none`: never."""
    held = story.held if story is not None else ()
    if wanted not in (held or ("none",)):
        yield Miss(f"{label}held", (wanted,), (" and ".join(held) or "none",))


def _incidents(wanted: Sequence[Expect], stories: Sequence[Story], label: str) -> Iterator[Miss]:
    if len(wanted) != len(stories):
        titles = tuple(f"{story.incident.severity} {story.incident.title}" for story in stories)
        yield Miss(f"{label}incidents", (str(len(wanted)),), (f"{len(stories)}: {', '.join(titles)}",))
    for number, (expect, story) in enumerate(zip(wanted, stories, strict=False), 1):
        yield from misses(expect, [story], f"{label}incident {number}: ")


def _as_tickets(wanted: Iterable[Paged], got: Iterable[Paged]) -> list[Paged]:
    """A ticket may be written as its channel with or without `channel:`."""
    known = set(got)
    return [
        channel if page not in known and (channel := Paged(page.after, CHANNEL + page.to)) in known else page
        for page in wanted
    ]


def _as_told(wanted: Iterable[Told], got: Iterable[Told]) -> list[Told]:
    """What is expected without a reason is whatever they are told then, each once."""
    left = Counter(got)
    left.subtract(told for told in wanted if told.why)
    meant = []
    for told in wanted:
        fits = (one for one in left if left[one] > 0 and (one.after, one.to) == (told.after, told.to))
        found = told if told.why else next(fits, told)
        left[found] -= not told.why
        meant.append(found)
    return meant


def _lists(what: str, wanted: Sequence[Paged | Told], got: Sequence[Paged | Told]) -> Iterator[Miss]:
    """Side by side: the order inside an instant does not matter."""
    missing, more = Counter(wanted) - Counter(got), Counter(got) - Counter(wanted)
    if not missing and not more:
        return
    expected, found = [], []
    for line in sorted([*(Counter(wanted) | Counter(got)).elements()], key=lambda one: (one.after, str(one))):
        is_missing, is_more = missing[line] > 0, more[line] > 0
        missing[line] -= is_missing
        more[line] -= is_more
        expected.append("" if is_more else str(line))
        found.append("" if is_missing else str(line))
    yield Miss(what, tuple(expected), tuple(found))
