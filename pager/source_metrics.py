"""What Prometheus may know of the shares of sources: who is over a quota, what waits for it, and tokens."""

from collections.abc import Collection, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pager.core.quota import Waits


class SourceMetrics(Collector):
    """Families of their own. Gauges are as they were counted last, for sources of which there is something to tell."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waits: Mapping[str, Waits] = {}
        self._over: Collection[str] = ()
        self._unused: Collection[str] = ()
        self.networks = Counter(
            "pager_source_token_networks",
            "Networks from which a token came for the first time after its first week.",
            ("source",),
            registry=registry,
        )
        registry.register(self)

    def stands(self, waits: Mapping[str, Waits], over: Collection[str], unused: Collection[str]) -> None:
        """This is how it stands now."""
        self._waits, self._over, self._unused = waits, over, unused

    def collect(self) -> Iterable[GaugeMetricFamily]:
        waits = self._waits
        open_alerts = {name: one.open for name, one in waits.items()}
        last = {name: one.rows for name, one in waits.items()}
        yield _family("open_alerts", "Alerts of it that fire.", open_alerts)
        yield _family("waiting_last", "Its requests that are worked behind all others.", last)
        yield _family(
            "over_quota", "1 while it is over its quota, and for 15 minutes more.", dict.fromkeys(self._over, 1)
        )
        yield _family("token_unused", "1 while nobody has shown its token for 7 days.", dict.fromkeys(self._unused, 1))


def _family(name: str, about: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"pager_source_{name}", about, labels=("source",))
    for source, value in sorted(values.items()):
        family.add_metric((source,), float(value))
    return family
