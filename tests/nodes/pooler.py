"""PgBouncer, real, before a database of a test: a server's connection is anybody's as soon as a transaction ends."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from tests.support import free_port, require_binary, wait_until_sync

_CONFIG = """
[databases]
* = host={host} user=pager
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
"""


@contextmanager
def pooler(upstream: str, pool: int = 3) -> Iterator[str]:
    """The address of the database `upstream` by way of a pooler in transaction mode with `pool` connections to it."""
    binary, port = require_binary("pgbouncer"), free_port()
    where = urlsplit(upstream)
    host = parse_qs(where.query)["host"][0]
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    file = folder / "pgbouncer.ini"
    file.write_text(_CONFIG.format(host=host, port=port, pool=pool), encoding="utf-8")
    # It refuses to run as root.
    user = {} if os.geteuid() else {"user": "postgres"}
    folder.chmod(0o755)
    process = subprocess.Popen(
        [binary, "-q", file], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user
    )  # type: ignore[call-overload]
    address = f"postgresql://pager@127.0.0.1:{port}{where.path}"

    def answers() -> bool:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_until_sync(answers, 10, "the pooler to start")
        yield address
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
