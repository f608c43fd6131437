"""The demo's hands: it posts alerts as Alertmanager does, and answers pages as people do, all over real HTTP."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession
from msgspec import Struct, field


class Sample(Struct, frozen=True):
    """An alert that the example's rules know."""

    name: str
    summary: str
    labels: dict[str, str]


SAMPLES = (
    Sample("CheckoutDown", "Checkout answers 502 for 100% of requests", {"service": "checkout", "env": "prod-eu"}),
    Sample("KubeNodeNotReady", "Node worker-7 has been unready for 15 minutes", {"node": "worker-7", "env": "prod-us"}),
    Sample(
        "CheckoutSlow",
        "Checkout takes 9 s for 62% of customers",
        {"service": "checkout", "env": "prod-us", "affected_percent": "62"},
    ),
)


class Fired(Struct, frozen=True):
    """A sample that was sent; its cluster keeps it apart from the others of its name."""

    sample: Sample
    cluster: str
    at: datetime

    def body(self, status: str, now: datetime) -> dict[str, Any]:
        """The webhook body of an Alertmanager, version 4; `status` is firing or resolved."""
        labels = {"alertname": self.sample.name, "severity": "critical", "cluster": self.cluster, **self.sample.labels}
        alert = {
            "status": status,
            "labels": labels,
            "annotations": {"summary": self.sample.summary},
            "startsAt": self.at.isoformat(),
            "endsAt": now.isoformat() if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.org/graph",
        }
        return {
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{self.sample.name}"}}',
            "truncatedAlerts": 0,
            "status": status,
            "receiver": "pager",
            "groupLabels": {"alertname": self.sample.name},
            "commonLabels": labels,
            "commonAnnotations": alert["annotations"],
            "externalURL": "http://alertmanager.example.org",
            "alerts": [alert],
        }


class Line(Struct, frozen=True):
    """One entry of a timeline as it came."""

    code: str
    at: datetime
    text: str
    by: str


class Stage(Struct):
    """What happens outside of pager, and what can be seen of it there. `incidents` is as it was read last."""

    http: ClientSession
    url: str
    fired: list[Fired] = field(default_factory=list)
    firing: list[Fired] = field(default_factory=list)
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _read: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def fire(self) -> Fired:
        """The next sample fires."""
        count = len(self.fired)
        fired = Fired(SAMPLES[count % len(SAMPLES)], f"prod-{count + 1}", datetime.now(UTC))
        await self._post("/webhook/alertmanager", json=fired.body("firing", fired.at))
        self.fired.append(fired)
        self.firing.append(fired)
        return fired

    async def resolve(self) -> Fired | None:
        """The newest that fires resolves; None: nothing fires."""
        if not self.firing:
            return None
        fired = self.firing.pop()
        await self._post("/webhook/alertmanager", json=fired.body("resolved", datetime.now(UTC)))
        return fired

    async def answer(self, link: str, action: str) -> None:
        """Press a button of the page behind `link`: ack, escalate, resolve."""
        await self._post(link.removeprefix(self.url), data={"action": action})

    async def news(self) -> list[Line]:
        """What was entered in any timeline since it was asked last, in order."""
        found = (await self._get("/api/v1/incidents?state=all&limit=20"))["incidents"]
        self.incidents = {incident["code"]: incident for incident in found}
        lines = [line for code in self.incidents for line in await self._entries(code)]
        return sorted(lines, key=lambda line: line.at)

    async def _entries(self, code: str) -> list[Line]:
        version, seq = self._read.get(code, (-1, 0))
        incident = self.incidents[code]
        if incident["version"] == version:
            return []
        entries = (await self._get(f"/api/v1/incidents/{code}/timeline?limit=500&cursor={seq}"))["timeline"]
        self._read[code] = (incident["version"], max([seq, *(entry["seq"] for entry in entries)]))
        return [Line(code, datetime.fromisoformat(entry["at"]), entry["text"], entry["by"] or "") for entry in entries]

    async def _get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _post(self, path: str, **said: Any) -> None:
        async with self.http.post(self.url + path, **said) as answer:
            answer.raise_for_status()
