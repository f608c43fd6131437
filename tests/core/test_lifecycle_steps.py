"""Rules 12 to 15: clocks and runs, steps, who everyone is, and who goes along."""

from datetime import timedelta

import pytest

from pager.core.advance import advance, clamp, set_up
from pager.core.catalog import Catalog
from pager.core.duration import parse_duration
from pager.core.incident import Acked, Escalated, LastResort, TimePassed
from pager.core.people import Person, Team
from pager.core.severity import Level
from tests.core.catalogs import COMMANDED, NOON, PEOPLE, at, person, policy, severity, with_policy, world
from tests.core.story import WAIT, Happening, ends, fails, held, joins, opened, play
from tests.support import covers

Story = list[tuple[str, Happening]]
TEAM = ["ana", "bo", "chi"]
ALONE = {"page": ["person:ana"], "wait": "5m"}
CHAT = {"page": ["channel:ops-chat"], "wait": "5m"}
EMPTY = {"page": ["empty"], "wait": "5m"}


def at_once(after: str, *names: str) -> list[str]:
    return [f"{after} {name}" for name in names]


@pytest.mark.parametrize(
    ("catalog", "story", "paged"),
    [
        pytest.param(world(), [("0m", WAIT)], ["0m ana"], id="rule-13: step 1 at once"),
        pytest.param(world(), [("4m59s", WAIT)], ["0m ana"], id="rule-13: the wait is the step's own time"),
        pytest.param(world(), [("5m", WAIT)], ["0m ana", "5m bo"], id="rule-13: wait, then the next step"),
        pytest.param(
            world(),
            [("29m", WAIT)],
            ["0m ana", "5m bo", *at_once("15m", *TEAM, "channel:ops-chat")],
            id="rule-13: each step has its own wait",
        ),
        pytest.param(
            with_policy(ALONE, repeat=2),
            [("14m", WAIT)],
            ["0m ana", "5m ana", "10m ana"],
            id="rule-13: repeat 2 is two times more",
        ),
        pytest.param(
            with_policy(ALONE, then=["person:dee"]),
            [("65m", WAIT)],
            ["0m ana", "5m dee", "35m dee", "35m ana", "1h5m dee", "1h5m ana"],
            id="rule-13: then every 30 minutes, with step 1 as it is staffed then",
        ),
        pytest.param(
            with_policy(ALONE),
            [("5m", WAIT)],
            ["0m ana", *at_once("5m", *TEAM)],
            id="rule-13: without then everyone is paged",
        ),
        pytest.param(
            with_policy(EMPTY, ALONE),
            [("0m", WAIT)],
            ["0m ana"],
            id="rule-13: nobody on call, so the next step at once",
        ),
        pytest.param(
            with_policy(EMPTY, EMPTY, then=["person:dee"]),
            [("0m", WAIT)],
            ["0m dee"],
            id="rule-13: all steps are empty, so then at once",
        ),
        pytest.param(
            with_policy(ALONE, {"page": ["person:bo"]}, repeat=3, then=["person:dee"]),
            [("1m", fails("ana")), ("2m", fails("bo"))],
            ["0m ana", "1m bo", "2m dee"],
            id="rule-13: a round that reached nobody is not repeated",
        ),
        pytest.param(
            with_policy(ALONE, {"page": ["person:bo"]}, repeat=1),
            [("0m", WAIT), ("1m", fails("ana")), ("6m", WAIT)],
            ["0m ana", "1m bo", "6m ana"],
            id="rule-13: one person had a whole wait, so the round is repeated",
        ),
        pytest.param(
            with_policy(ALONE, then=["empty"]),
            [("5m", WAIT)],
            ["0m ana", *at_once("5m", *PEOPLE)],
            id="rule-13: then names nobody, so all people of the files",
        ),
        pytest.param(
            with_policy(ALONE, then=["person:bo"]),
            [("5m", WAIT), ("6m", fails("bo"))],
            ["0m ana", "5m bo", *at_once("6m", "ana", "chi", "dee")],
            id="rule-13: then reaches nobody, so all people but who failed just now",
        ),
        pytest.param(
            with_policy(ALONE, then=["person:bo"]),
            [("35m", WAIT), ("36m", fails("bo")), ("36m", fails("ana", step=1))],
            ["0m ana", "5m bo", "35m bo", "35m ana", *at_once("36m", "bo", "chi", "dee")],
            id="rule-13: a repetition waits for step 1 as well",
        ),
        pytest.param(
            with_policy(ALONE, CHAT),
            [("1m", fails("ana")), ("3m", WAIT)],
            ["0m ana", "1m channel:ops-chat"],
            id="rule-29: nobody of the step can be reached, so the next is due now",
        ),
        pytest.param(
            with_policy({"page": ["person:ana", "channel:ops-chat"]}, {"page": ["person:bo"]}),
            [("1m", fails("ana"))],
            ["0m ana", "0m channel:ops-chat", "1m bo"],
            id="rule-29: a step that names people waits for people",
        ),
        pytest.param(
            with_policy({"page": ["person:ana", "channel:ops-chat"]}, {"page": ["person:bo"]}),
            [("1m", fails("channel:ops-chat"))],
            ["0m ana", "0m channel:ops-chat"],
            id="rule-29: and not for its channels",
        ),
        pytest.param(
            with_policy(CHAT, {"page": ["person:bo"]}),
            [("1m", fails("channel:ops-chat"))],
            ["0m channel:ops-chat", "1m bo"],
            id="rule-29: a step of channels fails when all of them did",
        ),
        pytest.param(
            with_policy({"page": ["person:ana", "person:bo"]}, {"page": ["person:dee"]}),
            [("1m", fails("ana"))],
            ["0m ana", "0m bo"],
            id="rule-29: one of two can be reached",
        ),
        pytest.param(
            with_policy(ALONE, {"page": ["person:ana", "person:bo"]}),
            [("1m", fails("ana"))],
            ["0m ana", "1m bo"],
            id="rule-29: whose page of this instant failed is not paged twice",
        ),
        pytest.param(
            with_policy(ALONE, {"page": ["person:bo"], "wait": "5m"}),
            [("6m", fails("ana", step=1))],
            ["0m ana", "5m bo"],
            id="rule-29: a failure of an earlier step comes too late to matter",
        ),
        pytest.param(
            with_policy({"page": ["payments", "person:ana", "team:payments"]}),
            [("0m", WAIT)],
            at_once("0m", *TEAM),
            id="rule-15: a person never twice at one instant",
        ),
        pytest.param(
            with_policy({"page": ["team:ops"]}),
            [("0m", WAIT)],
            ["0m dee"],
            id="rule-14: a team is its people, on call or not",
        ),
        pytest.param(
            with_policy({"page": ["everyone"]}),
            [("0m", WAIT)],
            at_once("0m", *TEAM),
            id="rule-14: everyone is the policy's team",
        ),
        pytest.param(
            with_policy({"page": ["everyone"]}, team="ops"),
            [("0m", WAIT)],
            ["0m dee"],
            id="rule-14: a policy may name its team",
        ),
        pytest.param(
            with_policy({"page": ["everyone"]}, teams={}),
            [("0m", WAIT)],
            at_once("0m", *PEOPLE),
            id="rule-14: without a team everyone is all people",
        ),
        pytest.param(
            with_policy({"page": ["team:payments"]}, teams={"payments": Team(people=("ana",), channel="ops-chat")}),
            [("0m", WAIT)],
            ["0m ana"],
            id="rule-14: a team's channel only as a channel",
        ),
        pytest.param(
            world(),
            [("1m", Escalated("dee"))],
            ["0m ana", "1m bo"],
            id="escalated: the next step now",
        ),
        pytest.param(
            world(),
            [("1m", Acked("ana")), ("2m", Escalated("ana")), ("11m", WAIT)],
            ["0m ana", "2m bo"],
            id="escalated: also from whoever has it, with the step's own wait",
        ),
    ],
)
@covers("R13")
def test_who_is_paged_when(catalog: Catalog, story: Story, paged: list[str]) -> None:
    assert play(*story, catalog=catalog).paged == paged


@pytest.mark.parametrize(
    ("level", "catalog", "story", "paged"),
    [
        pytest.param(
            "SEV-1",
            COMMANDED,
            [("6m", WAIT)],
            ["0m ana", "0m bo", "0m chi", "0m dee", "5m bo"],
            id="rule-15: also and roles go with the first page",
        ),
        pytest.param(
            "SEV-1",
            COMMANDED,
            [("2m", Acked("dee")), ("20m", WAIT)],
            ["0m ana", "0m bo", "0m chi", "0m dee"],
            id="rule-15: an ack by any of them stops the steps",
        ),
        pytest.param(
            "SEV-1",
            COMMANDED,
            [("1m", Acked("ana")), ("31m", WAIT)],
            ["0m ana", "0m bo", "0m chi", "0m dee", "31m ana"],
            id="rule-15: not with an ack that ran out",
        ),
        pytest.param(
            "SEV-1",
            COMMANDED,
            [("1m", held(lasts="9m")), ("10m", WAIT)],
            ["0m ana", "0m bo", "0m chi", "0m dee", "10m ana"],
            id="rule-15: not with a hold that ended",
        ),
        pytest.param(
            "SEV-1",
            COMMANDED,
            [("1m", joins())],
            ["0m ana", "0m bo", "0m chi", "0m dee"],
            id="rule-15: not with a new alert",
        ),
        pytest.param(
            "SEV-2",
            COMMANDED,
            [("1m", ends), ("2m", joins())],
            ["0m ana", "0m dee", "2m ana", "2m dee"],
            id="rule-15: with a re-open",
        ),
        pytest.param(
            "SEV-2",
            COMMANDED,
            [("1m", joins(1, "SEV-1"))],
            ["0m ana", "0m dee", "1m ana", "1m bo", "1m chi", "1m dee"],
            id="rule-15: with a rise of severity",
        ),
        pytest.param(
            "SEV-2",
            world(severities=severity("SEV-2", also=["team:ops", "channel:ops-chat"])),
            [("0m", WAIT)],
            ["0m ana", "0m dee", "0m channel:ops-chat"],
            id="rule-15: also names targets of any kind",
        ),
        pytest.param("SEV-2", world(), [("0m", WAIT)], ["0m ana"], id="rule-41: a shipped role that nobody defined"),
    ],
)
@covers("R14", "R15")
def test_who_goes_along(level: Level, catalog: Catalog, story: Story, paged: list[str]) -> None:
    assert play(*story, catalog=catalog, level=level).paged == paged


@covers("R12")
def test_each_page_of_a_life_is_another_page() -> None:
    """Unique by run, round, step and person: also where a rise pages the same people again (rule 12)."""
    told = play(("1m", joins(1, "SEV-1")), ("3h", WAIT), catalog=COMMANDED)
    keys = [(page.run, page.round, page.step, page.to) for _, page in told.pages() if page.kind == "page"]

    assert len(set(keys)) == len(keys) > 20


@pytest.mark.parametrize(
    ("story", "at_the_end"),
    [
        pytest.param([("0m", WAIT)], (1, 0, 1), id="rule-12: the first run"),
        pytest.param([("31m", WAIT)], (1, 1, 1), id="rule-12: a round is not a run"),
        pytest.param([("1h1m", WAIT)], (1, 1, 4), id="rule-12: then ends the first run"),
        pytest.param([("1h31m", WAIT)], (2, 0, 4), id="rule-12: a repetition of then is a new run"),
        pytest.param([("1m", Acked("ana")), ("2h", WAIT)], (2, 1, 3), id="rule-12: an ack that ran out is a new run"),
        pytest.param([("1m", ends), ("2m", joins())], (2, 0, 1), id="rule-12: a re-open is a new run"),
    ],
)
@covers("R12")
def test_runs_are_counted(story: Story, at_the_end: tuple[int, int, int]) -> None:
    incident = play(*story).incident

    assert (incident.run, incident.round, incident.step) == at_the_end


@covers("R13")
def test_the_last_resort_is_our_own_sender() -> None:
    told = play(("0m", WAIT), ("1m", fails("ana")), catalog=with_policy(ALONE, people={"ana": PEOPLE["ana"]}))

    assert [type(effect) for _, effect in told.effects].count(LastResort) == 1
    assert told.clocks == {"step": "31m"}, "and it goes on every 30 minutes"


def test_who_has_failed_for_good_is_followed_by_the_last_resort() -> None:
    two = {name: PEOPLE[name] for name in ("ana", "bo")}
    catalog = with_policy(ALONE, then=["person:bo"], people=two)
    told = play(("5m", WAIT), ("6m", fails("bo")), ("7m", fails("ana")), catalog=catalog)

    assert told.paged == ["0m ana", "5m bo", "6m ana"]
    assert told.others == ["7m LastResort"]


def test_the_page_that_nobody_answered_says_so() -> None:
    assert play(("5m", WAIT), catalog=with_policy(ALONE)).why("bo") == ["nobody has it"]


@covers("R12")
def test_a_late_daemon_pages_step_by_step() -> None:
    """Rule 12: each clock once, and each next wait counts from now."""
    incident = play(("0m", WAIT)).incident
    late, effects = advance(incident, TimePassed(), world(), at("3h"))

    assert [page.to for page in effects if hasattr(page, "to")] == ["bo"]
    assert late.clock_step == at("3h10m")


@covers("R12")
def test_due_at_is_the_earliest_clock() -> None:
    incident = play(("0m", WAIT), incident=opened(promote=[{"to": "SEV-1", "after": "2m"}])).incident

    assert (incident.clock_step, incident.clock_promote, incident.due_at) == (at("5m"), at("2m"), at("2m"))


@covers("R27")
def test_what_was_declared_by_hand_pages_and_escalates() -> None:
    """Rule 27: it has no alerts."""
    told = play(("6m", WAIT), incident=set_up(7, "g", "slow", "SEV-2", "payments", NOON), alerts=0)

    assert told.paged == ["0m ana", "5m bo"]


QUIET: dict[str, Person] = {**PEOPLE, "bo": person("bo", timezone="Asia/Tokyo", quiet="20:00-07:00")}


@pytest.mark.parametrize(
    ("level", "targets", "paged"),
    [
        pytest.param("SEV-2", ["everyone"], ["ana", "chi"], id="rule-29: quiet people are left out of everyone"),
        pytest.param("SEV-2", ["team:payments"], ["ana", "chi"], id="rule-29: and of a team"),
        pytest.param("SEV-1", ["team:payments"], TEAM, id="rule-29: but not for SEV-1"),
        pytest.param("SEV-2", ["person:bo"], ["bo"], id="rule-29: nor as the one who is named"),
        pytest.param(
            "SEV-2", [{"schedule": "payments", "rank": 2}], ["bo"], id="rule-29: nor as the one who is on call"
        ),
    ],
)
@covers("R29")
def test_quiet_hours(level: Level, targets: list[object], paged: list[str]) -> None:
    """Noon in UTC is 21:00 in Tokyo."""
    catalog = with_policy({"page": targets}, people=QUIET, severities=severity("SEV-1", also=[]))

    assert play(("0m", WAIT), catalog=catalog, level=level).paged == at_once("0m", *paged)


@pytest.mark.parametrize(
    ("story", "ahead", "left"),
    [
        pytest.param([("0m", WAIT)], "3h", "5m", id="rule-36: no step lies further ahead than its wait"),
        pytest.param([("5m", WAIT)], "3h", "10m", id="rule-36: each its own"),
        pytest.param([("61m", WAIT)], "3h", "30m", id="rule-36: nor then further than 30 minutes"),
        pytest.param(
            [("0m", held(lasts="1h"))], "9h", "1h5m", id="rule-36: nor further than the end of a hold and the wait"
        ),
        pytest.param([("0m", WAIT)], "2m", "2m", id="rule-36: what is nearer stays"),
    ],
)
@covers("R36")
def test_at_start_clocks_are_pulled_back(story: Story, ahead: str, left: str) -> None:
    told = play(*story)
    far = told.incident.changed(clock_step=told.now + parse_duration(ahead))
    moved = clamp(far, world(), told.now)

    assert moved.clock_step is not None
    assert moved.clock_step - told.now == parse_duration(left)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param({"steps": [{"page": ["x"], "wait": "0s"}]}, "longer than zero", id="rule-13: a wait of zero"),
        pytest.param({"steps": [ALONE], "then": []}, "at least 1 item", id="rule-13: nobody in then"),
        pytest.param({"steps": [ALONE], "repeat": 11}, "less than or equal to 10", id="rule-13: repeat 11"),
        pytest.param({"steps": []}, "at least 1 item", id="no steps"),
    ],
)
@covers("R13")
def test_policies_that_cannot_be_meant(written: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        type(policy()).model_validate(written)


@covers("R13")
def test_a_step_waits_five_minutes_if_nothing_is_written() -> None:
    assert policy({"page": ["x"]}).steps[0].wait == timedelta(minutes=5)
