"""Reports: what one body from a source says, what was wrong with it, and the parser that reads it.

A parser keeps every alert that it can: what it had to mend or leave out is a Fault, named by its path in the
body. Only a body in which nothing can ever work is Malformed; the sender is told so once and must not repeat it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct, field

from pager.core.alert import Alert
from pager.core.heartbeat import Beat
from pager.core.incident import Event


class Fault(Struct, frozen=True):
    """One thing in a body that did not fit: `path` such as `alerts[2].labels.severity`, `what` for people.

    `lost`: an alert was left out for it; else it was mended, and all alerts are kept.
    """

    path: str
    what: str
    lost: bool = False


class Edit(Struct, frozen=True):
    """An alert that fires has these labels and annotations now, beside the others that it has."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


class Act(Struct, frozen=True):
    """What somebody did at the sender's: an event for the incident of the alert of that `key`, or an edit of it.

    It is worked in its turn, after all that was accepted before it. An alert that is not known is left as it is.
    """

    key: int
    event: Event | Edit


class Parsed(Struct, frozen=True):
    """The alerts of one body, in its order: reports of one alert apply one after the other and the last wins.

    `truncated` counts alerts that the sender left out of the body. `note` says why a good body has no alerts. `acts`
    come after the alerts. `beats` are signs of life of heartbeats.
    """

    alerts: tuple[Alert, ...]
    faults: tuple[Fault, ...] = ()
    truncated: int = 0
    note: str = ""
    acts: tuple[Act, ...] = ()
    beats: tuple[Beat, ...] = ()


class Malformed(ValueError):
    """Nothing in this body can ever work: answer 400. `path` is where it went wrong; `body` is the whole."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = path
        self.what = what


class TooMany(Malformed):
    """More alerts in one body than one transaction should work: answer 413."""


def unchanged(payload: bytes) -> bytes:
    """The body as it came: for dialects that carry no secrets."""
    return payload


class Source(Struct, frozen=True):
    """One dialect: its name as in `/webhook/<name>`, and how a body is read.

    `parse(payload, now, source)` is pure: `now` is when the body was accepted and stands in for missing times, so
    that a replay gives the same alerts; `source` is the name that the alerts carry. It raises Malformed (TooMany is
    one), nothing else. `redact` takes the secrets out of a body before it is kept.
    """

    name: str
    parse: Callable[[bytes, datetime, str], Parsed]
    redact: Callable[[bytes], bytes] = unchanged
