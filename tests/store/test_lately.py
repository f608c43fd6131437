"""What came a moment ago is found again by either engine, and nothing that only looks like it."""

from datetime import timedelta

import pytest

from pager.store import inbox
from pager.store.database import Tx
from tests.store.test_seen import NOON, real

BODY = b"Subject: \xff\x00 Tape full"


async def test_what_came_a_moment_ago_is_known(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with real(url) as database:
        assert not await database.read(lambda tx: inbox.has_lately(tx, "tape", "mail", BODY))

        def work(tx: Tx) -> None:
            inbox.append(tx, "tape", "mail", BODY, NOON)
            inbox.append(tx, "disk", "mail", b"other", NOON + timedelta(seconds=1))

        await database.write(work)

        def ask(tx: Tx) -> list[bool]:
            asked = (
                ("tape", "mail", BODY),
                ("disk", "mail", BODY),
                ("tape", "grafana", BODY),
                ("tape", "mail", b"oth"),
            )
            return [inbox.has_lately(tx, *each) for each in asked]

        assert await database.read(ask) == [True, False, False, False]
        monkeypatch.setattr(inbox, "LATELY", 1)
        assert not await database.read(lambda tx: inbox.has_lately(tx, "tape", "mail", BODY))
