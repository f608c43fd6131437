"""The rules that ship: read by promtool, on metrics that exist, and they fire when they should."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import generate_latest

from pager.cli.export import snippet
from pager.cli.main import pagerctl
from pager.metrics import Metrics
from pager.own_metrics import OwnMetrics
from pager.shift_metrics import ShiftMetrics
from pager.source_metrics import SourceMetrics
from pager.webhooks import WebhookMetrics
from tests.engine.house import catalog
from tests.support import covers, require_binary

RULES = yaml.safe_load(snippet("alert-rules"))["groups"][0]["rules"]
PROMETHEUS_OWN = {"up"}


def families(folder: Path) -> set[str]:
    """All names that pager tells, with and without the endings of their samples."""
    metrics = Metrics(catalog)
    own = OwnMetrics(metrics.registry, folder)
    ShiftMetrics(metrics.registry, catalog)
    WebhookMetrics(metrics.registry)
    SourceMetrics(metrics.registry)
    own.backups_on = True
    named = re.findall(r"^# TYPE (\S+) (\S+)", generate_latest(metrics.registry).decode(), re.MULTILINE)
    return {name for name, _ in named} | {f"{name}_bucket" for name, kind in named if kind == "histogram"}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_metric_of_a_rule_exists(tmp_path: Path, rule: dict[str, str]) -> None:
    quoted = re.sub(r"\"[^\"]*\"", "", rule["expr"])
    used = set(re.findall(r"\b(?:pager|process)_\w+|\bup\b", quoted))

    assert used, "a rule about nothing"
    assert used - families(tmp_path) - PROMETHEUS_OWN == set()


def test_promtool_reads_what_export_prints(tmp_path: Path) -> None:
    printed = CliRunner().invoke(pagerctl, ["export", "alert-rules"])
    (tmp_path / "rules.yml").write_text(printed.output)
    ran = subprocess.run(
        [require_binary("promtool"), "check", "rules", tmp_path / "rules.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, f"{len(RULES)} rules found" in ran.stdout) == (0, True), ran.stdout + ran.stderr


SICK = {
    'up{job="pager", instance="a"}': "0x20",
    'pager_queue_oldest_age_seconds{queue="pages", job="pager"}': "61x20",
    'pager_notifications_total{channel="push", kind="page"}': "0+10x20",
    'pager_notifications_failed_total{channel="push", reason="refused"}': "0+1x20",
    'pager_notifications_failed_total{channel="mail", reason="refused"}': "0+1x20",
    'pager_template_failures_total{template="sms"}': "0x10 1x10",
    'pager_escalations_exhausted_total{team="shop"}': "0x10 1x10",
    'pager_config_last_reload_successful{job="pager"}': "0x20",
    'pager_config_degraded{job="pager"}': "1x20",
    'pager_config_hash{job="pager", instance="a"}': "1x20",
    'pager_config_hash{job="pager", instance="b"}': "2x20",
    'pager_backup_age_seconds{job="pager"}': "1801x20",
    'pager_clock_offset_seconds{job="pager"}': "-6x20",
    'pager_disk_free_bytes{job="pager"}': "14x20",
    'pager_disk_size_bytes{job="pager"}': "100x20",
    'pager_deadman_stalled{job="pager"}': "1x20",
    'pager_schedule_covered{schedule="payments"}': "0x20",
    'pager_schedule_gap_seconds{schedule="payments"}': "3600x20",
    'pager_deadman_last_success_timestamp_seconds{target="1"}': "0x20",
    'pager_deadman_pings_total{target="1", result="failure"}': "0+1x20",
    'pager_last_resort_total{result="success"}': "0x10 1x10",
    'pager_db_errors_total{operation="ingest"}': "0+1x20",
    'pager_webhook_up{endpoint="bot"}': "0x20",
    'process_start_time_seconds{job="pager"}': "0+60x20",
}
FIRING = """
    PagerDown PagerOldestDuePage PagerNobodyHasIt PagerFilesNotInForce PagerDegraded PagerConfigsDiffer PagerBackupOld
    PagerClockOff PagerDiskNearlyFull PagerStalled PagerNotHeard PagerNobodyReached PagerDatabaseErrors
    PagerCrashlooping PagerChannelFails PagerNobodyOnCall PagerGapAhead PagerTemplateFails
    PagerWebhookFails
"""


@covers("P22", "P23")
@pytest.mark.parametrize("sick", [True, False], ids=["a pager that is not well", "a pager that is well"])
def test_they_fire_for_a_pager_that_is_not_well_and_for_no_other(tmp_path: Path, sick: bool) -> None:
    (tmp_path / "rules.yml").write_text(snippet("alert-rules"))
    well = {'up{job="pager"}': "1x20", "pager_build_info{}": "1x20", "pager_config_last_reload_successful{}": "1x20"}
    series = [{"series": name, "values": values} for name, values in (SICK if sick else well).items()]
    fired = 'group by (alertname) (ALERTS{alertstate="firing"})'
    wanted = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in FIRING.split() if sick]
    case = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [{"expr": fired, "eval_time": "15m", "exp_samples": wanted}],
            }
        ],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(case))
    ran = subprocess.run(
        [require_binary("promtool"), "test", "rules", "case.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
