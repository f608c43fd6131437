"""The crash test of SQLite, on PostgreSQL: the same promises, and a lease instead of a file of one's own."""

from pathlib import Path

import pytest

from tests.e2e.test_crash import survive
from tests.support import covers


@pytest.mark.slow
@covers("F1", "F2", "F4", "F5", "P1", "P6")
async def test_ten_crashes_on_postgresql_lose_no_alert_and_no_ack(tmp_path: Path, postgres: str) -> None:
    await survive(tmp_path, kills=10, database=postgres)
