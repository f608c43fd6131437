"""States: what the subject of a mail says of whether it goes on, and what it is about whichever it says.

A word counts where senders put it: at the beginning, in brackets, before a colon or in capitals, or at the end after
`is` and the like. In doubt it goes on: a mail that says WARNING first and OK last does not end anything.
"""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

State = Literal["firing", "resolved", "quiet", ""]
Kind = Literal["over", "on", "level", "noun", "quiet"]

_OVER = """resolved ok okay recovery recovered up closed cleared clear normal fixed solved restored success successful
succeeded healthy online ended inactive deactivated passed"""
_ON = """firing fired alerting triggered down failed failure fail unreachable offline unhealthy active activated
degraded timeout expired missing"""
_LEVELS = """critical crit warning warn error err emergency major minor disaster high average low info information
notice unknown fatal severe"""
_NOUNS = "problem alert alarm incident event notification host service monitor check server updated new open reminder"
_QUIET = "acknowledgement downtimestart downtimeend downtimecancelled flappingstart flappingstop flappingdisabled"
_VERBS = "failed succeeded successful recovered resolved restored cleared fixed solved"
_LINK = "is are was now back again has have been state status changed to from -> => → - – — = :"
_NOT = "not never no nicht kein pas without isn't isn’t aren't aren’t wasn't wasn’t hardly"
_ENDS, _LINKS, _NOTS = frozenset(_VERBS.split()), frozenset(_LINK.split()), frozenset(_NOT.split())
_TURNS = frozenset(("->", "=>", "→", "to"))
"""Between the state before and the state now."""
KINDS: dict[str, Kind] = {
    **dict.fromkeys(_NOUNS.split(), "noun"),
    **dict.fromkeys(_LEVELS.split(), "level"),
    **dict.fromkeys(_ON.split(), "on"),
    **dict.fromkeys(_OVER.split(), "over"),
    **dict.fromkeys(_QUIET.split(), "quiet"),
}

_WORD = f"(?:{'|'.join(sorted(KINDS, key=len, reverse=True))})"
_AGAIN = re.compile(r"\s*(?:re|fwd?|aw|wg|sv|tr|rv)\s*:\s*", re.IGNORECASE)
_OPENING = re.compile(r"[^\w\[({<\"'/~$+]*")
_BRACKET = re.compile(r"[\[({<]\s*([^\[\](){}<>]{1,60}?)\s*[\])}>][\s:*-]*")
# What names every word is made with the first mail, and not with every start of pager.
_IN_BRACKET = rf"(?i)({_WORD})\s*(?::\s*\d+)?(?:[\s,/|]+|$)"
_BEFORE = (
    rf"(?i)({_WORD})((?:\s+(?:is|are|was|has|been|now|back|again|{_WORD})\b){{0,3}})(?:\s+in\s+[\d dhms]{{1,20}})?"
    r"\s*(?::|\||–|—|->|-(?=\s)|!)[\s*]*"
)
_WRAPPED = re.compile(r"[\[({]([^\[\](){}]+)[\])}]")
_CAPITALS = rf"({_WORD.upper()})\s+(?!(?:to|for|but|if|not|and|or)\b)"
LONGEST = 300
"""Characters of a line that are looked at."""


class Said(Struct, frozen=True):
    """What a line says: `state` "" if nothing; `sure` if a word for it says so, rather than a severity or a noun.

    `about` is the line without those words, `level` a severity that it names, in small letters.
    """

    state: State
    about: str
    level: str = ""
    sure: bool = False


def said_in(line: str, resolved: Sequence[str] = (), firing: Sequence[str] = ()) -> Said:
    """What a subject, on one line, says. The sender's own words for it count wherever they stand, and first."""
    line = " ".join(line.split())[:LONGEST]
    own, rest = _own(line, resolved, firing)
    rest, head, kept = _head(rest)
    rest, tail = _tail(rest) if rest else (rest, [])
    about = " ".join((*kept, rest)).strip(" -–—:|*!.,")
    level = next((word for word in (*tail, *head) if KINDS[word] == "level"), "")
    state, sure = (own, True) if own else _judged([KINDS[word] for word in head], [KINDS[word] for word in tail])
    return Said(state, " ".join(about.split()), level, sure)


def _own(line: str, resolved: Sequence[str], firing: Sequence[str]) -> tuple[State, str]:
    """The state by words of the files, the longest first, and the line without them; firing wins."""
    found: set[State] = set()
    own: list[tuple[str, State]] = [*((word, "resolved") for word in resolved), *((word, "firing") for word in firing)]
    for word, means in sorted(own, key=lambda each: -len(each[0])):
        pattern = rf"(?<!\w){re.escape(' '.join(word.split()))}(?!\w)"
        line, count = re.subn(pattern, " ", line, flags=re.IGNORECASE) if word.strip() else (line, 0)
        found |= {means} if count else set()
    return ("firing" if "firing" in found else "resolved" if found else ""), " ".join(line.split())


def _judged(head: Sequence[Kind], tail: Sequence[Kind]) -> tuple[State, bool]:
    if "quiet" in head:
        return "quiet", True
    first = next((kind for kind in head if kind in ("over", "on")), None)
    if first is not None:
        return ("resolved" if first == "over" else "firing"), True
    if tail and tail[0] == "over":
        # A severity at the beginning and an end that is well contradict each other.
        return ("firing", False) if "level" in head else ("resolved", True)
    if tail:
        return "firing", tail[0] == "on"
    return ("firing" if head else ""), False


def _head(line: str) -> tuple[str, list[str], list[str]]:
    """The rest of the line, the words for states that it began with, and what stood in brackets beside them."""
    words: list[str] = []
    kept: list[str] = []
    shouts = not any(char.islower() for char in line)
    for _ in range(8):
        line = _OPENING.sub("", line, count=1)
        if found := _AGAIN.match(line):
            line = line[found.end() :]
        elif found := _BRACKET.match(line):
            inside = _words_in(found[1])
            words, kept = words + inside, kept if inside else [*kept, found[0].strip()]
            line = line[found.end() :]
        elif found := re.match(_BEFORE, line):
            words += [word.lower() for word in (found[1], *found[2].split()) if word.lower() in KINDS]
            line = line[found.end() :]
        elif not shouts and (found := re.match(_CAPITALS, line)):
            words.append(found[1].lower())
            line = line[found.end() :]
        else:
            break
    return line, words, kept


def _words_in(inside: str) -> list[str]:
    """The states in a bracket if there is nothing else in it; what goes on comes first, as in FIRING:1, RESOLVED:1."""
    found, at = [], 0
    while at < len(inside):
        match = re.compile(_IN_BRACKET).match(inside, at)
        if match is None:
            return []
        found.append(match[1].lower())
        at = match.end()
    return sorted(found, key=lambda word: KINDS[word] != "on")


def _tail(line: str) -> tuple[str, list[str]]:
    """The line without the state that it ends with, and that state; of `OK -> CRIT` the last."""
    words = line.strip(" *!.").split()
    shouts = len(words) > 1 and not any(char.islower() for char in line)
    if not words or not _is_state(words, shouts):
        return line, []
    word = _bare(words.pop())
    links = _links(words)
    if KINDS[word] == "over" and words and words[-1].lower() in _NOTS:
        words.pop()
        links, word = _links(words), "failed"
    if _TURNS & set(links) and words and words[-1].lower() in KINDS:
        words.pop()
        _links(words)
    return " ".join(words), [word]


def _links(words: list[str]) -> list[str]:
    """The words that lead to the end, such as `is now`, taken off."""
    found = []
    while words and words[-1].lower() in _LINKS:
        found.append(words.pop().lower())
    return found


def _bare(word: str) -> str:
    """The word out of its own brackets: `(eu-1 critical)` is no state."""
    found = _WRAPPED.fullmatch(word)
    return (found[1] if found else word).lower()


def _is_state(words: Sequence[str], shouts: bool) -> bool:
    """Whether the last of `words` says how it is."""
    said, word, before = words[-1], _bare(words[-1]), words[-2].lower() if len(words) > 1 else ":"
    if word not in KINDS:
        return False
    if said.lower() != word or (said.isupper() and not shouts) or word in _ENDS or before.endswith(":"):
        return True
    # `Error rate is up` ends nothing.
    if word == "up":
        return before == "back"
    return before in _LINKS or (before in _NOTS and KINDS[word] == "over")
