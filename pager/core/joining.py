"""Joining: two incidents turn out to be one, and the younger goes into the older with all its alerts."""

from pager.core.acts import still_on_it
from pager.core.code import code_of
from pager.core.escalation import become_unacked, start_run
from pager.core.hiding import hide_with
from pager.core.holding import is_own
from pager.core.holds import hold
from pager.core.incident import (
    Absorbed,
    Event,
    Hold,
    Incident,
    MadePrivate,
    MadePublic,
    MergedInto,
    Mitigated,
    Resolved,
    SeveritySet,
)
from pager.core.reports import raise_to, rise_by_count, tell_acker
from pager.core.turn import Turn

MERGED = "merged"
"""Why those are told who were paged for what is merged."""


def by_age(one: Incident, other: Incident) -> tuple[Incident, Incident]:
    """Of two incidents the older and the younger, which goes into it, in whichever order somebody named them.

    Raises ValueError where one is over, or is pager's own: that ends by itself, and what was merged into it would end
    with it.
    """
    for incident in (one, other):
        code = code_of(incident.number)
        if not incident.is_open:
            raise ValueError(f"{code} is resolved; only incidents that are open can be merged")
        if is_own(incident):
            raise ValueError(f"{code} is about pager itself and ends by itself; it cannot be merged")
    return (one, other) if one.number < other.number else (other, one)


def ends_only_itself(event: Event) -> bool:
    """Whether an act on an incident that was merged is about nothing else: it would end more than the person meant.

    So is who sees it: what was written of the one is not what was written of the other.
    """
    return isinstance(event, Resolved | Mitigated | SeveritySet | MadePrivate | MadePublic)


def what_joins(younger: Incident, by: str, hold: Hold | None) -> Absorbed:
    """What the older is told; `hold` is what holds it once it has the alerts of both."""
    return Absorbed(
        by=by,
        number=younger.number,
        severity=younger.severity,
        alerts=younger.alerts,
        spells=younger.spells,
        firing=younger.firing,
        more=younger.more,
        paged=younger.paged,
        absorbed=younger.absorbed,
        hold=hold,
        private=younger.named if younger.private else None,
        bystanders=younger.bystanders,
    )


def absorbed(turn: Turn, event: Absorbed) -> None:
    """The alerts of a younger incident join: its severity rises, the acker is told, mitigated goes back to step 1.

    Whoever was paged for the younger one hears of the end of this one.
    """
    was = turn.incident
    if not was.is_open or event.number in was.absorbed:
        return
    code = code_of(event.number)
    hide_with(turn, event)
    turn.set(
        alerts=was.alerts + event.alerts,
        spells=was.spells + event.spells,
        firing=was.firing + event.firing,
        more=max(was.more, event.more),
        opinion=min(was.opinion, event.severity),
        paged=tuple(dict.fromkeys((*was.paged, *event.paged))),
        absorbed=(*was.absorbed, *event.absorbed, event.number),
    )
    turn.say(f"{code} is merged into it: {_counted(event.alerts)}, {turn.incident.firing} firing", event.by)
    if event.hold is not None:
        hold(turn, event.hold)
    if was.state == "mitigated":
        become_unacked(turn)
        start_run(turn, f"{code} was merged into it")
    _rise(turn, event, f"{code} was merged into it")
    still_on_it(turn)


def _counted(alerts: int) -> str:
    return f"{alerts} alert{'' if alerts == 1 else 's'} joined" if alerts else "it had no alerts"


def _rise(turn: Turn, event: Absorbed, why: str) -> None:
    """As new alerts do, also where a person had lowered it; the acker hears of it once."""
    was = turn.incident.severity
    if event.severity < was:
        raise_to(turn, event.severity, why, event.by)
    rise_by_count(turn)
    if turn.incident.severity == was and turn.incident.acked_by != event.by:
        tell_acker(turn, "joined")


def merged_into(turn: Turn, event: MergedInto) -> None:
    """It is over, and so are its pages: whoever was paged is told where it went on. It is never re-opened."""
    incident = turn.incident
    if not incident.is_open:
        return
    turn.stop_clocks()
    turn.set(
        state="resolved",
        resolved_at=turn.now,
        resolved_by=event.by,
        merged_into=event.into,
        # Its own name: what comes later to its group is the older one's.
        group=f"merged {incident.number}",
        firing=0,
        hold=None,
        before=None,
        waiting=(),
    )
    turn.withdraw()
    turn.say(f"merged into {code_of(event.into)}", event.by)
    turn.tell_paged(MERGED, event.by, waits=False)
