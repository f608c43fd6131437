"""What Prometheus may know of what people hold back: whether all pages are paused, and how many silences there are."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pager.core.silence import Kind
from pager.holding import Holding


class HeldMetrics(Collector):
    """Told from what is in force, when it is asked for."""

    def __init__(self, registry: CollectorRegistry, holding: Holding, clock: Callable[[], datetime]) -> None:
        self._holding = holding
        self._clock = clock
        registry.register(self)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = self._clock()
        pause = self._holding.pause(now)
        until = pause.ends_at.timestamp() if pause else 0.0
        yield GaugeMetricFamily("pager_paused", "Whether all pages are paused.", value=float(pause is not None))
        yield GaugeMetricFamily("pager_paused_until_timestamp_seconds", "Until when; 0: they are not.", value=until)
        family = GaugeMetricFamily("pager_silences", "What people made that holds alerts now.", labels=("kind",))
        active = [one.wanted.kind for one in self._holding.standing(now) if one.state(now) == "active"]
        for kind in get_args(Kind):
            family.add_metric((kind,), float(active.count(kind)))
        yield family
