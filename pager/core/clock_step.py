"""A wall clock that was set: what counts from some instant moves along, what people wrote down by the clock stays."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from pager.core.incident import CLOCKS, Hold, Incident
from pager.core.merge import AlertState
from pager.core.page import Plan

LEAST = timedelta(seconds=2)
"""A smaller step is a clock that is being drawn right, and moves nothing."""
_SINCE = ("unacked_since", "acked_at", "told_at", "resolved_at", "ticket_at")


def step_between(ahead_before: timedelta, ahead_now: timedelta) -> timedelta:
    """How far the wall clock was set, forward if positive; zero where it was drawn by 2 s or less.

    Both are how far it was ahead of a clock that nobody sets.
    """
    step = ahead_now - ahead_before
    return step if abs(step) > LEAST else timedelta()


def move_incident(incident: Incident, step: timedelta) -> Incident:
    """The incident with every clock as far away as it was, now that the wall clock was set by `step`.

    A hold that ends by the clock on the wall (working hours, a silence, maintenance) ends when it says, and so does
    the step that waits for it. The state before an ack moves too, since an undo brings it back.
    """
    hold = _moved_hold(incident.hold, step)
    stays = hold is not None and hold.until is not None and hold.reason != "group_wait"
    names = (*(f"clock_{name}" for name in CLOCKS if not (stays and name == "step")), *_SINCE)
    moved: dict[str, Any] = {name: _moved(getattr(incident, name), step) for name in names}
    before = move_incident(incident.before, step) if incident.before is not None else None
    return incident.changed(hold=hold, before=before, **moved)


def move_plan(plan: Plan, step: timedelta) -> Plan:
    """The contacts of a page, each due after the same wait as before."""
    return tuple(replace(contact, due_at=_moved(contact.due_at, step)) for contact in plan)


def move_alert(state: AlertState, step: timedelta) -> AlertState:
    """A flapping alert settles after the same wait, and its spells are as long ago, as before."""
    firings = tuple(at + step for at in state.firings)
    return replace(state, settles_at=_moved(state.settles_at, step), firings=firings)


def _moved_hold(hold: Hold | None, step: timedelta) -> Hold | None:
    if hold is None:
        return None
    until = _moved(hold.until, step) if hold.reason == "group_wait" else hold.until
    return replace(hold, until=until, since=_moved(hold.since, step))


def _moved(at: datetime | None, step: timedelta) -> datetime | None:
    return None if at is None else at + step
