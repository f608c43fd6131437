"""Mail in: an SMTP server for the addresses of sources and for nobody else; it answers 250 when the alert is on disk.

The local part of an address is a token, `TOKEN@anything` or `SOURCE+TOKEN@anything`; while there are no tokens at all,
the name of a source is enough, on this machine. What cannot be kept now is answered 451 or 452, so that the sender's
own queue keeps it.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from prometheus_client import Counter, Gauge

from pager.api.doors import check_listen, is_loopback
from pager.backlog import Backlogged
from pager.core.catalog import Catalog
from pager.core.hygiene import one_line
from pager.core.report import Malformed
from pager.core.scope import allows
from pager.guessers import Guessers
from pager.intake import Intake, TooLarge
from pager.keyring import BadToken, Keyring
from pager.log import log
from pager.metrics import Metrics
from pager.settings import Settings, parse_listen
from pager.shares import OverQuota
from pager.sources.mail import DIALECT, reads_of, wrapped
from pager.store import StoreFull, StoreUnavailable, inbox
from pager.store.database import Database

NEEDS = "mail in needs aiosmtpd: install pagerd[mail], or pip install 'aiosmtpd>=1.4.6'"
MOST_RECIPIENTS = 10
MOST_WRONG = 10
"""Wrong addresses of one connection before it is ended."""
MOST_COMMANDS = {"*": 500, "NOOP": 20, "VRFY": 10, "HELP": 10, "RSET": 500}
PATIENCE = 60.0
"""Seconds that a sender may take for a command, and for a whole mail."""
TRY_EVERY = 10.0
"""Seconds between two tries to listen."""
REMEMBERED = 10_000
SHORTEST_SECRET = 8
ANSWERS = ("taken", "again", "none", "refused", "later")


class MailBox(Struct, frozen=True):
    """Where mail comes in: `host` and `port`; bytes of the `largest` mail; `connections` that may be open at once.

    With a `certificate`, a file of PEM, and its `key`, mail can come by STARTTLS.
    """

    host: str
    port: int
    largest: int = 1024**2
    connections: int = 100
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> "MailBox | None":
        """Where the settings say; None: nowhere."""
        if not settings.smtp_listen:
            return None
        host, port = parse_listen(settings.smtp_listen)
        sizes = (settings.smtp_largest, settings.smtp_connections)
        return cls(host, port, *sizes, settings.smtp_certificate, settings.smtp_key)

    @property
    def of_one(self) -> int:
        """How many of them one address may have."""
        return max(2, self.connections // 2)


class MailDoor:
    """Who may mail, and what becomes of it."""

    def __init__(
        self,
        box: MailBox,
        database: Database,
        keyring: Keyring,
        intake: Intake,
        catalog: Callable[[], Catalog],
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self.box = box
        self.guessers = Guessers()
        self.metrics = metrics
        self._database = database
        self._keyring = keyring
        self._intake = intake
        self._catalog = catalog
        self._clock = clock
        self._taken: OrderedDict[bytes, None] = OrderedDict()
        self.mails = Counter("pager_mails", "Mails, by what became of them.", ("answer",), registry=metrics.registry)
        for answer in ANSWERS:
            self.mails.labels(answer)
        self.port, self.trouble = box.port, ""
        self.tried = asyncio.Event()
        self.open = Gauge("pager_mail_connections", "Connections of senders of mail.", registry=metrics.registry)

    async def guarded(self) -> bool:
        """Whether an address needs a token."""
        return await self._keyring.closed()

    async def source_of(self, address: str, peer: str) -> "Recipient":
        """Whose address this is. Raises Unknown, and StoreUnavailable."""
        local = (address.rpartition("@")[0] or address).strip('"')
        if not await self.guarded():
            if not is_loopback(peer) or (local != DIALECT and local not in self._catalog().sources):
                raise Unknown("wrong")
            return Recipient(local)
        name, plus, rest = local.partition("+")
        named = bool(plus) and name in self._catalog().sources
        token, now = rest if named else local, self._clock()
        try:
            caller = await self._keyring.holder(token, now)
        except BadToken as error:
            raise Unknown(error.why) from None
        if not allows(caller.scope, "ingest"):
            raise Unknown("scope")
        if named and name != caller.source:
            raise Unknown("wrong")
        source = self._catalog().sources.get(caller.source)
        if source is not None and source.signed is not None:
            raise Unknown("signature")  # A mail has none.
        if caller.source:
            self._intake.watch.used(caller.source, peer, now)
        return Recipient(caller.source or DIALECT, token)

    async def take(self, to: "Recipient", mail: bytes) -> str:
        """Keep a mail; what became of it. Raises Malformed, TooLarge, StoreUnavailable."""
        if len(to.token) >= SHORTEST_SECRET:
            mail = mail.replace(to.token.encode(), b"...")
        told_before = _fingerprint(to.source, mail)
        if told_before in self._taken:
            return "again"
        body = wrapped(mail, reads_of(self._catalog().sources.get(to.source)))
        if told_before:  # By another node, or by this one before it was started anew.
            known = await self._database.read(lambda tx: inbox.has_lately(tx, to.source, DIALECT, body))
            if known:
                return "again"
        accepted = await self._intake.accept(DIALECT, to.source, body, self._clock())
        if told_before:
            self._taken[told_before] = None
            if len(self._taken) > REMEMBERED:
                self._taken.popitem(last=False)
        if accepted.note:
            log.info("what a mail came to", source=to.source, said=accepted.note, often=True)
        return "taken" if accepted.count else "none"


class Recipient(Struct, frozen=True):
    """The source that an address stands for, and the token in it, "" for none."""

    source: str
    token: str = ""


class Unknown(LookupError):
    """No such address; the text says why, for ourselves alone."""


def _fingerprint(source: str, mail: bytes) -> bytes:
    """The same for a mail that comes a second time; b"" for one that cannot be told from another one like it."""
    head = mail[:65536].lower().replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if b"\nmessage-id:" not in b"\n" + head or b"\ndate:" not in b"\n" + head:
        return b""
    return hashlib.blake2b(source.encode() + b"\0" + mail, digest_size=16).digest()


class Talk:
    """One connection's handler: what aiosmtpd asks."""

    def __init__(self, door: MailDoor) -> None:
        self.door = door
        self.working = False
        self.known: dict[str, Recipient] = {}
        self._wrong = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:
        """250 for an address of a source, 550 for any other one, 451 if nobody can tell now."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return f"452 4.5.3 at most {MOST_RECIPIENTS} recipients"
        peer = peer_of(session)
        try:
            self.known[address] = await self.door.source_of(address, peer)
        except StoreUnavailable:
            return "451 4.3.0 not now: try again"
        except Unknown as why:
            return self._refuse(server, peer, str(why))
        envelope.rcpt_tos.append(address)
        server.came = 0
        return "250 2.1.5 OK"

    def _refuse(self, server: Any, peer: str, why: str) -> str:
        self._wrong += 1
        wait = self.door.guessers.wrong(peer) if why == "wrong" else 0
        self.door.metrics.refused.labels("slowed" if wait else why).inc()
        log.warning("refused at the door for mail", why=why, address=peer, often=True)
        if (wait or self._wrong >= MOST_WRONG) and not self.known:
            asyncio.get_running_loop().call_soon(server.hang_up)
            return "421 4.7.0 too many wrong addresses: try again later"
        return "550 5.1.1 no such address here"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """250 once the mail is kept for each of its sources."""
        self.working = True
        recipients = list(dict.fromkeys(self.known[address] for address in envelope.rcpt_tos))
        try:
            became = [await self.door.take(one, envelope.original_content) for one in recipients]
        except Malformed as error:
            return self._count("refused", f"554 5.6.0 not taken: {_shown(error)}")
        except TooLarge as error:
            return self._count("refused", f"552 5.3.4 {_shown(error)}")
        except StoreUnavailable as error:
            full = isinstance(error, StoreFull | Backlogged | OverQuota)
            return self._count("later", "452 4.3.1 no room now" if full else "451 4.3.0 not stored: send it again")
        finally:
            self.working = False
        return self._count(became[0], "250 2.0.0 kept" if became[0] == "taken" else f"250 2.0.0 {became[0]}")

    async def handle_exception(self, error: Exception) -> str:
        """Something that nobody foresaw: the sender keeps the mail."""
        log.error("a mail could not be taken", exc_info=error, often=True)
        return self._count("later", "451 4.3.0 something went wrong: send it again")

    def _count(self, answer: str, said: str) -> str:
        self.door.mails.labels(answer).inc()
        return said


def _shown(error: Exception) -> str:
    return one_line(str(error)).encode("ascii", "replace").decode()[:300]


def peer_of(session: Any) -> str:
    """The address that a connection comes from."""
    peer = session.peer
    return str(peer[0]) if isinstance(peer, tuple) else ""


def check_installed() -> None:
    """Raise ValueError, saying what to install, when the library that speaks SMTP is not there."""
    try:
        import aiosmtpd.smtp  # noqa: F401
    except ImportError:
        raise ValueError(NEEDS) from None


@asynccontextmanager
async def listening(door: MailDoor) -> AsyncIterator[None]:
    """Take mails in until the end of the block. Raises ValueError where nothing would guard it, or aiosmtpd misses.

    An address that is taken keeps no page from going out: it is told.
    """
    check_installed()
    context = _context(door.box)
    check_listen(door.box.host, await door.guarded())
    # Its lines quote what strangers said.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    opening = asyncio.create_task(_open(door, context))
    try:
        await door.tried.wait()
        yield
    finally:
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening


async def _open(door: MailDoor, context: ssl.SSLContext | None) -> None:
    """Listen until cancelled; where the address is taken, again and again until it is free."""
    from pager.mail_server import serving

    box = door.box
    while True:
        try:
            async with serving(door, context, socket.gethostname()[:60]) as port:
                door.port, door.trouble = port, ""
                door.tried.set()
                log.info("mail comes in", listen=f"{box.host}:{port}")
                await asyncio.Event().wait()
        except OSError as error:
            door.trouble = f"no mail comes in: cannot listen on {box.host}:{box.port}: {os.strerror(error.errno or 0)}"
            door.tried.set()
            log.error("mail cannot be taken in", listen=f"{box.host}:{box.port}", error=str(error), often=True)
        await asyncio.sleep(TRY_EVERY)


def _context(box: MailBox) -> ssl.SSLContext | None:
    if box.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(box.certificate, box.key)
    except OSError as error:  # As of ssl, too.
        raise ValueError(f"smtp_certificate {box.certificate} and its key cannot be read: {error}") from None
    return context
