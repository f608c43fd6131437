"""A real Alertmanager that believes it pages through PagerDuty, Opsgenie and VictorOps: all are pager."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.api.house import House, opened
from tests.e2e.monitoring import Program, alertmanager
from tests.support import wait_until

CONFIG = """
route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: all
    pagerduty_configs:
      - {{routing_key: s3cret, url: "{url}/v2/enqueue", send_resolved: true, severity: critical}}
    opsgenie_configs:
      - {{api_key: s3cret, api_url: "{url}/", send_resolved: true, update_alerts: true, priority: P2}}
    victorops_configs:
      - api_key: "-"
        api_url: "{url}/integrations/generic/20131114/alert/"
        routing_key: "{{{{ .CommonLabels.team }}}}"
        send_resolved: true
"""


def alert(ends_at: datetime) -> dict[str, object]:
    labels = {"alertname": "Disk", "instance": "db-1", "severity": "critical", "team": "db"}
    return {"labels": labels, "annotations": {"summary": "db-1 is full"}, "endsAt": ends_at.isoformat()}


async def told(program: Program, house: House, ends_at: datetime, *wanted: str) -> None:
    """Tell Alertmanager of the alert, and wait until all of its receivers have told pager."""
    await program.post("/api/v2/alerts", [alert(ends_at)])

    async def stand() -> bool:
        await house.work()
        found = (await house.get("/api/v1/incidents?state=all"))["incidents"]
        return sorted((each["source"], each["state"]) for each in found) == [(name, wanted[0]) for name in wanted[1:]]

    await wait_until(stand, 20, f"all incidents to be {wanted[0]}")


async def test_an_alertmanager_that_pages_through_others_pages_through_pager(tmp_path: Path) -> None:
    all_three = ("opsgenie", "pagerduty", "victorops")
    async with opened(tmp_path) as house, alertmanager(tmp_path / "am", CONFIG.format(url=house.url)) as program:
        house.clock.now = datetime.now(UTC)
        await told(program, house, house.clock.now + timedelta(hours=1), "triggered", *all_three)
        await told(program, house, house.clock.now - timedelta(seconds=1), "resolved", *all_three)
        alerts = (await house.get("/api/v1/alerts?state=all"))["alerts"]

    assert {alert["labels"]["alertname"] for alert in alerts} >= {"Disk"}
    assert len(alerts) == 3
    (victorops,) = [alert["labels"] for alert in alerts if alert["source"] == "victorops"]
    assert (victorops["routing_key"], victorops["severity"]) == ("db", "critical")
