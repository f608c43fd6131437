"""The webhook body that Alertmanager made and Grafana speaks too: a group of alerts, firing or resolved.

A body as it should be is decoded in one go; `salvage` reads all others. Both give the same alerts for a body that
both can read. People mix the two addresses up, so each takes what the other sends, Grafana's old flat form included.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from pager.core.alert import Alert
from pager.core.report import Parsed
from pager.sources import legacy
from pager.sources.salvage import GRAFANA_LINKS, LONGEST_FINGERPRINT, ended_at, salvage
from pager.sources.wire import AHEAD, EPOCH, LONGEST_VALUE, MOST_ALERTS, MOST_LABELS, Instant, bare, decode_object

_Text = Annotated[str, msgspec.Meta(max_length=LONGEST_VALUE)]
_LabelText = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_VALUE)]
_Labels = Annotated[dict[str, _LabelText], msgspec.Meta(max_length=MOST_LABELS)]
_Status = Literal["firing", "resolved", ""]
_GRAFANA_VERSION = "1"


class _Entry(msgspec.Struct, gc=False):
    labels: Annotated[dict[str, _LabelText], msgspec.Meta(min_length=1, max_length=MOST_LABELS)]
    annotations: Annotated[dict[str, _Text], msgspec.Meta(max_length=MOST_LABELS)] = {}
    startsAt: Instant | None = None
    endsAt: Instant | None = None
    status: _Status = ""
    fingerprint: Annotated[str, msgspec.Meta(max_length=LONGEST_FINGERPRINT)] = ""
    generatorURL: _Text = ""
    dashboardURL: _Text = ""
    panelURL: _Text = ""
    imageURL: _Text = ""
    silenceURL: _Text = ""
    valueString: _Text = ""


class _Body(msgspec.Struct):
    alerts: Annotated[list[_Entry], msgspec.Meta(min_length=1, max_length=MOST_ALERTS)]
    status: _Status = ""
    groupLabels: _Labels | None = None
    truncatedAlerts: Annotated[int, msgspec.Meta(ge=0, lt=10**9)] = 0
    version: Any = None  # a number in old and hand-made bodies


_decoder = msgspec.json.Decoder(_Body)


class _Odd(Exception):
    """A time that wants the careful way."""


def parse_webhook(payload: bytes, now: datetime, source: str, grafana: bool) -> Parsed:
    """The alerts of a body in Alertmanager's form, or in one of Grafana's; `now` is when it was accepted.

    With `grafana`, or when the body says `"version": "1"`, the fingerprint as sent is an alert's identity; else
    its labels are. Raises Malformed, and nothing else, for a body that no alert can be read from.
    """
    payload = bare(payload)
    try:
        return _fast(_typed(payload), now, source, grafana)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _Odd):
        body = decode_object(payload)
    if "alerts" not in body and "labels" not in body and legacy.speaks(body):
        return legacy.parse_legacy(body, now, source)
    return salvage(body, now, source, grafana or body.get("version") == _GRAFANA_VERSION)


def _typed(payload: bytes) -> _Body:
    if b"\\u0000" in payload:  # NUL must be taken out: PostgreSQL cannot keep it
        raise _Odd
    return _decoder.decode(payload)


def _fast(body: _Body, now: datetime, source: str, grafana: bool) -> Parsed:
    grafana = grafana or body.version == _GRAFANA_VERSION
    latest, group = now + AHEAD, body.groupLabels
    alerts = []
    for entry in body.alerts:
        status = entry.status or body.status or "firing"
        starts_at, ends_at = _believed(entry.startsAt, latest), None
        if status == "resolved":
            ended = _believed(entry.endsAt, latest)
            starts_at = starts_at or ended or now
            ends_at = ended_at(starts_at, ended, now)
        alerts.append(
            Alert(
                source,
                status,
                entry.labels,
                starts_at or now,
                _annotations(entry) if grafana else entry.annotations,
                ends_at,
                None,
                entry.fingerprint if grafana else "",
                entry.fingerprint,
                entry.generatorURL,
                group,
            )
        )
    return Parsed(tuple(alerts), truncated=body.truncatedAlerts)


def _believed(at: datetime | None, latest: datetime) -> datetime | None:
    if at is None or at.year == 1:
        return None
    if not EPOCH <= at <= latest:
        raise _Odd
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _annotations(entry: _Entry) -> Mapping[str, str]:
    links = {ours: text for theirs, ours in GRAFANA_LINKS.items() if (text := getattr(entry, theirs))}
    return links | entry.annotations
