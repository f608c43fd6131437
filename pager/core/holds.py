"""Holds: what keeps an incident from paging now, how it begins and how it ends."""

from pager.core.hours import opens_at
from pager.core.incident import Hold
from pager.core.turn import Turn


def set_promotion(turn: Turn) -> None:
    """Set the promotion clock to the next level that time alone would raise it to; nobody must have it."""
    incident = turn.incident
    stopped = incident.lowered or incident.has_responder or (incident.hold and incident.hold.stops_promotion)
    ahead = [rise.after for rise in incident.promote if rise.after is not None and rise.to < incident.severity]
    since = incident.unacked_since or turn.now
    turn.set(clock_promote=max(turn.now, since + min(ahead)) if ahead and not stopped else None)


def hold(turn: Turn, hold: Hold) -> None:
    """Begin to hold it. Once somebody has it, holds change nothing; it is kept for when the ack runs out.

    A person who escalates is heard: nothing holds it until somebody has it.
    """
    incident = turn.incident
    known = incident.hold and Hold(incident.hold.reason, incident.hold.until, incident.hold.name, hold.since)
    if known == hold or not incident.is_open or incident.called:
        return
    lift_hold(turn, replaced=True)
    turn.set(hold=Hold(hold.reason, hold.until, hold.name, turn.now))
    if incident.state != "triggered":
        return
    # What fails from now on belongs to steps that will begin anew.
    turn.set(clock_step=hold.until, waiting=())
    set_promotion(turn)
    turn.withdraw()
    turn.say(f"held: {hold.reason} {hold.name}".rstrip())


def lift_hold(turn: Turn, *, replaced: bool = False) -> None:
    """End the hold, if there is one; the time under a silence does not count towards promotion."""
    hold, since = turn.incident.hold, turn.incident.unacked_since
    if hold is None:
        return
    turn.set(hold=None)
    if turn.incident.state != "triggered":
        return
    if not replaced:
        turn.say(f"the hold ended: {hold.reason} {hold.name}".rstrip())
    if hold.stops_promotion and hold.since is not None and since is not None:
        turn.set(unacked_since=since + (turn.now - max(hold.since, since)))
    set_promotion(turn)


def still_held(turn: Turn) -> bool:
    """Whether a hold goes on; one whose end has come is lifted, and a new run starts if it had steps behind it."""
    hold = turn.incident.hold
    if hold is None:
        return False
    if hold.until is None or hold.until > turn.now:
        turn.set(clock_step=hold.until, waiting=())
        return True
    lift_hold(turn)
    if turn.incident.step or turn.incident.then:
        new_run(turn)
    return False


def new_run(turn: Turn) -> None:
    """Count a new run, before its first step."""
    turn.set(run=turn.incident.run + 1, round=0, step=0, then=False, last=False, reached=False, waiting=())


def closed(turn: Turn) -> bool:
    """Outside the level's hours the incident is held until they open."""
    hours, zone = hours_of(turn)
    opening = opens_at(hours, zone, turn.now)
    if opening <= turn.now:
        return False
    turn.set(hold=Hold("hours", opening), clock_step=opening, waiting=())
    turn.say(f"held until the working hours begin: {hours} {zone}")
    return True


def hours_of(turn: Turn) -> tuple[str, str]:
    """The level's hours, in the zone of whom step 1 pages: the schedule's, else the person's, else UTC."""
    hours = turn.severity.hours or "mon-fri 09:00-17:00"
    for target in turn.policy.steps[0].page:
        if target.kind == "schedule" and target.name in turn.catalog.schedules:
            return hours, turn.catalog.schedule_zone(target.name, turn.now)
        if target.kind == "person" and target.name in turn.catalog.people:
            return hours, turn.catalog.people[target.name].timezone
    return hours, "UTC"
