"""Prometheus without Alertmanager between: the array of alerts that API v2, and v1 before it, is posted.

An element has no status. An `endsAt` ahead of us is a lease: the alert fires until that runs out or is renewed. An
`endsAt` behind us is its end. Nothing is grouped on the way here, so an alert's group is its name. What Alertmanager
refuses is left out with a fault, and the others are kept: answer 400 when there are faults, as Alertmanager does.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from pager.core.alert import Alert
from pager.core.report import Fault, Malformed, Parsed, Source
from pager.sources.wire import (
    AHEAD,
    EPOCH,
    LONGEST_VALUE,
    MOST_ALERTS,
    MOST_LABELS,
    Faults,
    Instant,
    bare,
    check_count,
    decode,
    fewer,
    first_texts,
    instant,
    labels_of,
    shown,
    texts_of,
    told,
    word,
)

LEASE = timedelta(minutes=5)
"""How long an alert fires that says nothing of its end: Alertmanager's resolve_timeout."""

_Text = Annotated[str, msgspec.Meta(max_length=LONGEST_VALUE)]
_LabelText = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_VALUE)]


class _Entry(msgspec.Struct, gc=False):
    labels: Annotated[dict[str, _LabelText], msgspec.Meta(min_length=1, max_length=MOST_LABELS)]
    annotations: Annotated[dict[str, _Text], msgspec.Meta(max_length=MOST_LABELS)] = {}
    startsAt: Instant | None = None
    endsAt: Instant | None = None
    generatorURL: _Text = ""


_decoder: msgspec.json.Decoder[list[_Entry]] = msgspec.json.Decoder(
    Annotated[list[_Entry], msgspec.Meta(max_length=MOST_ALERTS)]
)


class _Odd(Exception):
    """Something that wants the careful way."""


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """The alerts of one body in its order, each with its lease or its end; `now` is when it was accepted.

    The labels are the identity, empty ones left out: an HA pair whose replica label was dropped is one source of
    one alert. The same labels may come twice in one body. A start that is missing is the end, where that has
    passed, else `now`. Raises Malformed, and nothing else: when the body is no array, or no element is usable.
    """
    payload = bare(payload)
    try:
        alerts = tuple([_fast(entry, now, source) for entry in _typed(payload)])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _Odd):
        return _careful(decode(payload), now, source)
    return Parsed(alerts, note="" if alerts else "no alerts in the body")


def _typed(payload: bytes) -> list[_Entry]:
    if b"\\u0000" in payload:  # NUL must be taken out: PostgreSQL cannot keep it
        raise _Odd
    return _decoder.decode(payload)


def _fast(entry: _Entry, now: datetime, source: str) -> Alert:
    latest = now + AHEAD
    starts_at, ends_at = _believed(entry.startsAt, latest), _believed(entry.endsAt, latest)
    if starts_at and ends_at and ends_at < starts_at:
        raise _Odd
    return _alert(source, now, entry.labels, entry.annotations, starts_at, ends_at, entry.generatorURL)


def _believed(at: datetime | None, latest: datetime) -> datetime | None:
    if at is None or at.year == 1:
        return None
    if not EPOCH <= at <= latest:
        raise _Odd
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _alert(
    source: str,
    now: datetime,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    starts_at: datetime | None,
    ends_at: datetime | None,
    generator_url: str,
    identity: str = "",
) -> Alert:
    ended = ends_at is not None and ends_at <= now
    return Alert(
        source=source,
        status="resolved" if ended else "firing",
        labels=labels,
        starts_at=starts_at or (ends_at if ends_at and ended else now),
        annotations=annotations,
        ends_at=ends_at if ended else None,
        expires_at=None if ended else ends_at or now + LEASE,
        identity=identity,
        generator_url=generator_url,
        group={"alertname": labels.get("alertname", "")},
    )


def _careful(body: Any, now: datetime, source: str) -> Parsed:
    """As the fast way, element by element: the bad ones become faults."""
    if not isinstance(body, list):
        raise Malformed("body", f"not an array of alerts: {shown(body)}{_hint(body)}")
    check_count(body, "body")
    faults: Faults = []
    alerts, first_loss = [], None
    for at, entry in enumerate(body):
        try:
            alerts.append(_mended(entry, f"[{at}]", now, source, faults))
        except Malformed as loss:
            first_loss = first_loss or loss
            faults.append(Fault(loss.path, loss.what, lost=True))
    if first_loss and not alerts:
        raise first_loss
    return Parsed(tuple(alerts), told(faults), note="" if alerts else "no alerts in the body")


def _hint(body: Any) -> str:
    if isinstance(body, dict) and "alerts" in body:
        return "; a webhook's body goes to /webhook/alertmanager"
    return '; write [{"labels": {"alertname": "..."}}]'


def _mended(entry: Any, path: str, now: datetime, source: str, faults: Faults) -> Alert:
    if not isinstance(entry, dict):
        raise Malformed(path, f"not an object: {shown(entry)}")
    found = _labels(entry.get("labels"), f"{path}.labels", faults)
    labels, cut_identity = fewer(found, f"{path}.labels", faults)
    starts_at = instant(entry.get("startsAt"), f"{path}.startsAt", now, faults)
    ends_at = instant(entry.get("endsAt"), f"{path}.endsAt", now, faults)
    if starts_at and ends_at and ends_at < starts_at:
        raise Malformed(f"{path}.endsAt", f"before startsAt: {shown(entry['endsAt'])}")
    annotations = _annotations(entry.get("annotations"), f"{path}.annotations", faults)
    generator_url = word(entry, "generatorURL", f"{path}.", faults)
    return _alert(source, now, labels, annotations, starts_at, ends_at, generator_url, cut_identity)


def _labels(value: Any, path: str, faults: Faults) -> dict[str, str]:
    """The labels that have a value. Raises Malformed when there are none, or one is no text: identity is not guessed.

    null is no value, as in Go.
    """
    for name, text in value.items() if isinstance(value, dict) else ():
        if text is not None and not isinstance(text, str):
            raise Malformed(f"{path}.{name[:60]}", f"not text: {shown(text)}; put it in quotes")
    labels = labels_of(value, path, faults)
    if not labels:
        raise Malformed(path, "none; an alert is known by its labels")
    return labels


def _annotations(value: Any, path: str, faults: Faults) -> dict[str, str]:
    try:
        return first_texts(texts_of(value, path, faults), path, faults)
    except Malformed as error:  # an alert is worth more than its prose
        faults.append(Fault(error.path, error.what))
        return {}


SOURCE = Source("prometheus", parse)
