"""A mail without Apprise: the few words of SMTP that the last resort needs, each within its time."""

import asyncio
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

PORTS = {"smtp": 25, "smtps": 465}
MOST_LINES = 100


class NotSent(Exception):
    """The mail was not taken; the text says at which word, and holds no address and no password."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where a mail goes: `smtp://[user:password@]host[:25]/?to=a@example.org&from=pager@example.org`."""

    host: str
    port: int
    to: tuple[str, ...]
    sender: str
    wrapped: bool = False
    user: str = ""
    password: str = field(default="", repr=False)


def mailbox_of(url: str) -> Mailbox:
    """The mailbox that `url` names. Raises ValueError, which says what is missing and shows nothing of the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Its own words would show a part of the URL.
        raise ValueError("not an address of the last resort; write smtp://host:25/?to=ops@example.org") from None
    said = parse_qs(parts.query)
    to = tuple(name.strip() for part in said.get("to", ()) for name in part.split(",") if name.strip())
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("not an address of the last resort; write smtp://host:25/?to=ops@example.org")
    if not to or not all(_is_mail(name) for name in to):
        raise ValueError("smtp:// needs ?to= with mail addresses")
    sender = said.get("from", [f"pager@{to[0].rpartition('@')[2]}"])[0]
    if not _is_mail(sender):
        raise ValueError("from= of smtp:// is no mail address")
    wrapped = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mailbox(parts.hostname, port or PORTS[parts.scheme], to, sender, wrapped, user, password)


def _is_mail(name: str) -> bool:
    local, at, domain = name.rpartition("@")
    return bool(local and at and domain) and name.isprintable() and not set(name) & set(" <>\r\n")


async def send_mail(mailbox: Mailbox, title: str, body: str) -> None:
    """Hand the mail to the server. Raises NotSent and OSError; the caller sets the deadline."""
    context = ssl.create_default_context() if mailbox.wrapped else None
    reader, writer = await asyncio.open_connection(mailbox.host, mailbox.port, ssl=context)
    try:
        await _Talk(reader, writer, mailbox).send(_written(mailbox, title, body))
    except (EOFError, ValueError):  # It hung up, or said a line without end.
        raise NotSent("the server ended the conversation") from None
    finally:
        writer.transport.abort()


def _written(mailbox: Mailbox, title: str, body: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = mailbox.sender, ", ".join(mailbox.to), title
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="pager.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    # A line that is a dot alone would end the mail.
    return b"".join(b"." + line if line.startswith(b".") else line for line in bytes(mail).splitlines(keepends=True))


class _Talk:
    """One conversation."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mailbox: Mailbox) -> None:
        self._reader, self._writer, self._mailbox = reader, writer, mailbox
        self._safe = mailbox.wrapped

    async def send(self, mail: bytes) -> None:
        await self._hear(220, "the greeting")
        offers = await self._say("EHLO localhost", 250)
        if "STARTTLS" in offers and not self._safe:
            await self._say("STARTTLS", 220)
            await self._writer.start_tls(self._context(), server_hostname=self._mailbox.host)
            self._safe = True
            await self._say("EHLO localhost", 250)
        await self._log_in()
        await self._say(f"MAIL FROM:<{self._mailbox.sender}>", 250)
        for name in self._mailbox.to:
            await self._say(f"RCPT TO:<{name}>", 250)
        await self._say("DATA", 354)
        self._writer.write(mail + b".\r\n")
        await self._hear(250, "the mail")
        self._writer.write(b"QUIT\r\n")

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self._mailbox.user:
            # Without a password to lose: a self-signed relay is better than no page at all.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    async def _log_in(self) -> None:
        mailbox = self._mailbox
        if not mailbox.user:
            return
        if not (self._safe or _is_here(mailbox.host)):
            raise NotSent("the server offers no TLS: the password is not told")
        plain = b64encode(f"\0{mailbox.user}\0{mailbox.password}".encode()).decode()
        await self._say(f"AUTH PLAIN {plain}", 235)

    async def _say(self, line: str, wanted: int) -> str:
        self._writer.write(line.encode() + b"\r\n")
        await self._writer.drain()
        return await self._hear(wanted, line.split(" ")[0].rstrip(":"))

    async def _hear(self, wanted: int, word: str) -> str:
        said = []
        for _ in range(MOST_LINES):
            if not (heard := await self._reader.readline()).endswith(b"\n"):
                raise EOFError
            line = heard.decode(errors="replace").strip()
            said.append(line[4:].upper())
            if line[3:4] != "-":
                break
        if not line.startswith(str(wanted)):
            raise NotSent(f"the server answered {line[:3]} to {word}")
        return " ".join(said)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
