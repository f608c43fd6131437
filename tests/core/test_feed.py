"""Which changes of an incident machines are told of."""

import pytest

from pager.core.advance import advance
from pager.core.code import code_of
from pager.core.feed import KINDS, Happening, Tellings, happenings
from pager.core.incident import (
    Absorbed,
    Acked,
    Escalated,
    Event,
    Held,
    Hold,
    Incident,
    MadePrivate,
    MergedInto,
    Mitigated,
    Noted,
    Reassigned,
    Released,
    Reported,
    Resolved,
    RoleTaken,
    SeveritySet,
    Snoozed,
    TimePassed,
    Unacked,
)
from tests.core.catalogs import NOON, at, world
from tests.core.story import Told, ends, joins, opened, play

H = Happening
SILENCED = Held(Hold("silence", at("1h"), "5"))
ACKED = (Acked("ana"),)


@pytest.mark.parametrize(
    ("before", "event", "expected"),
    [
        pytest.param((), Acked("ana"), [H("incident.acknowledged", "ana")], id="an ack"),
        pytest.param(ACKED, Acked("bo"), [], id="also here is no change of state"),
        pytest.param(
            ACKED,
            Unacked("ana"),
            [H("incident.unacknowledged", "ana", {"why": "let go", "from": "acknowledged", "had": "ana"})],
            id="an undo",
        ),
        pytest.param(
            (*ACKED, Acked("bo")),
            Unacked("ana"),
            [H("incident.reassigned", "ana", {"from": "ana", "to": "bo"})],
            id="an undo hands over to who is also here",
        ),
        pytest.param(
            (),
            Snoozed("ana", at("1h")),
            [H("incident.acknowledged", "ana"), H("incident.snoozed", "ana", {"until": "2026-06-10T13:00:00Z"})],
            id="a snooze of what nobody had is an acknowledgement, too",
        ),
        pytest.param(
            (),
            Reassigned("ana", "bo"),
            [H("incident.acknowledged", "bo"), H("incident.reassigned", "ana", {"from": None, "to": "bo"})],
            id="handed to another, who has it now",
        ),
        pytest.param(
            ACKED,
            Reassigned("ana", "bo"),
            [H("incident.reassigned", "ana", {"from": "ana", "to": "bo"})],
            id="handed on",
        ),
        pytest.param((), Mitigated("ana"), [H("incident.mitigated", "ana")], id="the bleeding has stopped"),
        pytest.param((), Resolved("ana"), [H("incident.resolved", "ana")], id="a person resolves"),
        pytest.param((), ends, [H("incident.resolved", "source")], id="the source resolves"),
        pytest.param((ends,), joins(), [H("incident.reopened")], id="it fires again"),
        pytest.param(
            (),
            SeveritySet("ana", "SEV-4"),
            [H("incident.severity", "ana", {"from": "SEV-2", "to": "SEV-4"})],
            id="lowered by hand",
        ),
        pytest.param(
            (),
            joins(level="SEV-1"),
            [H("incident.severity", "", {"from": "SEV-2", "to": "SEV-1"})],
            id="raised by its alerts",
        ),
        pytest.param(
            (Mitigated("ana"),),
            joins(),
            [H("incident.unacknowledged", "", {"why": "an alert joined", "from": "mitigated", "had": "ana"})],
            id="an alert joins what was mitigated",
        ),
        pytest.param(
            (), Noted("ana", "rolled back"), [H("incident.note", "ana", {"text": "rolled back"})], id="a note"
        ),
        pytest.param(
            (),
            RoleTaken("ana", "scribe", "bo"),
            [H("incident.role", "ana", {"role": "scribe", "person": "bo"})],
            id="a role",
        ),
        pytest.param((), MadePrivate("ana"), [H("incident.privacy", "ana")], id="it becomes private"),
        pytest.param((), SILENCED, [H("incident.held")], id="a silence begins"),
        pytest.param((SILENCED,), SILENCED, [], id="and is told once"),
        pytest.param((SILENCED,), Released(), [H("incident.released")], id="a silence ends"),
        pytest.param(ACKED, SILENCED, [], id="a silence of what somebody has says nothing"),
        pytest.param((), joins(), [], id="an alert more is not told"),
        pytest.param((), MergedInto("ana", 1), [H("incident.resolved", "ana")], id="merged away"),
        pytest.param(
            (), Absorbed("ana", 40, "SEV-2"), [H("incident.merged", "ana", {"merged": code_of(40)})], id="merged into"
        ),
    ],
)
def test_what_is_told_of_one_event(before: tuple[object, ...], event: object, expected: list[Happening]) -> None:
    told = play(*(("1m", one) for one in before))

    assert _of(told, event) == expected


def test_steps_are_told_from_the_second_on() -> None:
    told = play()
    told.now = at("5m")

    assert _of(told, TimePassed()) == [H("incident.escalated", "", {"step": 2, "last": False, "to": ["bo"]})]
    assert _of(play(), Escalated("chi"))[-1] == H("incident.escalated", "chi", {"step": 2, "last": False, "to": ["bo"]})


def test_an_ack_that_runs_out_says_whose_it_was() -> None:
    told = play(("1m", Acked("ana")))
    told.now = told.incident.clock_ack or told.now

    assert _of(told, TimePassed())[0] == H(
        "incident.unacknowledged", "", {"why": "it ran out", "from": "acknowledged", "had": "ana"}
    )


def test_a_new_incident_is_told_as_it_stands_after_its_first_report() -> None:
    tellings, new = Tellings(), opened()
    tellings.opened(1, new)
    tellings.noted(new.number, "ana")
    after = _tell(tellings, 2, new, Reported(3, 3, 3, "SEV-2"))
    _tell(tellings, 3, after, Acked("ana"))

    assert [(one.seq, one.happening, one.incident.alerts) for one in tellings.told] == [
        (1, H("incident.opened", "ana"), 3),
        (3, H("incident.acknowledged", "ana"), 3),
    ]


def test_every_kind_is_named_once() -> None:
    assert len(set(KINDS)) == len(KINDS)


def _tell(tellings: Tellings, seq: int, was: Incident, event: Event) -> Incident:
    now, effects = advance(was, event, world(), NOON)
    tellings.changed(seq, was, event, now, effects)
    return now


def _of(told: Told, event: object) -> list[Happening]:
    was, happened = told.incident, event(told) if callable(event) else event
    now, effects = advance(was, happened, told.catalog, told.now)  # type: ignore[arg-type]
    return happenings(was, happened, now, effects)  # type: ignore[arg-type]
