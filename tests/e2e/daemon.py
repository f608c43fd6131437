"""The real daemon as a child process, with a config folder of its own."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support import free_port, wait_until


@dataclass
class Daemon:
    """A running pagerd. `start`, `kill` and `start` again keep its state."""

    folder: Path
    state: Path
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    before: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self.state / "pagerd.log"

    async def start(self, *, ready: bool = True) -> None:
        """Start it; with `ready`, wait until it says that it is."""
        database = self.database or f"sqlite:///{self.state / 'pager.db'}"
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.before,
                sys.executable,
                "-m",
                "pager.cli.daemon",
                "--config",
                str(self.folder),
                "--listen",
                self.url.removeprefix("http://"),
                "--database",
                database,
                *self.flags,
                env={**os.environ, **self._own(), **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if ready:
            await wait_until(self.is_ready, 30, f"pagerd to be ready; its log: {self.log}")

    def _own(self) -> dict[str, str]:
        """Where it keeps what is not in its database."""
        own = {"PAGER_SOCKET": str(self.state / "pagerd.sock"), "STATE_DIRECTORY": str(self.state)}
        # How full the disk of this machine is, is no matter of these tests.
        return own | {"PAGER_LEAST_FREE": "0"}

    async def is_ready(self) -> bool:
        if self.process is not None and self.process.returncode is not None:
            raise AssertionError(f"pagerd ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        try:
            async with aiohttp.request("GET", f"{self.url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal and wait until it is gone; its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(sign)
        async with asyncio.timeout(40):
            return await self.process.wait()

    async def get(self, path: str) -> Any:
        async with aiohttp.request("GET", f"{self.url}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, said: Any, status: int = 200) -> Any:
        async with aiohttp.request("POST", f"{self.url}{path}", json=said) as answer:
            assert answer.status == status, f"{answer.status}: {await answer.text()}"
            return await answer.json()

    async def incidents(self, state: str = "all") -> list[dict[str, Any]]:
        found, cursor = [], ""
        while True:
            page = await self.get(f"/api/v1/incidents?state={state}&limit=500{cursor}")
            found += page["incidents"]
            if not page["next"]:
                return found
            cursor = f"&cursor={page['next']}"


@asynccontextmanager
async def running(
    tmp_path: Path, files: Mapping[str, str], *, start: bool = True, **given: Any
) -> AsyncIterator[Daemon]:
    """A daemon on a folder with `files` (path to text), ended at the end whatever happens."""
    folder, state = tmp_path / "config", tmp_path / "state"
    state.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    daemon = Daemon(folder, state, f"http://127.0.0.1:{free_port()}", **given)
    try:
        if start:
            await daemon.start()
        yield daemon
    finally:
        if daemon.process is not None and daemon.process.returncode is None:
            os.killpg(daemon.process.pid, signal.SIGKILL)
            await daemon.process.wait()
