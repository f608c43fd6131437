"""Heartbeats: what was heard is written, and what is missing, failed or hangs becomes an alert of pager's own."""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime

from msgspec.structs import replace

from pager.core.alert import HEARTBEATS, Alert
from pager.core.catalog import Catalog
from pager.core.heartbeat import Beat, Pulse, alarm, belongs, ended, follow, heard, look
from pager.core.rule import Heartbeat
from pager.core.stale import Stretch
from pager.log import log
from pager.sources.heartbeat import DIALECT, own_alert
from pager.store import heartbeats, inbox, sources
from pager.store.database import Tx

MOST_INSTANCES = 500
"""Of one watchdog: whoever sends more labels than that is no longer believed."""
Key = tuple[str, str]


def hear(tx: Tx, catalog: Catalog, beats: Sequence[tuple[Beat, datetime]]) -> None:
    """Write signs of life, each with the instant of its acceptance, in order; what is told of them ends or begins."""
    written = by_name(catalog)
    beats = [(beat, at) for beat, at in beats if _is_meant(beat, written.get(beat.name))]
    if not beats:
        return
    known, down, changed = _known(tx, beats), sources.down(tx), set[Key]()
    for beat, at in beats:
        key = (beat.name, beat.instance)
        if pulse := known.get(key):
            known[key] = _told(tx, heard(pulse, beat, at), written[beat.name], at, down)
            changed.add(key)
            if beat.instance and (stood_in := known.pop((beat.name, ""), None)):
                changed.discard((beat.name, ""))
                _forget(tx, stood_in)
    heartbeats.save(tx, [known[key] for key in sorted(changed)])


def _known(tx: Tx, beats: Sequence[tuple[Beat, datetime]]) -> dict[Key, Pulse]:
    """What is known of these heartbeats, locked; whoever is heard for the first time is there, too."""
    names = {beat.name for beat, _ in beats}
    known = _by_key(heartbeats.locked(tx, names))
    fresh: dict[Key, Pulse] = {}
    for beat, at in beats:
        key = (beat.name, beat.instance)
        if key not in known and key not in fresh and _may_begin(known.keys() | fresh.keys(), beat):
            fresh[key] = Pulse(beat.name, at, beat.instance, beat.labels)
    if not fresh:
        return known
    # Of two nodes that hear it first at the same time one waits here for the other.
    heartbeats.begin(tx, [fresh[key] for key in sorted(fresh)])
    return _by_key(heartbeats.locked(tx, names))


def _by_key(pulses: Iterable[Pulse]) -> dict[Key, Pulse]:
    return {(pulse.name, pulse.instance): pulse for pulse in pulses}


def _is_meant(beat: Beat, written: Heartbeat | None) -> bool:
    """Whether it is heard in this way: a watchdog by its alerts alone, and others by their pings."""
    return written is not None and bool(written.watchdog) == bool(beat.instance)


def _may_begin(known: Set[Key], beat: Beat) -> bool:
    """Whether the first that is heard of one is taken for it: not its end, and not one label set too many."""
    if not beat.instance:
        return True
    full = sum(name == beat.name for name, _ in known) >= MOST_INSTANCES
    if full:
        log.error("a watchdog comes with too many labels", heartbeat=beat.name, most=MOST_INSTANCES, often=True)
    return beat.kind == "ok" and not full


def due(tx: Tx, catalog: Catalog, now: datetime) -> tuple[list[str], list[str]]:
    """Names of the heartbeats of which something is to be told, and of those that nobody waits for yet."""
    written, known, down = by_name(catalog), heartbeats.every(tx), sources.down(tx)
    names = {pulse.name for pulse in known if _judged(pulse, written.get(pulse.name), now, down) != pulse}
    waited_for = {pulse.name for pulse in known if belongs(pulse, written.get(pulse.name))}
    return sorted(names), sorted(written.keys() - waited_for)


def judge(tx: Tx, catalog: Catalog, names: Iterable[str], now: datetime) -> int:
    """Tell what is to be told of these heartbeats at `now`; how many have changed."""
    written, down, changed = by_name(catalog), sources.down(tx), []
    for pulse in heartbeats.locked(tx, names):
        heartbeat = written.get(pulse.name)
        after = _followed(pulse, heartbeat, now)
        after = _told(tx, after, heartbeat if after.gone_at is None else None, now, down)
        if after != pulse:
            changed.append(after)
    heartbeats.save(tx, changed)
    return len(changed)


def standing(tx: Tx, catalog: Catalog) -> dict[str, tuple[int, datetime | None]]:
    """For each heartbeat of the files how many of its instances are an alarm, and when that was heard which was heard
    longest ago; None: none ever was.
    """
    written, down, now = by_name(catalog), sources.down(tx), tx.now()
    found: dict[str, tuple[int, datetime | None]] = dict.fromkeys(written, (0, None))
    for pulse in heartbeats.every(tx) if written else ():
        heartbeat = written.get(pulse.name)
        if heartbeat is not None and pulse.gone_at is None:
            alarms, heard_at = found[pulse.name]
            times = [at for at in (heard_at, pulse.heard_at) if at is not None]
            alarms += look(pulse, heartbeat, now, down).is_alarm
            found[pulse.name] = (alarms, min(times, default=None))
    return found


def forget(tx: Tx, name: str, instance: str) -> bool:
    """Forget one that is gone for good: the alert about it ends. False: there is none."""
    for pulse in heartbeats.locked(tx, [name]):
        if pulse.instance == instance:
            _forget(tx, pulse)
            return True
    return False


def by_name(catalog: Catalog) -> dict[str, Heartbeat]:
    """The heartbeats of the files."""
    return {heartbeat.name: heartbeat for heartbeat in catalog.heartbeats}


def _followed(pulse: Pulse, written: Heartbeat | None, now: datetime) -> Pulse:
    return follow(pulse, belongs(pulse, written), now)


def _judged(pulse: Pulse, written: Heartbeat | None, now: datetime, down: Sequence[Stretch]) -> Pulse:
    """What `judge` would make of it, with nothing told."""
    after = _followed(pulse, written, now)
    if written is None or after.gone_at is not None:
        return replace(after, told="")
    seen = look(after, written, now, down)
    return replace(after, told=seen.state if seen.is_alarm else "")


def _told(tx: Tx, pulse: Pulse, written: Heartbeat | None, now: datetime, down: Sequence[Stretch]) -> Pulse:
    """Tell what the heartbeat is at `now`, if something else is told of it; the alert goes the road of all others."""
    seen = look(pulse, written, now, down) if written is not None else None
    state = seen.state if seen is not None and seen.is_alarm else ""
    if state == pulse.told:
        return pulse
    _tell(tx, alarm(pulse, written, seen) if written and seen and state else ended(pulse, now))
    log.info("a heartbeat changed", heartbeat=pulse.name, instance=pulse.instance, state=state or "up")
    return replace(pulse, told=state)


def _tell(tx: Tx, alert: Alert) -> None:
    inbox.append(tx, HEARTBEATS, DIALECT, own_alert(alert), tx.now())


def _forget(tx: Tx, pulse: Pulse) -> None:
    if pulse.told:
        _tell(tx, ended(pulse, tx.now()))
    heartbeats.drop(tx, pulse.name, pulse.instance)
