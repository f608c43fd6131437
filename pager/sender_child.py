"""The cage that Apprise lives in: a warm process that forks workers, each of which sends one message at a time.

`python -m pager.sender_child` is started by the sender with one end of a socket pair as its standard input. It loads
Apprise once, says READY, and forks a worker for every socket that it is handed: a fork takes a millisecond where a
start takes half a second. A worker ends when its own socket ends, even in the middle of a send, and when the process
that forked it ends; so nothing outlives the daemon. Nothing here is ever printed or logged: these texts hold secrets.
"""

import contextlib
import ctypes
import gc
import logging
import os
import queue
import re
import resource
import signal
import socket
import struct
import sys
import threading
from typing import Any, Final, Literal, NoReturn

import msgspec

from pager.core.contact_url import SCHEMES
from pager.core.outcome import Outcome, Reason, classify, is_evidence

READY: Final = b"ready\n"
HEADER: Final = struct.Struct("!I")
ORDER: Final = struct.Struct("!q")
FORK: Final = 0
"""An order is FORK with a socket, or the process id of a worker that shall end."""
LONGEST_FRAME: Final = 1 << 20
NOWHERE: Final = "nowhere://"
"""A job for this address is answered and sent to nobody: the proof that children work."""

_MOST_MEMORY = 768 << 20  # an endless answer must not take the machine down before the deadline does
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_FORBIDDEN = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})
_LINK = re.compile(r"https?://\S+")


class Job(msgspec.Struct, frozen=True):
    """One message to one target; `url` is a secret."""

    url: str
    title: str
    body: str
    kind: Literal["info", "success", "warning", "failure"]


class Hello(msgspec.Struct, frozen=True):
    """A worker's first words."""

    pid: int


class Answer(msgspec.Struct, frozen=True):
    """What became of a job; holds no secret."""

    reason: Reason
    detail: str


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


def send(job: Job) -> Answer:
    """Send `job` and say what became of it; never raises. Runs in the calling thread and may block for ever."""
    if job.url == NOWHERE:
        return Answer(Reason.delivered, "")
    secrets = [job.url.partition("://")[2], *_LINK.findall(job.body)]
    try:
        outcome = _send(job, secrets)
    except Exception as error:  # a fence: plug-ins raise what they like, and their texts hold secrets
        outcome = classify(1, [f"Notification Exception: {type(error).__name__}: {error}"], secrets)
    return Answer(outcome.reason, outcome.detail)


def _send(job: Job, secrets: list[str]) -> Outcome:
    from apprise import Apprise, ContentLocation

    try:
        service = _load(job.url)
    except Exception as error:  # as above; whatever it is, this URL cannot work
        return Outcome(Reason.config, classify(1, [f"not accepted: {error}"], secrets).detail)
    cage = Apprise(asset=_asset(), location=ContentLocation.INACCESSIBLE)
    cage.add(service)
    before = _count.sends
    result = cage.notify(
        body=job.body, title=job.title, notify_type=job.kind, body_format="text", log_level=logging.DEBUG
    )
    logs = [entry.message for entry in result.logs() if is_evidence(entry.level, entry.message)]
    attempts = [attempt.status for each in result for attempt in each.attempts]
    # An optional service reports success whatever its attempts say: both must be fine.
    outcome = classify(max([int(result.status), *map(int, attempts)]), logs, secrets)
    return outcome if _count.sends > before else _unsent(outcome)


def _unsent(outcome: Outcome) -> Outcome:
    """What `outcome` means when nothing left this process: no success, and nothing to be uncertain about."""
    if outcome.delivered:
        return Outcome(Reason.config, "the service reported success without sending anything")
    return Outcome(Reason.config, outcome.detail) if outcome.reason is Reason.unknown else outcome


def _load(url: str) -> Any:
    """A service made for this one message: one that is used again sleeps between sends.

    Raises ValueError for what the check of the URL could not see, and whatever a plug-in raises.
    """
    from apprise import Apprise
    from apprise.common import NotifyFormat, OverflowMode

    service = Apprise.instantiate(url, asset=_asset(), suppress_exceptions=False)
    if service is None:
        raise ValueError("this service cannot read the URL, or a package that it needs is not installed")
    if len(service) > 1:
        raise ValueError("more than one target; write one contact for each")
    if service.optional or service.retry or service.redirects or not service.verify_certificate:
        raise ValueError("a parameter that pager refuses")
    service.overflow_mode = OverflowMode.TRUNCATE
    if service.notify_format == NotifyFormat.MARKDOWN:
        # Its escapes would stand in the middle of links, which then lead nowhere; the text is inert without them.
        service.notify_format = NotifyFormat.TEXT
    return service


def _asset() -> Any:
    """How Apprise behaves: in this thread, on its own for nothing, remembering nothing, and never redirected."""
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="pager",
        app_desc="pager",
        app_url="",
        image_url_mask="",  # the default would fetch icons from a public site at the moment of an incident
        image_url_logo="",
        image_path_mask="",
        async_mode=False,
        interpret_emojis=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        secure_logging=True,
        storage_mode="memory",
        service_timeout=0,
        allow_templates=False,
    )


class _Count:
    """How often this process has sent something into the world, by the interpreter's own account."""

    sends = 0

    def watch(self, event: str, _arguments: tuple[object, ...]) -> None:
        """Count what leaves; refuse what no message needs. An audit hook: it cannot be taken off again."""
        if event in _SENDS:
            self.sends += 1
        elif event in _FORBIDDEN:
            raise PermissionError(f"{event} is refused: a sender starts no programs")


_count = _Count()
_libc = ctypes.CDLL(None)


def _warm() -> None:
    """Load Apprise and all that a first send would load; allow only the schemes that we know."""
    from apprise import Apprise
    from apprise.manager_plugins import NotificationManager

    known: Any = NotificationManager
    known().enable_only(*SCHEMES)
    for name in ("apprise", "urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers = [logging.NullHandler()]
    # The reasons of failures are only told at this level; they are captured for each call and go nowhere else.
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    Apprise.instantiate("mailto://localhost?from=a@example.org&to=b@example.org", asset=_asset())
    _rehearse()
    gc.collect()
    gc.freeze()  # what is shared with workers stays shared


def _rehearse() -> None:
    """Send one message to ourselves: what a first send loads and makes is then shared by all workers."""
    with socket.create_server(("127.0.0.1", 0)) as stage:
        answers = threading.Thread(target=_applaud, args=(stage,), daemon=True)
        answers.start()
        send(Job(f"json://127.0.0.1:{stage.getsockname()[1]}/?cto=1&rto=1", "rehearsal", "rehearsal", "info"))
        answers.join(1)


def _applaud(stage: socket.socket) -> None:
    stage.settimeout(1)
    with contextlib.suppress(OSError):
        caller, _ = stage.accept()
        with caller:
            caller.settimeout(1)
            caller.recv(1 << 16)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


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
    """The life of a worker: say hello, then answer one job after another."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        _libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    sys.addaudithook(_count.watch)
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, jobs), daemon=True).start()
    link.sendall(frame(Hello(os.getpid())))
    while True:
        link.sendall(frame(send(jobs.get())))


def _listen(link: socket.socket, jobs: "queue.SimpleQueue[Job]") -> None:
    """Read jobs, and end the worker the moment its socket ends, whatever it is doing."""
    decoder = msgspec.msgpack.Decoder(Job)
    try:
        while True:
            (length,) = HEADER.unpack(_read(link, HEADER.size))
            jobs.put(decoder.decode(_read(link, min(length, LONGEST_FRAME))))
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
