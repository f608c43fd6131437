"""Broken bodies over HTTP: each body of the corpus, broken in many ways, where it would be posted: never a 5xx, and no
good alert is lost beside a bad one.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.house import House
from tests.hostile.ways import ordinary, ordinary_is_taken
from tests.sources.test_mutations import FOLDERS, LARGEST, mutants

PATHS = {
    "opsgenie": "/v2/alerts",
    "pagerduty": "/v2/enqueue",
    "prometheus": "/api/v2/alerts",
    "victorops": "/integrations/generic/20131114/alert/-/db",
}
"""Where a dialect is posted, if not to `/webhook/` and its name."""


def broken(payloads: Path, folder: str, count: int) -> Iterator[Any]:
    for path in sorted((payloads / folder).glob("*.json")):
        if path.stat().st_size <= LARGEST:
            yield from mutants(json.loads(path.read_bytes()), count, f"http {path.stem}")


def with_good(mutant: Any, good: dict[str, Any]) -> bool:
    """Put a good alert last where the mutant still has a list of alerts; whether that could be done."""
    alerts = mutant.get("alerts") if isinstance(mutant, dict) else mutant
    if not isinstance(alerts, list):
        return False
    alerts.append(good)
    return True


async def post_all(house: House, payloads: Path, folder: str, count: int) -> list[int]:
    """The answers to all mutants of a folder; those with a good alert beside are told of, worked and looked for."""
    name = FOLDERS[folder]
    path, wanted, answers = PATHS.get(name, f"/webhook/{name}"), set(), []
    for at, mutant in enumerate(broken(payloads, folder, count)):
        good = f"{folder}-{at}"
        beside = name in ("alertmanager", "grafana", "prometheus") and with_good(mutant, ordinary(good))
        async with house.http.post(house.url + path, data=json.dumps(mutant).encode()) as answer:
            said = await answer.text()
            answers.append(answer.status)
        wanted |= {good} if beside else set()
        assert answer.status < 300 or 400 <= answer.status < 500, (folder, mutant)
        assert answer.status < 300 or said, (folder, mutant)
    await house.work()
    known = await house.database.read(lambda tx: tx.all("SELECT body FROM alerts"))
    text = b"".join(bytes(row.body) for row in known).decode()
    assert {good for good in wanted if f'"{good}"' not in text} == set()
    await ordinary_is_taken(house, f"After {folder}")
    return answers


async def test_no_broken_body_brings_pager_down(house: House, payloads: Path) -> None:
    answers = [status for folder in sorted(FOLDERS) for status in await post_all(house, payloads, folder, 1)]

    assert len(answers) > 100
    assert {200, 400} <= set(answers)


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted(FOLDERS))
async def test_two_hundred_of_each_do_not(house: House, payloads: Path, folder: str) -> None:
    assert len(await post_all(house, payloads, folder, 200)) >= 200
