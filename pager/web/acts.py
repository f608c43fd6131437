"""What people do to an incident by pressing: the fields of a form, as the event that they ask for."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from pager.core.duration import parse_duration
from pager.core.hygiene import clean, one_line
from pager.core.incident import (
    Acked,
    Act,
    Escalated,
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
from pager.core.privacy import known_names
from pager.core.severity import Level, parse_level
from pager.core.turn import COMMANDER
from pager.web.view import can_undo

LONGEST_NOTE = 10_000
PLAIN: Mapping[str, Callable[[str], Act]] = {
    "ack": Acked,
    "undo": Unacked,
    "escalate": Escalated,
    "resolve": Resolved,
    "mitigate": Mitigated,
    "public": MadePublic,
    "command": lambda who: RoleTaken(who, COMMANDER, who),
}
OF_A_LINK = ("ack", "undo", "escalate", "resolve", "note", "severity", "command")
ALL = (*OF_A_LINK, "mitigate", "snooze", "reassign", "private", "public")
MERGE = "merge"
PAGE = "page"
LONGEST_TEXT = 400
"""Of a page by hand: the code of its incident is put behind it."""
OF_THE_WHOLE = ("resolve", "severity")
"""What is not done to what an incident was merged into, unless that was on the page."""
DONE = {
    "undo": "Taken back: nobody has it.",
    "escalate": "Escalated: the next step is paged.",
    "note": "Noted.",
    "command": "You command. Who works on it is a matter of its own: acknowledge if it is you, too.",
    "severity": "The severity is changed.",
    "snooze": "Snoozed: it is yours until then.",
    "reassign": "Handed over: they are told.",
    "page": "Paged: it is on its way, and noted here.",
    "merge": "Merged: this one has the alerts of both.",
    "declare": "Declared: it pages now.",
    "private": "It is private: everybody else sees only that there is one.",
    "public": "It is public: everybody sees it.",
}
TOO_LATE = "It is too late to undo: that is for 60 seconds, and for whoever has it. Escalate instead."


class Unfit(Exception):
    """What was sent cannot be done; the words are shown on the page."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


def event_of(
    form: Mapping[str, str],
    who: str,
    incident: Incident,
    now: datetime,
    allowed: Collection[str] = ALL,
    people: Collection[str] = (),
    teams: Collection[str] = (),
) -> Act:
    """What the form's `action` asks for. Raises Unfit, in words for the page."""
    action = form.get("action", "")
    if action not in allowed:
        raise Unfit(400, f"That cannot be done here. Use the buttons: {', '.join(allowed)}.")
    if action == "undo" and not can_undo(incident, who, now):
        raise Unfit(409, TOO_LATE)
    if action == "note":
        return Noted(who, _note(form.get("text", "")))
    if action == "severity":
        return SeveritySet(who, level_in(form.get("to", "")))
    if action == "reassign":
        return Reassigned(who, _person(form.get("to", ""), people))
    if action == "private":
        return MadePrivate(who, named_in(form, people, teams))
    if action == "snooze":
        return Snoozed(who, _until(form.get("for", ""), now))
    return PLAIN[action](who)


def level_in(text: str) -> Level:
    try:
        return parse_level(text)
    except ValueError:
        raise Unfit(400, "Choose a severity, SEV-1 to SEV-5.") from None


def page_of(form: Mapping[str, str], code: str, people: Collection[str]) -> tuple[str, str]:
    """Whom the form pages by hand, and what it says: the incident's code stands in it. Raises Unfit."""
    if form.get("to", "") not in people:
        raise Unfit(400, "Choose whom to page.")
    text = one_line(clean(form.get("text", "")))
    if not 0 < len(text) <= LONGEST_TEXT:
        raise Unfit(400, f"Say in 1 to {LONGEST_TEXT} characters what you need.")
    return form["to"], text if code in text.split() else f"{text} ({code})"


def named_in(form: Mapping[str, str], people: Collection[str], teams: Collection[str]) -> tuple[str, ...]:
    """Whom the form's `named` names beside whoever fills it in. Raises Unfit."""
    try:
        return known_names(form.get("named", ""), people, teams)
    except ValueError as error:
        raise Unfit(400, f"Who sees it: {error}.") from None


def _person(name: str, people: Collection[str]) -> str:
    if name not in people:
        raise Unfit(400, "Choose who has it from now on.")
    return name


def _note(text: str) -> str:
    written = clean(text).strip()
    if not 0 < len(written) <= LONGEST_NOTE:
        raise Unfit(400, f"Write a note of 1 to {LONGEST_NOTE} characters.")
    return written


def _until(text: str, now: datetime) -> datetime:
    try:
        lasts = parse_duration(text.strip())
        if not lasts:
            raise ValueError
        return now + lasts
    except (ValueError, OverflowError):
        raise Unfit(400, "Write for how long, such as 2h.") from None
