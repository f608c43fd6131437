"""Heartbeats: pings as they are kept, `{"name", "kind", "exit_status", "run", "word"}`, and alerts about them.

The alerts are pager's own, `{"alert": {...}}`: what is missing goes the road of everything else.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from pager.core.alert import HEARTBEATS, Alert, Status
from pager.core.heartbeat import LONGEST_WORD, Beat, Kind
from pager.core.report import Malformed, Parsed, Source
from pager.sources.wire import decode_object, shown

DIALECT = "heartbeat"
_KINDS: Mapping[str, Kind] = {"ok": "ok", "start": "start", "fail": "fail", "log": "log"}
_encode = msgspec.json.Encoder().encode


class _Own(msgspec.Struct):
    status: Literal["firing", "resolved"]
    identity: str
    starts_at: datetime
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _OwnBody(msgspec.Struct):
    alert: _Own


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """A ping, or an alert of pager's own, which nobody else may tell. Raises Malformed."""
    if source == HEARTBEATS:
        return _own(payload, source)
    body = decode_object(payload)
    name, kind, status = body.get("name"), body.get("kind", "ok"), body.get("exit_status")
    if not isinstance(name, str) or not name:
        raise Malformed("name", f"not the name of a heartbeat: {shown(name)}")
    if kind not in _KINDS:
        raise Malformed("kind", f"not one of {', '.join(_KINDS)}: {shown(kind)}")
    text = _text(status)
    exit_status = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
    beat = Beat(name, _KINDS[kind], exit_status, _text(body.get("run")), _text(body.get("word"))[:LONGEST_WORD])
    return Parsed((), beats=(beat,))


def ping_of(beat: Beat) -> bytes:
    """A ping as it is kept."""
    said = {"name": beat.name, "kind": beat.kind, "run": beat.run, "word": beat.word}
    return _encode(said if beat.exit_status is None else {**said, "exit_status": beat.exit_status})


def own_alert(alert: Alert) -> bytes:
    """An alert of pager's own as it is kept."""
    return _encode(
        {"alert": _Own(alert.status, alert.identity, alert.starts_at, {**alert.labels}, {**alert.annotations})}
    )


def _own(payload: bytes, source: str) -> Parsed:
    try:
        own = msgspec.json.decode(payload, type=_OwnBody).alert
    except msgspec.MsgspecError as error:
        raise Malformed("alert", str(error)) from None
    status: Status = own.status
    return Parsed((Alert(source, status, own.labels, own.starts_at, own.annotations, identity=own.identity),))


def _text(value: Any) -> str:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return value if isinstance(value, str) else ""


SOURCE = Source(DIALECT, parse)
