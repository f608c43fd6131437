"""The newcomer's path: the README's own commands and its one line of YAML, from a clone to an acknowledged page."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from tests.support import ROOT, free_port, require_binary, wait_until
from tests.web.chromium import chromium

CONTENTS = ("pager", "rules", "schedules", "runbooks")
ADDRESS = "127.0.0.1:8080"


@dataclass(frozen=True)
class Way:
    """What the README tells a newcomer to do."""

    commands: list[str]
    before: str
    after: str
    file: str


def written() -> Way:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## Your first page\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    (block,) = re.findall(r"```diff\n(.*?)```", section, re.DOTALL)
    (before,), (after,) = (re.findall(rf"^\{sign} *(.+)$", block, re.MULTILINE) for sign in "-+")
    (file,) = re.findall(r"one line in `(rules/\S+)`", section)
    return Way(re.findall(r"^\$ (.+)$", section, re.MULTILINE), before, after, file)


def test_the_path_has_six_commands_at_most_and_one_line_of_yaml() -> None:
    path = written()

    assert len(path.commands) <= 6
    assert path.commands[0].startswith("git clone ") and path.commands[1].startswith("make install")
    assert re.search(r"^install:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert (ROOT / path.file).read_text(encoding="utf-8").count(path.before) == 1, "the line is found, and only once"


@asynccontextmanager
async def started(command: str, clone: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    """pagerd as the README starts it; its address."""
    words = shlex.split(command.partition("&")[0])
    with (clone / "terminal").open("wb") as terminal:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=clone, env=environment, stdout=terminal, stderr=terminal, start_new_session=True
        )
    url = f"http://{environment['PAGER_LISTEN']}"

    async def is_ready() -> bool:
        assert process.returncode is None, (clone / "terminal").read_text()
        try:
            async with ClientSession() as http, http.get(f"{url}/-/ready") as answer:
                return answer.status == 200
        except ClientError:
            return False

    try:
        await wait_until(is_ready, 30, "pagerd")
        yield url
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def typed(command: str, clone: Path, environment: dict[str, str]) -> str:
    """What a command prints; it must work."""
    asked = command.replace(ADDRESS, environment["PAGER_LISTEN"])
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", asked),
        cwd=clone,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def asked(url: str, path: str) -> Any:
    async with ClientSession() as http, http.get(url + path) as answer:
        return await answer.json()


@pytest.mark.slow
async def test_from_a_clone_the_page_goes_to_somebody_else_and_is_acknowledged_in_the_browser(tmp_path: Path) -> None:
    require_binary("curl")
    path, clone = written(), tmp_path / "pager"
    # `git clone` and `make install` are done already: this is the tree, and what it runs on.
    for name in CONTENTS:
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / ".venv" / "bin").mkdir(parents=True)
    for name in ("pagerd", "pagerctl"):
        (clone / ".venv" / "bin" / name).symlink_to(Path(sys.executable).with_name(name))
    own = {"XDG_STATE_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(clone)}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PAGER_LISTEN": f"127.0.0.1:{free_port()}", **own}

    async with started(path.commands[2], clone, environment) as url:

        async def paged_for(schedule: str, incidents: int) -> list[str]:
            found = (await asked(url, "/api/v1/incidents"))["incidents"]
            if len(found) < incidents:
                return []
            pages = (await asked(url, f"/api/v1/incidents/{found[0]['code']}/pages"))["pages"]
            return [one["to"] for one in pages if schedule in (one["target"] or "") and one["state"] == "delivered"]

        assert "accepted" in await typed(path.commands[3], clone, environment)
        first = await wait_until(lambda: paged_for("payments", 1), 15, "the first page")
        file = clone / path.file
        file.write_text(file.read_text(encoding="utf-8").replace(path.before, path.after), encoding="utf-8")
        assert "in force" in await typed(path.commands[4], clone, environment)
        assert "accepted" in await typed(path.commands[5], clone, environment)
        second = await wait_until(lambda: paged_for("platform", 2), 15, "the second page")
        assert not set(first) & set(second)
        assert f"{url}/p/" in (clone / "terminal").read_text()

        async with chromium(tmp_path / "chromium") as browser:
            tab = await browser.tab(url)
            await tab.look(390, 844)
            await tab.open("/")
            await tab.fill(".incidents select[name=by]", second[0])
            await tab.press(".incidents .act")
        found = (await asked(url, "/api/v1/incidents"))["incidents"]
        assert second[0] in [one["acked_by"] for one in found]
