"""The contact card of pager: saved in a phone, its numbers may ring when everything else is silent."""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"\+\d{6,15}", re.ASCII)
_MAIL = re.compile(r"[^\s@,;:<>\"]+@[^\s@,;:<>\"]+", re.ASCII)
_NOTE = (
    "Pages come from here. Let it ring through: Emergency Bypass of its ringtone on iOS, a starred contact on Android."
)


def check_caller(written: str) -> str:
    """`written` itself if it is a number or an address of mail. Raises ValueError with the right form."""
    if not _NUMBER.fullmatch(written) and not _MAIL.fullmatch(written):
        raise ValueError(f"not where pages come from: {written[:50]!r}; write +15550100 or pager@example.org")
    return written


def vcard(callers: Iterable[str], url: str) -> str:
    """A card, version 3.0, that phones take: `callers` as `check_caller` lets them pass; `url` "" for none."""
    told = [f"EMAIL:{one}" if "@" in one else f"TEL;TYPE=VOICE:{one}" for one in callers]
    lines = ["BEGIN:VCARD", "VERSION:3.0", "N:Pager;;;;", "FN:Pager", *told]
    lines += [f"URL:{url}"] if url else []
    return "".join(f"{_folded(line)}\r\n" for line in (*lines, f"NOTE:{_escaped(_NOTE)}", "END:VCARD"))


def _escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text).replace("\n", r"\n")


def _folded(line: str) -> str:
    """Lines have 75 octets at most; what goes on begins with a space."""
    return "\r\n ".join(line[at : at + 74] for at in range(0, len(line), 74))
