"""Escalation: step after step, round after round, then `then`, until somebody has it."""

from pager.core.catalog import CHANNEL
from pager.core.hours import next_opening, opens_at
from pager.core.incident import THEN_EVERY, TICKET_WAITS, Hold, LastResort
from pager.core.turn import Turn

NOBODY = "nobody has it"


def start_run(turn: Turn, why: str, *extra: str) -> None:
    """A new run: step 1 is due now. `extra` are paged together with it."""
    incident = turn.incident
    turn.set(
        run=incident.run + 1,
        round=0,
        step=0,
        then=False,
        reached=False,
        waiting=(),
        reason=why,
        extra=tuple(dict.fromkeys((*incident.extra, *extra))),
        clock_step=turn.now,
    )
    step_due(turn)


def become_unacked(turn: Turn) -> None:
    """Nobody has it (any more): the promotion clock counts from now."""
    turn.set(
        state="triggered",
        acked_at=None,
        also_here=(),
        unacked_since=turn.now,
        paged_since=False,
        clock_ack=None,
        before=None,
        told_at=None,
    )
    set_promotion(turn)


def set_promotion(turn: Turn) -> None:
    """Set the promotion clock to the next level that time alone would raise it to; nobody must have it."""
    incident = turn.incident
    rises = [] if incident.lowered or incident.has_responder else incident.promote
    ahead = [rise.after for rise in rises if rise.after is not None and rise.to < incident.severity]
    since = incident.unacked_since or turn.now
    turn.set(clock_promote=max(turn.now, since + min(ahead)) if ahead else None)


def step_due(turn: Turn) -> None:
    """The step clock has come: page whom the level says, unless something holds it."""
    if turn.incident.state != "triggered":
        turn.set(clock_step=None)
        return
    if _still_held(turn):
        return
    respond = turn.severity.respond
    if respond == "backlog":
        turn.set(clock_step=None)
    elif respond == "ticket" and _ticket(turn):
        return
    elif respond == "page" or not _closed(turn):
        _go_on(turn)


def lift_hold(turn: Turn) -> None:
    """End the hold, if there is one; the time under a silence does not count towards promotion."""
    hold = turn.incident.hold
    if hold is None:
        return
    turn.set(hold=None)
    turn.say(f"the hold ended: {hold.reason}")
    since = turn.incident.unacked_since
    if hold.stops_promotion and hold.since is not None and since is not None:
        turn.set(unacked_since=since + (turn.now - hold.since))
    set_promotion(turn)


def _still_held(turn: Turn) -> bool:
    """Whether a hold goes on; one whose end has come is lifted, and a new run starts if it had steps behind it."""
    hold = turn.incident.hold
    if hold is None:
        return False
    if hold.until is None or hold.until > turn.now:
        turn.set(clock_step=hold.until)
        return True
    lift_hold(turn)
    if turn.incident.step or turn.incident.then:
        incident = turn.incident
        turn.set(run=incident.run + 1, round=0, step=0, then=False, reached=False, waiting=())
    return False


def _ticket(turn: Turn) -> bool:
    """One ticket an incident; False when it cannot be written, for want of a channel or for an hour of failures."""
    incident = turn.incident
    channel = turn.severity.ticket
    if incident.ticket == "sent" or channel not in turn.catalog.channels:
        turn.set(ticket="failed", waiting=())
        turn.say(f"no ticket could be written to {channel!r}: goes on as working hours say")
    if turn.incident.ticket == "failed":
        return False
    if incident.ticket == "written" or (incident.paged and incident.lowered):
        turn.set(clock_step=None)
        return True
    turn.page_ticket(f"{CHANNEL}{channel}")
    turn.set(clock_step=turn.now + TICKET_WAITS)
    turn.say(f"a ticket goes to {channel}")
    return True


def _closed(turn: Turn) -> bool:
    """Outside the level's hours the incident is held until they open."""
    hours, zone = _hours(turn)
    opening = opens_at(hours, zone, turn.now)
    if opening <= turn.now:
        return False
    turn.set(hold=Hold("hours", opening), clock_step=opening)
    turn.say(f"held until the working hours begin: {hours} {zone}")
    return True


def _hours(turn: Turn) -> tuple[str, str]:
    """The level's hours, in the zone of whom step 1 pages: the schedule's, else the person's, else UTC."""
    hours = turn.severity.hours or "mon-fri 09:00-17:00"
    for target in turn.policy.steps[0].page:
        if target.kind == "schedule" and target.name in turn.catalog.schedules:
            return hours, turn.catalog.schedule_zone(target.name, turn.now)
        if target.kind == "person" and target.name in turn.catalog.people:
            return hours, turn.catalog.people[target.name].timezone
    return hours, "UTC"


def _go_on(turn: Turn) -> None:
    """Begin the next step. Nobody there counts as failed: the one after it begins at once."""
    if turn.incident.waiting and not turn.incident.then:
        # The open step had its whole wait and somebody was reachable.
        turn.set(reached=True)
    while not turn.incident.then and _move(turn):
        if _begin_step(turn):
            return
    _then(turn)


def _move(turn: Turn) -> bool:
    """Count to the next step, or to step 1 of the next round; False when the rounds are through."""
    incident, policy = turn.incident, turn.policy
    if incident.step < len(policy.steps):
        turn.set(step=incident.step + 1, waiting=())
        return True
    if incident.round < policy.repeat and incident.reached:
        # A round that reached nobody is not repeated.
        turn.set(round=incident.round + 1, step=1, reached=False, waiting=())
        return True
    return False


def _begin_step(turn: Turn) -> bool:
    incident = turn.incident
    step = turn.policy.steps[incident.step - 1]
    why = incident.reason or f"step {incident.step}"
    waiting = turn.page_step(step.page, incident.step, why)
    waiting += turn.page("former acker", incident.extra, incident.step, why)
    names = ", ".join(str(target) for target in step.page)
    if not waiting:
        turn.say(f"nobody to page in step {incident.step} ({names}): the next one begins at once")
        return False
    if incident.also_due:
        turn.page_also("also")
    waiting = tuple(dict.fromkeys(waiting))
    turn.set(waiting=waiting, extra=(), reason="", clock_step=turn.now + step.wait)
    turn.say(f"step {incident.step} pages {', '.join(waiting)} ({names})")
    return True


def _then(turn: Turn) -> None:
    """The end of the policy: `then` is told that nobody has it; each repetition also pages step 1 as staffed then."""
    again, steps = turn.incident.then, turn.policy.steps
    if again:
        turn.set(run=turn.incident.run + 1, round=0)
    turn.set(then=True, step=len(steps) + 1)
    waiting = turn.page_step(turn.policy.then, turn.incident.step, NOBODY)
    if again:
        waiting += turn.page_step(steps[0].page, 1, NOBODY)
    if turn.incident.also_due:
        turn.page_also("also")
    turn.set(waiting=tuple(dict.fromkeys(waiting)), extra=(), reason="")
    _then_again(turn)
    turn.say(f"{NOBODY}: {', '.join(turn.incident.waiting) or 'nobody'} paged")
    if not turn.incident.waiting:
        _page_all(turn)


def _then_again(turn: Turn) -> None:
    """Repeated every 30 min where the level responds `page`; else the next opening starts a new run."""
    if turn.severity.respond == "page":
        turn.set(clock_step=turn.now + THEN_EVERY)
        return
    opening = next_opening(*_hours(turn), turn.now)
    turn.set(hold=Hold("hours", opening), clock_step=opening)


def _page_all(turn: Turn) -> None:
    """`then` names or reaches nobody: all people of the files, at last our own sender."""
    turn.set(step=len(turn.policy.steps) + 2)
    waiting = turn.page("all people", turn.catalog.people, turn.incident.step, NOBODY)
    turn.set(waiting=waiting)
    if waiting:
        turn.say(f"`then` reached nobody: all people are paged ({', '.join(waiting)})")
    else:
        _last_resort(turn)


def _last_resort(turn: Turn) -> None:
    turn.effects.append(LastResort())
    turn.say("nobody can be reached by any contact")


def unreached(turn: Turn, run: int, round_: int, step: int, name: str) -> None:
    """All contacts of one page failed; when nobody of the open step is left, the next one is due now."""
    incident = turn.incident
    if incident.state != "triggered" or (run, round_, step) != (incident.run, incident.round, incident.step):
        return
    if name not in incident.waiting:
        return
    turn.set(waiting=tuple(other for other in incident.waiting if other != name))
    turn.say(f"{name} could not be reached")
    if turn.incident.waiting:
        return
    turn.skip(name)
    if not incident.then:
        _go_on(turn)
    elif incident.step == len(turn.policy.steps) + 1:
        _page_all(turn)
    else:
        _last_resort(turn)
