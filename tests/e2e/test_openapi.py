"""A stranger with the document alone: schemathesis asks the running daemon whatever it allows, and what it does not.

No answer is a failure of ours, and none is outside the document: status, content type, headers, shape. What it says of
bodies and queries is what is taken, and nothing else is.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.support import covers

FILES = {
    "rules/all.yaml": """
        defaults: {policy: payments}
        policies:
          payments: {steps: [{page: [payments]}, {page: ["person:bo"], wait: 10m}]}
        heartbeats: [{name: backup, every: 24h, grace: 1h, severity: SEV-3}]
        maintenance:
          - {name: night, match: ['env = lab'], starts: "0 22 * * TUE", lasts: 4h, timezone: UTC, why: night, owner: bo}
    """,
    "schedules/all.yaml": """
        schedule: payments
        timezone: Europe/Berlin
        rotation: [{from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo, chi]}]
        ---
        people: {ana: {contacts: {here: "console://"}}, bo: {contacts: {here: "console://"}}, chi: {}}
        teams: {payments: {people: [ana, bo, chi]}}
    """,
}
HELD = {"by": "ana", "why": "a test", "match": ["env = lab"], "for": "2h"}
LAID = {"by": "ana", "schedule": "payments", "from": "+1h", "to": "+8h", "who": ["bo"]}
DECLARED = {"title": "checkout is slow", "severity": "SEV-3", "by": "ana"}
DOWN = {"status": "firing", "labels": {"alertname": "Down", "severity": "critical"}}
# A wrong token is answered 403 here, and slows down whoever tries many: the matrix of scopes asks for all of that.
# That all which fits the schema is taken, no schema can say: there are names of the files, and instants that are over.
LEFT_OUT = "ignored_auth,positive_data_acceptance"
REFUSALS = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, 503]
"""
"""With a 412 among them: an ETag that does not fit is told before what else is wrong. A 500 refuses nothing."""
PHASES = {"admin": "examples,coverage,fuzzing", "respond": "fuzzing", "read": "fuzzing", "none": "fuzzing"}
SECONDS = {"admin": 20, "respond": 5, "read": 4, "none": 2}


@pytest.mark.slow
@covers("T16")
async def test_no_answer_is_outside_the_document(tmp_path: Path) -> None:
    async with running(tmp_path, FILES) as daemon:
        await daemon.post("/webhook/alertmanager", {"alerts": [DOWN]})
        known = {
            "incidents": (await daemon.post("/api/v1/incidents", DECLARED, 201))["code"],
            "silences": (await daemon.post("/api/v1/silences", HELD, 201))["id"],
            "maintenance": (await daemon.post("/api/v1/maintenance", HELD, 201))["id"],
            "overrides": (await daemon.post("/api/v1/overrides", LAID, 201))["id"],
            "people": "ana",
            "users": "ana",
            "schedules": "payments",
            "heartbeats": "backup",
        }
        config = tmp_path / "schemathesis.toml"
        config.write_text(REFUSALS + "".join(_named(place, str(name)) for place, name in known.items()))
        shows = await tokens(daemon)

        said = {
            scope: await asked(daemon, config, shown, PHASES[scope], SECONDS[scope]) for scope, shown in shows.items()
        }

        assert {scope: words for scope, (status, words) in said.items() if status != 0} == {}
        assert "Traceback" not in daemon.log.read_text(errors="replace")


def _named(place: str, name: str) -> str:
    """What schemathesis writes into paths below /api/v1/`place`."""
    part = "code" if place == "incidents" else "name" if not name.isdigit() else "id"
    return f'[[operations]]\ninclude-path-regex = "/{place}/"\nparameters = {{ "path.{part}" = {json.dumps(name)} }}\n'


async def tokens(daemon: Daemon) -> Mapping[str, str]:
    """A token of each scope; "" shows none."""
    shows: dict[str, str] = {}
    async with aiohttp.ClientSession(daemon.url) as http:
        for scope in ("admin", "respond", "read"):
            headers = {"Authorization": f"Bearer {shows['admin']}"} if shows else {}
            asked_for: Any = {"name": f"for-{scope}", "scope": scope}
            async with http.post("/api/v1/tokens", json=asked_for, headers=headers) as answer:
                shows[scope] = (await answer.json())["token"]
    return {**shows, "none": ""}


async def asked(daemon: Daemon, config: Path, token: str, phases: str, seconds: int) -> tuple[int, str]:
    """What schemathesis makes of the daemon: its exit status, and its report."""
    shown = ("-H", f"Authorization: Bearer {token}") if token else ()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{daemon.url}/api/v1/openapi.json", *shown, "--phases", phases, "--max-examples", "3"),
        *(
            "--max-time",
            str(seconds),
            "--seed",
            "7",
            "--generation-database",
            "none",
            "--no-color",
            "--continue-on-failure",
            "--no-shrink",
        ),
        *("--exclude-checks", LEFT_OUT, "--exclude-path", "/api/v1/events", "--suppress-health-check", "all"),
        cwd=config.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode(errors="replace")[-6000:]
