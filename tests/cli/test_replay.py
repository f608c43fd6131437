"""`pagerctl replay`, against a real pagerd."""

from pathlib import Path

from tests.cli.house import House
from tests.support import covers

QUIET = """
defaults: {policy: payments}
rules: [{name: noise, match: ['alertname =~ "Replayed.*"'], severity: SEV-5}]
severities: {SEV-5: {name: Cosmetic, means: Backlog, respond: backlog}}
policies: {payments: {steps: [{page: [payments], wait: 10m}]}}
"""


@covers("R11")
def test_what_came_in_is_worked_again_by_other_rules(house: House, tmp_path: Path) -> None:
    alert = {"status": "firing", "labels": {"alertname": "ReplayedDown", "severity": "critical"}}
    house.api.post("/webhook/alertmanager", {"alerts": [alert]})
    (tmp_path / "quiet.yaml").write_text(QUIET)
    for _ in range(500):
        if any("ReplayedDown" in one["title"] for one in house.api.get("/api/v1/incidents")["incidents"]):
            break

    folder = str(house.daemon.folder)
    told = house.pagerctl("--config", folder, "replay", "--days", "1", "--rules", str(tmp_path), "-o", "json")
    lines = house.pagerctl("--config", folder, "replay", "--days", "1", "--rules", str(tmp_path))

    assert told.code == 0, told.err
    changed = {one["title"]: (one["before"], one["after"]) for one in told.json["changed"]}
    assert changed["ReplayedDown"] == (
        {"incidents": 1, "pages": 1, "severity": "SEV-2"},
        {"incidents": 1, "pages": 0, "severity": "SEV-5"},
    )
    assert "  SEV-2 1 page -> SEV-5 0 pages  ReplayedDown" in lines.out.splitlines()


def test_what_cannot_be_meant_is_refused(house: House, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules: 7")
    folder = str(house.daemon.folder)

    assert house.pagerctl("--config", folder, "replay", "--ack-after", "0s").code == 2
    assert house.pagerctl("--config", folder, "replay", "--rules", str(tmp_path)).code == 1
