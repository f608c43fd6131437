"""An incident that lasts: stakeholders wait for news, and somebody has to decide whether repairing it is still the way.

Both are reminders. They ask whoever leads, never wake anybody who was not paged for it, and stop no step.
"""

import re

from pager.core.catalog import CHANNEL
from pager.core.duration import format_duration
from pager.core.turn import COMMANDER, Turn

COMMS = "comms"
UPDATE, DECIDE = "update", "decide"
"""Why somebody is told."""
_NEWS = re.compile(r"\s*update\s*:", re.IGNORECASE)


def is_news(text: str) -> bool:
    """Whether a note says what stakeholders were told: `update: checkout works again, some mails are late`."""
    return _NEWS.match(text) is not None


def begin_to_wait(turn: Turn) -> None:
    """They have news: the next is due when the level says so, counted from now."""
    every = turn.news_every
    if turn.incident.clock_update is not None and every is not None:
        turn.set(clock_update=turn.now + every)


def begin_again(turn: Turn) -> None:
    """It is open again: how long it lasts counts anew."""
    after = turn.incident.decide_after
    turn.set(clock_update=None, clock_decide=turn.now + after if after is not None else None)


def update_due(turn: Turn) -> None:
    """Stakeholders have waited for long enough: whoever speaks to them is reminded, until it is resolved.

    While nobody has it nobody is told: the steps look for somebody.
    """
    every = turn.news_every
    turn.set(clock_update=turn.now + every if every is not None else None)
    told = _leaders(turn, COMMS, COMMANDER)[:1]
    for name in told if every is not None else ():
        turn.tell(name, UPDATE)
        turn.say(f"news are due for {' and '.join(turn.stakeholders)}: {name} is reminded")


def decide_due(turn: Turn) -> None:
    """It lasts as long as its rule says: whoever leads decides between repairing and the plan, else all who were paged.

    Under a hold nobody works on it: it counts from the end of that.
    """
    incident, after = turn.incident, turn.incident.decide_after
    turn.set(clock_decide=None)
    if after is None:
        return
    if incident.hold is not None and incident.state == "triggered":
        turn.set(clock_decide=max(incident.hold.until or turn.now, turn.now) + after)
        return
    paged = tuple(name for name in incident.paged if not name.startswith(CHANNEL))
    told = _leaders(turn, COMMANDER)[:1] or paged
    for name in told:
        turn.tell(name, DECIDE)
    asked = ", ".join(told) or "nobody"
    turn.say(f"it lasts {format_duration(after)}: {asked} is to decide whether to recover by {incident.plan}")


def _leaders(turn: Turn, *roles: str) -> tuple[str, ...]:
    """Who has one of these roles, then whoever has the incident; only people of the files."""
    known = dict(turn.incident.roles)
    named = (*(known.get(role, "") for role in roles), turn.incident.acked_by)
    return tuple(name for name in named if name in turn.catalog.people)
