"""The child processes of the sender, seen from the daemon: the one that forks, and its workers."""

import asyncio
import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from pager.sender_child import FORK, HEADER, LONGEST_FRAME, ORDER, READY, Answer, Hello, Job, frame

MOST_ABOARD = 24
"""Messages to destinations that were never asked may share a worker, where there is none for each,"""
BOARDING_SECONDS = 0.25
"""if they begin so close to each other that their deadlines are one: it is killed when all have left it."""
MOST_JOBS = 500
WARM_UP_SECONDS = 30.0
HELLO_SECONDS = 5.0
MOST_SILENCES = 2

_HOME = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
         "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV",
         "LD_LIBRARY_PATH")  # fmt: skip


class Worker:
    """One child that sends, and the socket to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._left_early = False
        self._shares_from = 0.0
        self.pid = 0
        self.jobs = 0
        self.aboard = 0
        self.idle_since = time.monotonic()

    @property
    def usable(self) -> bool:
        """Not in the middle of something, not worn out, and alive as far as has been heard."""
        return not self._asked and not self._left_early and self.jobs < MOST_JOBS and not self._is_over

    @property
    def _is_over(self) -> bool:
        return self._writer.is_closing() or self._reader.at_eof()

    @property
    def is_open(self) -> bool:
        """Whether another message may come aboard now."""
        is_early = time.monotonic() - self._shares_from < BOARDING_SECONDS
        return is_early and 0 < self.aboard < MOST_ABOARD and not self._left_early and not self._is_over

    def board(self, *, shares: bool) -> None:
        """Somebody has it from now on. `shares`: for a moment others may come, too."""
        if not self.aboard:
            self._shares_from = time.monotonic() if shares else 0.0
        self.aboard += 1

    def leave(self) -> None:
        """Whoever had it has it no longer."""
        self.aboard -= 1
        self.idle_since = time.monotonic()

    def hung_up(self) -> bool:
        """Whether the child has just ended, which the event loop may not have heard: an idle one says nothing else.

        Asked before each message, and only then: it is a call to the system.
        """
        if self._is_over:
            return True
        look = select.poll()
        look.register(self._writer.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(look.poll(0))

    async def ask(self, job: Job) -> Answer:
        """Have `job` done. Raises OSError or EOFError if the child ends first."""
        self.jobs += 1
        number = self.jobs
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._writer.write(frame(msgspec.structs.replace(job, number=number)))
            await self._writer.drain()
            return await answer
        except BaseException:  # also when cancelled: the child may be busy with it for long
            self._left_early = True
            raise
        finally:
            self._asked.pop(number, None)

    async def greet(self) -> None:
        """Wait for the child's first words. Raises OSError or EOFError if there are none."""
        async with asyncio.timeout(HELLO_SECONDS):
            self.pid = msgspec.msgpack.decode(await self._read(), type=Hello).pid
        self._listening = asyncio.create_task(self._listen())

    def when_gone(self, told: Callable[["Worker"], None]) -> None:
        """Have `told` called once the child has ended."""
        if self._listening is not None:
            self._listening.add_done_callback(lambda _: told(self))

    def hang_up(self) -> None:
        """Close the socket; the child ends by itself at that, if it still can."""
        self._writer.transport.abort()

    async def _listen(self) -> None:
        """Hand out answers until the child ends; whoever still waits then is told so."""
        decoder = msgspec.msgpack.Decoder(Answer)
        try:
            while True:
                answer = decoder.decode(await self._read())
                waiting = self._asked.get(answer.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        except (OSError, EOFError, msgspec.MsgspecError):
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(EOFError())
            self.hang_up()

    async def _read(self) -> bytes:
        (length,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        return await self._reader.readexactly(min(length, LONGEST_FRAME))


class Cage:
    """The process that has Apprise loaded and forks workers; it knows when it is dead, and can be started again."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._orders: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._silences = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it if it is not alive, and wait until Apprise is loaded. Raises RuntimeError if that fails."""
        async with self._starting:
            if self._closed:
                raise ConnectionError("the sender is closed")
            if self.alive:
                return
            await self._stop()
            self._orders, theirs = socket.socketpair()
            self._orders.setblocking(False)
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "pager.sender_child",
                    stdin=theirs.fileno(), stdout=asyncio.subprocess.DEVNULL, cwd=_HOME, env=environment(os.environ),
                )  # fmt: skip
            try:
                async with asyncio.timeout(WARM_UP_SECONDS):
                    said = await asyncio.get_running_loop().sock_recv(self._orders, len(READY))
            except OSError:  # a timeout is one, too
                said = b""
            if said != READY:
                await self._stop()
                raise RuntimeError("the sender's child process could not load Apprise")

    async def fork(self) -> Worker:
        """A new worker. Raises OSError, EOFError or RuntimeError if none can be had."""
        await self.start()
        ours, theirs = socket.socketpair()
        with theirs:
            self._order(FORK, theirs)
        worker = Worker(*await asyncio.open_unix_connection(sock=ours))
        try:
            await worker.greet()
        except BaseException as error:  # also when cancelled: nobody else knows of this child yet
            worker.hang_up()
            self._count_silence(error)
            raise
        self._silences = 0
        return worker

    def end(self, worker: Worker) -> None:
        """Kill `worker`, whatever it is doing. At its socket's end it ends by itself, so a lost order does no harm."""
        worker.hang_up()
        if worker.pid and self.alive:
            with contextlib.suppress(OSError):
                self._order(worker.pid)

    async def close(self) -> None:
        """Kill it for good, and with it all workers, also while it starts. Safe to repeat."""
        self._closed = True
        self._kill()
        async with self._starting:
            await self._stop()

    async def _stop(self) -> None:
        self._kill()
        if self._process is not None:
            await self._process.wait()
        if self._orders is not None:
            self._orders.close()
        self._process = self._orders = None

    def _kill(self) -> None:
        """There is nothing that it would have to finish."""
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _count_silence(self, error: BaseException) -> None:
        """A process that forks no more, time after time, is stuck: end it, so that another takes its place."""
        self._silences += isinstance(error, TimeoutError)
        if self._silences >= MOST_SILENCES:
            self._silences = 0
            self._kill()

    def pids(self) -> list[int]:
        """Its process id, if it is alive."""
        return [self._process.pid] if self._process and self.alive else []

    async def ended(self) -> None:
        """Wait until the process has ended by itself."""
        if self._process is not None:
            await self._process.wait()

    def _order(self, number: int, *sockets: socket.socket) -> None:
        if self._orders is None:
            raise ConnectionError("the cage is closed")
        socket.send_fds(self._orders, [ORDER.pack(number)], [each.fileno() for each in sockets])


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What children may see of `environ`: no secrets, and a proxy only if PAGER_PROXY names one."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    kept["NETRC"] = os.devnull  # else the user's own log-ins would be sent along
    if proxy := environ.get("PAGER_PROXY"):
        kept |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    return kept
