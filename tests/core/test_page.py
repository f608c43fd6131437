"""Rule 29: which contacts of a person are tried when, and when the person counts as not reached."""

import pytest

from pager.core.duration import format_duration
from pager.core.outcome import Outcome, Reason
from pager.core.page import (
    Plan,
    begun,
    due_contacts,
    ended,
    failure_words,
    in_trouble,
    is_reached,
    is_unreached,
    lost,
    next_due,
    plan_notice,
    plan_page,
    refresh,
)
from pager.core.people import Via
from tests.core.catalogs import NOON, at, person
from tests.support import covers

CONTACTS = {"push": "ntfys://example.org/a", "call": "json://example.org/b", "mail": "json://example.org/c"}
OK, FAILED, WRONG = Outcome(Reason.delivered), Outcome(Reason.server), Outcome(Reason.not_found)


def due(plan: Plan) -> dict[str, str]:
    """When each contact is tried by itself, in order."""
    return {one.name: format_duration(one.due_at - NOON) for one in plan if one.due_at is not None}


def attempt(plan: Plan, name: str, outcome: Outcome, after: str = "5s") -> Plan:
    return ended(begun(plan, name), name, outcome, at(after), 0.0)


@pytest.mark.parametrize(
    ("notify", "level", "times"),
    [
        pytest.param({}, "SEV-2", {"push": "0m", "call": "0m", "mail": "0m"}, id="nothing written: all at once"),
        pytest.param(
            {"default": ["push", "mail"]}, "SEV-2", {"push": "0m", "mail": "0m"}, id="a list goes out at once"
        ),
        pytest.param(
            {"default": ["push", {"via": "call", "after": "1m"}]},
            "SEV-2",
            {"push": "0m", "call": "1m"},
            id="after: later",
        ),
        pytest.param({"SEV-1": ["call"], "default": ["mail"]}, "SEV-1", {"call": "0m"}, id="its own level first"),
        pytest.param({"SEV-1": ["call"], "default": ["mail"]}, "SEV-3", {"mail": "0m"}, id="else the default"),
        pytest.param({"default": ["push", {"via": "push", "after": "5m"}]}, "SEV-3", {"push": "0m"}, id="named twice"),
    ],
)
@covers("R29")
def test_plan(notify: dict[str, object], level: str, times: dict[str, str]) -> None:
    ana = person("ana", contacts=CONTACTS, notify=notify)
    plan = plan_page(ana.ways(level), ana.contacts, NOON)  # type: ignore[arg-type]

    assert due(plan) == times
    assert {one.name for one in plan} == set(CONTACTS), "the others stand in reserve"


def test_a_notice_uses_what_is_used_at_once() -> None:
    ways = [Via(via="push"), Via.model_validate({"via": "call", "after": "1m"})]

    assert due(plan_notice(ways, CONTACTS, NOON)) == {"push": "0m"}
    assert due(plan_notice(ways[1:], CONTACTS, NOON)) == {"call": "0m"}, "or the first there is"


PLAN = plan_page([Via(via="push"), Via.model_validate({"via": "call", "after": "1m"})], CONTACTS, NOON)


@covers("R29")
def test_a_failed_contact_is_tried_again_and_the_next_unused_one_goes_now() -> None:
    once = attempt(PLAN, "push", FAILED)
    assert due(once)["call"] == "5s" and next_due(once) == at("5s") < once[0].due_at  # type: ignore[operator]

    twice = attempt(once, "call", FAILED, "6s")
    assert list(due(twice)) == ["push", "call", "mail"]
    assert due(twice)["mail"] == "6s", "then the remaining"


def test_what_cannot_work_is_not_tried_again() -> None:
    assert due(attempt(PLAN, "push", WRONG)) == {"call": "5s"}


def test_a_delivered_page_still_goes_to_the_later_contact() -> None:
    plan = attempt(PLAN, "push", OK)

    assert (due(plan), is_reached(plan), is_unreached(plan)) == ({"call": "1m"}, True, False)


@pytest.mark.parametrize(
    ("tried", "unreached"),
    [
        pytest.param([], False, id="nothing was tried"),
        pytest.param([("push", FAILED)], False, id="one failed"),
        pytest.param([("push", FAILED), ("call", FAILED), ("mail", WRONG)], True, id="all failed once"),
        pytest.param([("push", FAILED), ("call", FAILED), ("mail", OK)], False, id="the last one took it"),
        pytest.param(
            [("push", FAILED), ("call", WRONG), ("mail", FAILED), ("push", OK)], False, id="a second try took it"
        ),
    ],
)
@covers("R29")
def test_who_counts_as_not_reached(tried: list[tuple[str, Outcome]], unreached: bool) -> None:
    plan = PLAN
    for name, outcome in tried:
        plan = attempt(plan, name, outcome)

    assert is_unreached(plan) is unreached


def test_without_contacts_nobody_is_reached() -> None:
    assert is_unreached(()) and not is_reached(()) and next_due(()) is None


def test_while_an_attempt_runs_nothing_is_due_for_it() -> None:
    plan = begun(PLAN, "push")

    assert (due(plan), due_contacts(plan, at("30s"))) == ({"call": "1m"}, ())
    assert [one.name for one in due_contacts(plan, at("1m"))] == ["call"]


def test_what_a_lost_lease_leaves_is_tried_again_as_a_repeat() -> None:
    plan = lost(begun(PLAN, "push"), ["push"], at("45s"))

    assert due(plan) == {"push": "45s", "call": "1m"}
    assert [one.name for one in plan if one.uncertain] == ["push"]


def test_contacts_that_the_files_no_longer_have_are_given_up() -> None:
    plan = refresh(PLAN, ["call", "mail", "chat"])

    assert due(plan) == {"call": "1m"}
    assert [one.name for one in plan if one.unused and one.due_at is None] == ["mail", "chat"]
    assert refresh(plan, ["call", "mail", "chat"]) == plan


@pytest.mark.parametrize(
    ("recent", "troubled"),
    [
        pytest.param([], False, id="nothing is known"),
        pytest.param([(900.0, False), (950.0, False)], False, id="two failures are bad luck"),
        pytest.param([(800.0, False), (900.0, False), (950.0, False)], True, id="three in a row are trouble"),
        pytest.param([(800.0, False), (900.0, True), (950.0, False)], False, id="one that went well ends it"),
        pytest.param([(700.0, True), (800.0, False), (900.0, False), (950.0, False)], True, id="the last three count"),
        pytest.param([(700.0, False), (900.0, False), (950.0, False)], False, id="what is five minutes old does not"),
    ],
)
def test_trouble(recent: list[tuple[float, bool]], troubled: bool) -> None:
    assert in_trouble(recent, 1000.0) is troubled


@covers("F15")
def test_f15_whoever_is_in_trouble_is_tried_last_and_never_left_out() -> None:
    plan = plan_page([Via(via=name) for name in CONTACTS], CONTACTS, NOON)

    assert [one.name for one in due_contacts(plan, NOON, {"push"})] == ["call", "mail", "push"]
    assert [one.name for one in due_contacts(plan, NOON, set(CONTACTS))] == ["push", "call", "mail"]


def test_the_next_contact_is_one_without_trouble_as_long_as_there_is_one() -> None:
    plan = plan_page([Via(via="push")], CONTACTS, NOON)

    after = ended(begun(plan, "push"), "push", FAILED, at("5s"), 0.0, {"call"})
    last = ended(begun(plan, "push"), "push", FAILED, at("5s"), 0.0, {"call", "mail"})

    assert due(after) | {"push": ""} == {"push": "", "mail": "5s"}
    assert due(last) | {"push": ""} == {"push": "", "call": "5s"}


@pytest.mark.parametrize(
    ("listed", "outcome", "said"),
    [
        pytest.param(["push"], FAILED, "ana: push failed (server), tried call", id="the next one was tried"),
        pytest.param(["push", "mail"], FAILED, "ana: push failed (server), tried mail, call", id="and those beside it"),
        pytest.param([], FAILED, "ana: push failed (server), tried again", id="there is no other: again"),
        pytest.param([], WRONG, "ana: push failed (not_found), there is nothing else to try", id="nor any use in that"),
    ],
)
def test_failures_are_told_in_words(listed: list[str], outcome: Outcome, said: str) -> None:
    contacts = CONTACTS if listed else ["push"]
    plan = plan_page([Via(via=name) for name in listed or ["push"]], contacts, NOON)
    for name in listed or ["push"]:
        plan = begun(plan, name)
    plan = ended(plan, "push", outcome, at("5s"), 0.0)

    assert failure_words("ana", plan, {"push": outcome}, at("5s")) == said
