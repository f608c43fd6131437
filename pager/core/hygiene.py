"""Text hygiene: what strangers wrote, made harmless to send, and what providers wrote, made harmless to show."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

HIDDEN = "…"
SHORTEST_SECRET = 4

_ZERO_WIDTH = "\u200b"
# Left-to-right games: text that reads otherwise than it is. Emoji need the zero-width joiner, so that one stays.
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNWANTED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEW_LINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# What calls a whole room, in one chat or another, and what shows a link under another one's name.
_MENTION = re.compile(
    r"@(?=[*_]*(?:everyone|here|channel|all|room|stream|topic)\b)|<(?=[!@#&]|users/|[a-z][a-z0-9+.-]*:)|\](?=\()",
    re.IGNORECASE,
)
_MARKS = re.compile(f"[@<](?=[^\\s{_ZERO_WIDTH}])")

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*:\\?/\\?/\S+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_TOKEN = re.compile(r"(?=[\w+/=.~-]*\d)[\w+/=.~-]{16,}")
_DIGITS = re.compile(r"\+?\d{5,}")
_WORD = re.compile(r"[\w~+-]{4,}")
_SEPARATORS = re.compile(r"[/?&;=@:#,\s|<>\"'{}\[\]()\\]+")


def plain(text: str) -> str:
    """`text` of characters that can be shown: newlines and tabs stay, other controls and bidi marks go.

    Lone surrogates become U+FFFD, every kind of line end becomes a newline. Doing so twice changes nothing.
    """
    return _UNWANTED.sub("", _SURROGATE.sub("\ufffd", _NEW_LINE.sub("\n", text)))


def one_line(text: str) -> str:
    """`text` as `plain`, on one line and single-spaced: a line of its own could pass for one of ours."""
    return " ".join(plain(text).split())


def cut(text: str, length: int) -> str:
    """`text`, or as much of it as has room in `length` characters with `...` at its end."""
    return text if len(text) <= length else text[: max(0, length - 3)].rstrip() + "..."


def clean(text: str) -> str:
    """`text` as it may be sent as a body: as `plain`, and inert in a chat.

    What would call a whole room (`@everyone`, `<!channel>`) or name a link as another (`[bank](https://evil)`) is
    broken by a zero-width space. Cleaning twice changes nothing.
    """
    return _MENTION.sub(lambda mention: mention[0] + _ZERO_WIDTH, plain(text))


def unmarked(text: str) -> str:
    """`text` for a page that renders Markdown with HTML in it: no name is called, and no tag is begun."""
    return _MARKS.sub(lambda mark: mark[0] + _ZERO_WIDTH, text)


def clean_title(text: str) -> str:
    """`text` as it may be sent as a title: as `clean`, and on one line, single-spaced; it may become a header."""
    return " ".join(clean(text).split())


def spoken(text: str) -> str:
    """`text` as a voice may read it: never a document. A call's text that begins with `<` is taken for TwiML."""
    return f"Alert: {text}" if text.lstrip().startswith("<") else text


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without `secrets`, and without whatever looks like one: addresses, e-mails, tokens, long numbers.

    A secret of four characters or more is also found in parts, percent-decoded and in another case; a shorter
    one cannot be told from ordinary words.
    """
    known = sorted({part for secret in secrets for part in _parts(secret)}, key=len, reverse=True)
    for part in known:
        text = re.sub(re.escape(part), HIDDEN, text, flags=re.IGNORECASE)
    text = _MAIL.sub(HIDDEN, _ADDRESS.sub(HIDDEN, text))
    text = _WORD.sub(lambda word: HIDDEN if _is_piece(word[0].lower(), known) else word[0], text)
    return _DIGITS.sub("#", _TOKEN.sub(HIDDEN, text))


def printable(text: str) -> bool:
    """Whether `text` is free of spaces, controls and characters that have no look of their own."""
    return not any(char.isspace() or unicodedata.category(char).startswith("C") for char in text)


def _parts(secret: str) -> Iterable[str]:
    """`secret` whole and in its pieces, as written and percent-decoded, in lower case."""
    for spelling in {secret, unquote(secret)}:
        for part in (spelling, *_SEPARATORS.split(spelling)):
            if len(part) >= SHORTEST_SECRET:
                yield part.lower()


def _is_piece(word: str, known: Iterable[str]) -> bool:
    """A piece of a known secret, as providers echo them: `xoxb-1234` of a longer token."""
    return any(word in secret for secret in known)
