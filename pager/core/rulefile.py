"""One file of rules, found by their equalities, so that ten thousand rules cost what a few cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import merge

from msgspec import Struct

from pager.core.rule import Rule


class PlacedRule(Struct, frozen=True):
    """A rule and where it stands: `rules/payments.yaml:12`."""

    rule: Rule
    place: str


_Tests = tuple[tuple[str, Callable[[str], bool]], ...]
_Candidate = tuple[int, _Tests]
"""A rule's number, and what is left to test of it: cheap and rare things were looked up."""


class Index:
    """Rules by all their equalities at once: one look for each set of labels that some rules compare.

    Rules without an equality compare no label, and are always tried.
    """

    def __init__(self, rules: tuple[PlacedRule, ...]) -> None:
        self._rules = rules
        self._by_labels: dict[tuple[str, ...], dict[tuple[str, ...], list[_Candidate]]] = {}
        for number, placed in enumerate(rules):
            wanted, tests = _split(placed)
            values = self._by_labels.setdefault(tuple(wanted), {})
            values.setdefault(tuple(wanted.values()), []).append((number, tests))

    def first(self, labels: Mapping[str, str]) -> PlacedRule | None:
        """The first rule in file order that matches, or None."""
        get = labels.get
        found = []
        for names, by_values in self._by_labels.items():
            candidates = by_values.get(tuple([get(name, "") for name in names]))
            if candidates is not None:
                found.append(candidates)
        for number, tests in found[0] if len(found) == 1 else merge(*found):
            for label, test in tests:
                if not test(get(label, "")):
                    break
            else:
                return self._rules[number]
        return None


def _split(placed: PlacedRule) -> tuple[dict[str, str], _Tests]:
    """The values that a rule asks for, by label in alphabetical order, and its other matchers."""
    wanted: dict[str, str] = {}
    tests = []
    for matcher in sorted(placed.rule.match, key=lambda matcher: matcher.label):
        if matcher.operator == "=" and wanted.setdefault(matcher.label, matcher.value) == matcher.value:
            continue
        tests.append((matcher.label, matcher.test))
    return wanted, tuple(tests)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file's opinion, its rules in order. Its top-level `match` is already part of each rule."""

    file: str
    rules: tuple[PlacedRule, ...]
    index: Index = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", Index(self.rules))
