"""The wire: JSON from strangers, read with limits, and mended where an alert would be lost otherwise.

Not JSON, and refused: NaN, Infinity, anything after the document, UTF-16, more than 64 levels. Read all the same:
a byte-order mark, raw line breaks in strings, duplicate keys (the last wins), bytes that are not UTF-8 and lone
surrogates (U+FFFD). NUL is left out, since PostgreSQL cannot keep it. Numbers stay as they were written, so that
1e999 and an integer of 5000 digits do no harm.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn

import msgspec

from pager.core.alert import fingerprint_of
from pager.core.report import Fault, Malformed, TooMany

LONGEST_VALUE = 64 * 1024
"""Characters of a label or annotation value; the rest is cut."""
MOST_LABELS = 200
MOST_ALERTS = 20_000
"""Alerts in one body: they are worked in one transaction, and others wait for it."""
MOST_FAULTS = 100
DEEPEST = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=366)
"""How far ahead of us a sender's clock may be and still be believed."""

Faults = list[Fault]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")
_KEPT_FIRST = ("alertname", "severity")
_encode = msgspec.json.Encoder().encode


def bare(payload: bytes) -> bytes:
    """`payload` without its UTF-8 byte-order mark. Raises Malformed when it is empty or UTF-16."""
    payload = payload.removeprefix(_BOM)
    if payload[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in payload[:2]:
        raise Malformed("body", "not UTF-8 but UTF-16; send UTF-8")
    if not payload or payload.isspace():
        raise Malformed("body", "empty; send JSON")
    return payload


def decode(payload: bytes) -> Any:
    """`payload` as plain values, cleaned of what no store can keep; numbers as msgspec.Raw. Raises Malformed."""
    text = bare(payload).decode("utf-8", "replace")
    try:
        return _cleaned(_decoder.decode(text), DEEPEST)
    except json.JSONDecodeError as error:
        raise Malformed("body", f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise Malformed("body", f"nested more than {DEEPEST} levels deep") from None


def decode_object(payload: bytes) -> dict[str, Any]:
    """As `decode`, for dialects whose body is an object. Raises Malformed for every other value."""
    value = decode(payload)
    if not isinstance(value, dict):
        raise Malformed("body", f"not an object: {shown(value)}")
    return value


def check_count(entries: Sequence[Any], path: str) -> None:
    """Raise TooMany when there are more alerts than one body may have."""
    if len(entries) > MOST_ALERTS:
        raise TooMany(path, f"{len(entries)} alerts; {MOST_ALERTS} at most: send them in several bodies")


def told(faults: Faults) -> tuple[Fault, ...]:
    """The first 100 faults that are told: those for which an alert was lost come first."""
    return tuple(sorted(faults, key=lambda fault: not fault.lost)[:MOST_FAULTS])


def text_of(value: Any) -> str:
    """A decoded value as text: a string as it is, anything else as its JSON."""
    return value if isinstance(value, str) else _encode(value).decode()


def shown(value: Any) -> str:
    """The beginning of a value, for a message to people: at most some 60 characters, control characters escaped."""
    text = repr(value) if isinstance(value, str) else text_of(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def texts_of(value: Any, path: str, faults: Faults) -> dict[str, str]:
    """An object's values as text: numbers and the like as their JSON, null left out, long ones cut.

    `path` names the object in faults. Raises Malformed when it is no object; None counts as an empty one.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(path, f"not an object: {shown(value)}")
    texts = ((name, _text(each, f"{path}.{_short(name)}", faults)) for name, each in value.items())
    return {name: text for name, text in texts if text is not None}


def labels_of(value: Any, path: str, faults: Faults) -> dict[str, str]:
    """As `texts_of`, without empty values: an empty label is no label, as in Alertmanager."""
    return {name: text for name, text in texts_of(value, path, faults).items() if text}


def fewer(labels: Mapping[str, str], path: str, faults: Faults) -> tuple[dict[str, str], str]:
    """At most 200 of `labels`, and an identity for what was cut, or "" when nothing was.

    The alert is kept with its name, its severity and the first others in sorted order. The identity is a
    fingerprint of all, so that two alerts that differ only in what was cut stay two.
    """
    if len(labels) <= MOST_LABELS:
        return dict(labels), ""
    faults.append(Fault(path, f"{len(labels)} labels; the first {MOST_LABELS} are kept"))
    names = [name for name in _KEPT_FIRST if name in labels]
    names += sorted(labels.keys() - set(names))[: MOST_LABELS - len(names)]
    return {name: labels[name] for name in names}, f"labels {fingerprint_of(labels)}"


def first_texts(texts: dict[str, str], path: str, faults: Faults) -> dict[str, str]:
    """At most 200 of `texts`, in the body's order."""
    if len(texts) <= MOST_LABELS:
        return texts
    faults.append(Fault(path, f"{len(texts)} entries; the first {MOST_LABELS} are kept"))
    return dict(list(texts.items())[:MOST_LABELS])


def word(body: Mapping[str, Any], name: str, prefix: str, faults: Faults, longest: int = LONGEST_VALUE) -> str:
    """A field that should be a string, or "" when it is missing, of another type or too long to be believed."""
    value = body.get(name)
    if value is None or (isinstance(value, str) and len(value) <= longest):
        return value or ""
    faults.append(Fault(f"{prefix}{name}", f"not text of at most {longest} characters: {shown(value)}"))
    return ""


def instant(value: Any, path: str, now: datetime, faults: Faults) -> datetime | None:
    """RFC 3339 with 0 to 9 digits and any offset, in UTC, rounded to microseconds; without an offset it is UTC.

    None where the sender knows none: missing, empty or Go's zero time (year 1). None with a fault when it is no
    time or not believable: before 1970, or more than a year after `now`.
    """
    if value is None or value == "":
        return None
    at = _read_instant(value)
    if at is not None and at.year == 1:
        return None
    if at is not None and EPOCH <= at <= now + AHEAD:
        return at.astimezone(UTC)
    faults.append(Fault(path, f"not a time to go by: {shown(value)}; write 2026-01-31T12:00:00Z"))
    return None


def _read_instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = msgspec.convert(value.strip(), datetime)
    except msgspec.ValidationError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _text(value: Any, path: str, faults: Faults) -> str | None:
    text = text_of(value)
    if not isinstance(value, str):
        faults.append(Fault(path, "null, left out" if value is None else f"not text; read as {shown(text)}"))
    if len(text) > LONGEST_VALUE:
        faults.append(Fault(path, f"{len(text)} characters; cut at {LONGEST_VALUE}"))
    return None if value is None else text[:LONGEST_VALUE]


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}..."


def _cleaned(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value.replace("\0", ""))
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise RecursionError
    if isinstance(value, list):
        return [_cleaned(each, levels - 1) for each in value]
    return {_cleaned(name, 0): _cleaned(each, levels - 1) for name, each in value.items()}


def _refuse(constant: str) -> NoReturn:
    raise Malformed("body", f"not JSON: {constant}")


_decoder = json.JSONDecoder(parse_int=msgspec.Raw, parse_float=msgspec.Raw, parse_constant=_refuse, strict=False)
