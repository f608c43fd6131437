"""Debian's Prometheus and Alertmanager, real, as child processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.support import free_port, require_binary, wait_until


@dataclass
class Program:
    """One of them; `url` is where it answers."""

    url: str
    process: asyncio.subprocess.Process

    async def post(self, path: str, said: Any) -> None:
        async with aiohttp.request("POST", f"{self.url}{path}", json=said) as answer:
            assert answer.status == 200, await answer.text()


@asynccontextmanager
async def alertmanager(folder: Path, config: str) -> AsyncIterator[Program]:
    """An Alertmanager without a cluster on a port of its own, with this configuration."""
    binary = require_binary("prometheus-alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(config, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    async with _program(binary, arguments, f"http://{address}", folder / "alertmanager.log") as program:
        yield program


@asynccontextmanager
async def prometheus(folder: Path, files: Mapping[str, str]) -> AsyncIterator[Program]:
    """A Prometheus on a port of its own; `files` hold prometheus.yml and its rules."""
    binary = require_binary("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        # What is raised before it has found the Alertmanager is dropped; a minute is long for a test.
        "--rules.alert.resend-delay=1s",
    ]
    async with _program(binary, arguments, f"http://{address}", folder / "prometheus.log") as program:
        yield program


@asynccontextmanager
async def _program(binary: str, arguments: Sequence[str], url: str, log: Path) -> AsyncIterator[Program]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            binary, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out
        )
    program = Program(url, process)
    try:
        await wait_until(lambda: _answers(f"{url}/-/ready", process, log), 30, f"{binary} to be ready")
        yield program
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process, log: Path) -> bool:
    if process.returncode is not None:
        raise AssertionError(f"it ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    try:
        async with aiohttp.request("GET", url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
