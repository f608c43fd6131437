"""What its alerts do to an incident: they join, rise, fire again and end."""

from datetime import datetime, timedelta

from pager.core.escalation import become_unacked, start_run, step_due
from pager.core.hiding import rule_says, say_private
from pager.core.holds import hold, new_run, set_promotion
from pager.core.incident import MITIGATED_LASTS, REOPEN, TELL_EVERY, DropNotices, Hold, Incident, Reported, Restore
from pager.core.lasting import begin_again
from pager.core.severity import Level
from pager.core.turn import Turn

NO_EXPIRY_IGNORES = timedelta(hours=1)
_GOES_ON = (
    *("alerts", "spells", "firing", "more", "opinion", "severity", "lowered", "absorbed"),
    *("paged", "notices", "also_due", "waves", "ticket", "last_act", "commanders", "clock_coordinate", "roles"),
    *("private", "named", "bystanders", "published"),
)
"""What is told meanwhile counts also where an incident is brought back to how it stood before."""


def reported(turn: Turn, event: Reported) -> None:
    """Alerts joined, fired again or ended. A repeat changes nothing."""
    was = turn.incident
    if was.merged_into is not None:
        return  # What was its alerts is another's.
    fresh = event.spells > was.spells
    joined = event.alerts - was.alerts
    turn.set(
        alerts=max(was.alerts, event.alerts),
        spells=max(was.spells, event.spells),
        firing=event.firing,
        more=event.more,
        opinion=min(was.opinion, event.severity),
    )
    rule_says(turn, event.private)
    if event.hold is not None and was.is_open and was.alerts:
        hold(turn, event.hold)
    if fresh:
        if event.flapping and not joined and was.state == "resolved" and was.before is not None:
            _fired_on(turn, was.before, was.resolved_at or turn.now, event.hold)
        else:
            _fires(turn, was, joined, event.hold)
    _opinion(turn, was, event.severity, new_alert=joined > 0)
    rise_by_count(turn)
    if event.flapping and fresh:
        _flapping(turn, event.flapping)
    if event.firing == 0 and turn.incident.is_open:
        _all_ended(turn, unheard=event.unheard)


def _fires(turn: Turn, was: Incident, joined: int, held_by: Hold | None) -> None:
    if was.state == "resolved":
        _reopen(turn, held_by)
    elif not was.alerts:
        turn.say(f"opened as {was.severity}: {was.why}" + (f" ({was.place})" if was.place else ""))
        if was.private:
            say_private(turn)
        _held(turn, held_by)
    else:
        what = f"{joined} more" if joined > 0 else "fires again"
        turn.say(f"alerts: {what}, {turn.incident.firing} firing")
        if was.state == "acknowledged":
            tell_acker(turn, "joined")
        elif was.state == "mitigated":
            become_unacked(turn)
            start_run(turn, "fires again")


def tell_acker(turn: Turn, why: str, *, at_once: bool = False) -> None:
    """A word to who has it; joined alerts at most every 15 minutes."""
    incident = turn.incident
    recent = incident.told_at is not None and turn.now - incident.told_at < TELL_EVERY
    if incident.acked_by and (at_once or not recent):
        turn.tell(incident.acked_by, why)
        turn.set(told_at=turn.now)


def _held(turn: Turn, held_by: Hold | None) -> None:
    if held_by is not None:
        hold(turn, held_by)


def _reopen(turn: Turn, held_by: Hold | None) -> None:
    """The same incident again: the former acker is paged alone and has step 1's wait; without one, step 1 at once."""
    former, level = turn.incident.acked_by, turn.incident.severity
    turn.effects.append(DropNotices("resolved"))
    turn.set(resolved_at=None, resolved_by="", also_due=True, clock_ack=None)
    begin_again(turn)
    turn.say(f"fires again: re-opened as {level}")
    become_unacked(turn)
    _held(turn, held_by)
    if not former or former not in turn.catalog.people or turn.incident.hold or turn.severity.respond != "page":
        start_run(turn, "re-opened", *((former,) if former in turn.catalog.people else ()))
        return
    new_run(turn)
    turn.set(reason="", extra=())
    waiting = turn.page("former acker", (former,), 0, "re-opened")
    turn.page_also("also")
    turn.set(waiting=waiting, clock_step=turn.now + turn.policy.steps[0].wait)


def bring_back(turn: Turn, before: Incident, at: datetime) -> None:
    """It stands as before `at`, with all its clocks; pages that were withdrawn then are due again."""
    turn.incident = before.changed(**{name: getattr(turn.incident, name) for name in _GOES_ON})
    turn.effects.append(Restore(at))


def _fired_on(turn: Turn, before: Incident, ended_at: datetime, held_by: Hold | None) -> None:
    """The firing by which it is known to flap is one of the ups that page nobody: its last end was none."""
    turn.effects.append(DropNotices("resolved"))
    bring_back(turn, before, ended_at)
    turn.say("fires again: its end was none")
    _held(turn, held_by)


def can_reopen(incident: Incident, now: datetime) -> bool:
    """Whether a new firing spell belongs to this resolved incident: within 15 minutes of its end."""
    ended_at = incident.resolved_at
    return ended_at is not None and now < ended_at + REOPEN and incident.merged_into is None


def _opinion(turn: Turn, was: Incident, told: Level, *, new_alert: bool) -> None:
    """The worst opinion raises it; after a person lowered it only a new alert or a worse opinion than ever does."""
    if told >= turn.incident.severity or not turn.incident.is_open:
        return
    if not was.lowered or new_alert or told < was.opinion:
        raise_to(turn, told, "the alerts say so")


def rise_by_count(turn: Turn) -> None:
    """Raise it to what the number of its alerts asks for."""
    incident = turn.incident
    if incident.lowered or not incident.is_open:
        return
    reached = [rise.to for rise in incident.promote if rise.alerts is not None and incident.alerts >= rise.alerts]
    if reached and min(reached) < incident.severity:
        raise_to(turn, min(reached), f"{incident.alerts} alerts")


def raise_to(turn: Turn, level: Level, why: str, by: str = "") -> None:
    """A higher severity: its `also` and roles now; the steps only where nobody was paged since nobody had it."""
    turn.say(f"severity rises from {turn.incident.severity} to {level}: {why}", by)
    turn.set(severity=level, also_due=True)
    risen(turn)


def risen(turn: Turn) -> None:
    """What a level that has become higher asks for, now."""
    opened = _lift_weak_hold(turn)
    set_promotion(turn)
    if turn.incident.state == "triggered":
        _raise_triggered(turn, opened=opened)
    elif turn.incident.has_responder:
        tell_acker(turn, "raised", at_once=True)
        turn.page_also(f"raised to {turn.incident.severity}")
        _shorten_ack(turn)


def _shorten_ack(turn: Turn) -> None:
    old = turn.incident.clock_ack
    lasts = MITIGATED_LASTS if turn.incident.state == "mitigated" else turn.severity.ack_lasts
    if lasts is not None:
        turn.set(clock_ack=min(old, turn.now + lasts) if old else turn.now + lasts)


def _lift_weak_hold(turn: Turn) -> bool:
    """Working hours hold no level that pages at once, and group_wait never holds SEV-1. Whether one ended."""
    hold = turn.incident.hold
    if hold is None or turn.severity.respond != "page":
        return False
    if hold.reason == "hours" or (hold.reason == "group_wait" and turn.incident.severity == "SEV-1"):
        turn.set(hold=None)
        return True
    return False


def _raise_triggered(turn: Turn, *, opened: bool) -> None:
    """Step 1 now where nobody was paged since nobody had it, or where a hold ended; else only `also` and roles."""
    incident, why = turn.incident, f"raised to {turn.incident.severity}"
    if incident.hold is not None:
        turn.set(clock_step=incident.hold.until)
    elif opened and incident.step:
        start_run(turn, why)
    elif opened or not incident.paged_since:
        turn.set(reason=why, clock_step=turn.now)
        step_due(turn)
    else:
        _raise_paged(turn, why)


def _raise_paged(turn: Turn, why: str) -> None:
    if turn.incident.also_due:
        turn.page_also(why)
    if turn.severity.pages:
        first = turn.now + turn.policy.steps[0].wait
        turn.set(clock_step=min(turn.incident.clock_step or first, first))


def _flapping(turn: Turn, name: str) -> None:
    """One message says that it flaps; the steps go on until somebody has it."""
    turn.say(f"{name} flaps: it counts as firing until it was quiet for 15 minutes")
    if turn.incident.has_responder:
        turn.tell(turn.incident.acked_by, "flapping")
    else:
        for person in turn.incident.paged:
            turn.tell(person, "flapping")


def _all_ended(turn: Turn, *, unheard: bool) -> None:
    """All its alerts ended: resolved by the source. Those who were paged hear of it in two minutes."""
    by = "not heard of" if unheard else "source"
    # Where one of them fired before, its next firing may say that it flaps.
    again = turn.incident.spells > turn.incident.alerts and not unheard
    before = turn.incident.changed(before=None) if again else None
    turn.stop_clocks()
    turn.set(state="resolved", resolved_at=turn.now, resolved_by=by, hold=None, before=before, waiting=())
    turn.withdraw()
    turn.say("all alerts ended: resolved" if not unheard else "not heard of any more: closed")
    turn.tell_paged("resolved", waits=True)
