"""Apprise as we use it: one message to one target, in the calling thread, and the reason when it fails.

Whoever imports this module loads Apprise and changes it for good: only the sender's child processes do. Several threads
may send at once. Nothing here is ever printed or logged: these texts hold secrets.
"""

import contextlib
import logging
import os
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import requests.adapters
import requests.sessions
from apprise import Apprise, AppriseAsset
from apprise.common import NotifyFormat, OverflowMode
from apprise.conversion import convert_between
from apprise.manager_plugins import NotificationManager
from apprise.plugins.email import NotifyEmail
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from pager.core.contact_url import SCHEMES
from pager.core.letter import as_html
from pager.core.outcome import Outcome, Reason, classify, is_evidence

_convert: Any = convert_between  # it has no types
_SENDS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_FORBIDDEN: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})
_LINK: Final = re.compile(r"https?://\S+")


def send(url: str, title: str, body: str, kind: str) -> Outcome:
    """Send one message and say what became of it; never raises. Runs in the calling thread and may block for ever.

    `kind` is info, success, warning or failure; `url` is a secret. The outcome holds none.
    """
    secrets = [url.partition("://")[2], *_LINK.findall(body)]
    try:
        service = _load(url)
    except Exception as error:  # a fence: plug-ins raise what they like; whatever it is, this URL cannot work
        return Outcome(Reason.config, classify(1, [f"not accepted: {error}"], secrets).detail)
    with watch.sending():
        before = watch.left()
        try:
            done = service.notify(**_converted(service, title, body), notify_type=kind)
        except Exception as error:  # the same fence; these texts hold secrets, too
            done = False
            watch.heard(f"Notification Exception: {type(error).__name__}: {error}")
        outcome = classify(0 if done else 1, watch.evidence(), secrets)
        return outcome if watch.left() > before else _unsent(outcome)


def _converted(service: Any, title: str, body: str) -> dict[str, object]:
    """Our plain text in the markup of the service. Some plug-ins only escape what is handed to them like this."""
    markup = service.resolve_format(NotifyFormat.TEXT)
    if isinstance(service, NotifyEmail) and service.resolve_format(NotifyFormat.HTML) == NotifyFormat.HTML:
        # The service puts the words of it as text in front: some read no HTML.
        return {
            "title": title,
            "body": as_html(title, body),
            "body_format": NotifyFormat.HTML,
            "body_passthrough": False,
        }
    if service.title_maxlen <= 0:  # it has no titles: this one will stand in the body
        title = _convert(NotifyFormat.TEXT, markup, title)
    body = _convert(NotifyFormat.TEXT, markup, body)
    return {"title": title, "body": body, "body_format": markup, "body_passthrough": False}


def _unsent(outcome: Outcome) -> Outcome:
    """What `outcome` means when nothing left this process: no success, and nothing to be uncertain about."""
    if outcome.delivered:
        return Outcome(Reason.config, "the service reported success without sending anything")
    return Outcome(Reason.config, outcome.detail) if outcome.reason is Reason.unknown else outcome


def _load(url: str) -> Any:
    """A service made for this one message: one that is used again sleeps between sends.

    Raises ValueError for what the check of the URL could not see, and whatever a plug-in raises.
    """
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


class _Mine(threading.local):
    """What one thread's send did so far: how often something left, and what was said about it."""

    sends = 0
    lines: list[str] | None = None


class Watch:
    """What sends do, by the interpreter's own account and by Apprise's log lines, each send for itself."""

    def __init__(self) -> None:
        self._mine = _Mine()
        self._strangers = 0

    @contextlib.contextmanager
    def sending(self) -> Any:
        """In this block the thread sends."""
        self._mine.lines = []
        try:
            yield
        finally:
            self._mine.lines = None

    def left(self) -> int:
        """How often something left this process: by this thread, or by one that a plug-in may have started."""
        return self._mine.sends + self._strangers

    def evidence(self) -> list[str]:
        """What was said in this thread that tells why a send failed."""
        return self._mine.lines or []

    def heard(self, line: str) -> None:
        """Keep `line` for this thread's send."""
        if self._mine.lines is not None:
            self._mine.lines.append(line)

    def hear(self, record: logging.LogRecord) -> bool:
        """A filter of Apprise's logger: its lines go nowhere else."""
        if self._mine.lines is not None and getattr(record, "apprise_capture", True):
            line = record.getMessage()
            if is_evidence(record.levelname, line):
                self.heard(line)
        return False

    def audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        """Count what leaves; refuse what no message needs. An audit hook: it cannot be taken off again."""
        if event in _SENDS:
            if self._mine.lines is None:
                self._strangers += 1
            else:
                self._mine.sends += 1
        elif event in _FORBIDDEN:
            raise PermissionError(f"{event} is refused: a sender starts no programs")


watch = Watch()


class Adapter(requests.adapters.HTTPAdapter):
    """HTTPS without reading the authorities' certificates anew for each message: that takes 30 ms of processor."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)  # a plug-in makes one for each request

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See requests. With a client's certificate nothing is shared."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if verify and not cert:
            pool = {"cert_reqs": pool["cert_reqs"], "ssl_context": _trust(_bundle(verify))}
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """See requests: what is shared has them already."""
        if not verify or cert:
            super().cert_verify(conn, url, verify, cert)


def _bundle(verify: bool | str) -> str:
    return DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)


@cache
def _trust(bundle: str) -> ssl.SSLContext:
    """Who vouches for servers: the certificates in a file or a folder. Raises OSError if they cannot be read."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    if Path(bundle).is_dir():
        context.load_verify_locations(capath=bundle)
    else:
        context.load_verify_locations(cafile=bundle)
    return context


def warm() -> None:
    """Load all that a first send would load; allow only the schemes that we know."""
    known: Any = NotificationManager
    known().enable_only(*SCHEMES)
    requests.sessions.HTTPAdapter = Adapter  # type: ignore[attr-defined,assignment]
    for name in ("apprise", "urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers = [logging.NullHandler()]
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # nobody asks which one it was
    # The reasons of failures are only told at this level; they are kept for each send and go nowhere else.
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    logging.getLogger("apprise").addFilter(watch.hear)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    Apprise.instantiate("mailto://localhost?from=a@example.org&to=b@example.org", asset=_asset())
    with contextlib.suppress(OSError):
        _trust(_trusted(os.environ))
    _rehearse()


def _trusted(environ: Mapping[str, str]) -> str:
    """Where requests looks."""
    return environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH


def _rehearse() -> None:
    """Send one message to ourselves: what a first send loads and makes is then shared by all workers."""
    with socket.create_server(("127.0.0.1", 0)) as stage:
        answers = threading.Thread(target=_applaud, args=(stage,), daemon=True)
        answers.start()
        send(f"json://127.0.0.1:{stage.getsockname()[1]}/?cto=1&rto=1", "rehearsal", "rehearsal", "info")
        answers.join(1)


def _applaud(stage: socket.socket) -> None:
    stage.settimeout(1)
    with contextlib.suppress(OSError):
        caller, _ = stage.accept()
        with caller:
            caller.settimeout(1)
            caller.recv(1 << 16)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
