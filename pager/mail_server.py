"""The SMTP server itself: aiosmtpd, with a cap on connections; who holds them open holds up only themselves."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from pager.mail_door import MOST_COMMANDS, PATIENCE, MailDoor, Talk

_FULL = b"421 4.3.2 too many connections: try again later\r\n"
MOST_BEYOND = 4
"""How many times the largest mail is read before whoever sends is hung up on, rather than told 552."""
LONGEST_LINE = 256 * 1024
"""Bytes: half of what sends mail by itself does not know of a limit."""


class Seats:
    """The connections that are open."""

    def __init__(self, door: MailDoor) -> None:
        self._door = door
        self.largest = door.box.largest
        self._open: dict[Server, None] = {}

    def admit(self, one: "Server") -> bool:
        """Let a connection in; of too many one that brings nothing now gives way, the oldest first."""
        mine = [other for other in self._open if other.peer == one.peer]
        full = mine if len(mine) >= self._door.box.of_one else [*self._open]
        if len(mine) >= self._door.box.of_one or len(self._open) >= self._door.box.connections:
            idle = next((other for other in full if not other.talk.working), None)
            self._door.metrics.cut.labels("gave_way" if idle else "full").inc()
            if idle is None:
                return False
            self.leave(idle)
            idle.end()
        self._open[one] = None
        self._door.open.set(len(self._open))
        return True

    def cut(self, one: "Server") -> None:
        """A connection brings more than any mail has."""
        self._door.metrics.cut.labels("stuck").inc()
        one.end()

    def leave(self, one: "Server") -> None:
        """A connection is gone. Safe to repeat."""
        self._open.pop(one, None)
        self._door.open.set(len(self._open))

    def end_all(self) -> None:
        """End what is open."""
        for one in [*self._open]:
            one.end()


class Server(SMTP):
    """One connection."""

    line_length_limit = LONGEST_LINE

    def __init__(self, seats: Seats, talk: Talk, **options: Any) -> None:
        super().__init__(talk, **options)
        self.talk = talk
        self.peer = ""
        self._seats = seats
        self._refused = False
        self._raw: asyncio.Transport | None = None
        self.came = 0
        """Bytes since the last recipient: a line without an end must fill no memory."""

    def hang_up(self) -> None:
        """Close once what was said is out."""
        if self.transport is not None:
            self.transport.close()

    def end(self) -> None:
        """Close at once; nothing was promised that is not kept."""
        if self._raw is not None:
            self._raw.abort()

    # What the event loop says; after STARTTLS the first comes a second time.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._raw is None:
            self._raw = cast(asyncio.Transport, transport)
            peer = transport.get_extra_info("peername")
            self.peer = str(peer[0]) if isinstance(peer, tuple) else ""
            self._refused = not self._seats.admit(self)
        if self._refused:
            self._raw.write(_FULL)
            self._raw.close()
            return
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        if self.came > MOST_BEYOND * self._seats.largest:
            self._seats.cut(self)
        elif not self._refused:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._refused else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._seats.leave(self)
        if not self._refused:
            super().connection_lost(error)


@asynccontextmanager
async def serving(door: MailDoor, context: ssl.SSLContext | None, name: str) -> AsyncIterator[int]:
    """Listen until the end of the block; the port. `name` is what the server calls itself. Raises OSError."""
    loop, seats = asyncio.get_running_loop(), Seats(door)
    options: dict[str, Any] = {
        "data_size_limit": door.box.largest,
        "enable_SMTPUTF8": True,
        "hostname": name,
        "ident": "pager",
        "timeout": PATIENCE,
        "tls_context": context,
        "auth_exclude_mechanism": ("LOGIN", "PLAIN"),  # The address is the secret.
        "command_call_limit": MOST_COMMANDS,
        "loop": loop,
    }

    def made() -> Server:
        return Server(seats, Talk(door), **options)

    server = await loop.create_server(made, door.box.host, door.box.port, reuse_address=True)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        seats.end_all()
        await server.wait_closed()
