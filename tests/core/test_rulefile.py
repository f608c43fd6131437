"""The index of a file's rules, and the patterns that need no RE2: faster, and never of another opinion."""

import re2
from hypothesis import example, given
from hypothesis import strategies as st

from pager.core.matcher import Matcher, all_match, parse_matcher
from pager.core.rule import Rule
from pager.core.rulefile import PlacedRule, RuleFile

LABELS = ("team", "env", "name")
VALUES = ("", "a", "b", "ab", "prod-eu")
matchers = st.builds(
    lambda label, operator, value: parse_matcher(f'{label} {operator} "{value}"'),
    st.sampled_from(LABELS),
    st.sampled_from(["=", "=", "=", "!=", "=~", "!~"]),
    st.sampled_from(["a", "b", "ab", "a.*", "prod-(eu|us)", "(?:a|prod-.*)", ".+"]),
)
labels = st.dictionaries(st.sampled_from(LABELS), st.sampled_from(VALUES))


@given(st.lists(st.lists(matchers, max_size=3), max_size=12), labels)
def test_the_index_finds_what_a_scan_from_the_top_finds(written: list[list[Matcher]], of: dict[str, str]) -> None:
    rules = tuple(
        PlacedRule(Rule(name=str(number), match=tuple(match)), f"a.yaml:{number}")
        for number, match in enumerate(written)
    )
    scanned = next((placed for placed in rules if all_match(placed.rule.match, of)), None)

    assert RuleFile("a.yaml", rules).index.first(of) is scanned


words = st.sampled_from(
    ["a", "ab", "billing-", "x/y: z", ".*", ".+", "a.*", "billing-.+", "", ".", "a.b", r"\d+", "(b|c)"]
)
patterns = st.tuples(st.sampled_from(["", "(", "(?:"]), st.lists(words, min_size=1, max_size=4)).map(
    lambda made: made[0] + "|".join(made[1]) + (")" if made[0] else "")
)


@given(patterns, st.text(alphabet="ab-ilng/xyz: \n.1", max_size=12))
@example("(?:payments|billing-.*)", "billing-")
@example("a.+", "a")
@example("(a)|(b)", "b")
@example("a.*", "a\nb")
def test_a_pattern_means_what_it_means_to_re2(pattern: str, text: str) -> None:
    options = re2.Options()
    options.dot_nl = True
    known = re2.compile(f"^(?:{pattern})$", options).match(text) is not None

    assert parse_matcher(f'x =~ "{pattern}"').matches({"x": text}) is known
