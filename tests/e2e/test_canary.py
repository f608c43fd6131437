"""A canary in every secret of a real pagerd that is asked, fails and crashes: it sings nowhere. And modes of files."""

import asyncio
import re
import sqlite3
import stat
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pager.cli.client import Client
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import covers, free_port, wait_until

FILES = {
    "rules/all.yaml": """
        defaults: {policy: everything}
        sources:
          - {name: prom, dialect: alertmanager, token: PROM_TOKEN}
          - {name: graf, dialect: grafana, token: GRAF_TOKEN}
        webhooks:
          - {name: dead, url: "http://127.0.0.1:CLOSED/${HOOK}?key=${HOOK}", secret: [SIGNS, TOPIC], internal: true}
          - {name: shut, url: "http://127.0.0.1:CLOSED/${HOOK}", secret: SIGNS, internal: true}
        policies:
          everything:
            steps: [{page: ["person:ana", "person:bo", "person:chi", "person:dee"], wait: 30s}]
        """,
    "schedules/all.yaml": """
        people:
          ana: {name: Ana, timezone: UTC, contacts: {push: "json://ana:${PASSWORD}@HOST/ana?+X-Key=${HEADER}"}}
          bo: {name: Bo, timezone: UTC, contacts: {push: "json://bo:${PASSWORD}@HOST/refused?+X-Key=${HEADER}"}}
          chi: {name: Chi, timezone: UTC, contacts: {push: "json://127.0.0.1:CLOSED/${TOPIC}"}}
          dee: {name: Dee, timezone: UTC, contacts: {push: "slack://${TOPIC}", mail: "json://${NOWHERE}/x"}}
        """,
}
ALERT = {"alerts": [{"status": "firing", "labels": {"alertname": "CheckoutDown", "severity": "critical"}}]}
SECRETS = ("PROM_TOKEN", "GRAF_TOKEN", "PASSWORD", "HEADER", "TOPIC", "DEADMAN", "RESORT", "HOOK", "SIGNS")
LINK = re.compile(r"/p/([a-z2-7]{16})")
API = (
    "incidents?state=all",
    "incidents/{code}",
    "incidents/{code}/timeline",
    "incidents/{code}/pages",
    "alerts?state=all",
    "status",
    "doctor",
    "webhooks",
    "events?limit=500",
    "tokens",
    "schedules/none",
)


@dataclass
class Cage:
    """A daemon whose secrets are canaries, and all that it ever said to anybody but its providers."""

    daemon: Daemon
    sink: HttpSink
    canaries: dict[str, str]
    heard: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, shown: str = "", **options: Any) -> int:
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        async with aiohttp.request(method, self.daemon.url + path, headers=headers, **options) as answer:
            self.heard[f"{len(self.heard)} {method} {path[:40]}"] = f"{dict(answer.headers)} {await answer.text()}"
            return answer.status

    def sings(self) -> list[str]:
        """Each secret and where it was heard, or seen in the log."""
        places = {**self.heard, "log": self.daemon.log.read_text()}
        return [
            f"{name} in {place}" for name, word in self.canaries.items() for place in places if word in places[place]
        ]


@asynccontextmanager
async def caged(folder: Path) -> AsyncIterator[Cage]:
    canaries = {name: f"zqx{name.lower().replace('_', '')}Canary" for name in SECRETS}
    canaries["SIGNS"] = b64encode(canaries["SIGNS"].encode() * 2).decode()
    graf, state = folder / "graf-token", folder / "state"
    graf.touch(mode=0o600)
    graf.write_text(canaries["GRAF_TOKEN"])
    nowhere = folder / "nowhere"
    nowhere.touch(mode=0o600)
    nowhere.write_text("goes away")
    closed = free_port()
    environment = {
        **{name: word for name, word in canaries.items() if name != "GRAF_TOKEN"},
        "SIGNS": f"whsec_{canaries['SIGNS']}",
        "GRAF_TOKEN_FILE": str(graf),
        "NOWHERE_FILE": str(nowhere),
        "PAGER_LOG_LEVEL": "debug",
        "PAGER_DEADMAN": f"http://127.0.0.1:{closed}/${{DEADMAN}}",
        "PAGER_DEADMAN_EVERY": "1s",
        "PAGER_LAST_RESORT": f"http://127.0.0.1:{closed}/${{RESORT}}",
        "PAGER_URL": "https://pager.example.org",
        "PAGER_PROXY": "",
    }
    async with http_sink() as sink:
        sink.answers["refused"] = 500
        host = sink.url.removeprefix("http://")
        files = {name: text.replace("HOST", host).replace("CLOSED", str(closed)) for name, text in FILES.items()}
        async with running(folder, files, environment=environment) as daemon:
            assert daemon.state == state
            nowhere.unlink()
            yield Cage(daemon, sink, canaries)


async def by_socket(cage: Cage, *words: Any) -> Any:
    """What the admin's socket answers."""
    client = Client((str(cage.daemon.state / "pagerd.sock"),))
    return await asyncio.to_thread(client.post, *words)


@covers("T24", "P20")
async def test_t24_no_secret_is_told_to_anybody(tmp_path: Path) -> None:
    async with caged(tmp_path) as cage:
        admin = await _tokens(cage)
        await _works(cage)
        await _is_refused(cage)
        code = await _shows_all(cage, admin)
        await _fails(cage, admin, code)

        assert cage.sings() == []
        log = cage.daemon.log.read_text()
        assert "Traceback" in log  # Something did fail, or nothing was tried.
        assert "level=debug" in log
        assert {"PROM_TOKEN", "TOPIC", "link", "admin"} <= set(cage.canaries)


async def _tokens(cage: Cage) -> str:
    for scope in ("read", "admin"):
        made = await by_socket(cage, "/api/v1/tokens", {"name": scope, "scope": scope})
        # Its secret: the id is no secret, and is listed.
        cage.canaries[scope] = made["token"].split("_")[2]
    return str(made["token"])


async def _works(cage: Cage) -> None:
    """Alerts are taken, and paged to those who can be reached and to those who cannot."""
    prom, graf = cage.canaries["PROM_TOKEN"], cage.canaries["GRAF_TOKEN"]
    assert await cage.ask("POST", "/webhook/alertmanager", prom, json=ALERT) == 200
    assert await cage.ask("POST", f"/webhook/alertmanager?token={prom}", json=ALERT) == 200
    assert await cage.ask("POST", f"/webhook/grafana?token={graf}", json=ALERT) == 200
    await wait_until(lambda: cage.sink.to("ana"), 20, "a page to ana")
    token = LINK.search(cage.sink.to("ana")[0].body + cage.sink.to("ana")[0].title)
    assert token is not None
    link = token[1]
    assert await cage.ask("POST", f"/p/{link}", data={"action": "note", "text": "x"}, allow_redirects=False) == 303
    assert await cage.ask("PATCH", f"/p/{link}") == 405
    # The page itself and its redirect are the link's own; whatever else is heard must not have it.
    cage.heard.clear()
    cage.canaries["link"] = link

    def were_tried() -> bool:
        lines = cage.daemon.log.read_text().splitlines()
        failed = [line for line in lines if "page not delivered" in line]
        hooks = [line for line in lines if "a webhook was not taken" in line]
        if not all(any(f"webhook={name}" in line for line in hooks) for name in ("dead", "shut")):
            return False
        return all(any(f"to={who}" in line for line in failed) for who in ("bo", "chi", "dee"))

    await wait_until(were_tried, 20, "pages to those who cannot be reached")


async def _is_refused(cage: Cage) -> None:
    """Secrets in wrong places, which are refused in words."""
    word = cage.canaries["PROM_TOKEN"]
    for method, path, shown, said in (
        ("POST", "/webhook/alertmanager", word, b"{"),
        ("POST", "/webhook/alertmanager", word, b'{"alerts": 5}'),
        ("POST", f"/webhook/alertmanager?token={word}x", "", b"{}"),
        ("POST", "/webhook/nothing", word, b"{}"),
        ("GET", "/webhook/alertmanager", word, None),
        ("GET", f"/api/v1/incidents?token={word}", "", None),
        ("GET", "/api/v1/incidents", word, None),
        ("GET", "/api/v1/tokens", cage.canaries["read"], None),
    ):
        assert 400 <= await cage.ask(method, path, shown, data=said) < 500
    for number in range(15):
        assert await cage.ask("GET", "/api/v1/status", f"{word}{number}") in (403, 429)
    for head in (
        f"GET /webhook/x?token={word} HTTP/9.9\r\n\r\n",
        f"POST /webhook/x?token={word} HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {word}\r\n\r\n",
        f"POST /webhook/x HTTP/1.1\r\nHost: x\r\nContent-Length: {word}\r\n\r\n",
        f"{word} {word} {word}\r\n\r\n",
    ):
        await _raw(cage, head)


async def _raw(cage: Cage, head: str) -> None:
    host, _, port = cage.daemon.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.encode())
    async with asyncio.timeout(10):
        cage.heard[f"raw {head[:12]}"] = (await reader.read(65536)).decode()
    writer.close()


async def _shows_all(cage: Cage, admin: str) -> str:
    """Everything that is shown to an admin; the code of the incident."""
    async with aiohttp.request(
        "GET", f"{cage.daemon.url}/api/v1/incidents", headers={"Authorization": f"Bearer {admin}"}
    ) as answer:
        code = str((await answer.json())["incidents"][-1]["code"])
    for path in API:
        assert await cage.ask("GET", f"/api/v1/{path.format(code=code)}", admin) in (200, 404)
    for path in ("/metrics", "/-/ready", "/-/healthy"):
        assert await cage.ask("GET", path) == 200
    for path in ("/-/reload", "/api/v1/backups", "/api/v1/webhooks/dead/test"):
        assert await cage.ask("POST", path, admin) in (200, 201)
    return code


async def _fails(cage: Cage, admin: str, code: str) -> None:
    """What pagerd cannot read ends in tracebacks; then it is stopped."""
    (cage.daemon.folder / "schedules" / "all.yaml").write_text("people: {ana: {contacts: {push: '${TOPIC}'}}}\n")
    assert await cage.ask("POST", "/-/reload", admin) == 422
    await asyncio.to_thread(_poison, cage.daemon.state / "pager.db")
    for path in (f"/api/v1/incidents/{code}", "/api/v1/incidents?state=all"):
        assert await cage.ask("GET", path, admin) == 500
    async with aiohttp.request("GET", f"{cage.daemon.url}/p/{cage.canaries['link']}") as answer:
        assert answer.status == 500
        cage.heard["page of an error"] = await answer.text()
    await cage.daemon.stop()


def _poison(file: Path) -> None:
    connection = sqlite3.connect(file, timeout=20)
    with connection:
        connection.execute("UPDATE incidents SET body = x'7b'")
    connection.close()


@pytest.mark.slow
@covers("T25")
async def test_t25_no_secret_is_in_the_words_or_the_environment_of_a_process(tmp_path: Path) -> None:
    async with caged(tmp_path) as cage:
        assert cage.daemon.process is not None
        await _tokens(cage)
        await _works(cage)
        parent = cage.daemon.process.pid
        children = await asyncio.to_thread(_descendants, parent)
        seen = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (parent, *children)}
        for pid in children:
            seen[pid] += Path(f"/proc/{pid}/environ").read_bytes()

        assert len(children) >= 1
        assert [
            f"{name} in {pid}"
            for pid, told in seen.items()
            for name, word in cage.canaries.items()
            if word.encode() in told
        ] == []


def _descendants(pid: int) -> list[int]:
    told = "".join(task.joinpath("children").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
    found = [int(child) for child in told.split()]
    return [*found, *(below for child in found for below in _descendants(child))]


@covers("T36")
async def test_t36_nobody_else_on_the_machine_reads_what_pagerd_writes(tmp_path: Path) -> None:
    database = tmp_path / "new" / "state" / "pager.db"
    socket = tmp_path / "run" / "pagerd.sock"
    known = dict.fromkeys(("PASSWORD", "HEADER", "TOPIC", "NOWHERE"), "x")
    environment = {"PAGER_SOCKET": str(socket), **known}
    # As an administrator's shell may have it: pagerd does not rely on it.
    before = ("sh", "-c", 'umask 000; exec "$@"', "sh")
    files = {name: text.replace("HOST", "127.0.0.1:1").replace("CLOSED", "1") for name, text in FILES.items()}
    files["rules/all.yaml"] = re.sub(r"sources:.*?policies:", "policies:", files["rules/all.yaml"], flags=re.DOTALL)
    async with running(
        tmp_path, files, environment=environment, before=before, database=f"sqlite:///{database}"
    ) as daemon:
        await daemon.post("/webhook/alertmanager", ALERT)
        made = await daemon.post("/api/v1/backups", {}, status=201)
        open_to_others = {
            str(path.relative_to(tmp_path)): oct(mode)
            for folder in (database.parent, socket.parent)
            for path in (folder, *folder.rglob("*"))
            if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077
        }

        assert open_to_others == {}
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (database, socket, Path(made["file"]))}
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700


@pytest.mark.slow
@covers("T1")
@pytest.mark.parametrize(
    ("with_token", "words"),
    [
        pytest.param(False, "cannot listen on '0.0.0.0' without tokens", id="without one it does not start"),
        pytest.param(True, "", id="with one in the database it does"),
    ],
)
async def test_t1_an_open_address_needs_a_token(tmp_path: Path, with_token: bool, words: str) -> None:
    files = {
        "rules/all.yaml": "policies: {default: {steps: [{page: ['person:ana'], wait: 1h}]}}\n",
        "schedules/all.yaml": "people: {ana: {name: Ana, timezone: UTC, contacts: {push: 'console://'}}}\n",
    }
    async with running(tmp_path, files, start=with_token) as daemon:
        if with_token:
            client = Client((str(daemon.state / "pagerd.sock"),))
            await asyncio.to_thread(client.post, "/api/v1/tokens", {"name": "x", "scope": "read"})
            await daemon.stop()
        local, daemon.url = daemon.url, daemon.url.replace("127.0.0.1", "0.0.0.0")

        await daemon.start(ready=False)

        assert daemon.process is not None
        if words:
            async with asyncio.timeout(30):
                assert await daemon.process.wait() == 1
            assert words in daemon.log.read_text()
        else:
            daemon.url = local
            await wait_until(daemon.is_ready, 30, "pagerd to be ready")
            async with aiohttp.request("GET", f"{local}/api/v1/incidents") as answer:
                assert answer.status == 401
