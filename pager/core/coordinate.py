"""Coordination: while nobody commands an incident, the next rank of the commander's schedule is paged."""

from pager.core.incident import Incident
from pager.core.policy import Target
from pager.core.turn import COMMANDER, Turn


def coordinate_due(turn: Turn) -> None:
    """The next rank now, and the one after it when as long has passed again; an acknowledgement stops nothing here.

    Rank 1 was paged with the role. It ends with the last rank, when somebody takes the role, and when the
    bleeding has stopped.
    """
    incident, within = turn.incident, turn.severity.coordinate_within
    role = turn.catalog.roles.get(COMMANDER)
    turn.set(clock_coordinate=None)
    if role is None or within is None or not _wants_commander(incident):
        return
    if incident.hold is not None and incident.state == "triggered":
        turn.set(clock_coordinate=max(incident.hold.until or turn.now, turn.now) + within)
        return
    ranks = len(turn.catalog.on_call(role.schedule, turn.now).ranks)
    if incident.commanders >= ranks:
        return
    rank = incident.commanders + 1
    names = turn.resolve(Target("schedule", role.schedule, rank))
    turn.set(commanders=rank, waves=incident.waves + 1, clock_coordinate=turn.now + within if rank < ranks else None)
    turn.page(COMMANDER, names, 0, f"role {COMMANDER}", wave=incident.waves)
    if names:
        turn.say(f"nobody commands: rank {rank} of {role.schedule} is paged ({', '.join(names)})")


def _wants_commander(incident: Incident) -> bool:
    return incident.state in ("triggered", "acknowledged") and COMMANDER not in dict(incident.roles)
