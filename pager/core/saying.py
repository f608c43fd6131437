"""Saying: why a message comes, in a sentence where there is room, and in a few words where there is not."""

from collections.abc import Sequence

from msgspec import Struct

LONGEST_SHORT = 40
MERGED_INTO = "merged into "


class Saying(Struct, frozen=True):
    """`long` is a sentence, `short` stands before what it is about: `More alerts: checkout`. Each may be empty."""

    long: str = ""
    short: str = ""


_NEWS = {
    "resolved": Saying("Resolved by {by}; nothing to do.", "resolved"),
    "joined": Saying("More alerts joined what you acknowledged.", "more alerts"),
    "reassigned": Saying("{by} hands this to you: you have it from now on.", "yours now"),
    "raised": Saying("The severity has risen; your acknowledgement stands.", "risen"),
    "flapping": Saying("It flaps: it counts as firing until it was quiet for 15 minutes.", "flaps"),
    "update": Saying('News are due for {waiting}: tell them, then note it as "update: ...".', "news are due"),
    "decide": Saying("It lasts: decide whether to go on repairing, or to recover by the plan.", "decide"),
}
_PAGES = {
    "also": Saying("You are paged because this level pages your whole team."),
    "ticket": Saying("Opened as a ticket; nobody is paged for it."),
    "the hold ended": Saying("What held it has ended, and it still fires.", "no longer held"),
}
_ROLE = "role "


def saying(why: str, code: str, by: str, waiting: Sequence[str] = ()) -> Saying:
    """What to say of `why`. `by` is who did it, and `waiting` are the stakeholders who wait for news."""
    who = "the source" if by in ("", "source") else by
    known = _NEWS.get(why) or _PAGES.get(why)
    if known is not None:
        groups = " and ".join(waiting) or "stakeholders"
        return Saying(known.long.format(by=who, waiting=groups), known.short)
    if why.startswith(_ROLE):
        role = why.removeprefix(_ROLE)
        return Saying(f"You are paged for the role of {role}; take it with: pagerctl role {code} {role}", f"as {role}")
    if not why or why.startswith("step "):
        return Saying(f"{upper(why)}." if why else "")
    return Saying(f"{upper(why)}.", why[:LONGEST_SHORT].rstrip())


def news_of(why: str) -> str:
    """The few words by which a title says that it is no page: `more alerts`; "" where there are none."""
    if why.startswith(MERGED_INTO):
        return " ".join(why.split()[:3])
    return _NEWS[why].short if why in _NEWS else ""


def upper(text: str) -> str:
    return text[:1].upper() + text[1:]
