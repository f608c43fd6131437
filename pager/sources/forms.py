"""Forms: what a body is, by what is in it; senders say all kinds of things about their content."""

import re
from collections.abc import Mapping
from email import policy
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

from pager.core.report import Malformed
from pager.sources.wire import bare, decode

MOST_FIELDS = 1000
INSIDE = ("payload", "data", "body", "json")
"""Fields of a form that hold JSON with some senders."""

_PAIR = re.compile(rb"\s*[\w.%+\[\]-]{1,100}=")


def body_of(payload: bytes, content_type: str, query: Mapping[str, str]) -> Any:
    """JSON, a form of either kind, the query where there is no body, or else a text, as `{"text": ...}`.

    Raises Malformed for XML, for JSON that is cut, and where nothing was said at all.
    """
    if not payload.strip():
        if query:
            return _inside(dict(query))
        raise Malformed("body", "empty; send JSON, a form or a query")
    start = bare(payload).lstrip()
    if start[:1] in (b"{", b"["):
        return decode(payload)
    if "multipart/form-data" in content_type.lower():
        return _inside(_parts(payload, content_type))
    if start[:1] == b"<":
        raise Malformed("body", "XML is not read here; send JSON or a form")
    if _PAIR.match(payload):
        return _inside(_fields(payload))
    if "json" in content_type.lower():
        return decode(payload)
    return {"text": payload.decode("utf-8", "replace").replace("\0", "")}


def _fields(payload: bytes) -> dict[str, str]:
    text = payload.decode("utf-8", "replace").strip()
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:
        raise Malformed("body", f"a form of more than {MOST_FIELDS} fields") from None
    return {name.replace("\0", ""): value.replace("\0", "") for name, value in pairs}


def _parts(payload: bytes, content_type: str) -> dict[str, str]:
    head = f"Content-Type: {' '.join(content_type.split())}\r\n\r\n".encode("utf-8", "replace")
    message = BytesParser(policy=policy.compat32).parsebytes(head + payload)
    found: dict[str, str] = {}
    for part in message.get_payload() if message.is_multipart() else ():
        name = getattr(part, "get_param", lambda *_, **__: None)("name", header="content-disposition")
        content = getattr(part, "get_payload", lambda **_: b"")(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and len(found) < MOST_FIELDS:
            found[name] = content.decode("utf-8", "replace").replace("\0", "")
    if not found:
        raise Malformed("body", "a form without fields")
    return found


def _inside(fields: dict[str, str]) -> Any:
    """The JSON that one field holds, where there is one; else the fields."""
    for name in INSIDE:
        if fields.get(name, "").lstrip()[:1] in ("{", "["):
            return decode(fields[name].encode("utf-8", "surrogatepass"))
    return fields
