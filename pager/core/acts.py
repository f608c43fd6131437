"""What people do to an incident: acknowledge, let go, resolve, escalate, note, say how bad it is and who sees it."""

from datetime import timedelta

from msgspec.structs import replace

from pager.core.escalation import become_unacked, go_on, release, start_run
from pager.core.hiding import hide
from pager.core.holds import hold, set_promotion
from pager.core.incident import (
    MITIGATED_LASTS,
    UNDO,
    Acked,
    Escalated,
    Hold,
    Incident,
    MadePrivate,
    MadePublic,
    Mitigated,
    Noted,
    Reassigned,
    Resolved,
    RoleTaken,
    SeveritySet,
    Snoozed,
    Unacked,
)
from pager.core.lasting import begin_to_wait, is_news
from pager.core.privacy import merged
from pager.core.reports import NO_EXPIRY_IGNORES, bring_back, raise_to, risen
from pager.core.turn import COMMANDER, Turn

LONGEST_SNOOZE = {"SEV-1": timedelta(hours=24), "SEV-2": timedelta(hours=24)}
LONGEST_SNOOZE_ELSE = timedelta(days=7)


def still_on_it(turn: Turn) -> None:
    """Any act of a person restarts the expiry of the ack, and only ever moves it later."""
    incident = turn.incident
    lasts = turn.severity.ack_lasts if incident.state == "acknowledged" else MITIGATED_LASTS
    if incident.has_responder and lasts is not None and incident.clock_ack is not None:
        turn.set(clock_ack=max(incident.clock_ack, turn.now + lasts))


def acked(turn: Turn, event: Acked) -> None:
    """The first ack holds it; later ones are also here; one of a resolved incident changes nothing."""
    incident = turn.incident
    if incident.state == "triggered":
        _take(turn, event.by)
        turn.say("acknowledged", event.by)
    elif incident.has_responder:
        _also_here(turn, event.by)
        still_on_it(turn)


def _take(turn: Turn, by: str) -> None:
    before = turn.incident.changed(before=None)
    lasts = turn.severity.ack_lasts
    turn.set(
        state="acknowledged",
        acked_by=by,
        acked_at=turn.now,
        before=before,
        clock_step=None,
        clock_promote=None,
        clock_ack=turn.now + lasts if lasts is not None else None,
        hold=_kept(before.hold),
        told_at=None,
        called=False,
    )
    turn.withdraw()


def _kept(held_by: Hold | None) -> Hold | None:
    """An ack ends the holds that the incident made itself; a silence still holds it when the ack runs out."""
    return held_by if held_by is not None and not held_by.is_own else None


def _also_here(turn: Turn, by: str) -> None:
    incident = turn.incident
    if by == incident.acked_by:
        turn.say("still on it", by)
    elif by not in incident.also_here:
        turn.set(also_here=(*incident.also_here, by))
        turn.say("also here", by)


def snoozed(turn: Turn, event: Snoozed) -> None:
    """An ack with a chosen end: at most 24 h for SEV-1 and SEV-2, 7 d for the rest. It only moves an ack later."""
    incident = turn.incident
    if incident.state == "resolved":
        return
    longest = turn.now + LONGEST_SNOOZE.get(incident.severity, LONGEST_SNOOZE_ELSE)
    until = min(event.until, longest)
    if incident.state == "triggered":
        _take(turn, event.by)
    else:
        until = max(until, incident.clock_ack or until)
        if event.by != incident.acked_by:
            _also_here(turn, event.by)
    turn.set(clock_ack=until)
    turn.say(f"snoozed until {until:%Y-%m-%d %H:%M} UTC", event.by)


def unacked(turn: Turn, event: Unacked) -> None:
    """Within 60 s: hand the ack to the first who is also here, else the state before returns; later: let go."""
    incident = turn.incident
    if incident.state != "acknowledged" or incident.acked_at is None:
        return
    if event.by in incident.also_here:
        turn.set(also_here=tuple(name for name in incident.also_here if name != event.by))
        turn.say("is not here any more", event.by)
    elif incident.also_here:
        first, *rest = incident.also_here
        turn.set(acked_by=first, acked_at=turn.now, also_here=tuple(rest), before=None)
        turn.say(f"hands over to {first}", event.by)
        still_on_it(turn)
    elif turn.now - incident.acked_at <= UNDO and incident.before is not None:
        _undo(turn, incident.before, event.by)
    else:
        become_unacked(turn)
        turn.say("lets go", event.by)
        start_run(turn, f"{event.by} let it go")


def _undo(turn: Turn, before: Incident, by: str) -> None:
    """The state before with all its clocks, as if what was told meanwhile had been told to it."""
    now = turn.incident
    bring_back(turn, before, now.acked_at or turn.now)
    turn.set(clock_update=now.clock_update, clock_decide=now.clock_decide)
    turn.say("takes the acknowledgement back", by)
    if now.hold is None and before.hold is not None and not before.hold.is_own:
        release(turn)
    elif now.hold is not None:
        hold(turn, replace(now.hold, since=None))
    if now.severity < before.severity:
        risen(turn)
    elif now.severity > before.severity:
        _fall(turn)


def mitigated(turn: Turn, event: Mitigated) -> None:
    """The bleeding has stopped: no steps. While an alert still fires it runs out after 24 h."""
    incident = turn.incident
    if not incident.is_open:
        return
    if incident.state == "mitigated":
        still_on_it(turn)
        return
    until = turn.now + MITIGATED_LASTS
    turn.set(
        state="mitigated",
        acked_by=incident.acked_by or event.by,
        acked_at=incident.acked_at or turn.now,
        clock_step=None,
        clock_promote=None,
        clock_ack=max(until, incident.clock_ack or until),
        before=None,
        hold=_kept(incident.hold),
        called=False,
    )
    turn.withdraw()
    turn.say("mitigated", event.by)


def resolved(turn: Turn, event: Resolved) -> None:
    """A person's end. While alerts fire their spell is ignored for `ack_expires`; then a new incident opens."""
    incident = turn.incident
    if incident.state == "resolved":
        return
    turn.stop_clocks()
    ignored, firing = turn.severity.ack_expires or NO_EXPIRY_IGNORES, max(0, incident.firing - event.final)
    turn.set(
        state="resolved",
        resolved_at=turn.now,
        resolved_by=event.by,
        firing=firing,
        clock_ack=turn.now + ignored if firing else None,
        hold=None,
        before=None,
        waiting=(),
    )
    turn.withdraw()
    turn.say("resolved" + (f" while {firing} alerts fire" if firing else ""), event.by)
    turn.tell_paged("resolved", event.by, waits=False)


def escalated(turn: Turn, event: Escalated) -> None:
    """The next step now, whoever has it and whatever holds it: a person wants people."""
    if turn.incident.state == "resolved":
        return
    turn.say("escalates", event.by)
    if turn.incident.has_responder:
        become_unacked(turn)
    turn.set(hold=None, called=True, reason=f"{event.by} escalates")
    set_promotion(turn)
    go_on(turn)


def noted(turn: Turn, event: Noted) -> None:
    """A note; one that begins with `update:` says that stakeholders were told."""
    turn.say(event.text, event.by)
    if is_news(event.text):
        begin_to_wait(turn)
    still_on_it(turn)


def reassigned(turn: Turn, event: Reassigned) -> None:
    """Another has it from now on, as if they had acknowledged it, and is told; who had it is also here."""
    incident = turn.incident
    if not incident.is_open or incident.acked_by == event.to:
        still_on_it(turn)
        return
    if incident.state == "triggered":
        _take(turn, event.to)
    else:
        here = tuple(name for name in (incident.acked_by, *incident.also_here) if name and name != event.to)
        turn.set(acked_by=event.to, acked_at=turn.now, also_here=tuple(dict.fromkeys(here)), before=None, told_at=None)
        still_on_it(turn)
    turn.say(f"hands it to {event.to}", event.by)
    if event.by != event.to:
        turn.tell(event.to, "reassigned", event.by)


def role_taken(turn: Turn, event: RoleTaken) -> None:
    """Somebody answers for a role; who had it has it no more. With a commander nobody else is paged to command."""
    incident = turn.incident
    known = dict(incident.roles)
    if not incident.is_open or known.get(event.role) == event.to:
        still_on_it(turn)
        return
    before = known.get(event.role)
    turn.set(roles=tuple(sorted({**known, event.role: event.to}.items())))
    if event.role == COMMANDER:
        turn.set(clock_coordinate=None)
    after = f" after {before}" if before else ""
    if event.by == event.to:
        turn.say(f"takes the role of {event.role}{after}", event.by)
    else:
        turn.say(f"gives the role of {event.role} to {event.to}{after}", event.by)
        turn.tell(event.to, f"role {event.role}", event.by)
    still_on_it(turn)


def made_private(turn: Turn, event: MadePrivate) -> None:
    """Private, also once it is over; whoever makes it so is named. Of a private one: these see it, too."""
    own = () if turn.incident.private or not event.by else (event.by,)
    hide(turn, merged(own, event.named), event.by)
    still_on_it(turn)


def made_public(turn: Turn, event: MadePublic) -> None:
    """Everybody sees it, and all that was written before; its rules do not make it private again."""
    if turn.incident.private:
        turn.set(private=False, named=(), published=True)
        turn.say("makes it public", event.by)
    still_on_it(turn)


def severity_set(turn: Turn, event: SeveritySet) -> None:
    """Raised or lowered by hand; lowering switches promotion off for the incident."""
    incident = turn.incident
    if incident.state == "resolved" or event.to == incident.severity:
        still_on_it(turn)
        return
    if event.to < incident.severity:
        raise_to(turn, event.to, "by hand", event.by)
        still_on_it(turn)
        return
    turn.set(severity=event.to, lowered=True)
    turn.say(f"lowers it from {incident.severity} to {event.to}", event.by)
    set_promotion(turn)
    _fall(turn)
    still_on_it(turn)


def _fall(turn: Turn) -> None:
    """What a level that has become lower no longer asks for: steps, or to wait for working hours."""
    incident = turn.incident
    if incident.state == "triggered" and incident.hold is not None and incident.hold.reason == "hours":
        turn.set(hold=None, clock_step=turn.now)
    if not turn.severity.pages:
        # No ticket is written for an incident that had pages.
        written = bool(incident.paged) or incident.state != "triggered"
        turn.set(clock_step=None if written else turn.incident.clock_step, clock_ack=None, waiting=())
        turn.withdraw()
