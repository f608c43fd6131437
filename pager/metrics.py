"""Metrics: what Prometheus may know. Label values come from the files or from fixed sets, never from a sender."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol, get_args

from msgspec import Struct, field
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from pager import __version__
from pager.core.catalog import CHANNEL, Catalog
from pager.core.contact_url import ChannelClass
from pager.core.incident import Incident
from pager.core.outcome import Outcome
from pager.core.report import Parsed
from pager.core.text import Facts

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PAGING = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 900)
HUMAN = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

_VIA: ContextVar[str] = ContextVar("via", default="other")


@contextmanager
def acting(via: str) -> Iterator[None]:
    """What is acknowledged inside was acknowledged that way: link, api, web, cli, chat, voice, sms, button."""
    token = _VIA.set(via)
    try:
        yield
    finally:
        _VIA.reset(token)


class BatchDone(Protocol):
    """What a worked batch of the inbox tells: how many alerts changed, and how, and began to fire without a rule."""

    @property
    def changes(self) -> Mapping[str, int]: ...
    @property
    def unrouted(self) -> Mapping[str, int]: ...


class Happened(Protocol):
    """What a committed transaction tells."""

    @property
    def opened(self) -> Sequence[Incident]: ...
    @property
    def closed(self) -> Sequence[Incident]: ...
    @property
    def acked(self) -> Sequence[tuple[Incident, str]]: ...
    @property
    def steps(self) -> Sequence[Incident]: ...
    @property
    def last_resort(self) -> Sequence[Incident]: ...
    @property
    def held(self) -> Sequence[Incident]: ...


class PageSent(Protocol):
    """What the notifier tells of a page."""

    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def recipient(self) -> str: ...


class AttemptMade(Protocol):
    """What the notifier tells of an attempt; `facts.now` is when it began."""

    @property
    def page(self) -> PageSent: ...
    @property
    def contact(self) -> str: ...
    @property
    def facts(self) -> Facts: ...


class Standing(Struct, frozen=True):
    """What stands in the database at one instant; ages in seconds."""

    incidents: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (team, severity, state)
    alerts: Mapping[str, int] = field(default_factory=dict)
    depth: Mapping[str, int] = field(default_factory=dict)  # by queue: inbox, pages
    oldest: Mapping[str, float] = field(default_factory=dict)
    contacts: Mapping[str, int] = field(default_factory=dict)  # by whether they are proven: yes, no
    heartbeats: Mapping[str, tuple[int, datetime | None]] = field(default_factory=dict)  # how many alarms, last heard


class Metrics(Collector):
    """All families, in a registry of their own. Also the engine's listener and the notifier's watcher."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self.registry = CollectorRegistry()
        self.standing = Standing()
        self.catalog = catalog
        self._families()
        self._http_families()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def _families(self) -> None:
        self._info()
        self.page_latency = self._histogram(
            "page_latency_seconds", "From an alert's acceptance to a provider's.", "severity", buckets=PAGING
        )
        self.received = self._counter("alerts_received", "Alerts accepted.", "source", "status")
        self.invalid = self._counter("alerts_invalid", "Bodies refused, and parts left out.", "source", "reason")
        self.ingest = self._histogram("ingest_duration_seconds", "From a whole body to its commit.", "source")
        self.late = self._counter("source_late", "Requests over a quota: worked last, or refused.", "source", "outcome")
        self.unrouted = self._counter("source_unrouted", "Alerts that began to fire without a rule.", "source")
        self.changes = self._counter("alert_changes", "What reports did to alerts.", "change")
        self.opened = self._counter("incidents_opened", "Incidents opened.", "team", "severity")
        self.closed = self._counter("incidents_closed", "Incidents closed, by whom.", "team", "reason")
        self.acks = self._counter("acks", "Acknowledgements.", "team", "via")
        self.to_ack = self._histogram(
            "time_to_ack_seconds", "From opening to the acknowledgement.", "team", "severity", buckets=HUMAN
        )
        self.to_resolve = self._histogram(
            "time_to_resolve_seconds", "From opening to the end.", "team", "severity", buckets=HUMAN
        )
        self.steps = self._counter("escalation_steps", "Steps begun.", "team", "step")
        self.exhausted = self._counter("escalations_exhausted", "Policies that came to their end.", "team")
        self.held = self._counter("incidents_held", "Times that something kept an incident from paging.", "reason")
        for reason in ("silence", "maintenance", "inhibition", "pause"):
            self.held.labels(reason)
        self.sent = self._counter("notifications", "Messages that a provider took.", "channel", "kind")
        self.failed = self._counter("notifications_failed", "Attempts that failed.", "channel", "reason")
        self.templates_failed = self._counter("template_failures", "Templates that failed.", "template")
        for kind in get_args(ChannelClass):
            self.templates_failed.labels(kind)
        self.sending = self._histogram("notification_duration_seconds", "One attempt at a contact.", "channel")

    def _http_families(self) -> None:
        self.timer_lag = self._histogram("timer_lag_seconds", "How late the most overdue clock is.", buckets=PAGING)
        self.loop_lag = self._histogram("event_loop_lag_seconds", "How late the event loop wakes.")
        self.requests = self._histogram("http_request_duration_seconds", "Requests.", "method", "handler", "code")
        self.cut = self._counter("connections_cut", "Connections refused, or ended before an answer.", "reason")
        for reason in ("full", "gave_way", "slow_head", "stuck"):
            self.cut.labels(reason)
        self.refused = self._counter("doors_refused", "Requests that showed no token, or not a right one.", "reason")
        for reason in ("missing", "wrong", "expired", "scope", "link", "slowed"):
            self.refused.labels(reason)
        for reason in ("password", "proxy", "person", "provider", "signature"):
            self.refused.labels(reason)
        self.db_errors = self._counter("db_errors", "Times the database could not be used.", "operation")
        for operation in ("ingest", "act", "read"):
            self.db_errors.labels(operation)

    def _info(self) -> None:
        build = Gauge("pager_build_info", "Always 1.", ("version", "revision", "python"), registry=self.registry)
        build.labels(__version__, "", platform.python_version()).set(1)
        self._config_ok = self._gauge("config_last_reload_successful", "Whether the newest files are in force.")
        self._config_at = self._gauge("config_last_reload_success_timestamp_seconds", "When they were read.")
        self._config_hash = self._gauge("config_hash", "A number that changes with the files.")
        self._reloads = self._counter("config_reloads", "Reads of the files.", "result")

    # What the daemon tells.

    def config_read(self, *, ok: bool, config_hash: str = "", at: datetime | None = None) -> None:
        """The files were read: with `ok` they are in force since `at`; else the ones before stay."""
        self._config_ok.set(ok)
        self._reloads.labels("success" if ok else "failure").inc()
        if ok and at is not None:
            self._config_at.set(at.timestamp())
            # A gauge is a double: 52 bits of the hash survive in it.
            self._config_hash.set(int(config_hash[:13] or "0", 16))

    def took_in(self, source: str, parsed: Parsed, seconds: float) -> None:
        """A body was kept, `seconds` after it was read."""
        for alert in parsed.alerts:
            self.received.labels(source, alert.status).inc()
        if parsed.faults:
            self.invalid.labels(source, "fault").inc(len(parsed.faults))
        self.ingest.labels(source).observe(seconds)

    def answered(self, method: str, handler: str, code: int, seconds: float) -> None:
        """`handler` is the route as it is declared, never the path that was asked for."""
        self.requests.labels(method if method in METHODS else "other", handler, str(code)).observe(seconds)

    # The notifier's watcher.

    def attempted(self, attempt: AttemptMade, outcome: Outcome) -> None:
        """One attempt at a contact ended."""
        page = attempt.page
        channel = page.recipient if page.recipient.startswith(CHANNEL) else attempt.contact
        self.sending.labels(channel).observe(max(0.0, (datetime.now(UTC) - attempt.facts.now).total_seconds()))
        if outcome.delivered:
            self.sent.labels(channel, page.kind).inc()
        else:
            self.failed.labels(channel, outcome.reason.value).inc()

    def accepted(self, page: PageSent, seconds: float) -> None:
        """The first message of a page was taken by a provider, so long after it was issued."""
        if page.kind == "page":
            self.page_latency.labels(page.severity).observe(max(0.0, seconds))

    def template_failed(self, template: str) -> None:
        """A template failed, and the built-in text went out."""
        self.templates_failed.labels(template).inc()

    # The engine's listener.

    def batch(self, worked: BatchDone) -> None:
        for change, count in worked.changes.items():
            self.changes.labels(change).inc(count)
        for source, count in worked.unrouted.items():
            self.unrouted.labels(source).inc(count)

    def news(self, news: Happened) -> None:
        for incident in news.opened:
            self.opened.labels(self._team(incident), incident.severity).inc()
        for incident, _ in news.acked:
            self._acked(incident)
        for incident in news.closed:
            self._closed(incident)
        for incident in news.steps:
            self._step(incident)
        for incident in news.last_resort:
            self.exhausted.labels(self._team(incident)).inc()
        for incident in news.held:
            self.held.labels(incident.hold.reason if incident.hold else "silence").inc()

    def _acked(self, incident: Incident) -> None:
        team = self._team(incident)
        self.acks.labels(team, _VIA.get()).inc()
        if incident.acked_at is not None:
            waited = (incident.acked_at - incident.opened_at).total_seconds()
            self.to_ack.labels(team, incident.severity).observe(waited)

    def _closed(self, incident: Incident) -> None:
        team = self._team(incident)
        reason = {"source": "source", "not heard of": "unheard"}.get(incident.resolved_by, "person")
        self.closed.labels(team, reason).inc()
        if incident.resolved_at is not None:
            lasted = (incident.resolved_at - incident.opened_at).total_seconds()
            self.to_resolve.labels(team, incident.severity).observe(lasted)

    def _step(self, incident: Incident) -> None:
        team = self._team(incident)
        self.steps.labels(team, "then" if incident.then else str(incident.step)).inc()
        if incident.then:
            self.exhausted.labels(team).inc()

    def _team(self, incident: Incident) -> str:
        return self.catalog().team_of(incident.policy)

    # What stands: read from the database now and then, told when asked.

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = self.standing
        yield _family("incidents", "Open incidents.", ("team", "severity", "state"), now.incidents.items())
        yield _family("alerts", "Alerts known.", ("state",), _single(now.alerts))
        yield _family("queue_depth", "What waits.", ("queue",), _single(now.depth))
        yield _family("contacts", "Contacts, by whether a test page proved them.", ("proven",), _single(now.contacts))
        yield from _heartbeats(now.heartbeats)
        yield _family("queue_oldest_age_seconds", "For how long the oldest waits.", ("queue",), _single(now.oldest))

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"pager_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(f"pager_{name}", about, registry=self.registry)

    def _histogram(self, name: str, about: str, *labels: str, buckets: Sequence[float] = FAST) -> Histogram:
        return Histogram(f"pager_{name}", about, labels, registry=self.registry, buckets=buckets)


def _heartbeats(known: Mapping[str, tuple[int, datetime | None]]) -> Iterator[GaugeMetricFamily]:
    """Names come from the files. A watchdog with several instances is as well as the worst of them."""
    up = {name: float(not alarms) for name, (alarms, _) in known.items()}
    yield _family("heartbeat_up", "Whether it is neither missing nor failed, nor hangs.", ("name",), _single(up))
    alarms = {name: alarms for name, (alarms, _) in known.items()}
    yield _family("heartbeat_missing", "Instances that are missing, failed or hang.", ("name",), _single(alarms))
    last = {name: heard_at.timestamp() for name, (_, heard_at) in known.items() if heard_at is not None}
    yield _family("heartbeat_last_timestamp_seconds", "When it was heard last.", ("name",), _single(last))


def _single(values: Mapping[str, float]) -> Iterable[tuple[tuple[str], float]]:
    return (((name,), value) for name, value in values.items())


def _family(
    name: str, about: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"pager_{name}", about, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
