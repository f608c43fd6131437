"""An answer of GoAlert becomes a folder that `check` passes, and says who is on call as GoAlert did."""

from pathlib import Path
from typing import Any

import pytest

from pager.core.importing.systems import imported
from tests.importing.goalert import ALWAYS, export, override, rotation, schedule, target
from tests.importing.org import IDS, NOW
from tests.importing.timeline import DATA, MOBILE, PAYMENTS, SEARCH, diary, import_, on_call

# All active rules are on call together: Europe and the Americas from 15 to 17 on weekdays, and hal in the night.
PLATFORM = diary(
    "Europe/Berlin",
    "2026-02-23",
    [
        "00:00 hal, 07:00 fay, 15:00 fay+hal, 17:00 hal",
        "00:00 hal, 07:00 eli, 15:00 eli+hal, 17:00 hal",
        "00:00 hal, 07:00 fay, 15:00 fay+hal, 17:00 hal",
        "00:00 hal, 07:00 eli, 15:00 eli+hal, 17:00 hal",
        "00:00 hal, 07:00 fay, 15:00 fay+hal, 17:00 hal",
        "00:00 hal, 07:00 eli, 17:00 hal",
        "00:00 hal, 07:00 fay, 17:00 hal",
        "00:00 hal, 07:00 eli, 15:00 eli+gus, 17:00 gus+hal, 23:00 hal",
        "00:00 hal, 07:00 fay, 15:00 fay+gus, 17:00 gus+hal, 23:00 hal",
        "00:00 hal, 07:00 eli, 15:00 eli+gus, 17:00 gus+hal, 23:00 hal",
        "00:00 hal, 07:00 fay, 15:00 fay+gus, 17:00 gus+hal, 23:00 hal",
        "00:00 hal, 07:00 eli, 15:00 eli+gus, 17:00 gus+hal, 23:00 hal",
        "00:00 hal, 07:00 fay, 17:00 hal",
        "00:00 hal, 07:00 eli, 17:00 hal",
    ]
    * 4,
)


def test_the_whole_company_is_on_call_as_before(tmp_path: Path) -> None:
    _, catalog = import_("goalert", export(), tmp_path)
    platform = sorted(name for name in catalog.schedules if name.startswith("platform"))

    assert platform == ["platform-on-call", "platform-on-call-2"]
    assert on_call(catalog, platform) == PLATFORM
    assert on_call(catalog, ["payments-on-call"]) == PAYMENTS
    assert on_call(catalog, ["search-on-call"]) == SEARCH
    assert on_call(catalog, ["data-on-call"]) == DATA
    assert on_call(catalog, ["mobile-web-on-call"]) == MOBILE
    assert len(catalog.people) == 20


def test_policies_and_services_come_over_without_keys(tmp_path: Path) -> None:
    made, catalog = import_("goalert", export(), tmp_path)
    policy = catalog.policies["platform-policy"]

    assert [[str(target) for target in step.page] for step in policy.steps] == [
        ["platform-on-call", "platform-on-call-2"],
        ["person:eli-brandt"],
        ["europe-rotation"],
    ]
    assert ([step.wait.total_seconds() / 60 for step in policy.steps], policy.repeat) == ([5, 10, 15], 3)
    assert [str(target) for target in policy.then] == ["europe-rotation"]  # there are no teams: not everyone
    source = catalog.sources["payments-prometheus"]
    assert (source.dialect, source.token, source.policy) == (
        "alertmanager",
        "PAYMENTS_PROMETHEUS_TOKEN",
        "payments-policy",
    )
    assert "S3CR3T" not in "".join(made.texts.values())


def payments(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    files = export()
    data = files["goalert.json"]["data"]
    data["userOverrides"]["nodes"] = list(changes)
    data["schedules"]["nodes"][0] |= more
    return files


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        pytest.param(
            payments(override("Payments", "2026-02-24T08:00:00Z", "2026-02-24T12:00:00Z", added="Dee Carter")),
            ["00:00 ana, 09:00 bo", "08:00 bo+dee, 12:00 bo"],
            id="somebody beside",
        ),
        pytest.param(
            payments(override("Payments", "2026-02-24T08:00:00Z", "2026-02-24T12:00:00Z", removed="Bo Winter")),
            ["00:00 ana, 09:00 bo", "08:00 -, 12:00 bo"],
            id="somebody not",
        ),
        pytest.param(
            payments(override("Payments", "2026-02-23T08:00:00Z", "2026-02-23T12:00:00Z", "Dee Carter", "Ana Lima")),
            ["00:00 ana, 08:00 dee, 09:00 bo", ""],
            id="a replacement ends with the turn of who is replaced",
        ),
        pytest.param(
            payments(
                temporarySchedules=[
                    {
                        "start": "2026-02-24T00:00:00Z",
                        "end": "2026-02-24T12:00:00Z",
                        "shifts": [
                            {
                                "userID": IDS["Dee Carter"],
                                "start": "2026-02-24T02:00:00Z",
                                "end": "2026-02-24T06:00:00Z",
                            },
                            {
                                "userID": IDS["Chi Adler"],
                                "start": "2026-02-24T04:00:00Z",
                                "end": "2026-02-24T12:00:00Z",
                            },
                        ],
                    }
                ]
            ),
            ["00:00 ana, 09:00 bo", "00:00 -, 02:00 dee, 04:00 chi+dee, 06:00 chi, 12:00 bo"],
            id="a temporary schedule hides all",
        ),
    ],
)
def test_overrides_mean_the_same(files: dict[str, Any], rows: list[str], tmp_path: Path) -> None:
    _, catalog = import_("goalert", files, tmp_path)
    expected = diary("UTC", "2026-02-23", rows)

    assert on_call(catalog, ["payments-on-call"])[: len(expected)] == expected


def test_a_monthly_rotation_changes_on_its_day(tmp_path: Path) -> None:
    files = payments()
    files["goalert.json"]["data"]["rotations"]["nodes"][0] = rotation(
        "pay", "2025-06-10T08:00:00Z", "UTC", "monthly", ("Ana Lima", "Bo Winter"), 1, "2026-03-10T08:00:00Z"
    )
    _, catalog = import_("goalert", files, tmp_path)
    rows = ["00:00 bo", *[""] * 14, "08:00 ana", *[""] * 30, "08:00 bo"]  # 10 March, 10 April

    assert on_call(catalog, ["payments-on-call"]) == diary("UTC", "2026-02-23", rows)


def test_a_schedule_of_its_own_gets_a_name_that_nobody_has(tmp_path: Path) -> None:
    files = export()
    files["goalert.json"]["data"]["schedules"]["nodes"][0]["name"] = "Platform on call 2"
    _, catalog = import_("goalert", files, tmp_path)

    assert sorted(name for name in catalog.schedules if name.startswith("platform")) == [
        "platform-on-call",
        "platform-on-call-2",
        "platform-on-call-3",
    ]


def test_shifts_are_compared() -> None:
    shift = {"userID": IDS["Chi Adler"], "start": "2026-02-23T00:00:00Z", "end": "2026-02-23T09:00:00Z"}
    [one] = imported("goalert", payments(shifts=[shift]), NOW).compared

    assert (one.found, one.differences[0].there, one.differences[0].here) == (1, ("chi-adler",), ("ana-lima",))


@pytest.mark.parametrize(
    ("part", "key", "value", "complaint"),
    [
        pytest.param(
            "rotations", "activeUserIndex", 7, "rotations.nodes[0].activeUserIndex: not from 0 to 2: 7", id="index"
        ),
        pytest.param("rotations", "userIDs", None, "rotations.nodes[0].userIDs: missing", id="no users"),
        pytest.param("rotations", "type", "yearly", "rotations.nodes[0].type: unknown: 'yearly'", id="type"),
        pytest.param("rotations", "start", 17, "rotations.nodes[0].start: not text: '17'", id="start"),
        pytest.param("schedules", "timeZone", "Moon/Base", "schedules.nodes[0].timeZone: ", id="zone"),
        pytest.param("schedules", "targets", None, "schedules.nodes[0].targets: missing", id="targets"),
        pytest.param(
            "schedules", "targets", [{"target": {"id": "x"}, "rules": [{}]}], "weekdayFilter: not seven", id="days"
        ),
        pytest.param(
            "escalationPolicies", "steps", "3", "escalationPolicies.nodes[0].steps: not a list: '3'", id="steps"
        ),
    ],
)
def test_what_is_malformed_is_said_with_its_place(part: str, key: str, value: Any, complaint: str) -> None:
    files = export()
    files["goalert.json"]["data"][part]["nodes"][0][key] = value
    with pytest.raises(ValueError, match=r"goalert\.json: data") as caught:
        imported("goalert", files, NOW)

    assert complaint in str(caught.value)


def test_a_rule_that_is_always_active_needs_no_hours() -> None:
    files = export()
    own = schedule("Payments", "UTC", target("user", IDS["Ana Lima"], ("08:00", "08:00", ALWAYS)))
    files["goalert.json"]["data"]["schedules"]["nodes"][0] = own

    assert "hours" not in imported("goalert", files, NOW).texts["schedules/payments-on-call.yaml"]
