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
_MENTION = re.compile(r"@(?=(?:everyone|here|channel|all)\b)|<(?=[!@#&])", re.IGNORECASE)

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*:\\?/\\?/\S+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_TOKEN = re.compile(r"(?=[\w+/=.~-]*\d)[\w+/=.~-]{16,}")
_DIGITS = re.compile(r"\+?\d{5,}")
_WORD = re.compile(r"[\w~+-]{4,}")
_SEPARATORS = re.compile(r"[/?&;=@:#,\s|<>\"'{}\[\]()\\]+")


def clean(text: str) -> str:
    """`text` as it may be sent as a body: newlines and tabs stay, other controls and bidi marks go.

    Lone surrogates become U+FFFD, every kind of line end becomes a newline, and words that would call a whole
    chat room (`@everyone`, `<!channel>`) are broken by a zero-width space. Cleaning twice changes nothing.
    """
    lines = _NEW_LINE.sub("\n", text)
    printable = _UNWANTED.sub("", _SURROGATE.sub("\ufffd", lines))
    return _MENTION.sub(lambda mention: mention[0] + _ZERO_WIDTH, printable)


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
