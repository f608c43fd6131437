"""What moves with a wall clock that was set, and what stays where people wrote it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.clock_step import move_alert, move_incident, move_plan, step_between
from pager.core.incident import CLOCKS, Hold, Incident
from pager.core.merge import AlertState
from pager.core.page import Contact
from tests.support import covers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BARE = Incident(1, "g", "Down", "SEV-2", "default", NOON)
steps = st.timedeltas(-timedelta(days=1), timedelta(days=1))


@covers("F35", "P14")
@given(steps)
def test_every_clock_of_an_incident_is_as_far_away_as_before(step: timedelta) -> None:
    clocks = {f"clock_{name}": NOON + n * MINUTE for n, name in enumerate(CLOCKS, 1)}
    moved = move_incident(BARE.changed(**clocks), step)

    assert [moved.clock(name) for name in CLOCKS] == [NOON + n * MINUTE + step for n, _ in enumerate(CLOCKS, 1)]
    assert move_incident(moved, -step) == BARE.changed(**clocks)


@covers("F35", "P14")
@pytest.mark.parametrize(
    ("hold", "moves"),
    [
        pytest.param(Hold("group_wait", NOON + MINUTE), True, id="the wait of a group counts from its first alert"),
        pytest.param(Hold("hours", NOON + MINUTE), False, id="working hours begin when the clock on the wall says so"),
        pytest.param(Hold("silence", NOON + MINUTE), False, id="a silence ends when it says"),
        pytest.param(Hold("maintenance", NOON + MINUTE), False, id="maintenance ends when it says"),
    ],
)
def test_the_end_of_a_hold(hold: Hold, moves: bool) -> None:
    held = BARE.changed(hold=hold, clock_step=hold.until, clock_promote=NOON + HOUR, unacked_since=NOON)
    moved = move_incident(held, -HOUR)

    until = NOON + MINUTE - HOUR * moves
    assert moved.hold is not None
    assert (moved.hold.until, moved.clock_step) == (until, until)
    assert (moved.clock_promote, moved.unacked_since) == (NOON, NOON - HOUR)


def test_a_hold_without_an_end_has_none_afterwards() -> None:
    moved = move_incident(BARE.changed(hold=Hold("inhibition", since=NOON)), -HOUR)

    assert moved.hold == Hold("inhibition", since=NOON - HOUR)


def test_the_state_that_an_undo_brings_back_moves_too() -> None:
    acked = BARE.changed(state="acknowledged", acked_at=NOON, before=BARE.changed(clock_step=NOON + MINUTE))
    moved = move_incident(acked, HOUR)

    assert moved.before is not None
    assert (moved.acked_at, moved.before.clock_step) == (NOON + HOUR, NOON + MINUTE + HOUR)


def test_when_it_was_opened_stays_as_it_was_written() -> None:
    assert move_incident(BARE, -HOUR).opened_at == NOON


def test_contacts_of_a_page_and_flapping_alerts_wait_on() -> None:
    plan = move_plan((Contact("push"), Contact("call", NOON)), -HOUR)
    state = AlertState(1, "prom", "firing", {}, NOON, firings=(NOON,), flapping=True, settles_at=NOON + MINUTE)

    assert [contact.due_at for contact in plan] == [None, NOON - HOUR]
    moved = move_alert(state, -HOUR)
    assert (moved.settles_at, moved.firings, moved.starts_at) == (NOON + MINUTE - HOUR, (NOON - HOUR,), NOON)


@pytest.mark.parametrize(
    ("ahead", "step"),
    [
        pytest.param(0, 0, id="it goes on as before"),
        pytest.param(2, 0, id="2 s are drawn and not set"),
        pytest.param(-2, 0, id="nor are 2 s back"),
        pytest.param(2.001, 2.001, id="more is a step"),
        pytest.param(-3600, -3600, id="an hour back"),
    ],
)
@covers("R36")
def test_how_far_a_clock_was_set(ahead: float, step: float) -> None:
    assert step_between(HOUR, HOUR + timedelta(seconds=ahead)) == timedelta(seconds=step)
