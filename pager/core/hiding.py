"""Hiding: an incident becomes private by the rules of its alerts, by a person, or with what is merged into it."""

from pager.core.incident import Absorbed
from pager.core.privacy import merged
from pager.core.turn import Turn


def rule_says(turn: Turn, named: tuple[str, ...] | None) -> None:
    """What the rules of its alerts say of who sees it: one that says it is private is enough. None: nothing."""
    if named is not None and not turn.incident.published:
        hide(turn, named)


def hide_with(turn: Turn, event: Absorbed) -> None:
    """What was private stays so in the whole: whoever merged them was asked."""
    was = turn.incident
    if event.private is not None:
        hide(turn, event.private, event.by)
    works = ({*was.paged} - {*was.bystanders}) | ({*event.paged} - {*event.bystanders})
    turn.set(bystanders=tuple(name for name in merged(was.bystanders, event.bystanders) if name not in works))


def hide(turn: Turn, named: tuple[str, ...], by: str = "") -> None:
    """Private from now on, and seen by these, too; `by` somebody, "" where the rules say so."""
    was = turn.incident
    fresh = tuple(name for name in named if name not in was.named)
    if was.private and not fresh:
        return
    turn.set(private=True, named=(*was.named, *fresh), published=False)
    if was.private:
        turn.say(f"lets {', '.join(fresh)} see it" if by else f"it is seen by {', '.join(fresh)}, too", by)
        return
    say_private(turn, by)


def say_private(turn: Turn, by: str = "") -> None:
    """Who sees it, into the timeline."""
    who = ", ".join((*turn.incident.named, "those who are paged for it", "admins"))
    turn.say(f"makes it private: seen by {who}" if by else f"it is private by its rules: seen by {who}", by)
