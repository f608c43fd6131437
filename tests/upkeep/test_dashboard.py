"""The Grafana dashboard that ships: queries that Prometheus can read, on metrics that exist."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, generate_latest

from pager.cli.main import pagerctl
from pager.held_metrics import HeldMetrics
from pager.keeping import Keep, Keeper
from pager.nodes import Nodes
from tests.engine.house import Clock, running
from tests.support import require_binary, with_tables
from tests.upkeep.test_alert_rules import families

DASHBOARD: dict[str, Any] = json.loads(CliRunner().invoke(pagerctl, ["export", "dashboard"]).output)
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
METRIC = re.compile(r"\b(?:pager|process)_\w+")
VARIABLES = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*"}


async def test_every_metric_of_the_dashboard_exists(tmp_path: Path) -> None:
    more = CollectorRegistry()
    async with running(with_tables(tmp_path / "pager.db"), Clock()) as house:
        HeldMetrics(more, house.engine.holding, house.clock)
        Keeper(house.database, {}, Keep(), more)
        Nodes(house.database, house.engine, "one", more)
        told = set(re.findall(r"^# TYPE (\S+)", generate_latest(more).decode(), re.MULTILINE))
    told |= {ending for name in families(tmp_path) for ending in (name, f"{name}_count", f"{name}_sum")}

    assert {name for _, query in QUERIES for name in METRIC.findall(query)} - told == set()


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    filled = [query for _, query in QUERIES]
    for name, value in VARIABLES.items():
        filled = [query.replace(name, value) for query in filled]
    rules = [{"record": f"query:{at}", "expr": query} for at, query in enumerate(filled)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    ran = subprocess.run(
        [require_binary("promtool"), "check", "rules", tmp_path / "queries.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, f"{len(QUERIES)} rules found" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_grafana_can_import_it_for_whichever_prometheus_it_has() -> None:
    sources = {json.dumps(part["datasource"]) for panel in PANELS for part in (panel, *panel["targets"])}
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]

    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    assert len(set(numbers)) == len(numbers)
    assert "id" not in DASHBOARD


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_has_its_place_and_asks_for_one_daemon_or_for_the_database(panel: dict[str, Any]) -> None:
    place = panel["gridPos"]
    beside = [one["gridPos"] for one in PANELS if one is not panel]

    assert place["x"] + place["w"] <= 24
    assert not any(
        one["y"] == place["y"] and one["x"] < place["x"] + place["w"] and place["x"] < one["x"] + one["w"]
        for one in beside
    )
    assert all('job=~"$job"' in target["expr"] for target in panel["targets"])
