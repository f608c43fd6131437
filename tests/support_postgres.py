"""A private PostgreSQL for tests: a cluster a test process, a database a test. Nothing of the machine's own is touched.

`from tests.support_postgres import postgres, postgres_cluster  # noqa: F401` in a conftest gives the fixture.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support import missing, require_binary, wait_until_sync

# fsync off: a test's data need not survive the machine, and no test here is about PostgreSQL's own promises.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Path]:
    """The socket folder of a running cluster; skipped where PostgreSQL is not installed, an error with CI=true."""
    with ExitStack() as stack:
        folder = start_cluster(stack)
        # Else the end of each test waits for the thread that listens.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr("pager.store.postgres.LISTEN_SECONDS", 0.02)
        yield folder


@pytest.fixture
def postgres(postgres_cluster: Path) -> Iterator[str]:
    """The address of an empty database of its own."""
    name = f"test_{next(_numbers)}"
    _admin(postgres_cluster, f"CREATE DATABASE {name} TEMPLATE template0")
    yield address(postgres_cluster, name)
    _admin(postgres_cluster, f"DROP DATABASE {name} WITH (FORCE)")


def address(folder: Path, database: str) -> str:
    """Where a database of the cluster with its socket in `folder` is reached."""
    return f"postgresql://pager@/{database}?host={quote(str(folder), safe='')}"


def start_cluster(stack: ExitStack) -> Path:
    """Make a cluster and run it until `stack` is closed; the folder of its socket, which holds all of it."""
    return make_cluster(stack).folder


@dataclass
class Cluster:
    """A cluster that can be stopped and started; its socket is in `folder`, and so is all of it."""

    folder: Path
    command: list[str | Path]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_sync(lambda: _answers(self.folder), timeout=30, what="PostgreSQL to start")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM waits for clients, SIGINT ends them, SIGQUIT is a crash."""
        if self.process is None:
            return
        self.process.send_signal(sign)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def make_cluster(stack: ExitStack, settings: Mapping[str, str] | None = None) -> Cluster:
    """A running cluster of its own, gone when `stack` is closed; with other `settings` than tests have, if given."""
    initdb, server = require_binary("initdb"), require_binary("postgres")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    run_as = _run_as(folder)
    data = folder / "data"
    subprocess.run(
        [*run_as, initdb, "-D", data, "-U", "pager", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    options = [f"-c{name}={value}" for name, value in (_SETTINGS if settings is None else settings).items()]
    cluster = Cluster(folder, [*run_as, server, "-D", data, "-k", folder, *options])
    stack.callback(cluster.stop)
    cluster.start()
    return cluster


def make_standby(stack: ExitStack, primary: Cluster) -> Cluster:
    """A cluster that follows `primary`, and takes no writes until it is promoted."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    run_as = _run_as(folder)
    copy: list[str | Path] = [*run_as, require_binary("pg_basebackup"), "-D", folder / "data", "-h", primary.folder]
    subprocess.run([*copy, "-U", "pager", "-R", "-c", "fast"], check=True, capture_output=True, cwd=folder)
    options = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
    standby = Cluster(folder, [*run_as, require_binary("postgres"), "-D", folder / "data", "-k", folder, *options])
    stack.callback(standby.stop)
    standby.start()
    return standby


def _run_as(folder: Path) -> list[str]:
    # PostgreSQL refuses to run as root. The server ends with the tests, even when they are killed.
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return [] if os.geteuid() else missing("PostgreSQL does not run as root, and setpriv is not here")
    if os.geteuid():
        return [setpriv, "--pdeathsig", "INT"]
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        missing("PostgreSQL does not run as root, and there is no user postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig", "INT"]


def _answers(folder: Path) -> bool:
    import psycopg

    try:
        _admin(folder, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _admin(folder: Path, statement: str) -> None:
    import psycopg

    with psycopg.connect(address(folder, "postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
