"""An export of PagerDuty becomes a folder that `check` passes, and says who is on call as PagerDuty did."""

from pathlib import Path
from typing import Any

import pytest

from pager.core.importing.folder import Folder
from pager.core.importing.systems import imported
from tests.importing.org import NOW
from tests.importing.pagerduty import daily, export, layer, reference, schedule
from tests.importing.timeline import DATA, MOBILE, PAYMENTS, PLATFORM, SEARCH, Line, import_, on_call


def test_the_whole_company_is_on_call_as_before(tmp_path: Path) -> None:
    _, catalog = import_("pagerduty", export(), tmp_path)
    expected = {
        "payments-on-call": PAYMENTS,
        "platform-on-call": PLATFORM,
        "search-on-call": SEARCH,
        "data-on-call": DATA,
        "mobile-web-on-call": MOBILE,
    }

    assert {name: on_call(catalog, [name]) for name in catalog.schedules} == expected
    assert len(catalog.people) == 20
    assert {name: len(team.people) for name, team in catalog.teams.items()} == dict.fromkeys(
        ("payments", "platform", "search", "data", "mobile-web"), 4
    )


def test_policies_and_services_come_over(tmp_path: Path) -> None:
    _, catalog = import_("pagerduty", export(), tmp_path)
    policy = catalog.policies["payments-escalation"]

    assert [[str(target) for target in step.page] for step in policy.steps] == [
        ["payments-on-call"],
        ["payments-on-call", "person:dee-carter"],
        ["person:ana-lima"],
    ]
    assert [step.wait.total_seconds() / 60 for step in policy.steps] == [5, 10, 30]
    assert (policy.repeat, policy.team) == (2, "payments")
    assert [str(target) for target in policy.then] == ["everyone"]  # of the team
    source = catalog.sources["payments-production"]
    assert (source.dialect, source.token, source.policy) == (
        "pagerduty",
        "PAYMENTS_PRODUCTION_KEY",
        "payments-escalation",
    )


def test_no_secret_is_written() -> None:
    texts = "".join(imported("pagerduty", export(), NOW).texts.values())

    assert "R0UT1NGK3Y" not in texts
    assert "secret-device-token" not in texts


def test_what_the_export_says_of_who_is_on_call_is_compared() -> None:
    files = export()
    entry = {"start": "2026-02-23T00:00:00Z", "end": "2026-02-23T09:00:00Z", "user": reference("Ana Lima")}
    wrong = {"start": "2026-02-23T09:00:00Z", "end": "2026-02-24T00:00:00Z", "user": reference("Chi Adler")}
    files["schedule-SPAY.json"]["schedule"]["final_schedule"] = {"rendered_schedule_entries": [entry, wrong]}
    [one] = imported("pagerduty", files, NOW).compared

    assert (one.roster, one.found) == ("payments-on-call", 1)
    assert (one.differences[0].there, one.differences[0].here) == (("chi-adler",), ("bo-winter",))
    assert f"{one.differences[0].start:%d %H:%M}" == "23 09:00"


def one(zone: str, *layers: dict[str, Any]) -> dict[str, Any]:
    return {**export(), "schedule-SPAY.json": {"schedule": schedule("Payments", zone, list(layers))}}


def payments(made: Folder) -> str:
    return made.texts["schedules/payments-on-call.yaml"]


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        pytest.param(
            [layer("L", "2026-01-05T10:00:00Z", 36 * 3600, ("Ana Lima", "Bo Winter"))],
            '{from: 2026-01-05 10:00, handoff: "0 * * * *", every: 36, people: [ana-lima, bo-winter]}',
            id="a day and a half",
        ),
        pytest.param(
            [layer("L", "2026-03-04T10:00:00Z", 604800, ("Ana Lima", "Bo Winter"), "2026-03-02T10:00:00Z")],
            "- {from: 2026-03-04 10:00, people: [ana-lima]}\n"
            '  - {from: 2026-03-09 10:00, handoff: "0 10 * * MON", people: [bo-winter, ana-lima]}',
            id="a start that is to come, in the middle of a turn",
        ),
        pytest.param(
            [layer("L", "2026-01-05T10:00:00Z", 86400, ("Ana Lima",), restrictions=[daily("20:00:00", 12 * 3600)])],
            'hours: "20:00-08:00"',
            id="nights",
        ),
        pytest.param(
            [
                layer(
                    "L",
                    "2026-01-05T10:00:00Z",
                    86400,
                    ("Ana Lima",),
                    restrictions=[
                        {
                            "type": "weekly_restriction",
                            "start_day_of_week": 5,
                            "start_time_of_day": "18:00:00",
                            "duration_seconds": 62 * 3600,
                        }
                    ],
                )
            ],
            'hours: ["fri 18:00-24:00", "sat,sun 00:00-24:00", "mon 00:00-08:00"]',
            id="a weekend from Friday evening to Monday morning",
        ),
    ],
)
def test_a_layer_is_written_as_people_would(layers: list[dict[str, Any]], says: str) -> None:
    assert says in payments(imported("pagerduty", one("UTC", *layers), NOW))


def test_a_turn_of_hours_is_said_with_the_day_on_which_clocks_change() -> None:
    files = one("Europe/Berlin", layer("L", "2026-01-05T10:00:00Z", 12 * 3600, ("Ana Lima", "Bo Winter")))
    said = [remark.said for remark in imported("pagerduty", files, NOW).remarks if remark.kind == "differs"]

    assert any("hand-offs differ by an hour from 2026-03-29T01:00Z on" in text for text in said)


def broken(path: list[Any], value: Any) -> dict[str, Any]:
    files = export()
    inner: Any = files
    for step in path[:-1]:
        inner = inner[step]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return files


SPAY = ["schedule-SPAY.json", "schedule"]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        pytest.param([*SPAY, "schedule_layers"], KeyError, "schedule_layers: missing; ask for each", id="no layers"),
        pytest.param(
            [*SPAY, "schedule_layers", 0, "rotation_turn_length_seconds"],
            "604800",
            "schedule-SPAY.json: schedule.schedule_layers[0].rotation_turn_length_seconds: not a whole number",
            id="a length in quotes",
        ),
        pytest.param([*SPAY, "schedule_layers", 0, "start"], "soon", "start: not a time: 'soon'", id="no time"),
        pytest.param([*SPAY, "time_zone"], "Mars", "time_zone: ", id="no zone"),
        pytest.param(["users.json", "users", 3, "name"], KeyError, "users.json: users[3].name: missing", id="no name"),
        pytest.param(["users.json", "users"], {"id": 3}, "name: missing", id="one user instead of a list"),
        pytest.param(["teams.json"], "teams", "teams.json: not an object: 'teams'", id="no object"),
        pytest.param(["users.json"], {}, "name: missing", id="an empty file"),
    ],
)
def test_what_is_malformed_is_said_with_its_place(path: list[Any], value: Any, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        imported("pagerduty", broken(path, value), NOW)

    assert complaint in str(caught.value)


def test_an_empty_line_is_no_answer() -> None:
    assert len(PLATFORM) > 100
    line: Line = PAYMENTS
    assert [people for _, people in line][:4] == [("ana",), ("bo",), ("dee",), ("bo",)]
