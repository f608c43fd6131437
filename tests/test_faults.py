"""Each fault and threat that was promised to stay away has a test, and the table of them is true."""

from tests.faults import TABLE, WANTED, covered, written


def test_each_fault_and_threat_has_its_test() -> None:
    known = covered()

    assert [wanted for wanted in WANTED if wanted not in known] == []


def test_the_table_says_what_the_marks_say() -> None:
    assert TABLE.read_text(encoding="utf-8") == written(), "run: python -m tests.faults"
