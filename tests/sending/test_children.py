"""The children of the sender refuse by themselves what the check of contact URLs refuses: it may have been wrong."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pager.core.outcome import Reason
from pager.sender_child import Job
from pager.sender_pool import Pool
from tests.sending.provider import Provider, provider
from tests.support import ROOT, covers

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    it = Pool()
    await it.start()
    yield it
    await it.close()


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Provider]:
    async with provider() as it:
        yield it


async def ask(pool: Pool, url: str) -> Reason:
    """What a child answers to a job that nobody has checked."""
    worker = await pool.take()
    try:
        return (await worker.ask(Job(url, "SEV-1 checkout down", "Runbook: https://r.example.org/x", "failure"))).reason
    finally:
        pool.give_back(worker)


@covers("T26", "F13", "F18")
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("syslog://", id="it acts on this machine"),
        pytest.param("rsyslog://127.0.0.1:{port}", id="nobody is told whether it arrived"),
        pytest.param("apprise://127.0.0.1:{port}/token", id="another Apprise, which may go anywhere"),
        pytest.param("json://127.0.0.1:{port}/200?redirect=yes", id="redirects"),
        pytest.param("json://127.0.0.1:{port}/500?optional=yes", id="failures that look like successes"),
        pytest.param("json://127.0.0.1:{port}/500?retry=3&wait=1", id="retries of its own"),
        pytest.param("json://127.0.0.1:{port}/200?verify=no", id="a certificate of anybody's"),
        pytest.param("ntfy://127.0.0.1:{port}/one/two", id="two targets"),
    ],
)
async def test_what_the_check_would_refuse_is_refused_again(pool: Pool, server: Provider, url: str) -> None:
    assert await ask(pool, url.replace("{port}", str(server.port))) is Reason.config

    assert server.asked == []


async def test_what_the_check_accepts_is_sent(pool: Pool, server: Provider) -> None:
    assert await ask(pool, server.url("200")) is Reason.delivered

    assert server.asked == ["200"]


PROGRAMS = """
import os, subprocess, sys
from pager.sender_apprise import watch
sys.addaudithook(watch.audit)
for start in (
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.posix_spawn("/bin/true", ["true"], {}),
    lambda: os.execv("/bin/true", ["true"]),
    os.fork,
):
    try:
        start()
    except PermissionError:
        print("refused", flush=True)
"""


@covers("T26")
async def test_a_child_starts_no_programs() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAMS, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(child.communicate(), 30)

    assert said.decode().split() == ["refused"] * 5
