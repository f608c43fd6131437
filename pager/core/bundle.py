"""Bundles: after pages of three incidents in a quarter of an hour the rest reach a person as one message.

Whoever is flooded must still be woken at once by the first page and by a SEV-1, and must not have to leaf through
hundreds of messages afterwards. Channels that a step pages are recipients like people; tickets are never bundled.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from pager.core.incident import PageKind
from pager.core.text import Facts

WINDOW = timedelta(minutes=15)
FREE = 3
"""So many different incidents page somebody alone in a window; and so many SEV-1 in a minute."""
WAIT = timedelta(minutes=2)
LONGEST = timedelta(minutes=5)
"""However many SEV-1 go out meanwhile, the rest waits no longer than this."""
CODES = 20
_MINUTE = timedelta(minutes=1)


class Sent(Struct, frozen=True):
    """A message that went out: about which incidents (of a bundle three are enough), and its worst level.

    `kind` is "page" also for a bundle that carried a page.
    """

    at: datetime
    incidents: tuple[int, ...]
    severity: str
    kind: PageKind = "page"


class Due(Struct, frozen=True):
    """A page or notice that nobody has begun to send."""

    id: int
    incident: int
    severity: str
    kind: PageKind = "page"


class Verdict(Struct, frozen=True):
    """What becomes of due pages: the ids of those that go alone, now, and of those that wait for the bundle."""

    alone: tuple[int, ...]
    waits: tuple[int, ...]


class Carried(Struct, frozen=True):
    """What a bundle tells: new incidents by level, how many were resolved or had other news, and codes, worst first."""

    new: Mapping[str, int]
    told: Mapping[str, int]
    open: int
    codes: tuple[str, ...]
    more_open: bool = False


def sort_out(due: Sequence[Due], sent: Sequence[Sent], now: datetime) -> Verdict:
    """Which of one recipient's due pages go alone; they are judged in the order given, the most urgent first."""
    went, alone, waits = list(sent), [], []
    for page in due:
        if goes_alone(page, went, now):
            alone.append(page.id)
            went.append(Sent(now, (page.incident,), page.severity, page.kind))
        else:
            waits.append(page.id)
    return Verdict(tuple(alone), tuple(waits))


def goes_alone(page: Due, sent: Sequence[Sent], now: datetime) -> bool:
    """Whether `page` is not bundled: few incidents paged so far, or a SEV-1 and few of these in the last minute."""
    if len(_incidents(sent, now, notices=page.kind == "notice")) < FREE:
        return True
    return page.kind == "page" and page.severity == "SEV-1" and len(_urgent(sent, now)) < FREE


def goes_at(sent: Sequence[Sent], since: datetime, now: datetime, *, urgent: bool) -> datetime:
    """When what waits since `since` goes: 2 min after the last message; with a SEV-1 among it as soon as one may."""
    last = max((min(message.at, now) for message in sent), default=now - WAIT)
    at = min(last + WAIT, since + LONGEST)
    if not urgent:
        return at
    recent = _urgent(sent, now)
    return min(at, recent[-FREE] + _MINUTE if len(recent) >= FREE else now)


def shut_until(sent: Sequence[Sent], goes: datetime, now: datetime) -> datetime:
    """Until when every new page but a SEV-1 waits, whatever it is: it need not be judged one by one."""
    newest: dict[int, datetime] = {}
    for message in sorted(sent, key=lambda message: message.at):
        if message.kind == "page":
            newest.update(dict.fromkeys(message.incidents, min(message.at, now)))
    times = sorted(newest.values(), reverse=True)
    return min(goes, times[FREE - 1] + WINDOW) if len(times) >= FREE else now


def bundled(lead: Facts, carried: Carried) -> Facts:
    """The facts of a bundle's message: those of the worst incident in it, with what else there is around them."""
    what = f"{_news(carried)}, {carried.open}{' or more' if carried.more_open else ''} open"
    levels = ", ".join(f"{count} {level}" for level, count in sorted(carried.new.items()))
    return replace(
        lead,
        title=f"{what}, top: {lead.title}" if carried.new else what,
        service="",
        summary=f"{what}{f' ({levels})' if len(carried.new) > 1 else ''}: {_codes(carried)}",
        why="",
        firing=1,
        more=0,
        others=(),
        next_at=None,
        bundle=True,
    )


def _news(carried: Carried) -> str:
    new = sum(carried.new.values())
    parts = [f"{new} new"] if new else []
    return ", ".join(parts + [f"{count} {word}" for word, count in sorted(carried.told.items()) if count])


def _codes(carried: Carried) -> str:
    rest = sum(carried.new.values()) + sum(carried.told.values()) - len(carried.codes)
    return " ".join(carried.codes) + (f" and {rest} more" if rest > 0 else "")


def _incidents(sent: Sequence[Sent], now: datetime, *, notices: bool) -> set[int]:
    recent = (message for message in sent if message.at > now - WINDOW)
    return {number for message in recent if notices or message.kind == "page" for number in message.incidents}


def _urgent(sent: Sequence[Sent], now: datetime) -> list[datetime]:
    """When SEV-1 pages went in the last minute, oldest first."""
    return sorted(m.at for m in sent if m.severity == "SEV-1" and m.kind == "page" and m.at > now - _MINUTE)
