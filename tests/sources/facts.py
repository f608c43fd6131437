"""What each body of the corpus says, checked by hand: the table that the parsers are held against."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

PROD = {"cluster": "prod-eu1"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One file: how many fire and are resolved, under which names, and what its first alert says.

    `starts` is None where the body has no usable time, so that the time of receipt stands in. `fingerprints`:
    `ours` = as sent and equal to what we compute, `theirs` = as sent only, `none` = not sent.
    """

    file: str
    firing: int
    resolved: int
    names: str
    severity: str | None
    starts: datetime | None
    fingerprints: Literal["ours", "theirs", "none"]
    group: dict[str, str] | None
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class ApiFact:
    """One file posted to API v2 or v1 at `sent_at`, the time at which "ahead" and "past" are meant.

    `alerts` is each element in the file's order: `f` fires, `r` is resolved, and a number for its label set.
    """

    file: str
    sent_at: datetime
    alerts: str
    names: str
    starts: datetime | None


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BURST = "2026-11-21T20:53:54.4"
AGAIN = utc("2026-11-21T20:53:40.463000")
CHAIN = utc("2026-11-21T21:00:44.647000")
DOWN = {"alertname": "InstanceDown"} | PROD
LOOP = {"alertname": "KubePodCrashLooping"} | PROD
HUGE = {"alertname": "TargetDown", "cluster": "huge"}
OOPS = {"alertname": "something_happend", "instance": "server01.int:9100"}
EMPTY = {"alertname": "empty_value", "instance": "server01.int:9100"}
FILL = {"alertname": "DiskWillFillIn4Hours"} | PROD
SCADA = {"scada_uuid": "483b197c-7fe8-11e6-b772-acb57db47f23"}
LATENCY = {"alertname": "HighRequestLatency", "quantile": "0.99", "scenario": "ungrouped", "service": "svc2"}


def named(name: str, **more: str) -> dict[str, str]:
    return {"alertname": name, **more}


# fmt: off
ALERTMANAGER = (
    Fact("am025-single-firing", 1, 0, "InstanceDown", "critical", utc(f"{BURST}00000"), "ours", DOWN),
    Fact("am025-group-two-firing", 2, 0, "KubePodCrashLooping", "warning", utc(f"{BURST}01000"), "ours", LOOP),
    Fact("am025-unicode", 1, 0, "名前つきアラート", "критично", utc(f"{BURST}14000"), "ours",
         named("名前つきアラート", cluster="東京")),
    Fact("am025-group-60", 60, 0, "KubePodNotReady", "warning", utc(f"{BURST}16000"), "ours",
         named("KubePodNotReady") | PROD),
    Fact("am025-partial-burst-132", 132, 0, "TargetDown", "warning", utc(f"{BURST}19000"), "ours", HUGE),
    Fact("am025-group-1000", 1000, 0, "TargetDown", "warning", utc(f"{BURST}19000"), "ours", HUGE),
    Fact("am025-minimal-no-annotations", 1, 0, "OnlyName", None, utc("2026-11-21T20:54:24.414966"), "ours",
         named("OnlyName")),
    Fact("am025-future-startsat", 1, 0, "FutureStart", "info", utc("2026-11-21T21:54:24.415000"), "ours",
         named("FutureStart", cluster="clock")),
    Fact("am025-group-grown", 2, 0, "InstanceDown", "critical", utc(f"{BURST}00000"), "ours", DOWN),
    Fact("am025-mixed", 1, 1, "InstanceDown", "critical", utc("2026-11-21T20:53:40.462000"), "ours", DOWN),
    Fact("am025-all-resolved", 0, 2, "KubePodCrashLooping", "warning", AGAIN, "ours", LOOP),
    Fact("am025-last-resolved", 0, 1, "InstanceDown", "critical", utc("2026-11-21T20:53:48.465000"), "ours", DOWN),
    Fact("am025-refired", 1, 0, "InstanceDown", "critical", utc("2026-11-21T20:53:40.462000"), "ours", DOWN),
    Fact("am025-inhibited-member-gone", 1, 0, "KubePodCrashLooping", "critical", utc("2026-11-21T20:54:29.471000"),
         "ours", LOOP),
    Fact("am025-inhibited-before", 1, 0, "KubePodCrashLooping", "warning", AGAIN, "ours", LOOP),
    Fact("am025-truncated", 5, 0, "DiskWillFillIn4Hours", "warning", utc(f"{BURST}12000"), "ours", FILL, 7),
    Fact("am025-watchdog", 1, 0, "Watchdog", "none", utc("2026-11-21T20:53:54.397000"), "ours",
         named("Watchdog") | PROD),
    Fact("am025-ungrouped", 1, 0, "HighRequestLatency", "page", utc(f"{BURST}13000"), "ours",
         LATENCY | {"severity": "page"}),
    Fact("am025-nested-route", 1, 0, "Scenario_basic", "warning", utc(f"{BURST}09000"), "ours",
         named("Scenario_basic")),
    Fact("am025-fanout-a", 1, 0, "FanOut", "critical", utc(f"{BURST}14000"), "ours", named("FanOut", cluster="c1")),
    Fact("am025-fanout-b", 1, 0, "FanOut", "critical", utc(f"{BURST}14000"), "ours", {"severity": "critical"}),
    Fact("chain-targetdown", 1, 0, "TargetDown", "warning", utc("2026-11-21T21:00:59.647000"), "ours",
         named("TargetDown")),
    Fact("chain-value-in-label-churn", 2, 2, "ValueInLabel", "warning", utc("2026-11-21T21:00:54.647000"), "ours",
         named("ValueInLabel")),
    Fact("chain-nan", 1, 0, "NotANumber", "info", CHAIN, "ours", named("NotANumber")),
    Fact("chain-broken-template", 1, 0, "BrokenTemplate", "info", CHAIN, "ours", named("BrokenTemplate")),
    Fact("chain-flapping-resolved", 0, 1, "Flapping", "critical", CHAIN, "ours", named("Flapping")),
    Fact("alerta-v4", 1, 0, "thing_dead", "critical", utc("2017-08-03T19:17:37.804000"), "none",
         named("thing_dead")),
    Fact("alerta-heartbeat", 1, 0, "Heartbeat", "warning", utc("2020-07-05T18:51:22.012771"), "theirs",
         named("Heartbeat")),
    Fact("prombot-v3-simple", 1, 0, "something_happend", "warning", utc("2016-04-27T20:46:37.903000"), "none", OOPS),
    Fact("prombot-long-annotation", 1, 0, "something_happend", "warning", utc("2016-04-27T20:46:37.903000"),
         "none", OOPS),
    Fact("prombot-empty-common-annotations", 1, 0, "empty_value", "warning", utc("2016-04-27T20:46:37.903000"),
         "none", EMPTY),
    Fact("prombot-production-nostatus", 11, 0,
         "LoadAverage_15MIN LoadAverage_1MIN LoadAverage_5MIN CPU_Percentage_Worning", "Critical",
         utc("2017-01-26T13:31:54.865000"), "none", SCADA),
    Fact("promteams-annotated", 1, 0, "high_memory_load", "warning", utc("2018-03-07T11:33:21.873078"), "none",
         named("high_memory_load")),
    Fact("promteams-swarm", 3, 0, "JustATestAlert_1", "info", utc("2020-10-11T14:34:11.279383"), "theirs",
         named("JustATestAlert_1")),
    Fact("oncall-alertmanager-example", 2, 0, "InstanceDown", "critical", utc("2023-06-12T08:24:38.326000"),
         "theirs", named("InstanceDown")),
    Fact("oncall-legacy-single-alert", 1, 0, "TestAlert", "critical", utc("2018-12-25T15:47:47.377364"), "none", {}),
    Fact("oncall-heartbeat-expired", 1, 0, "OnCallHeartBeatMissing", None, None, "theirs",
         named("OnCallHeartBeatMissing")),
    Fact("prometheusalert-level-label", 1, 0, "TargetDown", None, utc("2020-05-21T02:58:07.830216"), "theirs",
         {"instance": "example-1"}),
    Fact("iris-invalid-missing-group", 1, 0, "InstanceDown", "page", utc("2017-12-04T09:17:22.804000"), "none",
         named("testalert")),
    Fact("goalert-no-times", 1, 0, "TestAlert", None, None, "none", None),
)

GRAFANA = (
    Fact("oncall-unified", 3, 0, "InstanceDown", "critical", utc("2023-06-12T08:24:38.326000"), "theirs",
         named("InstanceDown")),
    Fact("oncall-legacy-shape", 1, 0, "TestAlert", None, utc("2018-12-25T15:47:47.377364"), "none", {}),
    Fact("keep-v12-test-button", 1, 0, "TestAlert", None, utc("2026-05-05T13:04:57.622813"), "theirs",
         named("TestAlert")),
    Fact("alerta-legacy-alerting", 1, 0, "Zeta CPU alert", None, None, "none", None),
    Fact("alerta-legacy-ok", 0, 1, "Zeta CPU alert", None, None, "none", None),
    Fact("alerta-legacy-docs-example", 1, 0, "Load peaking!", None, None, "none", None),
    Fact("iris-legacy-test-button", 1, 0, "Test notification", None, None, "none", None),
    Fact("iris-legacy-no-state", 1, 0, "Test notification", None, None, "none", None),
    Fact("zulip-anomalous-test", 1, 0, "🚨 TestAlert - Notification test", None, None, "none", None),
)

PROMETHEUS = (
    ApiFact("v2-first-batch", utc("2026-11-21T20:56:20"), "f1 f2", "ValueInLabel", utc("2026-11-21T20:56:19.647000")),
    ApiFact("v2-firing-and-resolved", utc("2026-11-21T20:56:30"), "r1 r2 f3 f4", "Flapping TargetDown ValueInLabel",
            utc("2026-11-21T20:56:14.647000")),
    ApiFact("v2-watchdog-nan-template", utc("2026-11-21T20:57:20"), "r1 f2 f3 f4 r2 f5 f6",
            "BrokenTemplate NotANumber ValueInLabel Watchdog", utc("2026-11-21T20:57:09.647000")),
    ApiFact("v2-keep-firing", utc("2026-11-21T20:57:10"), "r1 f2 r3 f4 r2 f5 r4 f6",
            "Flapping KeepFiring ValueInLabel", utc("2026-11-21T20:56:54.647000")),
    ApiFact("v2-resolved-resend", utc("2026-11-21T20:56:50"), "r1 f2 f3 r2 f4 r4 f5", "Flapping ValueInLabel",
            utc("2026-11-21T20:56:34.647000")),
    ApiFact("v1-api-legacy", utc("2026-11-21T20:56:30"), "r1 r2 f3 f4", "Flapping TargetDown ValueInLabel",
            utc("2026-11-21T20:56:14.647266")),
    ApiFact("alerta-forward-v2", utc("2026-11-22T09:00:00"), "f1", "Watchdog", None),
)
# fmt: on
