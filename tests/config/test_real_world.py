"""Rules of the real world: what kube-prometheus and the node exporter's mixin ship, through the example's rules."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from click.testing import CliRunner

from pager.cli.main import pagerctl
from pager.files import example_folder

# Alert names by the severity that they are shipped with, as the documentation of kube-prometheus lists them (2026).
SHIPPED = {
    "critical": """
        AlertmanagerClusterCrashlooping AlertmanagerClusterDown AlertmanagerClusterFailedToSendAlerts
        AlertmanagerConfigInconsistent AlertmanagerFailedReload AlertmanagerMembersInconsistent KubeAPIDown
        KubeAPIErrorBudgetBurn KubeClientCertificateExpiration KubeControllerManagerDown
        KubePersistentVolumeErrors KubePersistentVolumeFillingUp KubePersistentVolumeInodesFillingUp
        KubeSchedulerDown KubeStateMetricsListErrors KubeStateMetricsShardingMismatch
        KubeStateMetricsShardsMissing KubeStateMetricsWatchErrors KubeletClientCertificateExpiration KubeletDown
        KubeletServerCertificateExpiration NodeFileDescriptorLimit NodeFilesystemAlmostOutOfFiles
        NodeFilesystemAlmostOutOfSpace NodeFilesystemFilesFillingUp NodeFilesystemSpaceFillingUp
        NodeRAIDDegraded PrometheusBadConfig PrometheusErrorSendingAlertsToAnyAlertmanager
        PrometheusRemoteStorageFailures PrometheusRemoteWriteBehind PrometheusRuleFailures
        PrometheusTargetSyncFailure
    """,
    "warning": """
        AlertmanagerClusterFailedPeers AlertmanagerClusterFailedToSendAlerts AlertmanagerFailedToSendAlerts
        ConfigReloaderSidecarErrors GrafanaRequestsFailing KubeAPIErrorBudgetBurn KubeAPIInstanceUnreachable
        KubeAPITerminatedRequests KubeAggregatedAPIDown KubeAggregatedAPIErrors KubeCPUOvercommit
        KubeCPUQuotaOvercommit KubeClientCertificateExpiration KubeClientErrors KubeContainerWaiting
        KubeControllerManagerInstanceUnreachable KubeDaemonSetMisScheduled KubeDaemonSetNotScheduled
        KubeDaemonSetRolloutStuck KubeDeploymentGenerationMismatch KubeDeploymentReplicasMismatch
        KubeDeploymentRolloutStuck KubeHpaMaxedOut KubeHpaReplicasMismatch KubeJobFailed KubeJobNotCompleted
        KubeMemoryOvercommit KubeMemoryQuotaOvercommit KubeNodeNotReady KubeNodeReadinessFlapping
        KubeNodeUnreachable KubePdbNotEnoughHealthyPods KubePersistentVolumeFillingUp
        KubePersistentVolumeInodesFillingUp KubePodCrashLooping KubePodNotReady KubeQuotaExceeded
        KubeSchedulerInstanceUnreachable KubeStatefulSetGenerationMismatch KubeStatefulSetReplicasMismatch
        KubeStatefulSetUpdateNotRolledOut KubeVersionMismatch KubeletClientCertificateExpiration
        KubeletClientCertificateRenewalErrors KubeletInstanceUnreachable KubeletPlegDurationHigh
        KubeletPodStartUpLatencyHigh KubeletServerCertificateExpiration KubeletServerCertificateRenewalErrors
        NodeBondingDegraded NodeClockNotSynchronising NodeClockSkewDetected NodeDiskIOSaturation
        NodeFileDescriptorLimit NodeFilesystemAlmostOutOfFiles NodeFilesystemAlmostOutOfSpace
        NodeFilesystemFilesFillingUp NodeFilesystemSpaceFillingUp NodeHighNumberConntrackEntriesUsed
        NodeMemoryHighUtilization NodeMemoryMajorPagesFaults NodeNetworkInterfaceFlapping NodeNetworkReceiveErrs
        NodeNetworkTransmitErrs NodeRAIDDiskFailure NodeSystemSaturation NodeSystemdServiceCrashlooping
        NodeSystemdServiceFailed NodeTextFileCollectorScrapeError PrometheusDuplicateTimestamps
        PrometheusErrorSendingAlertsToSomeAlertmanagers PrometheusHighQueryLoad
        PrometheusKubernetesListWatchFailures PrometheusLabelLimitHit PrometheusMissingRuleEvaluations
        PrometheusNotConnectedToAlertmanagers PrometheusNotIngestingSamples
        PrometheusNotificationQueueRunningFull PrometheusOperatorListErrors PrometheusOperatorNodeLookupErrors
        PrometheusOperatorNotReady PrometheusOperatorReconcileErrors PrometheusOperatorRejectedResources
        PrometheusOperatorStatusUpdateErrors PrometheusOperatorSyncFailed PrometheusOperatorWatchErrors
        PrometheusOutOfOrderTimestamps PrometheusRemoteWriteDesiredShards PrometheusSDRefreshFailure
        PrometheusScrapeBodySizeLimitHit PrometheusScrapeSampleLimitHit PrometheusTSDBCompactionsFailing
        PrometheusTSDBReloadsFailing PrometheusTargetLimitHit TargetDown
    """,
    "info": """
        CPUThrottlingHigh KubeNodeEviction KubeNodePressure KubeQuotaAlmostFull KubeQuotaFullyUsed
        KubeletTooManyPods NodeCPUHighUsage
    """,
    "none": """
        InfoInhibitor Watchdog
    """,
}
NIGHT = "2026-12-05 03:04 Europe/Berlin"  # a Saturday
DAY = "2026-12-08 11:00 Europe/Berlin"
WATCHDOGS = {"Watchdog", "InfoInhibitor"}
EVERY = [(name, word) for word, names in SHIPPED.items() for name in names.split()]


@cache
def routed(at: str, only: str = "") -> Mapping[tuple[str, str], dict[str, Any]]:
    """What `pagerctl route` says of each alert, as the example's files stand; without any help of annotations."""
    labels = {"cluster": "eu", "namespace": "shop", "instance": "10.2.3.4:9100", "job": "node"}
    asked = [(name, word) for name, word in EVERY if only in ("", word)]
    alerts = [{"labels": {"alertname": name, "severity": word, **labels}} for name, word in asked]
    words = ("-c", str(example_folder()), "route", "-", "--at", at, "-o", "json")
    ran = CliRunner().invoke(pagerctl, words, input=json.dumps(alerts))
    assert ran.exit_code == 0, ran.output
    decisions = json.loads(ran.stdout)["decisions"]
    return dict(zip(asked, decisions, strict=True))


def of(word: str, at: str = NIGHT) -> list[dict[str, Any]]:
    return list(routed(at, word).values())


def names(decisions: list[dict[str, Any]]) -> list[str]:
    return [decision["alert"]["alertname"] for decision in decisions]


def test_they_are_all_there() -> None:
    assert len(EVERY) == len(set(EVERY)) == 137


@pytest.mark.parametrize("at", [NIGHT, DAY])
@pytest.mark.parametrize("word", ["info", "none"])
def test_nothing_informational_pages(word: str, at: str) -> None:
    assert names([decision for decision in of(word, at) if decision["pages"]]) == []
    assert {decision["severity"] for decision in of(word, at)} == {"SEV-5"}


def test_a_watchdog_is_a_heartbeat_to_expect_and_no_rule_of_ours_takes_it() -> None:
    found = [routed(NIGHT, "none")[name, "none"] for name in sorted(WATCHDOGS)]

    assert [(decision["rule"], decision["pages"]) for decision in found] == [("", []), ("", [])]


def test_every_page_has_a_runbook_that_is_a_link_or_a_file_that_is_there() -> None:
    runbooks = {f"runbooks/{file.name}" for file in (example_folder() / "runbooks").glob("*.md")}
    without = [
        decision["alert"]["alertname"]
        for decision in routed(NIGHT).values()
        if not decision["runbook"].startswith("https://") and decision["runbook"] not in runbooks
    ]

    assert without == []


def test_what_is_critical_pages_somebody_at_night_unless_a_rule_knows_better() -> None:
    calm = [decision for decision in of("critical") if decision["severity"] > "SEV-2"]

    assert names([decision for decision in of("critical") if not decision["pages"]]) == []
    assert {decision["rule"] for decision in calm} == {"disk filling up"}


def test_warnings_wait_for_working_hours_unless_a_rule_knows_better() -> None:
    urgent = [decision for decision in of("warning") if decision["severity"] < "SEV-3"]
    waits = [decision for decision in of("warning") if decision["severity"] == "SEV-3"]

    assert {decision["rule"] for decision in urgent} == {"machine down"}
    assert all(decision["pages"] for decision in waits)
    # Saturday 03:04 in Berlin; Monday 09:00 of whoever's zone is on call then.
    assert all(decision["pages"][0]["after"].startswith("2d") for decision in waits)


def test_the_control_plane_is_the_worst_of_all() -> None:
    worst = [decision for decision in routed(NIGHT).values() if decision["severity"] == "SEV-1"]

    assert names(worst) == ["KubeAPIDown"]
    assert worst[0]["pages"][0]["after"] == "0m"
