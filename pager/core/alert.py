"""Alerts: one thing that a source says, firing or resolved, and what makes two reports the same alert."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, field

Status = Literal["firing", "resolved"]
HEARTBEATS = "pager/heartbeats"
"""The source of alerts that pager makes itself, about heartbeats. No source of the files can have this name."""

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_MASK = (1 << 64) - 1
_encode = msgspec.json.Encoder(order="sorted").encode


class Alert(Struct, frozen=True):
    """One report of one alert, as its source's parser understood it.

    `identity` is the sender's own key; empty means the label set is the identity. `fingerprint` is what the
    sender printed, or empty: `fingerprint_of` then computes Alertmanager's. `ends_at` is when it ended (resolved)
    or None. `expires_at` is the end of a lease (API v2): silence after it is not a recovery. `group` is the
    sender's own grouping, label name to value, or None where the dialect has none.
    """

    source: str
    status: Status
    labels: Mapping[str, str]
    starts_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    identity: str = ""
    fingerprint: str = ""
    generator_url: str = ""
    group: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "") or "unnamed alert"

    @property
    def key(self) -> int:
        """Identity as a signed 64-bit number: source, then the sender's own key or the labels."""
        return alert_key(self.source, self.identity, self.labels)


def alert_key(source: str, identity: str, labels: Mapping[str, str]) -> int:
    """A signed 64-bit hash of who says it and what it is about; the row number of the alert in every store.

    Label order does not matter. The source is part of it, so that two sources never share an alert.
    """
    about = ("id", identity) if identity else ("labels", dict(labels))
    digest = hashlib.blake2b(_encode((source, about)), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint: FNV-1a 64 over sorted name, 0xff, value, 0xff; 16 hex digits.

    As prometheus/common `model.LabelSet.Fingerprint` computes it; empty values count here, since Alertmanager
    drops such labels before hashing: leave them out of `labels`.
    """
    sum64 = _FNV_OFFSET
    for name in sorted(labels):
        for byte in (
            name.encode(errors="surrogatepass") + b"\xff" + labels[name].encode(errors="surrogatepass") + b"\xff"
        ):
            sum64 = ((sum64 ^ byte) * _FNV_PRIME) & _MASK
    return f"{sum64:016x}"
