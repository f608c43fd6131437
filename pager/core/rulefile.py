"""One file of rules, found by their rarest equality, so that ten thousand rules cost what a few cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pager.core.matcher import all_match
from pager.core.rule import Rule


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule and where it stands: `rules/payments.yaml:12`."""

    rule: Rule
    place: str


class Index:
    """Rule numbers by one equality each, the one that the fewest rules share; rules without one are always tried."""

    def __init__(self, rules: tuple[PlacedRule, ...]) -> None:
        self._rules = rules
        self._by_value: dict[str, dict[str, list[int]]] = {}
        self._rest: list[int] = []
        common = Counter(pair for placed in rules for pair in _equalities(placed))
        for number, placed in enumerate(rules):
            pairs = sorted(_equalities(placed), key=lambda pair: common[pair])
            if pairs:
                label, value = pairs[0]
                self._by_value.setdefault(label, {}).setdefault(value, []).append(number)
            else:
                self._rest.append(number)

    def first(self, labels: Mapping[str, str]) -> PlacedRule | None:
        """The first rule in file order that matches, or None."""
        candidates = list(self._rest)
        for label, values in self._by_value.items():
            candidates += values.get(labels.get(label, ""), ())
        candidates.sort()
        for number in candidates:
            if all_match(self._rules[number].rule.match, labels):
                return self._rules[number]
        return None


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file's opinion, its rules in order. Its top-level `match` is already part of each rule."""

    file: str
    rules: tuple[PlacedRule, ...]
    index: Index = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", Index(self.rules))


def _equalities(placed: PlacedRule) -> list[tuple[str, str]]:
    return [(matcher.label, matcher.value) for matcher in placed.rule.match if matcher.operator == "="]
