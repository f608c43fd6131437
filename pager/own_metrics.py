"""What Prometheus may know of pager's own upkeep: files, backups, the dead-man's switch, the last resort, the disk."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from shutil import disk_usage

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class OwnMetrics(Collector):
    """Families of their own, in the registry of all. Ages are taken when they are asked for.

    `folder` is where pager writes: the room there is told.
    """

    def __init__(self, registry: CollectorRegistry, folder: Path | None = None) -> None:
        self.began = datetime.now(UTC)
        self.folder = folder
        self.backed_up_at: datetime | None = None
        self.backups_on = False
        self.degraded = Gauge("pager_config_degraded", "Whether the last good copy runs.", registry=registry)
        self.backups = Counter("pager_backups", "Copies of the database.", ("result",), registry=registry)
        self.backup_bytes = Gauge("pager_backup_bytes", "Size of the newest copy.", registry=registry)
        self.pings = Counter("pager_deadman_pings", "Signs of life.", ("target", "result"), registry=registry)
        self.pinged_at = Gauge(
            "pager_deadman_last_success_timestamp_seconds", "When it was heard.", ("target",), registry=registry
        )
        self.stalled = Gauge("pager_deadman_stalled", "Whether proof of progress is missing.", registry=registry)
        self.clock_offset = Gauge(
            "pager_clock_offset_seconds", "The clock against those whom pager signals to.", registry=registry
        )
        self.last_resort = Counter("pager_last_resort", "Messages of the last resort.", ("result",), registry=registry)
        for counter in (self.backups, self.last_resort):
            for result in ("success", "failure"):
                counter.labels(result)
        registry.register(self)

    def backed_up(self, at: datetime, size: int) -> None:
        """There is a whole copy from `at`."""
        self.backed_up_at = at
        self.backup_bytes.set(size)

    def backup_age(self) -> float:
        """Seconds since the newest copy; since the start where there is none."""
        return max(0.0, (datetime.now(UTC) - (self.backed_up_at or self.began)).total_seconds())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        if self.backups_on:
            yield _gauge("backup_age_seconds", "How old the newest whole copy is.", self.backup_age)
            at = self.backed_up_at.timestamp() if self.backed_up_at else 0.0
            yield _gauge("backup_last_success_timestamp_seconds", "From when the newest whole copy is.", lambda: at)
        if self.folder is not None:
            try:
                room = disk_usage(self.folder)
            except OSError:
                return
            yield _gauge("disk_free_bytes", "Room where pager writes.", lambda: room.free)
            yield _gauge("disk_size_bytes", "All of it.", lambda: room.total)


def _gauge(name: str, about: str, value: Callable[[], float]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pager_{name}", about, value=value())
