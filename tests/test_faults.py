"""Each fault and threat that was promised to stay away has a test, and so has each rule; the table of them is true."""

import re

from tests.faults import NOT_BUILT, RULES, TABLE, WANTED, covered, written


def test_each_fault_and_threat_has_its_test() -> None:
    known = covered()

    assert [wanted for wanted in WANTED if wanted not in known] == []


def test_each_rule_of_the_lifecycle_has_its_test() -> None:
    known = covered()
    rules = {mark for mark in known if re.fullmatch(r"R[0-9]+", mark)}

    assert [*RULES] == [f"R{number}" for number in range(1, 44)]
    assert [rule for rule in RULES if rule not in known] == []
    assert rules | NOT_BUILT.keys() <= RULES.keys(), "a mark that names no rule"


def test_the_table_says_what_the_marks_say() -> None:
    assert TABLE.read_text(encoding="utf-8") == written(), "run: python -m tests.faults"
