"""Events: what a body about one thing comes to, for senders that have no alerts in lists."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from pager.core.alert import Alert, Status
from pager.core.report import Fault, Malformed, Parsed
from pager.sources.wire import (
    LONGEST_VALUE,
    Faults,
    fewer,
    first_texts,
    instant,
    shown,
    text_of,
    told,
)

LONGEST_TITLE = 200
LONGEST_IDENTITY = 512
LONGEST_LABEL = 256
"""Characters of a detail that becomes a label, for rules to match; longer ones are annotations."""

_EPOCH = re.compile(r"\d{9,19}(\.\d{1,9})?", re.ASCII)
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$", re.ASCII)
_UTC = re.compile(r"\s*(UTC|GMT)$", re.IGNORECASE)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


class Event(Struct):
    """What a sender says of one thing, as it was found: empty fields are left out of the alert.

    `identity` "" means that the labels are the identity. One that is resolved and has no title and no labels says no
    more than that it is over.
    """

    status: Status
    title: str
    identity: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    url: str = ""

    def alert(self, source: str, now: datetime, faults: Faults) -> Alert:
        """The alert, its texts cut to what is kept. Raises Malformed when nothing says what it is about."""
        title = one_line(self.title)
        if not title and not self.identity:
            raise Malformed("body", "nothing in it says what it is about")
        labels = {name: text[:LONGEST_VALUE] for name, text in self.labels.items() if name and text}
        if title or self.status == "firing":
            labels |= {"alertname": title or self.identity[:LONGEST_TITLE]}
        kept, cut_identity = fewer(labels, "labels", faults)
        annotations = {name: text[:LONGEST_VALUE] for name, text in self.annotations.items() if name and text}
        starts_at = self.starts_at or self.ends_at or now
        return Alert(
            source=source,
            status=self.status,
            labels=kept,
            starts_at=starts_at,
            annotations=first_texts(annotations, "annotations", faults),
            ends_at=max(starts_at, self.ends_at or now) if self.status == "resolved" else None,
            identity=short(self.identity) or cut_identity,
            generator_url=self.url[:LONGEST_VALUE],
        )


def parsed(event: Event, source: str, now: datetime, faults: Faults, note: str = "") -> Parsed:
    """A body of one alert. Raises Malformed."""
    alert = event.alert(source, now, faults)
    return Parsed((alert,), told(faults), note=note)


def one_line(text: str) -> str:
    """A title: one line, at most 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def short(identity: str) -> str:
    """An identity as it is kept: a long one by its beginning and its hash."""
    if len(identity) <= LONGEST_IDENTITY:
        return identity
    digest = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{identity[:64]} {digest}"


def scalar(value: Any) -> str:
    """A text, a number, true or false as text, stripped; "" for everything else."""
    return "" if value is None or isinstance(value, dict | list) else text_of(value).strip()


def first(body: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that says something; `a.b` is the field `b` of the object `a`."""
    return next((text for name in names if (text := scalar(at_path(body, name)))), "")


def at_path(value: Any, path: str) -> Any:
    """What stands at `a.b.0`, or None. A key that has dots in it itself is found as well."""
    if not path:
        return value
    if isinstance(value, dict):
        if path in value:
            return value[path]
        head, _, rest = path.partition(".")
        return at_path(value[head], rest) if head in value and rest else None
    head, _, rest = path.partition(".")
    if isinstance(value, list) and head.isascii() and head.isdigit() and len(head) < 6 and int(head) < len(value):
        return at_path(value[int(head)], rest)
    return None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def details(value: Any, prefix: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """An object's fields as labels, where they are short, and as annotations where they are long or no scalars."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for name, each in mapping(value).items():
        text = scalar(each)
        if text and len(text) <= LONGEST_LABEL and "\n" not in text:
            labels[prefix + name] = text
        elif each not in (None, "", {}, []):
            annotations[prefix + name] = text or text_of(each)
    return labels, annotations


def moment(value: Any, path: str, now: datetime, faults: Faults) -> datetime | None:
    """A time as senders write it: RFC 3339, `+0000`, without an offset (UTC), or seconds to nanoseconds since 1970.

    None where there is none: missing, empty or 0. None with a fault when it is no time to go by.
    """
    text = scalar(value)
    if _EPOCH.fullmatch(text):
        at = _of_epoch(text, now)
        if at is None:
            faults.append(Fault(path, f"not a time to go by: {shown(text)}"))
        return at
    if not text.strip("0."):
        return None
    return instant(_OFFSET.sub(r"\1:\2", _UTC.sub("Z", text)), path, now, faults)


def _of_epoch(text: str, now: datetime) -> datetime | None:
    """The nearest reading, of seconds, milli-, micro- and nanoseconds, that lies in 1990 to next year."""
    number = float(text)
    for unit in (1.0, 1e3, 1e6, 1e9):
        if 6e8 < number / unit < 1e11:
            at = _ZERO + timedelta(microseconds=round(number / unit * 1e6))
            return at if at <= now + timedelta(days=366) else None
    return None


def digest_of(*about: str) -> str:
    """An identity of several texts, such as host and service: a short hash that keeps them apart."""
    return hashlib.blake2b(msgspec.json.encode(about), digest_size=16).hexdigest()
