"""Mails as they are written: what of one can be read, whatever has become of it on the way.

Read are the headers and the first text, of HTML its words; attachments are not. A mail whose MIME is broken, or made
to be slow, is read as the lines that it has: somebody may have to be paged for it all the same.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parseaddr, parsedate_to_datetime
from html.parser import HTMLParser

from msgspec import Struct

MOST_READ = 512 * 1024
"""Bytes of a mail that are looked at; behind them are attachments."""
MOST_LINES = 8000
MOST_HEAD = 64 * 1024
LONGEST_HEADER = 2000
LONGEST_TEXT = 32 * 1024
MOST_HEADERS = 300
MOST_PARTS = 50
_DEEP = 20
_BLOCKS = "p div br tr li h1 h2 h3 h4 h5 h6 table ul ol pre blockquote hr"
_BREAKS = frozenset(_BLOCKS.split())
_CELLS = frozenset(("td", "th"))
_UNSEEN = frozenset(("script", "style", "title", "template"))
_META = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([\w-]{1,40})", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Mail(Struct, frozen=True):
    """One mail: its headers by their names in small letters (the first of each), decoded, and its text.

    `kind` is the content type of the whole. `hops`: how many servers it says it came through. `broken` says why it
    could not be read as it should be, "" if it could.
    """

    headers: Mapping[str, str]
    text: str = ""
    kind: str = "text/plain"
    hops: int = 0
    broken: str = ""
    report: str = ""

    @property
    def subject(self) -> str:
        return self.headers.get("subject", "")

    @property
    def sender(self) -> str:
        """The address of From, in small letters; "" for none."""
        try:
            return parseaddr(self.headers.get("from", "")[:500])[1].strip().lower()[:200]
        except (RecursionError, ValueError, IndexError):  # Comments in comments.
            return ""

    @property
    def sent_at(self) -> datetime | None:
        """What Date says, in UTC; None where it says nothing that is a time."""
        try:
            at = parsedate_to_datetime(self.headers.get("date", ""))
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None


def read_mail(payload: bytes) -> Mail:
    """The mail in `payload`. Never raises: in doubt it is lines of text."""
    head = _fewer(payload[:MOST_READ].replace(b"\r\n", b"\n").lstrip(b"\n"))
    # Each level costs a look at every line below it.
    if head.lower().count(b"multipart/") > _DEEP:
        return _plain(head, f"more than {_DEEP} parts of parts")
    try:
        return _read(BytesParser(policy=compat32).parsebytes(head))
    except (
        Exception
    ) as error:  # The library was made for mails that are meant well; there is no list of what it raises.
        return _plain(head, f"cannot be read as a mail: {type(error).__name__}")


def _fewer(payload: bytes) -> bytes:
    """With at most as many lines and headers as a mail may have: each is work."""
    payload = b"\n".join(payload.split(b"\n", MOST_LINES)[:MOST_LINES])
    head, _, rest = payload.partition(b"\n\n")
    return payload if len(head) <= MOST_HEAD else head[:MOST_HEAD] + b"\n\n" + rest


def _read(message: Message) -> Mail:
    kind = message.get_content_type()
    report = str(message.get_param("report-type", "") or "").lower() if kind == "multipart/report" else ""
    hops = len(message.get_all("Received") or ())
    return Mail(_headers(message.raw_items()), _text_of(message), kind, hops, report=report)


def _plain(payload: bytes, why: str) -> Mail:
    """The lines of it: those up to the first empty one that have a colon are headers."""
    head, _, text = payload.partition(b"\n\n")
    lines = (line.partition(":") for line in re.sub(r"\n[ \t]+", " ", _decoded(head, "")).split("\n"))
    headers = _headers((name.strip(), value.strip()) for name, colon, value in lines if colon)
    return Mail(headers, tidy(_decoded(text[:LONGEST_TEXT], "")), broken=why)


def _headers(items: Iterable[tuple[str, object]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in items:
        if len(found) >= MOST_HEADERS:
            break
        found.setdefault(str(name).lower()[:100], _header(str(value)))
    return found


def _header(value: str) -> str:
    """A header in words: encoded words are decoded where they can be, and folds are spaces."""
    cut = value[:LONGEST_HEADER]
    try:
        parts = [
            _decoded(text, charset or "") if isinstance(text, bytes) else text for text, charset in decode_header(cut)
        ]
    except (ValueError, LookupError):
        parts = [cut]
    # Bytes that no charset was named for come as surrogates.
    whole = _decoded("".join(parts).encode("utf-8", "surrogateescape"), "")
    return " ".join(whole.split())


def _text_of(message: Message) -> str:
    """The first plain text, or else the words of the first HTML."""
    html = ""
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            break
        kind = part.get_content_type()
        if part.is_multipart() or part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
            continue
        text = _content(part, kind)
        if kind != "text/html" and text.strip():
            return tidy(text)
        html = html or text
    return tidy(words_of(html))


def _content(part: Message, kind: str) -> str:
    raw = part.get_payload(decode=True)
    content = raw[: 4 * LONGEST_TEXT] if isinstance(raw, bytes) else b""
    charset = part.get_content_charset() or ""
    if not charset and kind == "text/html" and (said := _META.search(content[:4096])):
        charset = said[1].decode("ascii", "replace")
    return _decoded(content, charset)


def _decoded(content: bytes, charset: str) -> str:
    """Text of bytes: by what is said of them if that is true, by UTF-8, or as Windows wrote it in the west."""
    # Whoever says GB2312 means what it grew into.
    named = {"gb2312": "gb18030", "gbk": "gb18030", "us-ascii": "", "ascii": ""}.get(charset, charset)
    for name in (named, "utf-8"):
        try:
            return _kept(content.decode(name))
        except (LookupError, ValueError):
            continue
    return _kept(content.decode("cp1252" if not named else "utf-8", "replace"))


def _kept(text: str) -> str:
    """Without what no store keeps."""
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def tidy(text: str) -> str:
    """Lines without blanks around them, and no two empty ones in a row."""
    whole = _kept(text[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.strip() for line in whole.split("\n")]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).strip("\n")


def words_of(html: str) -> str:
    """The words of an HTML page, a line where it begins one."""
    reader = _Words()
    reader.feed(html[: 2 * LONGEST_TEXT])
    return "".join(reader.found)


class _Words(HTMLParser):
    """Collects what would be seen."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _UNSEEN and not self._inside:
            self._inside = tag
        elif tag in _CELLS | _BREAKS:
            self.found.append(" " if tag in _CELLS else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
        elif tag in _BREAKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found.append(re.sub(r"\s+", " ", data))
