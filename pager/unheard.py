"""Unheard: alerts that nobody speaks of any more, incidents that have only such, and sources that fell silent."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.duration import format_duration
from pager.core.incident import Reported
from pager.core.reports import NO_EXPIRY_IGNORES
from pager.core.severity import Level
from pager.core.stale import closes_unheard, listened_until, looked_at, quiet_after, spoke_since
from pager.desk import Desk, News, own_group
from pager.store import alerts, inbox, incidents, sources
from pager.store.database import Tx
from pager.store.sources import Word

IN_A_ROW = 200
OWN = "pager"


class Quiet(Struct, frozen=True):
    """A source that should have spoken: what the incident about it says, and how it is handled."""

    title: str
    summary: str
    about: tuple[str, ...]
    severity: Level
    policy: str


def listen(tx: Tx, *, again: bool) -> None:
    """Write that pager listens now; `again`: up to now it did not, so that leases stood still."""
    if again:
        sources.listens_again(tx)
    sources.listens(tx)


def heard_up_to(tx: Tx) -> datetime:
    """The instant up to which everything that was accepted is worked: what waits in the inbox may be a repeat."""
    _, oldest = inbox.oldest(tx)
    return min(tx.now(), oldest) if oldest else tx.now()


def heard_in_turn(tx: Tx) -> datetime:
    """The same, but for what is worked last: a source that floods keeps nobody from being missed."""
    oldest = inbox.oldest_in_turn(tx)
    return min(tx.now(), oldest) if oldest else tx.now()


def anything_due(tx: Tx) -> bool:
    """Whether `judge` would find something: asked before writing."""
    return bool(alerts.overdue(tx, heard_up_to(tx), 1))


def judge(tx: Tx, catalog: Catalog) -> int:
    """Mark alerts that are stale by now, and put off those that only waited while pager did not listen; how many."""
    now, down = heard_up_to(tx), sources.down(tx)
    judged = []
    for known in alerts.overdue(tx, now, IN_A_ROW):
        at = looked_at(known.state, known.heard_at, catalog.sources.get(known.state.source), down) or now
        judged.append((known, at, at <= now))
    alerts.judged(tx, judged)
    return len(judged)


def closing(tx: Tx, number: int | None = None) -> list[int]:
    """Incidents to close as not heard of, and ended ones whose stale alerts have ended with them."""
    unheard = alerts.unheard(tx, number)
    if not unheard:
        return []
    spoke_at = {name: word.spoke_at for name, word in sources.last_words(tx).items()}
    kinds = incidents.standing(tx, unheard)
    return [number for number in unheard if number in kinds and _closes(kinds[number], unheard[number], spoke_at)]


def _closes(standing: incidents.Standing, stale: Sequence[tuple[str, datetime]], spoke_at: dict[str, datetime]) -> bool:
    if standing.state == "resolved":
        # With a clock a person ended it, and what still fires when that comes opens another.
        return standing.due_at is None
    return closes_unheard(standing.severity, standing.state != "triggered", spoke_since(stale, spoke_at))


def close(tx: Tx, catalog: Catalog, number: int) -> News:
    """Close this incident as not heard of, if that is still so once it is locked."""
    desk = Desk(tx, catalog)
    desk.lock([number])
    incident = desk.incident(number)
    if incident is None or not closing(tx, number):
        return desk.news
    if incident.is_open:
        desk.tell(
            number,
            Reported(incident.alerts, incident.spells, 0, "SEV-5", unheard=True, more=incident.more),
        )
    alerts.end_unheard(tx, number)
    desk.settle()
    return desk.news


def unknown(tx: Tx, catalog: Catalog) -> list[str]:
    """Sources that must speak and were never heard."""
    known = sources.last_words(tx)
    return [source.name for source in catalog.sources.values() if source.must_speak and source.name not in known]


def expect(tx: Tx, catalog: Catalog, names: Sequence[str]) -> None:
    """The silence of these sources counts from now on."""
    sources.expect(tx, [Word(name, catalog.sources[name].dialect, tx.now()) for name in names])


def quiet(tx: Tx, catalog: Catalog) -> tuple[list[Quiet], list[tuple[str, ...]]]:
    """Sources that fell silent and of which no incident tells yet, and groups of incidents whose source speaks."""
    now, down, with_open = heard_in_turn(tx), sources.down(tx), alerts.sources_with_open(tx)
    behind = inbox.waiting_last(tx)
    fallen: list[Quiet] = []
    back: list[tuple[str, ...]] = []
    for name, word in sources.last_words(tx).items():
        length = quiet_after(catalog.sources.get(name), word.dialect, name in with_open)
        about = ("quiet", name)
        told_at = incidents.open_since(tx, own_group(*about))
        # Whoever floods is not silent: what they said last is only not worked yet.
        silent = length is not None and name not in behind and listened_until(word.spoke_at, length, down) <= now
        if told_at is None and silent and length is not None and not _ignored(tx, about, word):
            fallen.append(_quiet(catalog, word, length))
        elif told_at is not None and (word.spoke_at > told_at or (length is not None and not silent)):
            back.append(about)
    return fallen, back


def _ignored(tx: Tx, about: tuple[str, ...], word: Word) -> bool:
    """Whether a person has just ended the incident about this very silence."""
    number = incidents.home_of(tx, own_group(*about), tx.now() - NO_EXPIRY_IGNORES)
    kept = incidents.get(tx, number) if number is not None else None
    if kept is None or kept.incident.resolved_at is None:
        return False
    return kept.incident.resolved_by != OWN and kept.incident.resolved_at > word.spoke_at


def _quiet(catalog: Catalog, word: Word, length: timedelta) -> Quiet:
    source = catalog.sources.get(word.name)
    since = word.spoke_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Quiet(
        title=f"source {word.name} is quiet",
        summary=f"nothing was heard since {since}; it should speak every {format_duration(length)}. "
        "What it has told stays open.",
        about=("quiet", word.name),
        severity=(source.severity if source else None) or catalog.defaults.unmatched,
        policy=(source.policy if source else "") or catalog.defaults.policy,
    )
