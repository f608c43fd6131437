"""Durations as people write them: `30s`, `5m`, `1h30m`, `5d`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_PART = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST = timedelta(days=3650)


def parse_duration(text: object) -> timedelta:
    """The length that `text` names; at most ten years. Raises ValueError with the right form beside the input."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not text:
        raise ValueError(f"not a duration: {text!r}; write 30s, 5m or 1h30m")
    total, at = timedelta(), 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or len(part[1]) > 12:
            raise ValueError(f"not a duration: {text!r}; write 30s, 5m or 1h30m")
        total += min(int(part[1]), 10**9) * _UNITS[part[2]]
        at = part.end()
    if total > _LONGEST:
        raise ValueError(f"too long: {text!r}; ten years at most")
    return total


def format_duration(length: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back: `1h30m`; zero is `0m`. Milliseconds are kept."""
    left, parts = length, []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0m"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
]
"""A pydantic field written as `5m`."""
