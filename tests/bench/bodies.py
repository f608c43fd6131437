"""The bodies of the load: alerts as Alertmanager sends them and as it takes them, about 1 kB each."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MARK = "@N@"
"""Stands where the load puts a number, the same one throughout an alert."""


def one_alert(number: str, name: str = "KubePodCrashLooping") -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {
            "alertname": name,
            "cluster": "prod-eu-1",
            "container": "payments-api",
            "endpoint": "http",
            "instance": f"node-{number}.internal:8080",
            "job": "kube-state-metrics",
            "namespace": "payments",
            "pod": f"payments-api-6d5f7c9b8-{number}",
            "prometheus": "monitoring/k8s",
            "service": "payments-api",
            "severity": "critical",
            "team": "payments",
            "uid": f"0f1e2d3c-4b5a-6978-8796-{number}",
        },
        "annotations": {
            "description": f"Pod payments/payments-api-6d5f7c9b8-{number} (payments-api) is in waiting state "
            '(reason: "CrashLoopBackOff") on cluster prod-eu-1 for longer than 15 minutes.',
            "runbook_url": "https://runbooks.example.org/kubernetes/kubepodcrashlooping",
            "summary": "Pod is crash looping.",
        },
        "startsAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://prometheus.example.org/graph?g0.expr=max_over_time%28kube_pod_container_status_"
        "waiting_reason%7Breason%3D%22CrashLoopBackOff%22%7D%5B5m%5D%29+%3E%3D+1&g0.tab=1",
        "fingerprint": f"7d3a1c5e{number}",
    }


def webhook(alerts: list[dict[str, Any]]) -> str:
    """What Alertmanager posts to a receiver, version 4."""
    name = alerts[0]["labels"]["alertname"]
    common = {label: value for label, value in alerts[0]["labels"].items() if MARK not in value}
    body = {
        "receiver": "pager",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {"alertname": name, "namespace": "payments"},
        "commonLabels": common,
        "commonAnnotations": {"summary": "Pod is crash looping."},
        "externalURL": "https://alertmanager.example.org",
        "version": "4",
        "groupKey": f'{{}}/{{severity="critical"}}:{{alertname="{name}", namespace="payments"}}',
        "truncatedAlerts": 0,
    }
    return json.dumps(body, separators=(",", ":"))


def to_alertmanager(alerts: list[dict[str, Any]]) -> str:
    """What Prometheus posts to Alertmanager's API; smaller than the webhook, which leans Alertmanager's way."""
    kept = ("labels", "annotations", "startsAt", "generatorURL")
    return json.dumps([{name: alert[name] for name in kept} for alert in alerts], separators=(",", ":"))


FORMS = {"webhook": webhook, "alertmanager": to_alertmanager}


def template(folder: Path, form: str, alerts: int) -> Path:
    """A file with a body of so many alerts, for wrk to put numbers into."""
    path = folder / f"{form}-{alerts}.json"
    path.write_text(FORMS[form]([one_alert(MARK) for _ in range(alerts)]), encoding="utf-8")
    return path


def groups(form: str, count: int, size: int) -> list[bytes]:
    """`count` bodies of `size` alerts; each body is a group of its own, and no two alerts are the same."""
    return [
        FORMS[form]([one_alert(f"{at * size + number:012d}", f"Bench{at:06d}") for number in range(size)]).encode()
        for at in range(count)
    ]
