"""Rule 27, merging: two incidents turn out to be one, and the younger goes into the older."""

import pytest

from pager.core.code import code_of
from pager.core.incident import Absorbed, Acked, Escalated, Hold, Incident, MergedInto, Mitigated, Resolved
from pager.core.incident import SeveritySet as Set
from pager.core.joining import by_age, what_joins
from pager.core.reports import can_reopen
from pager.core.severity import Level
from tests.core.catalogs import at
from tests.core.story import OVER, Happening, ends, held, joins, opened, play, snoozes
from tests.support import covers

Story = list[tuple[str, Happening]]
YOUNGER = 7
CODE = code_of(YOUNGER)


def merge(by: str = "chi", level: Level = "SEV-2", alerts: int = 2, *paged: str, hold: Hold | None = None) -> Absorbed:
    """A younger incident whose alerts all fire."""
    return Absorbed(by, YOUNGER, level, alerts, alerts, alerts, paged=paged, hold=hold)


@pytest.mark.parametrize(
    ("story", "paged", "told", "state", "clocks"),
    [
        pytest.param(
            [("2m", merge())],
            ["0m ana"],
            [],
            "triggered",
            {"step": "5m"},
            id="triggered: counted, and the steps go on",
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", merge())],
            ["0m ana"],
            ["2m ana joined"],
            "acknowledged",
            {"ack": "1h2m"},
            id="acknowledged: who has it is told, and the ack stands",
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", merge("ana"))],
            ["0m ana"],
            [],
            "acknowledged",
            {"ack": "1h2m"},
            id="whoever has it and merges knows, and is still on it",
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", joins()), ("3m", merge())],
            ["0m ana"],
            ["2m ana joined"],
            "acknowledged",
            {"ack": "1h3m"},
            id="who has it is told at most every 15 minutes",
        ),
        pytest.param(
            [("1m", snoozes("ana", "5h")), ("2m", merge())],
            ["0m ana"],
            ["2m ana joined"],
            "acknowledged",
            {"ack": "5h1m"},
            id="snoozed: the chosen end stands",
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("2m", merge())],
            ["0m ana", "2m ana"],
            [],
            "triggered",
            {"step": "7m"},
            id="mitigated: a new run from step 1",
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", merge(level="SEV-1"))],
            ["0m ana", "2m bo", "2m chi"],
            ["2m ana raised"],
            "acknowledged",
            {"ack": "32m"},
            id="it rises: also is paged, who has it is told once, the ack ends by the worse level",
        ),
        pytest.param(
            [("2m", merge(level="SEV-1"))],
            ["0m ana", "2m ana", "2m bo", "2m chi"],
            [],
            "triggered",
            {"step": "5m"},
            id="it rises while nobody has it: also is paged, the step clock stays",
        ),
        pytest.param(
            [("2m", merge(level="SEV-4"))], ["0m ana"], [], "triggered", {"step": "5m"}, id="it never falls by it"
        ),
        pytest.param(
            [("1m", held()), ("2m", merge(hold=Hold("silence", None, "x"))), ("9m", OVER)],
            ["0m ana", "9m ana"],
            [],
            "triggered",
            {"step": "14m"},
            id="held with all its alerts: nobody is paged until the hold ends",
        ),
        pytest.param(
            [("1m", held()), ("2m", merge()), ("2m", OVER)],
            ["0m ana", "2m ana"],
            [],
            "triggered",
            {"step": "7m"},
            id="one of its alerts is free: the hold ends, and step 1 is paged",
        ),
        pytest.param(
            [("1m", merge(alerts=0))], ["0m ana"], [], "triggered", {"step": "5m"}, id="what was declared had no alerts"
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("2m", merge(alerts=0))],
            ["0m ana", "2m ana"],
            [],
            "triggered",
            {"step": "7m"},
            id="what somebody declared starts what was mitigated anew, too",
        ),
        pytest.param(
            [("2m", merge()), ("3m", ends)], ["0m ana"], ["5m ana resolved"], "resolved", {}, id="all of it ends"
        ),
        pytest.param(
            [("1m", Resolved("ana")), ("2m", merge())], ["0m ana"], [], "resolved", {"ack": "1h1m"}, id="it is over"
        ),
        pytest.param(
            [("2m", merge()), ("3m", merge())], ["0m ana"], [], "triggered", {"step": "5m"}, id="told again later"
        ),
    ],
)
@covers("R27")
def test_what_joins_the_older(
    story: Story, paged: list[str], told: list[str], state: str, clocks: dict[str, str]
) -> None:
    played = play(*story)

    assert (played.paged, played.told, played.incident.state) == (paged, told, state)
    assert {name: due for name, due in played.clocks.items() if name != "promote"} == clocks


@covers("R27")
def test_the_older_counts_what_it_was_given() -> None:
    played = play(("2m", merge("chi", "SEV-2", 3, "bo")))

    incident = played.incident
    assert (incident.alerts, incident.spells, incident.firing, incident.absorbed) == (4, 4, 4, (YOUNGER,))
    assert f"2m {CODE} is merged into it: 3 alerts joined, 4 firing" in played.said


@covers("R27")
def test_who_was_paged_for_the_younger_hears_of_the_end_of_the_older() -> None:
    played = play(("2m", merge("chi", "SEV-2", 1, "bo", "dee")), ("3m", ends))

    assert played.told == ["5m ana resolved", "5m bo resolved", "5m dee resolved"]


@covers("R18", "R27")
def test_its_number_of_alerts_may_raise_it() -> None:
    first = opened("SEV-3", promote=[{"to": "SEV-1", "when": "alerts >= 20"}])

    assert play(("2m", merge(level="SEV-3", alerts=19)), incident=first).incident.severity == "SEV-1"


@covers("R18", "R27")
def test_what_a_person_lowered_rises_by_what_is_merged_into_it() -> None:
    played = play(("1m", Set("ana", "SEV-4")), ("2m", merge(level="SEV-2")))

    assert played.incident.severity == "SEV-2"


@pytest.mark.parametrize(
    ("story", "told"),
    [
        pytest.param([], ["2m ana merged"], id="nobody has it"),
        pytest.param([("1m", Acked("ana"))], ["2m ana merged"], id="somebody has it"),
        pytest.param([("1m", Mitigated("ana"))], ["2m ana merged"], id="it is mitigated"),
        pytest.param([("1m", held())], ["2m ana merged"], id="it is held"),
        pytest.param([("1m", Escalated("chi"))], ["2m ana merged", "2m bo merged"], id="more were paged"),
    ],
)
@covers("R27")
def test_the_younger_is_over_and_who_was_paged_is_told(story: Story, told: list[str]) -> None:
    played = play(*story, ("2m", MergedInto("chi", 3)), ("10h", merge()))

    incident = played.incident
    assert (incident.state, incident.resolved_by, incident.merged_into) == ("resolved", "chi", 3)
    assert (played.told, played.clocks, incident.hold) == (told, {}, None)
    assert f"2m merged into {code_of(3)}" in played.said
    assert not [line for line in played.paged if line.startswith("10h")]


@covers("R27")
def test_who_merges_it_is_not_told_what_they_did() -> None:
    assert play(("2m", MergedInto("ana", 3))).told == []


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(Acked("ana"), id="an ack"),
        pytest.param(Escalated("ana"), id="somebody escalates"),
        pytest.param(joins(3, "SEV-1"), id="an alert fires"),
        pytest.param(ends, id="its alerts end"),
        pytest.param(MergedInto("bo", 2), id="it is merged again"),
    ],
)
@covers("R22", "R27")
def test_what_was_merged_is_never_opened_again(later: Happening) -> None:
    before = play(("2m", MergedInto("chi", 3)))
    played = play(("2m", MergedInto("chi", 3)), ("3m", later))

    assert played.incident.changed(last_act="") == before.incident.changed(last_act="")
    assert not can_reopen(played.incident, at("3m"))


def _told(number: int, *story: tuple[str, Happening], group: str = "g", level: Level = "SEV-2") -> Incident:
    return play(*story, incident=opened(level).changed(number=number, group=group)).incident


@covers("R27")
def test_the_younger_goes_into_the_older_whoever_is_named_first() -> None:
    older, younger = _told(3), _told(YOUNGER)

    assert by_age(older, younger) == by_age(younger, older) == (older, younger)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        pytest.param(_told(3), _told(7, ("1m", Resolved("ana"))), "is resolved", id="the younger is over"),
        pytest.param(_told(3, ("1m", ends)), _told(7), "is resolved", id="the older is over"),
        pytest.param(_told(3), _told(7, group='["pager","quiet","x"]'), "ends by itself", id="pager's own"),
        pytest.param(_told(3, group='["pager","quiet","x"]'), _told(7), "ends by itself", id="into pager's own"),
    ],
)
@covers("R27")
def test_what_cannot_be_merged(one: Incident, other: Incident, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        by_age(one, other)


@covers("R27")
def test_what_joins_is_all_that_the_younger_had() -> None:
    younger = _told(7, ("1m", joins(2)), ("2m", Escalated("chi")))

    assert what_joins(younger, "dee", None) == Absorbed("dee", 7, "SEV-2", 3, 3, 3, paged=("ana", "bo"))
