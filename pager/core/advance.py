"""The one decision of pager: an incident, what happened, and the instant give the incident after it and what follows.

Pure: the engine, the users' tests, the drill and the replay all call this and nothing else.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pager.core import acts, joining, reports
from pager.core.alert import HEARTBEATS, Alert
from pager.core.catalog import CHANNEL, Catalog
from pager.core.classify import Decision
from pager.core.coordinate import coordinate_due
from pager.core.escalation import become_unacked, release, start_run, step_due, unreached
from pager.core.holds import hold, set_promotion
from pager.core.incident import (
    THEN_EVERY,
    Absorbed,
    Acked,
    Act,
    Effect,
    Escalated,
    Event,
    Held,
    Hold,
    Incident,
    MadePrivate,
    MadePublic,
    MergedInto,
    Mitigated,
    Noted,
    OpenFollower,
    Reached,
    Reassigned,
    Released,
    Reported,
    Resolved,
    Rise,
    RoleTaken,
    SeveritySet,
    Snoozed,
    TimePassed,
    Unacked,
    Unreached,
)
from pager.core.lasting import decide_due, update_due
from pager.core.severity import Level
from pager.core.turn import Turn


def open_incident(number: int, alert: Alert, decision: Decision, catalog: Catalog, now: datetime) -> Incident:
    """A new incident for `alert`, before its first report: step 1 is due now, or after the group's wait.

    `group_wait` never holds SEV-1.
    """
    waits = decision.severity != "SEV-1" and bool(decision.group_wait)
    due_at = now + decision.group_wait if waits else now
    recovery = decision.recovery
    opened = set_up(number, decision.group, title_of(alert), decision.severity, decision.policy, now)
    incident = opened.changed(
        rule=decision.rule,
        place=decision.place,
        why=decision.why + "".join(f"; {o.place} says {o.severity}" for o in decision.losers),
        runbook=decision.runbook,
        plan=recovery.plan if recovery else "",
        decide_after=recovery.decide_after if recovery else None,
        clock_decide=now + recovery.decide_after if recovery else None,
        source=alert.source,
        summary=alert.annotations.get("summary", "")[:500],
        service=_first(alert, "service", "job", "app", "component")[:100],
        where=_first(alert, "cluster", "instance", "region", "env", "host")[:100],
        promote=tuple(Rise(rise.to, rise.alerts, rise.after) for rise in decision.promote),
        hold=Hold("group_wait", due_at) if waits else None,
        clock_step=due_at,
        private=decision.private is not None,
        named=decision.private or (),
    )
    turn = Turn(incident, catalog, now)
    set_promotion(turn)
    return turn.incident


def set_up(number: int, group: str, title: str, severity: Level, policy: str, now: datetime) -> Incident:
    """A bare incident, by hand or of pager's own: step 1 is due now."""
    return Incident(
        number=number,
        group=group,
        title=title,
        severity=severity,
        policy=policy,
        opened_at=now,
        opinion=severity,
        unacked_since=now,
        clock_step=now,
    )


def title_of(alert: Alert) -> str:
    """The alert's name, short enough for every channel; of one about a heartbeat, what became of that."""
    own = alert.annotations.get("title", "") if alert.source == HEARTBEATS else ""
    return (own or alert.name)[:200]


def _first(alert: Alert, *names: str) -> str:
    return next((alert.labels[name] for name in names if alert.labels.get(name)), "")


def advance(incident: Incident, event: Event, catalog: Catalog, now: datetime) -> tuple[Incident, tuple[Effect, ...]]:
    """The incident after `event` at `now`, and what follows from it.

    An event told twice equals once. Clocks that have come are handled by `TimePassed`, each once, in the order
    step, ack, promote, coordinate, update, decide; every next wait counts from `now`. A policy that is gone from
    the files is replaced by `defaults.policy`.
    """
    turn = Turn(incident, catalog, now)
    if isinstance(event, Act):
        told = f"{event!r} {now.isoformat()}"
        if incident.last_act == told:
            return incident, ()
        turn.set(last_act=told)
    _follow_policy(turn)
    _HANDLERS[type(event)](turn, event)
    if not incident.is_open:
        _follow_policy(turn)  # it may be open again
    return turn.incident, tuple(turn.effects)


def _follow_policy(turn: Turn) -> None:
    name, _ = turn.catalog.policy(turn.incident.policy)
    if name != turn.incident.policy and turn.incident.is_open:
        turn.say(f"policy {turn.incident.policy!r} is gone from the files: {name!r} from now on")
        turn.set(policy=name)


def _time_passed(turn: Turn, _: TimePassed) -> None:
    for name, handle in _CLOCKS:
        at = turn.incident.clock(name)
        if at is not None and at <= turn.now:
            handle(turn)


def _ack_due(turn: Turn) -> None:
    incident = turn.incident
    turn.set(clock_ack=None)
    if incident.state == "resolved":
        if incident.firing:
            turn.set(firing=0)
            turn.effects.append(OpenFollower())
            turn.say("its alerts still fire: a new incident opens")
    elif incident.state == "mitigated" and not incident.firing:
        return
    elif incident.has_responder:
        former = incident.acked_by
        become_unacked(turn)
        turn.say(f"{former}'s acknowledgement ran out")
        start_run(turn, f"{former}'s ack ran out", *((former,) if former in turn.catalog.people else ()))


def _promote_due(turn: Turn) -> None:
    incident = turn.incident
    turn.set(clock_promote=None)
    since = incident.unacked_since or incident.opened_at
    due = [rise.to for rise in incident.promote if rise.after is not None and since + rise.after <= turn.now]
    if due and min(due) < incident.severity:
        reports.raise_to(turn, min(due), "nobody has it for too long")
    else:
        set_promotion(turn)


_CLOCKS: tuple[tuple[str, Callable[[Turn], None]], ...] = (
    ("step", step_due),
    ("ack", _ack_due),
    ("promote", _promote_due),
    ("coordinate", coordinate_due),
    ("update", update_due),
    ("decide", decide_due),
)


def _unreached(turn: Turn, event: Unreached) -> None:
    unreached(turn, event.run, event.round, event.step, event.to)


def _reached(turn: Turn, event: Reached) -> None:
    """Its ticket is written: nothing more to wait for, unless it has risen to a level that pages meanwhile."""
    incident = turn.incident
    over = incident.merged_into is not None
    if over or incident.ticket != "sent" or event.step != 0 or not event.to.startswith(CHANNEL):
        return
    turn.set(ticket="written")
    turn.say("the ticket is written")
    if turn.severity.respond == "ticket" and incident.hold is None:
        turn.set(clock_step=None)


_HANDLERS: dict[type, Callable[[Turn, Any], None]] = {
    Reported: reports.reported,
    TimePassed: _time_passed,
    Unreached: _unreached,
    Reached: _reached,
    Held: lambda turn, event: hold(turn, event.hold),
    Released: lambda turn, _: release(turn),
    Acked: acts.acked,
    Snoozed: acts.snoozed,
    Unacked: acts.unacked,
    Mitigated: acts.mitigated,
    Resolved: acts.resolved,
    Escalated: acts.escalated,
    Noted: acts.noted,
    SeveritySet: acts.severity_set,
    Reassigned: acts.reassigned,
    RoleTaken: acts.role_taken,
    MadePrivate: acts.made_private,
    MadePublic: acts.made_public,
    Absorbed: joining.absorbed,
    MergedInto: joining.merged_into,
}


def clamp(incident: Incident, catalog: Catalog, now: datetime) -> Incident:
    """At start no step clock lies further ahead than its wait, than its hold's end plus the wait, or 30 min for `then`.

    For a wall clock that stepped back while pager was down.
    """
    if incident.clock_step is None:
        return incident
    _, policy = catalog.policy(incident.policy)
    number = min(max(incident.step, 1), len(policy.steps))
    wait = THEN_EVERY if incident.then else policy.steps[number - 1].wait
    hold = incident.hold
    if hold is not None:
        if hold.until is None:
            return incident
        wait += max(hold.until - now, timedelta())
    latest = now + wait
    return incident if incident.clock_step <= latest else incident.changed(clock_step=latest)
