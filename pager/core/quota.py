"""Quota: how much of each minute a source may fill with what it sends, and what becomes of the rest.

A source within its quota is worked in its turn. What is over it is worked last, but for what may be a SEV-1 or a
SEV-2: for these there is a reserve, one for each, as large again. Nothing is dropped: once very much of a source
waits, it is told to come back.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import BeforeValidator, Field

from pager.core.model import Model
from pager.core.severity import Level

Way = Literal["turn", "reserve", "last"]
"""Where a request waits: in its source's turn, before that, or behind all others."""
MINUTE = timedelta(minutes=1)
CALM = timedelta(minutes=15)
"""For so long a source must keep to its quota before it counts as mended."""
SHARE = 4
"""A source may fill one part in so many of the room that there is for what waits."""
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_RESERVED: tuple[Level, ...] = ("SEV-1", "SEV-2")


def parse_size(written: Any) -> Any:
    """Bytes of `64MB`, `512KiB` or a number. Raises ValueError."""
    if not isinstance(written, str):
        return written
    shape = re.fullmatch(r"(\d{1,12})\s*([A-Za-z]*)", written.strip(), re.ASCII)
    if shape is None or shape[2].upper() not in _UNITS:
        raise ValueError(f"not a size: {written!r}; write 64MB or 512KiB")
    return int(shape[1]) * _UNITS[shape[2].upper()]


class Quota(Model):
    """`alerts` and `bytes` a minute, and how many alerts may be `open` at once."""

    alerts: int = Field(default=12_000, ge=1)
    bytes: Annotated[int, BeforeValidator(parse_size)] = Field(default=128_000_000, ge=1024)
    open: int = Field(default=250_000, ge=1)


class Bucket(Struct, frozen=True):
    """What of a minute's worth was left at `at`; below zero after a request that was larger than what was left."""

    left: float
    at: datetime

    def after(self, size: int, now: datetime) -> "Bucket":
        """The same at `now`, filled up to `size` at most. A clock that was set back gives nothing."""
        passed = max(timedelta(), now - self.at)
        return Bucket(min(float(size), self.left + size * (passed / MINUTE)), max(self.at, now))


class Use(Struct, frozen=True):
    """What one source has left: of its alerts, its bytes, and the reserve of each level."""

    alerts: Bucket
    bytes: Bucket
    reserves: Mapping[Level, Bucket] = field(default_factory=dict)


class Asked(Struct, frozen=True):
    """One request: so many alerts and bytes; `urgent` is the worse of SEV-1 and SEV-2 if an alert may be that."""

    alerts: int
    bytes: int
    urgent: Level | None = None


class Waits(Struct, frozen=True):
    """What stands of a source already: requests and bytes that are worked last, and open alerts."""

    rows: int = 0
    bytes: int = 0
    open: int = 0


def full(quota: Quota, now: datetime) -> Use:
    """The use of a source that has sent nothing for a minute."""
    reserves = {level: Bucket(float(quota.alerts), now) for level in _RESERVED}
    return Use(Bucket(float(quota.alerts), now), Bucket(float(quota.bytes), now), reserves)


def is_over(quota: Quota, use: Use, waits: Waits, now: datetime) -> bool:
    """Whether the next request of the source is worked last, unless it is urgent.

    While some of it waits, what comes after waits too, so that reports stay in the order in which they came.
    """
    alerts, size = use.alerts.after(quota.alerts, now), use.bytes.after(quota.bytes, now)
    return waits.rows > 0 or waits.open > quota.open or alerts.left <= 0 or size.left <= 0


def way_of(quota: Quota, use: Use, asked: Asked, waits: Waits, now: datetime) -> tuple[Way, Use]:
    """Where a request goes, and the use after it. A request is not divided: one that begins within the quota is in.

    Only what is worked in its turn takes from the quota, and only what goes first takes from a reserve.
    """
    if not is_over(quota, use, waits, now):
        return "turn", _spent(quota, use, asked.alerts, asked.bytes, now)
    if asked.urgent is not None:
        left = use.reserves[asked.urgent].after(quota.alerts, now)
        if left.left > 0:
            taken = replace(left, left=left.left - asked.alerts)
            return "reserve", replace(use, reserves={**use.reserves, asked.urgent: taken})
    return "last", use


def elsewhere(quota: Quota, use: Use, alerts: int, size: int, now: datetime) -> Use:
    """The use after another node has taken so many alerts and bytes of the source; never more than a minute's debt."""
    after = _spent(quota, use, alerts, size, now)
    least_alerts, least_bytes = float(-quota.alerts), float(-quota.bytes)
    return replace(
        after,
        alerts=replace(after.alerts, left=max(least_alerts, after.alerts.left)),
        bytes=replace(after.bytes, left=max(least_bytes, after.bytes.left)),
    )


def refuses(quota: Quota, waits: Waits, rows: int, size: int, *, ends: bool) -> str:
    """Why a request that would be worked last is not taken at all, "" if it is; for `rows` and `size` of room in all.

    `ends`: it says of an alert that it is over, which is how too many open ones become fewer.
    """
    if waits.rows >= rows // SHARE or waits.bytes >= size // SHARE:
        return f"{waits.rows} requests of {waits.bytes} bytes of this source wait already"
    if waits.open >= 2 * quota.open and not ends:
        return f"{waits.open} alerts of this source are open"
    return ""


def _spent(quota: Quota, use: Use, alerts: int, size: int, now: datetime) -> Use:
    left, room = use.alerts.after(quota.alerts, now), use.bytes.after(quota.bytes, now)
    return replace(use, alerts=replace(left, left=left.left - alerts), bytes=replace(room, left=room.left - size))
