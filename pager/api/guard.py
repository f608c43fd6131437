"""The guard: how many connections may be open, and how long one may take to send the head of a request.

When there are too many, one that does nothing gives way: first one that has sent no whole head, then one at rest
between two requests, then one whose body is still on its way; the oldest of its kind. One that is being answered never
does. So whoever holds connections open holds up only themselves.
"""

import asyncio
import resource
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from typing import Any, cast

from aiohttp import web
from msgspec import Struct

from pager.log import log
from pager.metrics import Metrics

FILES_WANTED = 8192
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Doing(Enum):
    """What a connection is doing."""

    HEAD = "head"
    REST = "rest"
    BODY = "body"
    WORK = "work"


GIVES_WAY = (Doing.HEAD, Doing.REST, Doing.BODY)


class Caps(Struct, frozen=True):
    """`connections` in all and `of_one` address; seconds for a whole `head`, and for a reader that is `stuck`.

    `in_flight`: bytes of large bodies that may be in memory at once.
    """

    connections: int = 1000
    of_one: int = 250
    head: float = 10.0
    stuck: float = 60.0
    in_flight: int = 256 * 1024**2


class Guard:
    """Lets connections in, and makes room."""

    def __init__(self, caps: Caps, metrics: Metrics) -> None:
        self.caps = caps
        self.most = min(caps.connections, spare_files())
        self.in_flight = 0
        self._metrics = metrics
        self._open: dict[Connection, None] = {}
        self._of_one: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._by_handler: dict[Any, Connection] = {}

    def count(self, *doing: Doing) -> int:
        """How many connections are doing one of these."""
        return sum(one.doing in doing for one in self._open)

    def of(self, request: web.Request) -> "Connection | None":
        """The connection that `request` came by."""
        return self._by_handler.get(request.protocol)

    def admit(self, connection: "Connection") -> bool:
        """Count a new connection in; False when there is no room for it, since all others are being answered."""
        mine = self._of_one[connection.address]
        full = (len(mine) >= self.caps.of_one and mine) or (len(self._open) >= self.most and self._open)
        if full and not self._makes_room(full):
            self.forget(connection)
            self.cut("full")
            return False
        self._open[connection] = mine[connection] = None
        self._by_handler[connection.handler] = connection
        return True

    def forget(self, connection: "Connection") -> None:
        """This connection is gone. Safe to repeat."""
        self._open.pop(connection, None)
        self._by_handler.pop(connection.handler, None)
        mine = self._of_one.get(connection.address)
        if mine is not None:
            mine.pop(connection, None)
            if not mine:
                del self._of_one[connection.address]

    def cut(self, reason: str) -> None:
        """A connection was refused or ended by us."""
        self._metrics.cut.labels(reason).inc()
        log.warning("a connection was cut", reason=reason, often=True)

    def _makes_room(self, among: Iterable["Connection"]) -> bool:
        for doing in GIVES_WAY:
            idle = next((one for one in among if one.doing is doing), None)
            if idle is not None:
                self.forget(idle)
                self.cut("gave_way")
                idle.end()
                return True
        return False


class Connection(asyncio.Protocol):
    """One connection: aiohttp's own handler, with an eye on what it is doing."""

    def __init__(self, guard: Guard, handler: Any) -> None:
        self.guard = guard
        self.handler = handler
        self.doing = Doing.HEAD
        self.address = ""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._refused = False

    # What the request says of itself.

    def begins(self) -> None:
        """A whole head has come."""
        self.doing = Doing.BODY
        self._stop_timer()

    def is_read(self) -> None:
        """The whole request is here, and is being worked."""
        self.doing = Doing.WORK

    def rests(self) -> None:
        """It is answered."""
        self.doing = Doing.REST

    def end(self) -> None:
        """Close at once, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        # The admin's socket has no address, and no cap: it must open when all else is full.
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._refused = bool(self.address) and not self.guard.admit(self)
        if self._refused:
            self._say(_FULL)
            return
        self.handler.connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.doing is Doing.REST:
            self.doing = Doing.HEAD
            self._await_head()
        self.handler.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._refused else cast(bool | None, self.handler.eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_stuck()
        self.guard.forget(self)
        if not self._refused:
            self.handler.connection_lost(exc)

    def pause_writing(self) -> None:
        # Whoever does not read their answer is not waited for.
        self._stuck = asyncio.get_running_loop().call_later(self.guard.caps.stuck, self._let_go)
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self._stop_stuck()
        self.handler.resume_writing()

    def _stop_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _await_head(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.guard.caps.head, self._too_slow)

    def _too_slow(self) -> None:
        self._timer = None
        if self.doing is Doing.HEAD:
            self.guard.cut("slow_head")
            self._say(_SLOW)

    def _let_go(self) -> None:
        self.guard.cut("stuck")
        self.end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)
            self._transport.close()


class Handler(web.RequestHandler):
    """aiohttp's own, which quotes nothing of a request that it cannot read: its lines may hold tokens."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        return super().handle_error(request, status, exc, "the request cannot be read\n" if message else None)


class Runner(web.AppRunner):
    """aiohttp's runner, whose connections the guard lets in."""

    def __init__(self, app: web.Application, guard: Guard, **options: Any) -> None:
        super().__init__(app, **options)
        self._guard = guard

    @property
    def server(self) -> web.Server | None:
        """What makes a protocol of each new connection: all that a site asks of it."""
        inner = super().server
        return None if inner is None else cast(web.Server, lambda: Connection(self._guard, _mute(inner())))


def _mute(handler: web.RequestHandler) -> web.RequestHandler:
    """The handler with our words; aiohttp has no place to name a kind of handler."""
    handler.__class__ = Handler
    return handler


def raise_file_limit() -> None:
    """Have as many files as are wanted and the machine allows; a connection and a sender's pipe each is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def spare_files() -> int:
    """How many files connections may take: the others are for the database and the senders."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return FILES_WANTED if soft == resource.RLIM_INFINITY else max(4, soft - min(256, soft * 3 // 4))
