"""The simulator: who would be paged when, if nobody answered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.duration import format_duration
from pager.core.simulate import lines, simulate
from pager.files import example_folder, load_catalog
from tests.config.folders import NOW, load

NIGHT = datetime(2026, 12, 5, 2, 4, tzinfo=UTC)


def alert(at: datetime = NOW, status: str = "firing", **labels: str) -> Alert:
    return Alert("prom", status, labels, at)  # type: ignore[arg-type]


def shown(alerts: list[Alert], catalog: Catalog, start: datetime = NOW, until: datetime | None = None) -> list[str]:
    sent = simulate(alerts, catalog, start, until)
    return [f"{format_duration(line.after)} {line.to}" for line in lines(sent, catalog, start)]


def of(path: Path, text: str) -> Catalog:
    """The catalog of the usual folder with one rule for everything and this policy `x`."""
    level, policy = text.split(maxsplit=1)
    rule = f"rules: [{{name: r, match: [alertname = X], severity: {level}, policy: x}}]\n"
    catalog = load(path, {"rules/b.yaml": f"{rule}policies:\n  x: {policy}\n"}).catalog
    assert catalog is not None
    return catalog


def test_maintenance_of_the_files_holds_what_comes_in_it(tmp_path: Path) -> None:
    """NOW is a Monday, 12:00."""
    night = "{name: patching, match: [alertname = X], starts: '0 11 * * MON', lasts: 2h, why: x}"
    text = f"rules: [{{name: r, match: [alertname = X], severity: SEV-2, policy: x}}]\nmaintenance: [{night}]\n"
    files = {"rules/b.yaml": text + "policies:\n  x: {steps: [{page: [shop], wait: 5m}]}\n"}
    catalog = load(tmp_path, files).catalog
    assert catalog is not None

    assert shown([alert(alertname="X")], catalog, NOW) == ["1h ana", "1h5m everyone"]
    assert shown([alert(alertname="X")], catalog, NOW + timedelta(hours=1)) == ["0m ana", "5m everyone"]


@pytest.mark.parametrize(
    ("written", "pages"),
    [
        pytest.param(
            "SEV-2 {steps: [{page: [shop], wait: 5m}, {page: ['team:shop'], wait: 7m}]}",
            ["0m ana", "5m team:shop", "12m everyone"],
            id="step after step, then `then`, and there it ends",
        ),
        pytest.param(
            "SEV-2 {steps: [{page: [shop], wait: 5m}], repeat: 2, then: ['person:bo']}",
            ["0m ana", "5m ana", "10m ana", "15m person:bo"],
            id="rounds are repeated",
        ),
        pytest.param(
            "SEV-2 {steps: [{page: [{schedule: shop, rank: 2}, 'person:ana', 'channel:chat']}]}",
            ["0m bo", "0m person:ana", "0m channel:chat", "5m everyone"],
            id="a rank is shown as the person, other targets as written",
        ),
        pytest.param(
            "SEV-1 {team: shop, steps: [{page: [shop, 'team:shop']}]}",
            ["0m ana", "0m team:shop", "5m everyone"],
            id="a target that adds nobody is not listed",
        ),
        pytest.param(
            "SEV-3 {steps: [{page: [shop], wait: 1h}]}",
            ["0m ana", "1h everyone"],
            id="in working hours",
        ),
        pytest.param("SEV-4 {steps: [{page: [shop]}]}", ["0m channel:issues"], id="a ticket is written once"),
        pytest.param("SEV-5 {steps: [{page: [shop]}]}", [], id="the backlog pages nobody"),
    ],
)
def test_the_pages_of_a_policy(tmp_path: Path, written: str, pages: list[str]) -> None:
    assert shown([alert(alertname="X")], of(tmp_path, written)) == pages


def test_outside_working_hours_the_first_page_waits_for_the_opening(tmp_path: Path) -> None:
    catalog = of(tmp_path, "SEV-3 {steps: [{page: [shop], wait: 1h}]}")
    evening = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)

    assert shown([alert(evening, alertname="X")], catalog, evening)[0] == "12h ana"


def test_whoever_has_no_contacts_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "cy.yaml").write_text("people: {cy: {}}\n")
    catalog = of(tmp_path, "SEV-2 {steps: [{page: ['person:cy'], wait: 5m}, {page: [shop], wait: 5m}]}")

    assert shown([alert(alertname="X")], catalog)[:2] == ["0m person:cy", "0m ana"]


def test_alerts_of_one_group_are_one_incident_and_may_promote_it(tmp_path: Path) -> None:
    rule = "{name: r, severity: SEV-2, policy: shop, group_by: [], promote: [{to: SEV-1, when: alerts >= 2}]}"
    catalog = load(tmp_path, {"rules/b.yaml": f"match: [alertname = X]\nrules: [{rule}]\n"}).catalog
    assert catalog is not None
    two = [alert(alertname="X", n="1"), alert(alertname="X", n="2")]

    assert {(one.incident, one.level) for one in simulate(two, catalog, NOW)} == {(1, "SEV-1")}


def test_resolved_alerts_and_watchdogs_page_nobody(tmp_path: Path) -> None:
    catalog = load(tmp_path).catalog
    assert catalog is not None

    assert simulate([alert(status="resolved", alertname="ShopDown"), alert(alertname="Watchdog")], catalog, NOW) == []


def test_the_clock_stops_at_until(tmp_path: Path) -> None:
    catalog = of(tmp_path, "SEV-2 {steps: [{page: [shop], wait: 5m}], repeat: 2}")

    assert shown([alert(alertname="X")], catalog, until=NOW + timedelta(minutes=5)) == ["0m ana", "5m ana"]


def test_after_then_the_clock_runs_on_to_until(tmp_path: Path) -> None:
    catalog = of(tmp_path, "SEV-2 {steps: [{page: [shop], wait: 5m}]}")
    pages = shown([alert(alertname="X")], catalog, until=NOW + timedelta(hours=1))

    assert pages == ["0m ana", "5m everyone", "35m everyone"]


def test_the_example_pages_at_night_as_its_own_test_says() -> None:
    catalog = load_catalog(example_folder(), NOW).catalog
    assert catalog is not None
    sent = simulate([alert(NIGHT, alertname="CheckoutDown", env="prod-eu")], catalog, NIGHT)
    told = [(format_duration(line.after), line.to, line.via) for line in lines(sent, catalog, NIGHT)]

    assert told[:7] == [
        ("0m", "chi", ("console",)),
        ("0m", "everyone", ("push", "call", "console")),
        ("0m", "commander", ("console",)),
        ("5m", "ana", ("push", "call")),
        ("10m", "commander", ("console",)),
        ("15m", "team:payments", ("push", "call", "console")),
        ("15m", "channel:ops-chat", ("ops-chat",)),
    ]
