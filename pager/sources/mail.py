"""Mail: one mail is one alert; what it is about is its subject, without the words that say whether it goes on.

What comes by SMTP has a first line of ours, `Pager-Reads: {"maps": [...], "resolved": [...], "firing": [...]}`, so that
a mail is read again by what the files said when it came. An automatic answer is no alert. A page of pager's own, or an
answer to one, is refused: it would page about itself.
"""

import re
from collections.abc import Mapping as Object
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from pager.core.mapping import Mapping, read_mapping
from pager.core.report import Fault, Malformed, Parsed, Source
from pager.core.rule import Source as OfFiles
from pager.sources.event import Event, parsed
from pager.sources.generic import mapped
from pager.sources.states import KINDS, Said, said_in
from pager.sources.wire import Faults

if TYPE_CHECKING:  # What reads mails is loaded with the first: few have any.
    from pager.sources.mime import Mail

DIALECT = "mail"
MOST_HOPS = 100
BEHIND, AHEAD = timedelta(days=6), timedelta(minutes=15)
"""How far from the hour of its coming the Date of a mail is believed: a queue keeps one for five days."""
LINES = 25
"""Lines of the text that are looked at for fields such as `State: UP`."""
READS = b"Pager-Reads: "
FIELDS = ("host", "service", "instance", "cluster", "env", "environment", "region", "team", "job")
"""What becomes a label where a line of the text says it."""

_FIELD = re.compile(r"([A-Za-z][\w /.-]{0,40}?)\s*[:=]\s*(\S.{0,300})")
_STATES = ("state", "status", "notification_type", "alert_status", "alert_state", "current_state", "event_type")
_LEVELS = ("severity", "alert_severity", "priority", "level")
_OWN_LINK = re.compile(r"https?://[^\s<>\"]{1,200}/p/[a-z2-7]{16}(?![\w])")
_OWN_ID = re.compile(r"@pager\.invalid\b", re.IGNORECASE)
_AUTOMATIC = "auto-replied"


class Reads(Struct, frozen=True):
    """How a source's mails are read: the words of its own for over and on, and mappings of the fields."""

    maps: tuple[Mapping, ...] = ()
    resolved: tuple[str, ...] = ()
    firing: tuple[str, ...] = ()


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """The alert of one mail. Raises Malformed for what can never be one: nothing in it, a loop, a page of ours."""
    by, payload = unwrapped(payload)
    if not payload.strip():
        raise Malformed("body", "an empty mail")
    from pager.sources.mime import read_mail

    mail = read_mail(payload)
    _refuse_loops(mail)
    faults: Faults = [Fault("body", f"{mail.broken}; read as plain lines")] if mail.broken else []
    if _is_automatic(mail):
        return Parsed((), note="no alert: an automatic answer, or the report of one that could not be delivered")
    read = _read(mail, by, now, faults)
    if read.said.state == "quiet":
        return Parsed((), note=f"no alert: {mail.subject[:100]}")
    if by.maps:
        return _mapped(read, by.maps, now, source, faults)
    note = "" if read.said.state else "it says nothing of a state: it fires and never ends by itself"
    return parsed(read.event(), source, now, faults, note)


def reads_of(source: OfFiles | None) -> Reads:
    """How the files say that mails of this source are read."""
    if source is None:
        return Reads()
    return Reads((source.map,) if source.map else (), source.resolved, source.firing)


def wrapped(payload: bytes, by: Reads) -> bytes:
    """A mail with how it is to be read, as it is kept."""
    maps = [each.model_dump(exclude_defaults=True) for each in by.maps]
    said = msgspec.json.encode({"maps": maps, "resolved": by.resolved, "firing": by.firing})
    return READS + said + b"\r\n" + payload


def unwrapped(payload: bytes) -> tuple[Reads, bytes]:
    """How a mail is to be read, and the mail. Raises Malformed where the first says what cannot be meant."""
    if not payload.startswith(READS):
        return Reads(), payload
    line, _, mail = payload.removeprefix(READS).partition(b"\n")
    try:
        said = msgspec.json.decode(line, type=dict[str, list[Any]])
        maps = tuple(read_mapping(each) for each in said.get("maps", ()))
        words = [tuple(str(word) for word in said.get(name, ())) for name in ("resolved", "firing")]
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed("Pager-Reads", str(error)) from None
    return Reads(maps, words[0], words[1]), mail


class _Read(Struct, frozen=True):
    """A mail, and what was made out of it."""

    mail: "Mail"
    said: Said
    fields: Object[str, str]
    at: datetime | None

    @property
    def about(self) -> str:
        mail = self.mail
        said = self.said.about or said_in(mail.text.partition("\n")[0]).about
        return said or (f"mail from {mail.sender}" if mail.sender else mail.subject)

    @property
    def level(self) -> str:
        named = next((self.fields[name].lower() for name in _LEVELS if name in self.fields), "")
        return self.said.level or (named if KINDS.get(named) == "level" else "")

    def event(self) -> Event:
        resolved = self.said.state == "resolved"
        mail, labels = self.mail, {name: self.fields[name] for name in FIELDS if name in self.fields}
        if not self.about:
            raise Malformed("body", "no subject, no text and no sender: nothing says what it is about")
        return Event(
            status="resolved" if resolved else "firing",
            title=self.about,
            identity=f"{mail.sender} {self.about.casefold()}",
            labels={**labels, "from": mail.sender, "severity": self.level},
            annotations={"summary": mail.subject or self.about, "description": mail.text},
            starts_at=None if resolved else self.at,
            ends_at=self.at if resolved else None,
        )

    def as_fields(self) -> dict[str, Any]:
        """The mail as mappings see it."""
        headers, mail = self.mail.headers, self.mail
        first = (headers.get("references") or headers.get("in-reply-to") or headers.get("message-id", "")).split()
        return {
            "subject": mail.subject,
            "about": self.about,
            "status": self.said.state or "firing",
            "level": self.level,
            "from": mail.sender,
            "to": headers.get("to", ""),
            "text": mail.text,
            "sent": self.at.isoformat() if self.at else "",
            "thread": first[0] if first else "",
            "fields": dict(self.fields),
            "headers": dict(headers),
        }


def _read(mail: "Mail", by: Reads, now: datetime, faults: Faults) -> _Read:
    fields = _fields(mail.text)
    said = said_in(mail.subject, by.resolved, by.firing)
    return _Read(mail, _with_text(said, mail.text, fields, by), fields, _sent_at(mail, now, faults))


def _with_text(said: Said, text: str, fields: Object[str, str], by: Reads) -> Said:
    """What the subject leaves open, a line such as `State: UP` says, or else the first line does."""
    if said.sure:
        return said
    lines = [f"x: {fields[name]}" for name in _STATES if name in fields]
    lines += [] if said.state else [text.partition("\n")[0]]
    for line in lines:
        found = said_in(line, by.resolved, by.firing)
        if found.state:
            return Said(found.state, said.about, said.level or found.level, found.sure)
    return said


def _fields(text: str) -> dict[str, str]:
    """The lines at the beginning that say `Name: value`, by the name in small letters with _ for blanks."""
    found: dict[str, str] = {}
    for line in text.split("\n")[:LINES]:
        if (match := _FIELD.fullmatch(line.strip(" *-•|"))) is not None:
            found.setdefault(re.sub(r"[^a-z0-9]+", "_", match[1].lower()), match[2].strip(" *|"))
    return found


def _sent_at(mail: "Mail", now: datetime, faults: Faults) -> datetime | None:
    at = mail.sent_at
    if at is None or now - BEHIND <= at <= now + AHEAD:
        return at
    faults.append(Fault("Date", f"far from now, and not gone by: {mail.headers['date'][:60]}"))
    return None


def _mapped(read: _Read, maps: Sequence[Mapping], now: datetime, source: str, faults: Faults) -> Parsed:
    """By the mappings of the files; what one does not say is as it is without."""
    own = {"id": "about", "title": "about", "summary": "subject", "description": "text", "labels": {"from": "from"}}
    whole = [
        each.model_copy(update={name: value for name, value in _defaults(own, read).items() if not getattr(each, name)})
        for each in maps
    ]
    found = mapped(read.as_fields(), whole, now, source)
    return Parsed(found.alerts, (*faults, *found.faults), note=found.note)


def _defaults(own: Object[str, Any], read: _Read) -> dict[str, Any]:
    when = {"ends" if read.said.state == "resolved" else "starts": "sent"}
    said = {**own, **when, "state": {"path": "status", "resolved": "resolved"}, "severity": {"path": "level"}}
    whole = read_mapping(said)
    return {name: getattr(whole, name) for name in said}


def _refuse_loops(mail: "Mail") -> None:
    headers = mail.headers
    answers = " ".join(headers.get(name, "") for name in ("message-id", "in-reply-to", "references"))
    if headers.get("x-application", "").lower() == "pager" or _OWN_ID.search(answers) or _OWN_LINK.search(mail.text):
        raise Malformed("body", "a page of pager's own, or an answer to one: it would page about itself")
    if mail.hops > MOST_HOPS:
        raise Malformed("Received", f"it came through {mail.hops} servers: it goes round in circles")


def _is_automatic(mail: "Mail") -> bool:
    """Out-of-office answers and bounces. What cron and monitoring send is auto-generated, and is meant."""
    said = mail.headers.get("auto-submitted", "").lower()
    return (
        said.startswith(_AUTOMATIC)
        or mail.report in ("delivery-status", "disposition-notification")
        or any(name in mail.headers for name in ("x-autoreply", "x-autorespond", "x-auto-response"))
    )


SOURCE = Source(DIALECT, parse)
