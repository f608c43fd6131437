"""What Prometheus may know of schedules: whether somebody is on call, how long nobody will be, and when it changes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pager.core.catalog import Catalog
from pager.core.oncall import timeline

AHEAD = timedelta(days=14)
FRESH = timedelta(minutes=1)


def _now() -> datetime:
    return datetime.now(UTC)


class ShiftMetrics(Collector):
    """Worked out from the catalog in force, at most once a minute and again when it changes.

    With `names` the people on call are told, too: their names become label values. Schedules that say `gaps: ok` are
    left out of what tells of gaps.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        catalog: Callable[[], Catalog],
        *,
        names: bool = False,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._catalog = catalog
        self._names = names
        self._clock = clock
        self._known: tuple[Catalog, datetime, Sequence[GaugeMetricFamily]] | None = None
        registry.register(self)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        catalog, now = self._catalog(), self._clock()
        known = self._known
        if known is None or not _same(known[0], catalog) or not known[1] <= now < known[1] + FRESH:
            known = self._known = catalog, now, self._families(catalog, now)
        return known[2]

    def _families(self, catalog: Catalog, now: datetime) -> Sequence[GaugeMetricFamily]:
        covered = _family("schedule_covered", "Whether somebody is on call now.", "schedule")
        gap = _family("schedule_gap_seconds", "Without anybody on call in the next 14 days.", "schedule")
        change = _family("shift_change_timestamp_seconds", "When others are on call.", "schedule")
        info = _family("oncall_info", "Who is on call now, always 1.", "schedule", "user")
        for name, schedule in catalog.schedules.items():
            current = catalog.on_call(name, now)
            if schedule.gaps != "ok":
                ahead = timeline(schedule, now, now + AHEAD, catalog.overrides.get(name, ()))
                empty = sum((one.end - one.start for one in ahead if not one.people), timedelta())
                covered.add_metric((name,), float(bool(current.people)))
                gap.add_metric((name,), empty.total_seconds())
            if current.until is not None:
                change.add_metric((name,), current.until.timestamp())
            for user in current.people:
                info.add_metric((name, user), 1.0)
        return (covered, gap, change, info) if self._names else (covered, gap, change)


def _same(one: Catalog, other: Catalog) -> bool:
    """Whether both say the same of who is on call: a silence makes another catalog, too."""
    return one.schedules is other.schedules and one.overrides == other.overrides


def _family(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pager_{name}", about, labels=labels)
