"""Silences: stretches of time in which matching alerts page nobody; maintenance by hand and the pause are some, too."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from pager.core.duration import format_duration
from pager.core.matcher import Matcher, all_match

Kind = Literal["silence", "maintenance", "pause"]
LONGEST: Mapping[Kind, timedelta] = {
    "silence": timedelta(days=31),
    "maintenance": timedelta(days=31),
    "pause": timedelta(hours=24),
}
LONGEST_LINE, MOST_LINES = 200, 12
_INSTEAD: Mapping[Kind, str] = {
    "silence": "change the rule for what is to last",
    "maintenance": "write it into rules/ for what comes again",
    "pause": "start it again if it has to go on",
}
# No words that anybody would look for: whoever matches all of these matches everything.
_ANYTHING = ("0", "a", "Q7-x", "some other words", "".join(map(chr, range(32, 127))))


class Wanted(Struct, frozen=True):
    """What somebody asks for. `matchers` are empty for a pause, which holds everything; `name` is a maintenance's."""

    kind: Kind
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    by: str
    why: str
    name: str = ""


class Silence(Struct, frozen=True):
    """A silence as it is kept; `expired_at` is when somebody ended it early."""

    id: int
    wanted: Wanted
    created_at: datetime
    expired_at: datetime | None = None
    expired_by: str = ""

    @property
    def ends_at(self) -> datetime:
        """When it ends, or ended."""
        return self.wanted.ends_at if self.expired_at is None else min(self.wanted.ends_at, self.expired_at)

    def state(self, now: datetime) -> Literal["pending", "active", "expired"]:
        """As Alertmanager calls it; one that ends at `now` has ended."""
        if self.ends_at <= now:
            return "expired"
        return "active" if self.wanted.starts_at <= now else "pending"

    def hides(self, labels: Mapping[str, str]) -> bool:
        """Whether it is about an alert with these labels, `source` among them; at any time."""
        return all_match(self.wanted.matchers, labels)

    @property
    def title(self) -> str:
        """What a timeline calls it: `3 by ana: deploy`, `new rack (4 by ana)`. There is one pause: `by ana: move`."""
        if self.wanted.name:
            return f"{self.wanted.name} ({self.id} by {self.wanted.by})"
        number = "" if self.wanted.kind == "pause" else f"{self.id} "
        return f"{number}by {self.wanted.by}: {self.wanted.why}"[:200]


def check(wanted: Wanted, now: datetime) -> None:
    """Raises ValueError, in words, for what would hide everything, has no end, or nobody to ask about it."""
    if not wanted.by.strip():
        raise ValueError("who makes it? write by: ana")
    if not wanted.why.strip():
        raise ValueError("why? whoever finds it at night will ask: write a reason")
    if wanted.ends_at <= wanted.starts_at:
        raise ValueError("it ends before it starts")
    if wanted.ends_at <= now:
        raise ValueError("it is over already")
    longest = LONGEST[wanted.kind]
    if wanted.ends_at - wanted.starts_at > longest:
        raise ValueError(f"a {wanted.kind} lasts {format_duration(longest)} at most: {_INSTEAD[wanted.kind]}")
    if wanted.kind != "pause":
        check_matchers(wanted.matchers)


def matchers_for(alerts: Sequence[Mapping[str, str]]) -> list[str]:
    """What a silence of these alerts and their like would say: the labels that all of them have, the name first.

    One line each. What no line can hold is left out: the rest hides more, never less.
    """
    first, *others = alerts or [{}]
    shared = {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}
    ordered = sorted(shared.items(), key=lambda label: (label[0] != "alertname", label[0]))
    said = [str(Matcher(name, "=", value, bool)) for name, value in ordered if value]
    return [line for line in said if len(line.splitlines()) == 1 and len(line) <= LONGEST_LINE][:MOST_LINES]


def check_matchers(matchers: Sequence[Matcher]) -> None:
    """Raises ValueError unless one of them asks for something: all the others may be wildcards."""
    if not matchers:
        raise ValueError("nothing to match: write a matcher such as alertname = CheckoutDown")
    if all(is_wildcard(matcher) for matcher in matchers):
        said = ", ".join(map(str, matchers))
        raise ValueError(f"hides everything: {said}; write one that names something: alertname = CheckoutDown")


def is_wildcard(matcher: Matcher) -> bool:
    """Whether alerts without the label fulfil it, as with `env != prod`, or any value does, as with `env =~ ".+"`."""
    return matcher.test("") or all(map(matcher.test, _ANYTHING))
