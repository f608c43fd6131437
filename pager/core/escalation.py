"""Escalation: step after step, round after round, then `then`, until somebody has it."""

from pager.core.catalog import CHANNEL
from pager.core.holds import closed, hours_of, lift_hold, new_run, set_promotion, still_held
from pager.core.hours import next_opening
from pager.core.incident import THEN_EVERY, TICKET_WAITS, Hold, LastResort
from pager.core.turn import Turn

NOBODY = "nobody has it"


def start_run(turn: Turn, why: str, *extra: str) -> None:
    """A new run: step 1 is due now. `extra` are paged together with it."""
    new_run(turn)
    turn.set(reason=why, extra=tuple(dict.fromkeys((*turn.incident.extra, *extra))), clock_step=turn.now)
    step_due(turn)


def release(turn: Turn) -> None:
    """A hold ended, also early: a new run now if it still fires and nobody has it."""
    if turn.incident.hold is None or turn.incident.hold.is_own:
        return
    lift_hold(turn)
    if turn.incident.state == "triggered":
        start_run(turn, "the hold ended")


def become_unacked(turn: Turn) -> None:
    """Nobody has it (any more): the promotion clock counts from now."""
    turn.set(
        state="triggered",
        acked_by="",
        acked_at=None,
        also_here=(),
        unacked_since=turn.now,
        paged_since=False,
        clock_ack=None,
        before=None,
        told_at=None,
        called=False,
    )
    set_promotion(turn)


def step_due(turn: Turn) -> None:
    """The step clock has come: page whom the level says, unless something holds it."""
    if turn.incident.state != "triggered":
        turn.set(clock_step=None)
        return
    if still_held(turn):
        return
    respond = turn.severity.respond
    if respond == "backlog":
        turn.set(clock_step=None)
    elif respond == "ticket" and _ticket(turn):
        return
    elif respond == "page" or not closed(turn):
        go_on(turn)


def _ticket(turn: Turn) -> bool:
    """One ticket an incident; False when it cannot be written, for want of a channel or for an hour of failures."""
    incident = turn.incident
    if incident.ticket == "failed":
        return False
    if incident.ticket == "written" or (incident.paged and incident.lowered):
        turn.set(clock_step=None)
        return True
    return _ticket_waits(turn, turn.severity.ticket)


def _ticket_waits(turn: Turn, channel: str) -> bool:
    """Write the ticket once, then wait an hour for it."""
    known = channel in turn.catalog.channels
    if known and not turn.incident.ticket:
        turn.page_ticket(f"{CHANNEL}{channel}")
        turn.say(f"a ticket goes to {channel}")
    sent_at = turn.incident.ticket_at
    if known and sent_at is not None and turn.now < sent_at + TICKET_WAITS:
        turn.set(clock_step=sent_at + TICKET_WAITS)
        return True
    turn.set(ticket="failed", waiting=())
    turn.say(f"no ticket could be written to {channel!r}: goes on as working hours say")
    return False


def go_on(turn: Turn) -> None:
    """Begin the next step. Nobody there counts as failed: the one after it begins at once."""
    if turn.incident.waiting and not turn.incident.then:
        # The open step had its whole wait and somebody was reachable.
        turn.set(reached=True)
    _say_what_is_gone(turn)
    while not turn.incident.then and _move(turn):
        if _begin_step(turn):
            return
    _then(turn)


def _say_what_is_gone(turn: Turn) -> None:
    """The files have fewer steps than were begun: the last of them counts as begun."""
    incident, steps = turn.incident, len(turn.policy.steps)
    if not incident.then and incident.step > steps:
        has = f"policy {incident.policy!r} has {steps} step{'s' if steps > 1 else ''} by now"
        turn.say(f"{has}: step {incident.step} counts as its last")


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
    if again or turn.incident.step > len(steps):
        # Fewer steps than it had begun: the policy was edited, and no page may pass for one of an earlier step.
        new_run(turn)
    turn.set(then=True, last=False, step=len(steps) + 1)
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
    opening = next_opening(*hours_of(turn), turn.now)
    turn.set(hold=Hold("hours", opening), clock_step=opening)


def _page_all(turn: Turn) -> None:
    """`then` names or reaches nobody: all people of the files, at last our own sender."""
    turn.set(step=turn.incident.step + 1, last=True)
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
    if incident.state != "triggered" or (run, round_) != (incident.run, incident.round):
        return
    # A repetition of `then` pages step 1 as well, and waits for all of them.
    if name not in incident.waiting or (step != incident.step and not incident.then):
        return
    turn.set(waiting=tuple(other for other in incident.waiting if other != name))
    turn.say(f"{name} could not be reached")
    if not turn.incident.waiting:
        turn.skip(name)
        _after_failure(turn)


def _after_failure(turn: Turn) -> None:
    if not turn.incident.then:
        turn.set(clock_step=turn.now)
        step_due(turn)
    elif turn.incident.last:
        _last_resort(turn)
    else:
        _page_all(turn)
