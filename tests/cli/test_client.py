"""Where pagerctl looks for pagerd, and what it says when nobody is there."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import click
import pytest

from pager import settings
from pager.cli import client
from pager.cli.client import Client, Refused, Unreachable, places_of
from pager.cli.output import Session
from tests.cli.house import clean_environment, pagerctl
from tests.support import ROOT, free_port

ASKING = [
    ("incidents",),
    ("incidents", "list"),
    ("incidents", "show", "7KQ"),
    ("ack", "7KQ"),
    ("note", "7KQ", "rolled back"),
    ("declare", "checkout is slow", "--severity", "SEV-2"),
    ("status",),
    ("reload",),
]


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_without_a_daemon_a_command_ends_with_4_and_says_what_to_do(command: tuple[str, ...], tmp_path: Path) -> None:
    ran = pagerctl(*command, PAGER_SOCKET=str(tmp_path / "no.sock"))

    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert f"no pagerd at {tmp_path / 'no.sock'} (no such file or directory)" in ran.err
    assert "start pagerd, or name its address with --server" in ran.err


def test_everything_that_was_tried_is_named(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"

    ran = pagerctl("status", cwd=tmp_path, PAGER_LISTEN=listen, XDG_RUNTIME_DIR=str(tmp_path))

    assert ran.code == 4
    assert f"{tmp_path}/pager/pagerd.sock" in ran.err
    assert "/run/pager/pagerd.sock" in ran.err
    assert f"http://{listen} (connection refused)" in ran.err


@pytest.mark.parametrize("address", ["foo", "ftp://example.org", "http://", "http://x:99999"])
def test_what_is_no_address_is_a_mistake_of_use(address: str) -> None:
    ran = pagerctl("status", "--server", address)

    assert ran.code == 2
    assert f"not an address of pagerd: {address!r}" in ran.err


def test_waiting_for_a_daemon_that_does_not_come_ends_with_5(tmp_path: Path) -> None:
    ran = pagerctl("wait-ready", "--timeout", "0.3", PAGER_SOCKET=str(tmp_path / "no.sock"))

    assert ran.code == 5
    assert "not ready after 0.3 s: no pagerd at" in ran.err


@pytest.mark.parametrize(
    ("server", "environment", "toml", "places"),
    [
        pytest.param("http://a:1", {"PAGER_SOCKET": "/s"}, "", ("http://a:1",), id="--server alone"),
        pytest.param(None, {"PAGER_SOCKET": "/s"}, "", ("/s",), id="a socket that is named has no stand-in"),
        pytest.param(None, {}, 'socket = "/t"', ("/t",), id="also one in pager.toml"),
        pytest.param(
            None,
            {"XDG_RUNTIME_DIR": "/r"},
            "",
            ("/r/pager/pagerd.sock", "/run/pager/pagerd.sock", "http://127.0.0.1:8080"),
            id="the user's socket, the system's, the usual port",
        ),
        pytest.param(
            None,
            {"XDG_RUNTIME_DIR": "/r"},
            'listen = "[::1]:9"',
            ("/r/pager/pagerd.sock", "/run/pager/pagerd.sock", "http://[::1]:9"),
            id="the port of pager.toml",
        ),
    ],
)
def test_places(
    server: str | None,
    environment: dict[str, str],
    toml: str,
    places: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "pager.toml").write_text(toml)
    _set(monkeypatch, environment)

    assert places_of(Session(config=tmp_path, server=server)) == places


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"RUNTIME_DIRECTORY": "/run/one:/run/two"},
        {"XDG_RUNTIME_DIR": "/run/user/1000"},
        {"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"},
        {"XDG_STATE_HOME": "/home/ana/state"},
        {"XDG_RUNTIME_DIR": "/run/user/1000", "STATE_DIRECTORY": "/var/lib/one"},
    ],
    ids=str,
)
def test_pagerctl_looks_for_the_socket_where_pagerd_puts_it(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, environment)

    assert client.runtime_folder() == settings.runtime_folder()


def _set(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "PAGER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PAGER_SOCKET", "PAGER_LISTEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


class Other(BaseHTTPRequestHandler):
    """Something else that listens."""

    def do_GET(self) -> None:
        if self.path == "/ends":
            return
        body = b'{"detail": "not today"}' if self.path == "/problem" else b"<h1>hello</h1>"
        kind = "application/problem+json" if self.path == "/problem" else "text/html"
        self.send_response(200 if self.path == "/fine" else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def other(kind: type[Other] = Other) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        pytest.param("/problem", Refused, "not today", id="a problem is told in its own words"),
        pytest.param("/page", Refused, "answered 404: is that pagerd?", id="something else is listening"),
        pytest.param("/ends", Unreachable, "ended the connection", id="the connection ends"),
    ],
)
def test_answers_that_are_none(path: str, error: type[click.ClickException], said: str) -> None:
    with other() as url, pytest.raises(error) as raised:
        Client((url,)).get(path)

    assert said in raised.value.message


class Falters(Other):
    """Ends the first connection without an answer, and takes the next one."""

    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Idempotency-Key"])
        if len(self.keys) > 1:
            self.path = "/fine"
            self.do_GET()


def test_an_act_whose_answer_is_lost_is_asked_again_by_the_same_key() -> None:
    Falters.keys.clear()
    with other(Falters) as url:
        asked = Client((url,), again_after=0)

        assert asked.post("/api/v1/incidents/7KQ/ack", {"by": "ana"}) == "<h1>hello</h1>"
        assert asked.post("/api/v1/incidents/7KQ/ack", {"by": "ana"}) == "<h1>hello</h1>"

    first, again, another = Falters.keys
    assert first == again != another
    assert first


def test_a_daemon_that_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
            Client((place,), timeout=0.2).get("/-/ready")


def test_a_place_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    with other() as url:
        asked = Client((str(tmp_path / "no.sock"), url))

        assert asked.get("/fine") == "<h1>hello</h1>"
        assert asked.place == url


def test_an_act_loads_nothing_that_is_heavy(tmp_path: Path) -> None:
    heavy = {"aiohttp", "apprise", "pydantic", "pydantic_settings", "rich", "sqlalchemy", "requests", "yaml"}
    code = (
        "import json, sys\nfrom pager.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n"
        "    print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "ack", "7KQ"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=clean_environment(PAGER_SOCKET=str(tmp_path / "no.sock")),
        check=False,
    )

    assert heavy & set(json.loads(ran.stdout.splitlines()[-1])) == set()
