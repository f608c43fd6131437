"""The client: asks the daemon over its Unix socket or HTTP, and words it when nobody answers."""

import json
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click
from msgspec.structs import replace

from pager.cli.output import FAILED, UNREACHABLE, Session

TIMEOUT = 10.0
USUAL_URL = "http://127.0.0.1:8080"
SYSTEM_SOCKET = Path("/run/pager/pagerd.sock")
F = TypeVar("F", bound=Callable[..., Any])


class Unreachable(click.ClickException):
    """No daemon answers; the message says what was tried."""

    exit_code = UNREACHABLE


class CutOff(Unreachable):
    """A daemon was asked, and the connection ended without an answer: what was asked for may be done or not."""


class Refused(click.ClickException):
    """The daemon answered, and said no. `answer` is what it said as JSON, {} if that was none."""

    exit_code = FAILED

    def __init__(self, status: int, detail: str, answer: dict[str, Any]) -> None:
        super().__init__(detail)
        self.status = status
        self.answer = answer


class SocketConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@dataclass(slots=True)
class Client:
    """Asks the first of `places` that can be connected to; a place is a URL or the path of a socket.

    `token` is shown to URLs only: a socket's mode guards it. `again_after`: seconds after which a POST whose answer
    was lost is asked again.
    """

    places: tuple[str, ...]
    timeout: float = TIMEOUT
    token: str = field(default="", repr=False)
    again_after: float = 1.0
    place: str = field(default="", init=False)

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET; arguments that are empty or None are left out. Raises Unreachable and Refused."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return self._answer("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def post(self, path: str, said: Any = None) -> Any:
        """The answer to a POST of `said` as JSON. Raises Unreachable and Refused.

        When the answer is lost it is asked for once more, by the same Idempotency-Key: it is not done twice.
        """
        body, key = json.dumps(said if said is not None else {}).encode(), os.urandom(16).hex()
        try:
            return self._answer("POST", path, body, key)
        except CutOff:
            time.sleep(self.again_after)
            return self._answer("POST", path, body, key)

    def delete(self, path: str) -> Any:
        """The answer to a DELETE. Raises Unreachable and Refused."""
        return self._answer("DELETE", path, None)

    def every(self, path: str, key: str, most: int | None = None, **query: Any) -> Iterator[Any]:
        """All entries of a list, `most` at most: its cursors are followed."""
        cursor, left = None, most
        while left is None or left > 0:
            answer = self.get(path, **query, limit=min(500, left or 500), cursor=cursor)
            entries = answer[key]
            yield from entries
            cursor = answer["next"]
            left = None if left is None else left - len(entries)
            if cursor is None:
                return

    def lines(self, path: str, after: str | None, **query: str) -> Iterator[str]:
        """The lines of a stream of server-sent events, from behind the event `after` on, until it ends.

        Raises Unreachable, also when nothing comes for as long as the timeout, and Refused.
        """
        given = {name: value for name, value in query.items() if value}
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        with self._asked("GET", f"{path}?{urlencode(given)}" if given else path, None, headers) as response:
            if response.status != 200:
                self._read(response.status, response.getheader("Content-Type", ""), response.read())
            while line := response.readline():
                yield line.decode("utf-8", "replace").rstrip("\r\n")

    def _answer(self, method: str, target: str, body: bytes | None, key: str = "") -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        with self._asked(method, target, body, headers) as response:
            return self._read(response.status, response.getheader("Content-Type", ""), response.read())

    @contextmanager
    def _asked(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Iterator[HTTPResponse]:
        """The response to a request, while it is read. Raises Unreachable."""
        connection, prefix = self._connected()
        shown = {**headers, "User-Agent": "pagerctl"}
        if self.token and not isinstance(connection, SocketConnection):
            shown["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, prefix + target, body, shown)
            yield connection.getresponse()
        except TimeoutError:
            raise Unreachable(
                f"pagerd at {self.place} did not answer within {self.timeout:g} s; look at its log"
            ) from None
        except (OSError, HTTPException) as error:
            raise CutOff(f"pagerd at {self.place} ended the connection: {why(error)}; look at its log") from None
        finally:
            connection.close()

    def _connected(self) -> tuple[HTTPConnection, str]:
        """A connection to the first place that takes one, and what its paths begin with. Raises Unreachable."""
        tried = []
        for place in (self.place,) if self.place else self.places:
            connection, prefix = connection_to(place, self.timeout)
            try:
                connection.connect()
            except OSError as error:
                connection.close()
                tried.append(f"{place} ({why(error)})")
            else:
                self.place = place
                return connection, prefix
        raise Unreachable(f"no pagerd at {' or '.join(tried)}; start pagerd, or name its address with --server")

    def _read(self, status: int, kind: str, body: bytes) -> Any:
        try:
            answer = json.loads(body) if "json" in kind else body.decode()
        except ValueError:
            answer = ""
        if 200 <= status < 300:
            return answer
        said = answer if isinstance(answer, dict) else {}
        detail = said.get("detail") or f"{self.place} answered {status}: is that pagerd?"
        raise Refused(status, detail, said)


def why(error: Exception) -> str:
    """What a failed connection died of, in a few words."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()


def connection_to(place: str, timeout: float) -> tuple[HTTPConnection, str]:
    """A connection that is not open yet, and what its paths begin with. Raises click's UsageError."""
    if place.startswith(("/", "unix:")):
        return SocketConnection(place.removeprefix("unix://").removeprefix("unix:"), timeout), ""
    try:
        url = urlsplit(place)
        port, host = url.port, url.hostname
    except ValueError:
        host = None
    if host is None or url.scheme not in ("http", "https"):
        raise click.UsageError(f"not an address of pagerd: {place!r}; write {USUAL_URL} or /run/pager/pagerd.sock")
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    return kind(host, port, timeout=timeout), url.path.rstrip("/")


def places_of(session: Session) -> tuple[str, ...]:
    """Where pagerd may be: --server alone, else the socket, else the usual address.

    What PAGER_SOCKET or PAGER_LISTEN name is tried and nothing instead of it: an ack must not go to another daemon.
    """
    if session.server:
        return (session.server,)
    written = _written(session)
    socket_path = os.environ.get("PAGER_SOCKET") or written.get("socket")
    listen = os.environ.get("PAGER_LISTEN") or written.get("listen")
    if socket_path:
        return (str(Path(socket_path).absolute()),)
    sockets = dict.fromkeys((str(runtime_folder() / "pagerd.sock"), str(SYSTEM_SOCKET)))
    return (*sockets, f"http://{listen}" if listen else USUAL_URL)


def _written(session: Session) -> dict[str, Any]:
    """What pager.toml of the config folder says; settings are not loaded for it, which would take a while."""
    import tomllib

    usual = Path() if Path("rules").is_dir() or Path("schedules").is_dir() else Path("/etc/pager")
    folder = session.config or Path(os.environ.get("PAGER_CONFIG") or usual)
    try:
        return tomllib.loads((folder / "pager.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def runtime_folder() -> Path:
    """Where pagerd of the same user puts its socket: the same answer as settings.runtime_folder."""
    for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "STATE_DIRECTORY", "XDG_STATE_HOME"):
        if os.environ.get(name):
            first = Path(os.environ[name].split(":")[0]) if name.endswith("DIRECTORY") else Path(os.environ[name])
            return first if name.endswith("DIRECTORY") else first / "pager"
    return Path("/var/lib/pager") if os.geteuid() == 0 else Path.home() / ".local" / "state" / "pager"


def token_of(session: Session) -> str:
    """What to show: the content of --token-file, else PAGER_TOKEN, else of the file named by PAGER_TOKEN_FILE.

    Raises click's UsageError, also for a file that others may read.
    """
    if session.token_file is None and (given := os.environ.get("PAGER_TOKEN", "").strip()):
        return _fit(given, "PAGER_TOKEN")
    named = os.environ.get("PAGER_TOKEN_FILE")
    path = session.token_file or (Path(named) if named else None)
    if path is None:
        return ""
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno()).st_mode
            if stat.S_ISREG(found) and found & 0o007:
                raise click.UsageError(f"others may read the token in {path}; run: chmod 600 {path}")
            return _fit(stream.read(4096).decode("utf-8", "replace").strip(), str(path))
    except OSError as error:
        raise click.UsageError(f"the token in {path} cannot be read: {error.strerror}") from None


def _fit(token: str, place: str) -> str:
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise click.UsageError(f"there is no token in {place}: it is one word, pgr_...")
    return token


def asks_server(command: F) -> F:
    """`--server`, `--token-file`, `-c` and `-o` after the command's name, too; it gets a Session and a Client."""
    from pager.cli.output import session_options

    @wraps(command)
    def with_client(session: Session, server: str | None, token_file: Path | None, **arguments: Any) -> Any:
        session = replace(session, server=server or session.server, token_file=token_file or session.token_file)
        return command(session, Client(places_of(session), token=token_of(session)), **arguments)

    option = click.option("--server", help="The address of pagerd, or the path of its socket.")
    file = click.option("--token-file", type=click.Path(path_type=Path), help="The file with the token to show.")
    return session_options(option(file(with_client)))  # type: ignore[return-value]


def incident_path(code: str, rest: str = "") -> str:
    return f"/api/v1/incidents/{quote(code, safe='')}{rest}"
