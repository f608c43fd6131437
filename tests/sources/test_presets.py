"""The mappings that ship: what each body of the corpus comes to, and that all of them can be read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pager.core.report import Malformed, Parsed
from pager.presets import preset_text, presets
from pager.sources.generic import parse, wrapped
from pager.sources.wire import decode

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NO_PRESET = {"generic": {"oncall-webhook"}, "keep-misc": {"netbox"}}
FOLDERS: tuple[str, ...] = (
    "azure-monitor",
    "datadog",
    "elastic",
    "gcp",
    "generic",
    "graylog",
    "icinga",
    "keep-misc",
    "kubernetes",
)
FOLDERS += (
    "aws-sns",
    "github",
    "newrelic",
    "pingdom",
    "sentry",
    "slack",
    "uptime-kuma",
    "uptimerobot",
    "zabbix",
)
GROUP = "9e7e3c3a1b7d75e08ab7d6eb1fa3cd99aa5a29e5aea311a995c33b7cd132fbde"
K8S = "00000000-0000-4000-8000-000000000002 BackOff"
STREAM = "55f1509dbee8e2841898eb64 5e7a9c8d-9bb1-47b6-b8db-4a3a83a25e0c"

# fmt: off
# Preset, file, status, name, severity, beginning of the identity, start ("" for the time of receipt).
FACTS = (
    ("apprise", "generic/apprise-json-extra-key", "firing", "Backup failed", "critical", "Backup failed", ""),
    ("apprise", "generic/apprise-json-failure", "firing", "Backup failed", "critical", "Backup failed", ""),
    ("apprise", "generic/apprise-json-success", "resolved", "recovered", "critical", "recovered", ""),
    ("axiom", "keep-misc/axiom", "firing", "New monitor", "", "Rxg89nIwu9WwrOsJKA", ""),
    ("azure", "azure-monitor/alerta-classic-activated", "firing", "Alert_1_runscope12", "", "/subscriptions/1a66ce04",
     "2015-09-18 01:02:35"),
    ("azure", "azure-monitor/alerta-metric-v2-activated", "firing", "StorageCheck", "", "/subscriptions/00000000",
     "2018-02-28 10:44:10"),
    ("checkmk", "keep-misc/checkmk", "resolved", "server1", "OK", "cmk server1", ""),
    ("cloudwatch", "aws-sns/alerta-cloudwatch-alarm", "firing", "bucketbytesAlarm", "critical",
     "arn:aws:sns:eu-west-1:1234567890:alerta-test EU (Ireland) bucketbytesAlarm", "2019-02-15 23:53:45"),
    ("cloudwatch", "aws-sns/gosns-plain-text", "firing", "test", "",
     "arn:aws:sns:us-west-2:123456789012:MyTopic test", "2012-04-25 21:49:25"),
    ("cloudwatch", "aws-sns/keep-apierrorrate", "firing", "APIErrorRate", "critical", "APIErrorRate", ""),
    ("cloudwatch", "aws-sns/keep-highcpuusage", "firing", "HighCPUUsage", "medium", "HighCPUUsage", ""),
    ("coralogix", "keep-misc/coralogix", "firing", "Keep", "", "49a4afb5-9231-418d-94ea-3a7546779658", ""),
    ("dash0", "keep-misc/dash0", "resolved", "New Check Rule", "", "b9a9da0b-7a79-4a1d-abf3-5cd07649e80a",
     "2025-02-03 07:17:17"),
    ("datadog", "datadog/keep-webhook-template-rendered", "firing", "High CPU Usage", "high",
     "1234567890 host:srv1-eu1-prod", "2024-03-09 13:34:45"),
    ("elastic", "elastic/kibana-connector", "firing", "Inventory CPU", "",
     "00000000-0000-4000-8000-00000000000a host-7", "2024-05-14 00:27:38"),
    ("gcp", "gcp/alerta-stackdriver-open", "firing", "CPU usage", "", "f2e08c333dc64cb09f75eaab355393bz",
     "2017-07-06 19:10:14"),
    ("gcp", "gcp/keep-5xx_errors_production", "firing", "5XX Error Rate > 5%", "critical", "prod-5xx-123", ""),
    ("gcp", "gcp/keep-high_memory_usage", "firing", "Memory Usage > 90%", "warning", "mem-234", ""),
    ("github", "github/workflow_run-completed", "resolved", "test", "warning", "octo-org/octo-repo 2823525 master",
     "2020-10-05 16:33:49"),
    ("graylog", "graylog/alerta-stream-alert", "firing", "test", "", STREAM, "2015-09-10 09:45:54"),
    ("graylog", "graylog/keep-event-definition", "firing", "Event - 1", "high", "671a28a03696bb3801a7a9f1",
     "2024-10-24 10:22:04"),
    ("icinga", "icinga/curl-notification", "firing", "http", "critical", "web01 http", "2024-05-14 00:27:38"),
    ("kapacitor", "generic/oncall-kapacitor", "firing", "TestAlert", "", "TestAlert", ""),
    ("kubernetes", "kubernetes/exporter-backoff-warning", "firing", "BackOff", "warning", K8S, "2024-05-14 00:20:11"),
    ("librenms", "keep-misc/libre_nms", "resolved", "Devices up/down", "ok", "2 13", "2025-03-04 11:01:41"),
    ("newrelic", "newrelic/alerta-legacy-incident", "firing", "New Relic Alert - Test Condition", "INFO", "0",
     "2020-09-25 11:23:27"),
    ("newrelic", "newrelic/zulip-workflow-ack", "firing", "Storage on Host Exceeded Threshold", "HIGH",
     "13bbcdca-f0b6-470d-b0be-b34583c58869", "2024-04-22 07:12:29"),
    ("newrelic", "newrelic/zulip-workflow-closed", "resolved", "High CPU", "CRITICAL",
     "95a9344a-2590-48ce-8d83-07e28b6d22c6", "2024-04-22 06:16:30"),
    ("oncall", "generic/oncall-formatted", "firing", "TestAlert: The whole system is down", "",
     "08d6891a-835c-e661-39fa-96b6a9e26552", ""),
    ("pingdom", "pingdom/alerta-down", "firing", "Alerta API on OpenShift", "HIGH", "803318", "2017-06-30 22:25:43"),
    ("riemann", "generic/alerta-riemann", "resolved", "servicejane", "ok", "hostbob servicejane", ""),
    ("sentry", "sentry/alerta-legacy-plugin", "firing", "This is an example Python exception", "error", "541485531",
     "2018-05-02 08:07:10"),
    ("sentry", "sentry/keep-browser_timeout", "firing", "Failed to fetch user profile", "error", "4616132097",
     "2024-03-09 13:34:45"),
    ("sentry", "sentry/keep-database_timeout", "firing", "Failed to load product catalog", "error", "4616132099",
     "2024-03-09 13:38:05"),
    ("signalfx", "keep-misc/signalfx", "firing", "logs", "Critical", "1234", ""),
    ("slack", "slack/am025-firing", "firing", "InstanceDown prod-eu1 (node-001.example.com:9100 node critical infra)",
     "critical", "InstanceDown prod-eu1 (node-001", ""),
    ("slack", "slack/am025-resolved", "resolved", "InstanceDown prod-eu1 (node critical infra)", "critical",
     "InstanceDown prod-eu1 (node critical", ""),
    ("uptime-kuma", "uptime-kuma/issue1207-ping-down", "firing", "Testing", "critical", "10", "2022-01-21 14:06:38"),
    ("uptime-kuma", "uptime-kuma/issue3750-group-down", "firing", "group", "critical", "10", "2023-09-16 10:41:24"),
    ("uptimerobot", "uptimerobot/zulip-up", "resolved", "Mail Server", "critical", "server2.example.com Mail Server",
     ""),
    ("vrops", "generic/alerta-vmware-vrops", "firing", "ALERT_SUBTYPE_AVAILABILITY_PROBLEM", "WARNING",
     "sample-alert-uuid", "2013-05-28 16:09:06"),
    ("wazuh", "keep-misc/wazuh", "firing", "New dpkg (Debian Package) installed.", "info", "New dpkg", ""),
    ("zabbix", "zabbix/zulip-ok", "resolved", "Zabbix agent on www.example.com is reachable", "Average",
     "www.example.com 14032", ""),
    ("zabbix", "zabbix/zulip-warning", "firing", "CPU load on www.example.com is above threshold", "Warning",
     "www.example.com 14033", ""),
)
NO_ALERT = (
    ("cloudwatch", "aws-sns/alerta-subscription-confirmation"), ("github", "github/check_run-completed"),
    ("github", "github/check_suite-completed"), ("github", "github/deployment_status"),
    ("kubernetes", "kubernetes/otel-k8s-event-normal"), ("uptime-kuma", "uptime-kuma/test-button"),
)
# These say no state at all, which is told; they fire.
STATELESS = ("aws-sns/keep-apierrorrate", "aws-sns/keep-highcpuusage")
# fmt: on


def read(payloads: Path, preset: str, name: str) -> Parsed:
    body = decode((payloads / f"{name}.json").read_bytes())
    return parse(wrapped(body, presets()[preset]), NOW, "x")


@pytest.mark.parametrize(
    ("preset", "name", "status", "title", "severity", "identity", "starts"),
    [pytest.param(*row, id=f"{row[0]} {row[1].split('/')[1]}") for row in FACTS],
)
def test_a_body_says_what_we_read_in_it_by_hand(
    payloads: Path, preset: str, name: str, status: str, title: str, severity: str, identity: str, starts: str
) -> None:
    parsed = read(payloads, preset, name)
    (alert,) = parsed.alerts

    assert (alert.status, alert.name, alert.labels.get("severity", "")) == (status, title, severity)
    assert alert.identity.startswith(identity)
    assert f"{alert.starts_at:%Y-%m-%d %H:%M:%S}" == (starts or f"{NOW:%Y-%m-%d %H:%M:%S}")
    assert bool(parsed.faults) == (name in STATELESS)


@pytest.mark.parametrize(("preset", "name"), NO_ALERT)
def test_what_is_no_alert_is_taken_and_says_so(payloads: Path, preset: str, name: str) -> None:
    parsed = read(payloads, preset, name)

    assert (parsed.alerts, bool(parsed.note)) == ((), True)


def test_every_body_of_these_senders_has_its_facts(payloads: Path) -> None:
    known = {row[1] for row in (*FACTS, *NO_ALERT)}
    found = {
        f"{folder}/{path.stem}"
        for folder in FOLDERS
        for path in (payloads / folder).glob("*.json")
        if path.stem not in NO_PRESET.get(folder, ())
    }

    assert found == known


SENTRY = {"issue": {"id": "1", "title": "T", "level": "fatal"}}
METRIC = {"metric_alert": {"id": 7, "title": "T"}}
ALARM = {"AlarmArn": "arn:1", "AlarmName": "T"}


@pytest.mark.parametrize(
    ("preset", "body", "status"),
    [
        pytest.param("sentry", {"action": "created", "data": SENTRY}, "firing", id="an issue of Sentry's"),
        pytest.param("sentry", {"action": "resolved", "data": SENTRY}, "resolved", id="its resolve"),
        pytest.param("sentry", {"action": "assigned", "data": SENTRY}, "", id="its assignment"),
        pytest.param("sentry", {"action": "critical", "data": METRIC}, "firing", id="a metric alert of Sentry's"),
        pytest.param("sentry", {"action": "resolved", "data": METRIC}, "resolved", id="its end"),
        pytest.param(
            "cloudwatch", {"Message": {**ALARM, "NewStateValue": "OK"}}, "resolved", id="an alarm that is over"
        ),
        pytest.param("cloudwatch", {"Message": {**ALARM, "NewStateValue": "INSUFFICIENT_DATA"}}, "", id="too few data"),
        pytest.param("cloudwatch", {**ALARM, "NewStateValue": "ALARM"}, "firing", id="raw delivery"),
        pytest.param("uptime-kuma", {"heartbeat": {"status": 1}, "monitor": {"id": 1}}, "resolved", id="up again"),
        pytest.param("uptime-kuma", {"heartbeat": {"status": 3}, "monitor": {"id": 1}}, "", id="under maintenance"),
        pytest.param("nagios", {"host": "h", "service": "T", "type": "RECOVERY"}, "resolved", id="Nagios: a recovery"),
        pytest.param("nagios", {"host": "h", "type": "ACKNOWLEDGEMENT"}, "", id="Nagios: an acknowledgement"),
        pytest.param("gatus", {"name": "T", "state": "RESOLVED"}, "resolved", id="Gatus: an end"),
        pytest.param("checkly", {"check_id": "T", "alert_type": "ALERT_RECOVERY"}, "resolved", id="Checkly: an end"),
        pytest.param("healthchecks", {"code": "T", "status": "up"}, "resolved", id="Healthchecks: up"),
        pytest.param("goalert", {"summary": "T", "action": "close"}, "resolved", id="GoAlert: a close"),
        pytest.param("datadog", {"monitor_id": "T", "alert_transition": "Recovered"}, "resolved", id="Datadog: an end"),
    ],
)
def test_each_says_when_it_is_over(preset: str, body: object, status: str) -> None:
    parsed = parse(wrapped(body, presets()[preset]), NOW, "x")

    assert [alert.status for alert in parsed.alerts] == ([status] if status else [])


@pytest.mark.parametrize("name", sorted(presets()))
def test_a_preset_says_what_it_is_for(name: str) -> None:
    assert preset_text(name).startswith("# ")
    assert presets()[name]


@pytest.mark.parametrize("name", ["nothing", "../__init__", ""])
def test_no_other_file_is_a_preset(name: str) -> None:
    with pytest.raises(KeyError):
        preset_text(name)


@pytest.mark.parametrize("name", sorted(presets()))
@pytest.mark.parametrize("body", [{}, [], [{}], {"title": {}}, {"when": [1]}, "text", 7, None])
def test_any_body_is_read_or_refused(name: str, body: object) -> None:
    try:
        parsed = parse(wrapped(body, presets()[name]), NOW, "x")
    except Malformed as error:
        assert error.path
    else:
        assert parsed.alerts == ()
