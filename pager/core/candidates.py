"""Candidates: whether what a source sends may be a SEV-1 or a SEV-2, told before anything of it is worked."""

from collections.abc import Iterable

from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.classify import classify
from pager.core.heartbeat import beats_of
from pager.core.severity import Level


def most_urgent(alerts: Iterable[Alert], catalog: Catalog) -> Level | None:
    """The worse of SEV-1 and SEV-2 if one of these alerts that fire is so severe; else None.

    A sign of life counts as SEV-1: late, it would be missed, and pages.
    """
    found: Level | None = None
    for alert in alerts:
        if alert.status != "firing":
            continue
        if catalog.watchdogs and any(True for _ in beats_of(alert, catalog.watchdogs)):
            return "SEV-1"
        decision = classify(alert, catalog)
        if decision.respond == "none":
            continue
        if decision.severity == "SEV-1":
            return "SEV-1"
        if decision.severity == "SEV-2":
            found = "SEV-2"
    return found
