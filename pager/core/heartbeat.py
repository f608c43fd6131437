"""Heartbeats: what must speak every so often, what it said last, and what it is at an instant.

`every` and `grace` are elapsed time, of which only that counts in which pager could listen. A run that was begun has
`grace` (without one `every`) to end. Whoever sends a watchdog with labels of its own is an instance of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from pager.core.alert import HEARTBEATS, Alert, fingerprint_of
from pager.core.duration import format_duration
from pager.core.hygiene import one_line
from pager.core.matcher import all_match
from pager.core.rule import Heartbeat
from pager.core.stale import Stretch, listened_until

Kind = Literal["ok", "start", "fail", "log"]
State = Literal["new", "up", "started", "late", "missing", "failed", "overrun"]
ALARMS: Mapping[str, str] = {
    "missing": "HeartbeatMissing",
    "failed": "HeartbeatFailed",
    "overrun": "HeartbeatOverrun",
}
"""The states that are alerts, and their names."""
LONGEST_WORD = 10_000
"""How much is kept of what a ping says, in bytes or characters."""
AWAY = timedelta(hours=1)
"""A heartbeat that was not in the files for longer is waited for anew when it comes back."""
_SAID_OTHERWISE = frozenset({"alertname", "severity", "source", "heartbeat"})
_SHOWN = 3
_CUT = 36


class Beat(Struct, frozen=True):
    """One sign of life. `run` ties the start and the end of one run; `word` is what was said with it."""

    name: str
    kind: Kind = "ok"
    exit_status: int | None = None
    run: str = ""
    word: str = ""
    instance: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Pulse(Struct, frozen=True):
    """What is known of a heartbeat, or of one instance of a watchdog.

    It is waited for from `expected_at` on, or from when it was heard last. `told` is the state that an alert tells of,
    "" for none. `gone_at`: since then no file names it.
    """

    name: str
    expected_at: datetime
    instance: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    heard_at: datetime | None = None
    began_at: datetime | None = None
    run: str = ""
    failed_at: datetime | None = None
    exit_status: int | None = None
    lasted: timedelta | None = None
    word: str = ""
    word_at: datetime | None = None
    told: str = ""
    gone_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """What the wait counts from."""
        return self.expected_at if self.heard_at is None else max(self.heard_at, self.expected_at)

    @property
    def title(self) -> str:
        """The name; of an instance with up to three of its labels: `prometheus (cluster=eu)`."""
        told = [name for name in sorted(self.labels) if name not in _SAID_OTHERWISE]
        # Short enough that what became of it has room in a title beside them.
        shown = [one_line(f"{name}={self.labels[name]}"[:_CUT]) for name in told]
        shown = shown[:_SHOWN] or [f"from {self.labels['source']}"] if self.labels else []
        return f"{self.name} ({', '.join(shown)})" if shown else self.name


class Look(Struct, frozen=True):
    """What a heartbeat is since `at`, and when it is missing if nothing more is heard of it."""

    state: State
    at: datetime
    due_at: datetime

    @property
    def is_alarm(self) -> bool:
        return self.state in ALARMS


def heard(pulse: Pulse, beat: Beat, at: datetime) -> Pulse:
    """The pulse after `beat`, accepted at `at`. They apply in the order in which they come, whatever the clocks say."""
    at = at if pulse.word_at is None else max(at, pulse.word_at)
    pulse = replace(pulse, word_at=at, labels=beat.labels or pulse.labels, gone_at=None)
    if beat.word or beat.kind in ("ok", "fail"):
        pulse = replace(pulse, word=beat.word[:LONGEST_WORD])
    if beat.kind == "log":
        return pulse
    if beat.kind == "start":
        return replace(pulse, began_at=at, run=beat.run)
    done = replace(pulse, heard_at=at, exit_status=beat.exit_status, lasted=None)
    done = replace(done, failed_at=at if beat.kind == "fail" else None)
    if pulse.began_at is not None and pulse.run == beat.run:
        return replace(done, lasted=at - pulse.began_at, began_at=None, run="")
    # Another run ended, unless it is not said which: then all that began is over.
    return done if beat.run and beat.kind == "ok" else replace(done, began_at=None, run="")


def look(pulse: Pulse, written: Heartbeat, now: datetime, down: Sequence[Stretch] = ()) -> Look:
    """What it is at `now`. `down` are the stretches in which pager could not listen."""
    due_at = listened_until(pulse.since, written.every + written.grace, down)
    if pulse.failed_at is not None:
        return Look("failed", pulse.failed_at, due_at)
    over = pulse.began_at and listened_until(pulse.began_at, written.grace or written.every, down)
    if over is not None and over <= now:
        return Look("overrun", over, due_at)
    if due_at <= now:
        return Look("missing", due_at, due_at)
    late_at = listened_until(pulse.since, written.every, down)
    if late_at <= now and pulse.heard_at is not None:
        return Look("late", late_at, due_at)
    if pulse.began_at is not None:
        return Look("started", pulse.began_at, due_at)
    return Look("new" if pulse.heard_at is None else "up", pulse.since, due_at)


def follow(pulse: Pulse, belongs: bool, now: datetime) -> Pulse:
    """The pulse as the files have it now: nobody waits for what they do not name, or not yet again."""
    if not belongs:
        return pulse if pulse.gone_at is not None else replace(pulse, gone_at=now)
    if pulse.gone_at is None:
        return pulse
    anew = now - pulse.gone_at > AWAY
    return replace(pulse, gone_at=None, expected_at=now if anew else pulse.expected_at)


def belongs(pulse: Pulse, written: Heartbeat | None) -> bool:
    """Whether `written`, the heartbeat of its name, is about this pulse: an instance has labels that still match."""
    if written is None or not pulse.instance:
        return written is not None
    return bool(written.watchdog) and all_match(written.watchdog, pulse.labels)


def is_about(written: Heartbeat, labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels, `source` among them, is a sign of life of `written`, or tells of it."""
    if labels.get("source") == HEARTBEATS:
        return labels.get("heartbeat") == written.name
    return bool(written.watchdog) and all_match(written.watchdog, labels)


def beats_of(alert: Alert, written: Iterable[Heartbeat]) -> Iterator[Beat]:
    """The signs of life that an alert is: one for each watchdog that it matches. A resolved one is a failure.

    A label set is an instance, and so is each source that sends it.
    """
    labels = {**alert.labels, "source": alert.source}
    for heartbeat in written if alert.source != HEARTBEATS else ():
        if is_about(heartbeat, labels):
            kind: Kind = "ok" if alert.status == "firing" else "fail"
            yield Beat(heartbeat.name, kind, instance=fingerprint_of(labels), labels=labels)


def ended(pulse: Pulse, now: datetime) -> Alert:
    """The end of what is told of a heartbeat."""
    return Alert(HEARTBEATS, "resolved", {}, now, identity=_identity(pulse))


def alarm(pulse: Pulse, written: Heartbeat, seen: Look) -> Alert:
    """The alert about a heartbeat in a state of ALARMS."""
    labels = {name: value for name, value in pulse.labels.items() if name not in _SAID_OTHERWISE}
    if "source" in pulse.labels:
        labels["sender"] = pulse.labels["source"]
    told = {"title": _title(pulse, seen), "summary": _summary(pulse, written, seen)}
    named = {**labels, "alertname": ALARMS[seen.state], "heartbeat": pulse.name}
    return Alert(HEARTBEATS, "firing", named, seen.at, told, identity=_identity(pulse))


def _identity(pulse: Pulse) -> str:
    return f"{pulse.name}/{pulse.instance}" if pulse.instance else pulse.name


def _title(pulse: Pulse, seen: Look) -> str:
    if seen.state == "missing":
        if pulse.heard_at is None:
            return f"{pulse.title} has never been heard, and should have been since {_said(pulse.expected_at)}"
        return f"{pulse.title} has not been heard since {_said(pulse.heard_at)}"
    if seen.state == "overrun" and pulse.began_at is not None:
        return f"{pulse.title} began at {_said(pulse.began_at)} and has not ended"
    if pulse.instance:
        return f"{pulse.title} was resolved at {_said(seen.at)}: it should always fire"
    status = "" if pulse.exit_status is None else f" with exit status {pulse.exit_status}"
    return f"{pulse.title} failed at {_said(seen.at)}{status}"


def _summary(pulse: Pulse, written: Heartbeat, seen: Look) -> str:
    """What was expected, and the last line of what it said."""
    grace = f", with {format_duration(written.grace)} of grace" if written.grace else ""
    said = [f"It should be heard every {format_duration(written.every)}{grace}."]
    if pulse.instance and seen.state == "missing":
        said.append("By way of Alertmanager it needs a repeat_interval below that.")
    if pulse.instance:
        forget = f"pagerctl heartbeat forget {pulse.name} {pulse.instance}"
        said.append(f"If it is gone for good: {forget}")
    lines = [line for line in pulse.word.splitlines() if line.strip()]
    if lines:
        said.append(f"Its last word: {one_line(lines[-1])[:200]}")
    return " ".join(said)


def _said(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
