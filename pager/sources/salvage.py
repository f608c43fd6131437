"""Salvage: the careful way through a webhook body, alert by alert, when it does not fit the fast one.

Whatever can be understood is kept and the rest becomes a fault with its path. In doubt an alert fires.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from pager.core.alert import Alert, Status
from pager.core.report import Fault, Malformed, Parsed
from pager.sources.wire import (
    Faults,
    check_count,
    fewer,
    first_texts,
    instant,
    labels_of,
    shown,
    texts_of,
    told,
    word,
)

LONGEST_FINGERPRINT = 256
GRAFANA_LINKS = {
    "dashboardURL": "dashboard_url",
    "panelURL": "panel_url",
    "imageURL": "image_url",
    "silenceURL": "silence_url",
    "valueString": "value_string",
}
"""What Grafana says beside an alert, and the annotation that carries it."""


class Frame(Struct, frozen=True):
    """What all alerts of one body share. `by_fingerprint`: the fingerprint as sent is the identity (Grafana)."""

    source: str
    now: datetime
    by_fingerprint: bool
    body: Mapping[str, Any]
    group: Mapping[str, str] | None


def salvage(body: Mapping[str, Any], now: datetime, source: str, by_fingerprint: bool) -> Parsed:
    """The alerts of a decoded Alertmanager or Grafana body, good ones kept beside bad ones.

    A body that is itself one alert (`labels` and no `alerts`) is read as such. Raises Malformed when there are
    entries and none is usable, naming the first, or when `alerts` is no list. No entries at all is no error.
    """
    single = "alerts" not in body and "labels" in body
    entries = [body] if single else body.get("alerts")
    if "alerts" not in body and not single:
        raise Malformed("alerts", "missing; an Alertmanager or Grafana body has a list of alerts")
    if not entries and (entries is None or isinstance(entries, list)):
        return Parsed((), truncated=truncated_of(body, []), note="no alerts in the body")
    if not isinstance(entries, list):
        raise Malformed("alerts", f"not a list: {shown(entries)}")
    check_count(entries, "alerts")
    faults: Faults = []
    frame = Frame(source, now, by_fingerprint, body, _group(body, faults))
    alerts = _each(entries, "" if single else None, frame, faults)
    truncated = truncated_of(body, faults)
    return Parsed(alerts, told(faults), truncated)


def truncated_of(body: Mapping[str, Any], faults: Faults) -> int:
    """How many alerts the sender left out; 0 with a fault when the number is none."""
    value = body.get("truncatedAlerts")
    if value is None:
        return 0
    text = "" if isinstance(value, str) else shown(value)
    if text.isdecimal() and len(text) <= 9:
        return int(text)
    faults.append(Fault("truncatedAlerts", f"not a count: {shown(value)}"))
    return 0


def status_of(entry: Mapping[str, Any], body: Mapping[str, Any], prefix: str, faults: Faults) -> Status:
    """An alert's status: its own, else its body's, else firing; case does not matter, an unknown word fires.

    A status that is no word at all is passed over with a fault. Raises Malformed when that leaves none.
    """
    odd = None
    for value, path in ((entry.get("status"), f"{prefix}status"), (body.get("status"), "status")):
        if isinstance(value, str) and value.strip():
            faults.extend([odd] if odd else [])
            return _known(value, path, faults)
        if value is not None and value != "" and odd is None:
            odd = Fault(path, f"not a status: {shown(value)}; write firing or resolved")
    if odd:
        raise Malformed(odd.path, odd.what)
    return "firing"


def ended_at(starts_at: datetime, ends_at: datetime | None, now: datetime) -> datetime:
    """When a resolved alert ended: as told, else `now`; never before it started, or the resolve would be old news."""
    return max(starts_at, ends_at or now)


def _each(entries: list[Any], prefix: str | None, frame: Frame, faults: Faults) -> tuple[Alert, ...]:
    alerts, first_loss = [], None
    for at, entry in enumerate(entries):
        try:
            alerts.append(_alert(entry, f"alerts[{at}]." if prefix is None else prefix, frame, faults))
        except Malformed as loss:
            first_loss = first_loss or loss
            faults.append(Fault(loss.path, loss.what, lost=True))
    if first_loss and not alerts:
        raise first_loss
    return tuple(alerts)


def _alert(entry: Any, prefix: str, frame: Frame, faults: Faults) -> Alert:
    if not isinstance(entry, dict):
        raise Malformed(prefix.rstrip("."), f"not an object: {shown(entry)}")
    fingerprint = word(entry, "fingerprint", prefix, faults, LONGEST_FINGERPRINT)
    identity = fingerprint if frame.by_fingerprint else ""
    labels, cut_identity = fewer(_labels(entry, prefix, frame, bool(identity), faults), f"{prefix}labels", faults)
    status = status_of(entry, frame.body, prefix, faults)
    starts_at, ends_at = _times(entry, prefix, status, frame.now, faults)
    return Alert(
        source=frame.source,
        status=status,
        labels=labels,
        starts_at=starts_at,
        annotations=_annotations(entry, prefix, frame.by_fingerprint, faults),
        ends_at=ends_at,
        identity=identity or cut_identity,
        fingerprint=fingerprint,
        generator_url=word(entry, "generatorURL", prefix, faults),
        group=frame.group,
    )


def _times(
    entry: Mapping[str, Any], prefix: str, status: Status, now: datetime, faults: Faults
) -> tuple[datetime, datetime | None]:
    starts_at = instant(entry.get("startsAt"), f"{prefix}startsAt", now, faults)
    if status == "firing":  # whatever endsAt says: on a webhook the status decides
        return starts_at or now, None
    ends_at = instant(entry.get("endsAt"), f"{prefix}endsAt", now, faults)
    starts_at = starts_at or ends_at or now
    return starts_at, ended_at(starts_at, ends_at, now)


def _labels(entry: Mapping[str, Any], prefix: str, frame: Frame, may_be_empty: bool, faults: Faults) -> dict[str, str]:
    path = f"{prefix}labels"
    if labels := labels_of(entry.get("labels"), path, faults):
        return labels
    for name in ("commonLabels", "groupLabels"):
        value = frame.body.get(name)
        if isinstance(value, dict) and (labels := labels_of(value, name, [])):
            faults.append(Fault(path, f"none; taken from {name}"))
            return labels
    if not may_be_empty:
        raise Malformed(path, "none, and no commonLabels to take them from")
    return {}


def _annotations(entry: Mapping[str, Any], prefix: str, grafana: bool, faults: Faults) -> dict[str, str]:
    path = f"{prefix}annotations"
    try:
        annotations = texts_of(entry.get("annotations"), path, faults)
    except Malformed as error:  # an alert is worth more than its prose
        faults.append(Fault(error.path, error.what))
        annotations = {}
    annotations = first_texts(annotations, path, faults)
    if not grafana:
        return annotations
    links = {ours: word(entry, theirs, prefix, faults) for theirs, ours in GRAFANA_LINKS.items()}
    return {name: text for name, text in links.items() if text} | annotations


def _group(body: Mapping[str, Any], faults: Faults) -> dict[str, str] | None:
    value = body.get("groupLabels")
    try:
        return None if value is None else fewer(labels_of(value, "groupLabels", faults), "groupLabels", faults)[0]
    except Malformed as error:
        faults.append(Fault(error.path, error.what))
        return None


def _known(value: str, path: str, faults: Faults) -> Status:
    match value.strip().casefold():
        case "firing":
            return "firing"
        case "resolved":
            return "resolved"
    faults.append(Fault(path, f"unknown status {shown(value)}, taken as firing; write firing or resolved"))
    return "firing"
