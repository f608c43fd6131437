"""What holds for every alert, rule, matcher, code and duration."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.alert import Alert
from pager.core.classify import classify
from pager.core.code import ALPHABET, code_of, number_of
from pager.core.duration import format_duration, parse_duration
from pager.core.matcher import all_match, parse_matcher
from pager.core.merge import AlertState, merge
from pager.core.rulefile import RuleFile
from tests.core.catalogs import NOON, rules, world

# Alerts.
from tests.support import covers

minutes = st.integers(0, 90).map(lambda m: timedelta(minutes=m))
reports = st.builds(
    lambda status, starts, ends, text: Alert(
        "prom", status, {"alertname": "Down"}, NOON + starts, {"summary": text}, NOON + ends if ends else None
    ),
    st.sampled_from(["firing", "resolved"]),
    minutes,
    st.none() | minutes,
    st.sampled_from(["", "worse"]),
)
histories = st.lists(st.tuples(minutes, reports), max_size=12)


def known_after(history: list[tuple[timedelta, Alert]]) -> tuple[AlertState | None, timedelta]:
    known, now = None, timedelta()
    for wait, one in history:
        now += wait
        known, _ = merge(known, one, NOON + now)
    return known, now


@given(histories, reports)
@covers("R3")
def test_a_report_told_twice_is_a_report_told_once(history: list[tuple[timedelta, Alert]], one: Alert) -> None:
    known, now = known_after(history)
    once, _ = merge(known, one, NOON + now)
    twice, change = merge(once, one, NOON + now)

    assert twice == once
    assert change in ("repeat", "old")


@given(histories, reports)
@covers("R3")
def test_the_last_accepted_report_wins(history: list[tuple[timedelta, Alert]], one: Alert) -> None:
    known, now = known_after(history)
    after, change = merge(known, one, NOON + now)

    assert after.status == (one.status if change != "old" else "firing")


@given(histories, reports)
@covers("R3")
def test_only_an_end_before_the_start_is_old_news(history: list[tuple[timedelta, Alert]], one: Alert) -> None:
    known, now = known_after(history)
    after, change = merge(known, one, NOON + now)
    ended_before = known is not None and one.ends_at is not None and one.ends_at < known.starts_at

    if change == "old":
        assert (after, one.status, ended_before) == (known, "resolved", True)
    elif known is not None and known.status == "firing" and one.status == "resolved":
        assert not ended_before


@given(histories)
@covers("R3")
def test_firing_resolved_firing_with_one_start_stays_firing(history: list[tuple[timedelta, Alert]]) -> None:
    """An Alertmanager behind two Prometheus servers says so within seconds."""
    known, now = known_after(history)
    fires = Alert("prom", "firing", {"alertname": "Down"}, NOON)
    ends = Alert("prom", "resolved", {"alertname": "Down"}, NOON, ends_at=NOON + now)
    for one in (fires, ends, fires):
        known, _ = merge(known, one, NOON + now)

    assert known is not None and known.counts_as_firing and known.status == "firing"


@given(histories)
@covers("R23")
def test_what_flaps_counts_as_firing_and_knows_when_it_settles(history: list[tuple[timedelta, Alert]]) -> None:
    known, _ = known_after(history)
    if known is not None:
        assert known.flapping is (known.settles_at is not None)
        assert known.counts_as_firing or known.status == "resolved"
        assert len(known.firings) <= 3


# Codes.


@given(st.integers(1, 34_000_000))
@covers("R28")
def test_a_code_is_a_number_and_a_number_is_a_code(number: int) -> None:
    code = code_of(number)

    assert number_of(code) == number == number_of(f" #{code.lower()} ")
    assert set(code) <= set(ALPHABET)
    assert len(code) == (3 if number <= 32_768 else 4 if number <= 32_768 + 32**4 else 5)


@covers("R28")
def test_the_first_codes_are_all_different() -> None:
    assert len({code_of(number) for number in range(1, 32_770)}) == 32_769


def test_codes_of_neighbours_do_not_look_alike() -> None:
    pairs = [(code_of(number), code_of(number + 1)) for number in range(1, 2000)]

    assert all(sum(a != b for a, b in zip(one, two, strict=True)) >= 2 for one, two in pairs)


@pytest.mark.parametrize("written", ["", "7K", "7KO", "7K0", "l1I", "7 KQ", "A" * 10, "💥💥💥"])
def test_what_is_no_code(written: str) -> None:
    assert number_of(written) is None


def test_numbers_count_from_one() -> None:
    with pytest.raises(ValueError, match="count from 1"):
        code_of(0)


# Durations.


@given(
    st.timedeltas(timedelta(), timedelta(days=3650)).map(lambda t: t - timedelta(microseconds=t.microseconds % 1000))
)
def test_a_duration_is_read_as_it_was_written(length: timedelta) -> None:
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("1h30m", timedelta(minutes=90)),
        ("5d", timedelta(days=5)),
        ("2w", timedelta(days=14)),
        ("1500ms", timedelta(seconds=1.5)),
        ("0s", timedelta()),
    ],
)
def test_durations(written: str, length: timedelta) -> None:
    assert parse_duration(written) == length


@pytest.mark.parametrize("written", ["", "5", "5 min", "m5", "-5m", "1.5h", "1y", "99999d", 5, None, "5m ", "٥m"])
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match=r"not a duration|too long"):
        parse_duration(written)


# Matchers.

letters = st.text('abc.-_ "\\n\n=~é', max_size=6)
labels_of = st.dictionaries(st.sampled_from(["a", "b", "long name", "k8s.io/x"]), letters, max_size=4)
patterns = st.lists(st.sampled_from(["a", "b", ".", ".*", "b+", "c?", "[ab]", "(?:a|bc)", r"\.", "|", "é"]), max_size=5)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.sampled_from(["a", "b", "long name"]), st.sampled_from(["=", "!="]), letters, labels_of)
@covers("R6")
def test_equality_is_that_of_alertmanager(label: str, operator: str, value: str, labels: dict[str, str]) -> None:
    matcher = parse_matcher(f"{quoted(label)} {operator} {quoted(value)}")

    assert matcher.matches(labels) is ((labels.get(label, "") == value) is (operator == "="))


@given(st.sampled_from(["=~", "!~"]), patterns.map("".join), letters)
def test_expressions_are_anchored(operator: str, pattern: str, value: str) -> None:
    matcher = parse_matcher(f"a {operator} {quoted(pattern)}")

    assert matcher.matches({"a": value}) is (bool(re.fullmatch(pattern, value, re.DOTALL)) is (operator == "=~"))


@given(st.sampled_from(["a", "long name", "k8s.io/x", "é"]), st.sampled_from(["=", "!=", "=~", "!~"]), letters)
def test_a_matcher_is_read_as_it_is_printed(label: str, operator: str, value: str) -> None:
    matcher = parse_matcher(f"{quoted(label)} {operator} {quoted(re.escape(value) if '~' in operator else value)}")

    assert parse_matcher(str(matcher)) == matcher


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_numbers_are_compared_as_numbers(have: float, bound: float) -> None:
    told = {sign: parse_matcher(f"a {sign} {bound!r}").matches({"a": repr(have)}) for sign in (">=", "<=", ">", "<")}

    assert told == {">=": have >= bound, "<=": have <= bound, ">": have > bound, "<": have < bound}


# Rules.

conditions = st.lists(
    st.builds("{} {} {}".format, st.sampled_from("abc"), st.sampled_from(["=", "!=", "=~"]), st.sampled_from("xyz")),
    max_size=3,
)
written_rules = st.builds(
    lambda match, severity: {"match": match, "severity": severity},
    conditions,
    st.sampled_from(["SEV-1", "SEV-2", "SEV-3", "SEV-4", "SEV-5"]),
)
some_labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))


def file_of(name: str, written: list[dict[str, Any]]) -> RuleFile:
    return rules(name, *written)


@given(st.lists(written_rules, max_size=12), some_labels)
def test_the_index_finds_what_reading_from_the_top_finds(written: list[dict[str, Any]], labels: dict[str, str]) -> None:
    file = file_of("a", written)

    assert file.index.first(labels) == next((one for one in file.rules if all_match(one.rule.match, labels)), None)


@given(st.lists(st.lists(written_rules, max_size=4), min_size=1, max_size=4), some_labels, st.randoms())
@covers("R5")
def test_the_worst_opinion_wins_in_whatever_order_files_are_read(
    written: list[list[dict[str, Any]]], labels: dict[str, str], random: Any
) -> None:
    files = [file_of(f"{number}.yaml", one) for number, one in enumerate(written)]
    alert = Alert("prom", "firing", labels, NOON)
    told = classify(alert, world(rules=tuple(files)))
    shuffled = random.sample(files, len(files))
    firsts = [first for file in files if (first := file.index.first(labels)) is not None]
    expected = min(firsts, key=lambda one: str(one.rule.severity), default=None)

    assert classify(alert, world(rules=tuple(shuffled))) == told
    assert told.place == (expected.place if expected else "")
    assert len(told.losers) == max(0, len(firsts) - 1)
