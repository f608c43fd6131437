"""Ways in: what strangers can post to, raw bytes to it, and the ordinary alert that must get through beside them."""

import asyncio
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api.house import House
from tests.support import wait_until

WEBHOOK = "/webhook/alertmanager"


def hostile_bodies(payloads: Path) -> dict[str, bytes]:
    """The hostile folder, by name."""
    found = {
        path.name: path.read_bytes()
        for path in sorted((payloads / "hostile").iterdir())
        if path.suffix in (".json", ".bin")
    }
    assert len(found) > 40
    return found


def ordinary(name: str) -> dict[str, Any]:
    """An alert like any other, in the form of every dialect here."""
    return {"status": "firing", "labels": {"alertname": name, "severity": "critical"}, "annotations": {"summary": name}}


def long_body() -> bytes:
    alert = {**ordinary("Long"), "annotations": {"description": "A" * 10_000_000}}
    return json.dumps({"alerts": [alert]}).encode()


def many_alerts(payloads: Path) -> bytes:
    """The capture of 60 alerts, repeated until it passes 10 MB, each with a pod of its own."""
    capture = next(path for path in sorted((payloads / "alertmanager").glob("*.json")) if len(alerts_of(path)) >= 60)
    body = json.loads(capture.read_bytes())
    alerts = body["alerts"]
    copies = 10_000_000 // len(json.dumps(alerts)) + 1
    body["alerts"] = [
        {**alert, "labels": {**alert["labels"], "pod": f"pod-{copy}-{at}"}, "fingerprint": f"{copy:08x}{at:08x}"}
        for copy in range(copies)
        for at, alert in enumerate(alerts)
    ]
    return json.dumps(body).encode()


def alerts_of(path: Path) -> list[Any]:
    body = json.loads(path.read_bytes())
    return body.get("alerts") or [] if isinstance(body, dict) else []


@dataclass
class Answer:
    """What a raw connection was answered; `closed` when the other side ended it."""

    said: bytes
    closed: bool

    @property
    def status(self) -> int:
        """That of the first answer that is not 100; 0 for none."""
        parts = self.said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").split(b" ", 2)
        return int(parts[1]) if len(parts) > 1 else 0

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", self.said)]


def address_of(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


async def say(url: str, raw: bytes, *, answers: int = 1, within: float = 10.0) -> Answer:
    """Send these bytes on a connection of their own, and read until it is closed or so many answers have come."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    answer = Answer(b"", False)
    try:
        writer.write(raw)
        async with asyncio.timeout(within):
            while not (answer.closed or enough(answer, answers)):
                chunk = await reader.read(65536)
                answer.closed = not chunk
                answer.said += chunk
    except ConnectionError:
        answer.closed = True
    finally:
        writer.close()
    return answer


def enough(answer: Answer, answers: int) -> bool:
    """Whether so many whole answers have come: heads, and the lengths that they tell."""
    rest, count = answer.said, 0
    while b"\r\n\r\n" in rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), b":0")
        size = int(length.partition(b":")[2])
        if len(rest) < size:
            return False
        rest, count = rest[size:], count + (not head.startswith(b"HTTP/1.1 100"))
    return count >= answers


def request(
    body: bytes, head: bytes = b"", path: str = WEBHOOK, method: str = "POST", version: str = "1.1", length: str = ""
) -> bytes:
    """A request as bytes; `head` are more lines of it, `length` what it says that its body has."""
    said = (length or str(len(body))).encode()
    first = f"{method} {path} HTTP/{version}\r\nHost: localhost\r\n".encode()
    return first + head + b"Content-Length: " + said + b"\r\n\r\n" + body


def body_of(*names: str) -> bytes:
    return json.dumps({"alerts": [ordinary(name) for name in names]}).encode()


def zeros(size: int) -> bytes:
    """So many zeros in a few bytes."""
    return gzip.compress(b"\0" * size, 9)


async def ordinary_is_taken(house: House, name: str) -> None:
    status, answer = await house.post(WEBHOOK, {"alerts": [ordinary(name)]})
    assert (status, answer) == (200, {"accepted": 1})


async def paged(house: House) -> set[str]:
    """The titles of all incidents for which a page was written, everything worked."""
    await house.work()
    rows = await house.database.read(lambda tx: tx.all("SELECT DISTINCT incident FROM pages"))
    numbers = {row.incident for row in rows}
    return {each["title"] for each in await incidents(house) if each["number"] in numbers}


async def incidents(house: House) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        page = await house.get(f"/api/v1/incidents?state=all&limit=500{cursor}")
        found += page["incidents"]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"


async def sample(house: House, name: str, **labels: str) -> float:
    return house.metrics.registry.get_sample_value(name, labels) or 0.0


async def metric_reaches(house: House, least: float, name: str, **labels: str) -> None:
    async def reached() -> bool:
        return await sample(house, name, **labels) >= least

    await wait_until(reached, 10, f"{name} to reach {least:g}")
