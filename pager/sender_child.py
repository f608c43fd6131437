"""The cage that Apprise lives in: a warm process that forks workers, each of which sends a message, or a few at a time.

`python -m pager.sender_child` is started by the sender with one end of a socket pair as its standard input. It loads
Apprise once, says READY, and forks a worker for every socket that it is handed: a fork takes a millisecond where a
start takes half a second. A worker ends when its own socket ends, even in the middle of a send, and when the process
that forked it ends; so nothing outlives the daemon. Nothing here is ever printed or logged: these texts hold secrets.
"""

import contextlib
import ctypes
import gc
import os
import queue
import resource
import signal
import socket
import struct
import sys
import threading
from typing import Any, Final, Literal, NoReturn

import msgspec

from pager.core.outcome import Reason

READY: Final = b"ready\n"
HEADER: Final = struct.Struct("!I")
ORDER: Final = struct.Struct("!q")
FORK: Final = 0
"""An order is FORK with a socket, or the process id of a worker that shall end."""
LONGEST_FRAME: Final = 1 << 20
NOWHERE: Final = "nowhere://"
"""A job for this address is answered and sent to nobody: the proof that children work."""
RENDER: Final = "template://"
"""A job for this address is a template, title and body: what they make of `values` is answered, and nothing sent."""

_MOST_MEMORY = 768 << 20  # an endless answer must not take the machine down before the deadline does
_GARBAGE = 20_000  # objects of one message are few: they are looked through after some, not in the midst of one
_THREADS_STACK = 1 << 20  # of many threads that count against the memory, each does with a little
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_MOST_ARENAS = -8  # M_ARENA_MAX: each reserves 64 MB of what a worker may have
_libc = ctypes.CDLL(None)


class Job(msgspec.Struct, frozen=True):
    """One message to one target; `url` is a secret. Its worker answers under the same number."""

    url: str
    title: str
    body: str
    kind: Literal["info", "success", "warning", "failure"]
    number: int = 0
    values: dict[str, Any] | None = None


class Hello(msgspec.Struct, frozen=True):
    """A worker's first words."""

    pid: int


class Answer(msgspec.Struct, frozen=True):
    """What became of a job; holds no secret. `text` is the title and the body that a template made."""

    reason: Reason
    detail: str
    number: int = 0
    text: tuple[str, str] | None = None


def frame(value: msgspec.Struct) -> bytes:
    """`value` as it goes over the socket: its length in four bytes, then MessagePack."""
    body = msgspec.msgpack.encode(value)
    return HEADER.pack(len(body)) + body


def main() -> NoReturn:
    """Load Apprise, then fork a worker for every socket that comes; end when the sender does."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)  # the sender decides when we end; a ^C in the shell reaches us, too
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold secrets
    orders = socket.socket(fileno=os.dup(0))
    _warm()
    _silence()
    orders.sendall(READY)
    _take_orders(orders)
    os._exit(0)


def _answer(job: Job) -> Answer:
    """Do `job` and say what became of it; never raises. Runs in the calling thread and may block for ever."""
    if job.url == NOWHERE:
        return Answer(Reason.delivered, "", job.number)
    if job.url == RENDER:
        return _rendered(job)
    from pager import sender_apprise

    outcome = sender_apprise.send(job.url, job.title, job.body, job.kind)
    return Answer(outcome.reason, outcome.detail, job.number)


def _rendered(job: Job) -> Answer:
    """What a template makes, or why it makes nothing."""
    from pager.core.sandbox import Fault, render

    try:
        values = job.values or {}
        title = render(job.title, values) if job.title else ""
        return Answer(Reason.delivered, "", job.number, (title, render(job.body, values)))
    except Fault as fault:
        return Answer(Reason.rejected, fault.why, job.number)


def _warm() -> None:
    """Load Apprise, and what renders templates; what is shared with workers stays shared."""
    from pager import sender_apprise
    from pager.core import sandbox  # noqa: F401  for the workers

    sender_apprise.warm()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


def _silence() -> None:
    """From here on nothing that a plug-in prints reaches a terminal or a journal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


def _take_orders(orders: socket.socket) -> None:
    """Fork and end workers as told, until the sender is gone."""
    workers: set[int] = set()

    def bury(_signum: int = 0, _frame: object = None) -> None:
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                workers.discard(pid)

    signal.signal(signal.SIGCHLD, bury)
    while True:
        order, numbers, _, _ = socket.recv_fds(orders, ORDER.size, 1)
        if len(order) < ORDER.size:
            return
        (pid,) = ORDER.unpack(order)
        if pid != FORK and pid in workers:  # only a child of ours: the number may mean another process by now
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for number in numbers:
            # The fork may fail for want of memory: the sender then sees its socket end, and waits its turn.
            with contextlib.suppress(OSError):
                workers.add(_fork(orders, socket.socket(fileno=number)))
        bury()


def _fork(orders: socket.socket, link: socket.socket) -> int:
    parent = os.getpid()
    with link:
        pid = os.fork()
        if pid:
            return pid
        try:
            orders.close()
            _work(link, parent)
        finally:
            os._exit(1)


def _work(link: socket.socket, parent: int) -> NoReturn:
    """The life of a worker: say hello, then answer jobs."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        _libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        if hasattr(_libc, "mallopt"):
            _libc.mallopt(_MOST_ARENAS, 1)
    if os.getppid() != parent:
        os._exit(0)
    threading.stack_size(_THREADS_STACK)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    from pager import sender_apprise

    sys.addaudithook(sender_apprise.watch.audit)
    crew = _Crew(link)
    threading.Thread(target=_listen, args=(link, crew), daemon=True).start()
    link.sendall(frame(Hello(os.getpid())))
    crew.serve()


class _Crew:
    """The threads of a worker: one, or as many as it ever had messages at the same time."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._free = 1

    def take(self, job: Job) -> None:
        """Have `job` done, by a new thread if all are busy."""
        with self._lock:
            is_free = self._free > 0
            self._free -= is_free
        if not is_free:
            threading.Thread(target=self.serve, daemon=True).start()
        self._jobs.put(job)

    def serve(self) -> NoReturn:
        """The life of a thread: answer one job after another."""
        while True:
            answer = frame(_answer(self._jobs.get()))
            with self._lock:
                self._link.sendall(answer)
                self._free += 1


def _listen(link: socket.socket, crew: _Crew) -> None:
    """Read jobs, and end the worker the moment its socket ends, whatever it is doing."""
    decoder = msgspec.msgpack.Decoder(Job)
    try:
        while True:
            (length,) = HEADER.unpack(_read(link, HEADER.size))
            crew.take(decoder.decode(_read(link, min(length, LONGEST_FRAME))))
    finally:
        os._exit(0)


def _read(link: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        if not (chunk := link.recv(count - len(data))):
            raise EOFError
        data += chunk
    return bytes(data)


if __name__ == "__main__":
    main()
