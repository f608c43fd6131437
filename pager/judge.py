"""The judge: what holds the incidents of one transaction, by their alerts as they stand there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct, field

from pager.core.catalog import Catalog
from pager.core.classify import classify
from pager.core.code import code_of
from pager.core.holding import (
    FREE,
    Mute,
    Verdict,
    earlier,
    is_own,
    mute_of,
    mutes_at,
    never_muted,
    verdict,
    verdict_without_alerts,
)
from pager.core.incident import Hold, Incident
from pager.core.inhibit import Party, muted_by, slots_of_inhibitor, slots_of_muted
from pager.core.matcher import Matcher, all_match
from pager.core.merge import AlertState, as_alert
from pager.core.severity import Level
from pager.store import alerts, incidents, inhibitions
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.store.incidents import Kept

LONGEST_CHAIN = 8
"""How many alerts may mute one another in a row."""
CHUNK = 1000
MOST_INCIDENTS = 20
Listed = Sequence[KnownAlert]


class Home(Struct, frozen=True):
    """What inhibition has to know of the incident that an alert is in."""

    severity: Level
    is_open: bool
    private: bool = False


class Judge:
    """Where nothing mutes, it asks the database nothing. `kept` are incidents as they stand in this transaction."""

    def __init__(self, tx: Tx, catalog: Catalog, kept: Mapping[int, Kept]) -> None:
        self.tx = tx
        self.catalog = catalog
        self._kept = kept
        self._speakers: dict[int, list[Party]] = {}

    @cached_property
    def mutes(self) -> tuple[Mute, ...]:
        """What is in force now; asked for after the locks are held."""
        return mutes_at(self.catalog, self.tx.now())

    @property
    def idle(self) -> bool:
        """Whether nothing could hold anything."""
        return not self.catalog.inhibit and not self.mutes

    def of(self, judged: Sequence[Incident]) -> dict[int, Verdict]:
        """The verdict on each incident, by number."""
        found = {incident.number: FREE for incident in judged}
        if self.idle:
            return found
        asked = [incident for incident in judged if not self._exempt(incident)]
        firing = alerts.firing_in(self.tx, [incident.number for incident in asked])
        states = {number: [known.state for known in listed] for number, listed in firing.items()}
        self._load(slot for incident in asked for slot in self._slots(states.get(incident.number, ())))
        for incident in asked:
            found[incident.number] = self._verdict(incident, states.get(incident.number, ()))
        return found

    def after_report(self, incident: Incident, told: Sequence[AlertState], *, ended: bool) -> Verdict | None:
        """The verdict after a report that told of these alerts of an incident; None: as it was.

        `told` are those that fire now; `ended` says that one does not any more, or has other labels. The other alerts
        are read only where they matter, so that a large incident is not read again for every report.
        """
        if self.idle or self._exempt(incident):
            return FREE
        firing = [state for state in told if state.counts_as_firing]
        if firing:
            self._load(self._slots(firing))
        here = self._verdict(incident, firing) if firing else None
        if here is not None and here.hold is None:
            return FREE  # One that is free is enough.
        held = standing_hold(incident)
        if held is not None and (held.until is None or held.until > self.tx.now()):
            # All others are held already.
            hold = earlier(held, here.hold) if here and here.hold else held
            return Verdict(hold, here.inhibitors if here else frozenset())
        if not incident.firing or not incident.is_open:
            return here or FREE
        return self.of([incident])[incident.number] if ended else None

    def index(self, states: Iterable[AlertState]) -> None:
        """Remember those of these alerts that may inhibit others."""
        if rules := self.catalog.inhibit:
            rows = [(slot, state.key) for state in states for slot in slots_of_inhibitor(labels_of(state), rules)]
            inhibitions.index(self.tx, rows)

    def _exempt(self, incident: Incident) -> bool:
        """Pager's own, and those for which a person has called: nothing holds them."""
        return is_own(incident) or (incident.called and incident.is_open)

    def _verdict(self, incident: Incident, firing: Sequence[AlertState]) -> Verdict:
        if not firing:
            return verdict_without_alerts(self.mutes)

        def inhibitor(place: int) -> Party | None:
            home = Home(incident.severity, incident.is_open)
            party = self._party(firing[place], home, stale=False)
            return muted_by(party, self.catalog.inhibit, self._speakers)

        return verdict(map(labels_of, firing), self.mutes, self.catalog, inhibitor)

    # Inhibition.

    def _slots(self, firing: Sequence[AlertState]) -> list[int]:
        """Where the inhibitors of these alerts of one incident are; none if one of them cannot be held at all."""
        if not self.catalog.inhibit:
            return []
        found: list[int] = []
        for state in firing:
            labels = labels_of(state)
            if mute_of(labels, self.mutes) is None:
                slots = slots_of_muted(labels, self.catalog.inhibit)
                if not slots:
                    return []
                found += slots
        return found

    def _load(self, slots: Iterable[int]) -> None:
        """Read who speaks in these slots, and who might mute them in turn."""
        wanted = set(slots) - self._speakers.keys()
        for _ in range(LONGEST_CHAIN):
            if not wanted:
                return
            rows = inhibitions.of_slots(self.tx, wanted)
            parties = self._parties({key for _, key in rows})
            self._speakers.update({slot: [] for slot in wanted})
            for slot, key in rows:
                self._speakers[slot].append(parties[key])
            rules = self.catalog.inhibit
            further = {slot for party in parties.values() for slot in slots_of_muted(party.labels, rules)}
            wanted = further - self._speakers.keys()

    def _parties(self, keys: set[int]) -> dict[int, Party]:
        known = alerts.load(self.tx, keys)
        homes = self._homes({alert.incident for alert in known.values() if alert.incident is not None})
        return {key: self._inhibitor(alert, homes) for key, alert in known.items()}

    def _inhibitor(self, alert: KnownAlert, homes: Mapping[int, Home]) -> Party:
        home = homes.get(alert.incident) if alert.incident is not None else None
        party = self._party(alert.state, home, stale=alert.stale)
        code = f" ({code_of(alert.incident)})" if alert.incident is not None else ""
        # What it holds tells everybody who speaks for it.
        name = "a private incident" if home is not None and home.private else party.name
        return Party(party.key, name + code, party.labels, party.level, party.voice, party.since, party.speaks)

    def _homes(self, numbers: set[int]) -> dict[int, Home]:
        rows = incidents.standing(self.tx, numbers - self._kept.keys())
        found = {number: Home(row.severity, row.state != "resolved", row.private) for number, row in rows.items()}
        for number in numbers & self._kept.keys():
            incident = self._kept[number].incident
            found[number] = Home(incident.severity, incident.is_open, incident.private)
        return found

    def _party(self, state: AlertState, home: Home | None, *, stale: bool) -> Party:
        own = classify(as_alert(state), self.catalog).severity
        level = home.severity if home is not None else own
        labels = labels_of(state)
        pages = home is not None and home.is_open and self.catalog.severities[level].pages
        return Party(
            key=state.key,
            name=labels.get("alertname", "an alert"),
            labels=labels,
            level=min(own, level),
            voice=max(own, level),
            since=state.firings[-1] if state.firings else state.starts_at,
            speaks=pages and state.counts_as_firing and not stale and mute_of(labels, self.mutes) is None,
        )


def labels_of(state: AlertState) -> dict[str, str]:
    """The labels that matchers see: its own, and `source`."""
    return {**state.labels, "source": state.source}


def standing_hold(incident: Incident) -> Hold | None:
    """The hold that was put on it from outside, if there is one."""
    return incident.hold if incident.hold is not None and not incident.hold.is_own else None


class Hidden(Struct):
    """How many firing alerts a silence is about, and the incidents of the first of them."""

    alerts: int = 0
    incidents: list[int] = field(default_factory=list)


def hidden(
    tx: Tx, catalog: Catalog, asked: Mapping[int, Sequence[Matcher]], seen: Callable[[Tx, Listed], Listed] | None = None
) -> dict[int, Hidden]:
    """What each of these lists of matchers hides right now, by its name in `asked`, of the alerts that are `seen`.

    By matchers that hide something or nothing the labels of any alert could be guessed.
    """
    found = {name: Hidden() for name in asked}
    after = -(2**63)
    while asked:
        firing = alerts.page_of(tx, state="firing", after=after, limit=CHUNK)
        for known in seen(tx, firing) if seen else firing:
            labels = labels_of(known.state)
            if not never_muted(labels, catalog):
                _count(found, asked, labels, known.incident)
        if len(firing) < CHUNK:
            break
        after = firing[-1].state.key
    for hides in found.values():
        hides.incidents.sort()
    return found


def _count(
    found: Mapping[int, Hidden], asked: Mapping[int, Sequence[Matcher]], labels: Mapping[str, str], home: int | None
) -> None:
    for name, matchers in asked.items():
        if all_match(tuple(matchers), labels):
            hides = found[name]
            hides.alerts += 1
            if home is not None and home not in hides.incidents and len(hides.incidents) < MOST_INCIDENTS:
                hides.incidents.append(home)
