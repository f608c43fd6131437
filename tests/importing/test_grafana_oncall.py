"""An export of Grafana OnCall becomes a folder that `check` passes, and says who is on call as OnCall did."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pager.core.importing.systems import imported
from pager.core.oncall import on_call as now_on_call
from tests.importing.grafana_oncall import DAY, HOUR, WEEK, export, page, rolling, schedule, shift
from tests.importing.org import IDS, NOW
from tests.importing.timeline import DATA, MOBILE, PAYMENTS, PLATFORM, SEARCH, diary, import_, on_call


def test_the_whole_company_is_on_call_as_before(tmp_path: Path) -> None:
    _, catalog = import_("grafana-oncall", export(), tmp_path)
    expected = {
        "payments-on-call": PAYMENTS,
        "platform-on-call": PLATFORM,
        "search-on-call": SEARCH,
        "data-on-call": DATA,
        "mobile-web-on-call": MOBILE,
    }

    assert {name: on_call(catalog, [name]) for name in catalog.schedules} == expected
    assert len(catalog.people) == 20


def test_chains_become_policies_and_routes_that_compare_a_label_rules(tmp_path: Path) -> None:
    made, catalog = import_("grafana-oncall", export(), tmp_path)
    policy = catalog.policies["payments-chain"]
    [rule] = [placed.rule for file in catalog.rules for placed in file.rules]

    assert [[str(target) for target in step.page] for step in policy.steps] == [
        ["payments-on-call"],
        ["person:ana-lima"],
        ["team:payments"],
    ]
    assert [step.wait.total_seconds() / 60 for step in policy.steps] == [5, 10, 5]
    assert (policy.repeat, policy.team) == (5, "payments")
    assert [str(matcher) for matcher in rule.match] == ["source = payments-alerts", "severity = critical"]
    assert rule.policy == "platform-chain"
    source = catalog.sources["payments-alerts"]
    assert (source.dialect, source.token, source.policy) == ("alertmanager", "PAYMENTS_ALERTS_TOKEN", "payments-chain")
    assert "us-(east|west)" in made.texts["rules/routing.yaml"]
    assert "S3CR3T" not in "".join(made.texts.values())


def only(*shifts: dict[str, Any], zone: str = "UTC") -> dict[str, Any]:
    keys = [one["id"] for one in shifts]
    return {
        **export(),
        "schedules.json": page([schedule("Payments", zone, *keys)]),
        "on_call_shifts.json": page(list(shifts)),
    }


ANA, BO, CHI = "Ana Lima", "Bo Winter", "Chi Adler"


@pytest.mark.parametrize(
    ("shifts", "names", "line"),
    [
        pytest.param(
            [rolling("A", "2026-02-23T09:00:00", DAY, "daily", (ANA, BO), by_day=["MO", "WE", "FR"])],
            1,
            [
                *("09:00 ana", "09:00 -", "09:00 bo", "09:00 -", "09:00 ana", "09:00 -", ""),
                *("09:00 bo", "09:00 -", "09:00 ana", "09:00 -", "09:00 bo", "09:00 -", ""),
            ]
            * 4,
            id="a day each, and only on some weekdays",
        ),
        pytest.param(
            [
                rolling("A", "2026-02-23T09:00:00", DAY * 7, "weekly", (ANA,), interval=2),
                rolling("B", "2026-03-02T09:00:00", DAY * 7, "weekly", (BO,), interval=2),
            ],
            2,
            ["09:00 ana", *[""] * 6, "09:00 bo", *[""] * 6] * 4,
            id="every other week, two shifts that fill each other's gaps",
        ),
        pytest.param(
            [
                rolling("A", "2026-02-23T00:00:00", DAY, "daily", (ANA,), level=1),
                rolling("B", "2026-02-23T08:00:00", 8 * HOUR, "daily", (BO,), level=1),
                rolling("C", "2026-02-23T12:00:00", 1 * HOUR, "daily", (CHI,), level=2),
            ],
            2,
            ["00:00 ana, 08:00 ana+bo, 12:00 chi, 13:00 ana+bo, 16:00 ana"] * 56,
            id="one level together, and a higher one that hides both",
        ),
        pytest.param(
            [
                rolling("A", "2026-02-23T00:00:00", WEEK, "weekly", (ANA, BO)),
                shift("S", "single_event", "2026-02-25T10:00:00", 5 * HOUR, users=[IDS[CHI]], level=3),
            ],
            1,
            ["00:00 ana", "", "10:00 chi, 15:00 ana", *[""] * 4, "00:00 bo", *[""] * 6]
            + ["00:00 ana", *[""] * 6, "00:00 bo", *[""] * 6] * 3,
            id="a single event over a rotation",
        ),
        pytest.param(
            [rolling("A", "2026-02-22T20:00:00", 12 * HOUR, "weekly", (ANA, BO), by_day=["SU", "MO"], week_start="MO")],
            1,
            [
                *("00:00 ana, 08:00 -, 20:00 bo", "08:00 -", "", "", "", "", "20:00 bo"),
                *("08:00 -, 20:00 ana", "08:00 -", "", "", "", "", "20:00 ana"),
            ]
            * 4,
            id="a night that goes over the end of the week belongs to the week in which it began",
        ),
    ],
)
def test_shifts_recur_as_calendars_say(
    shifts: list[dict[str, Any]], names: int, line: list[str], tmp_path: Path
) -> None:
    _, catalog = import_("grafana-oncall", only(*shifts), tmp_path)
    first = line[0] if line[0].startswith("00:00") else f"00:00 -, {line[0]}"

    assert len(catalog.schedules) == names
    assert on_call(catalog, list(catalog.schedules)) == diary("UTC", "2026-02-23", [first, *line[1:]])


def test_shifts_of_the_web_page_are_in_utc_and_weeks_count_from_their_start(tmp_path: Path) -> None:
    edited = rolling(
        "A",
        "2026-02-02T09:00:00",
        WEEK,
        "weekly",
        (ANA, BO, CHI),
        rotation_start="2026-02-16T12:00:00",
        week_start="MO",
    )
    files = only(edited, zone="Europe/Berlin")
    files["schedules.json"]["results"][0]["type"] = "web"
    _, catalog = import_("grafana-oncall", files, tmp_path)
    weeks = ["09:00 chi", *[""] * 6, "09:00 ana", *[""] * 6, "09:00 bo", *[""] * 6]

    assert on_call(catalog, ["payments-on-call"]) == diary("UTC", "2026-02-16", weeks * 3)


@pytest.mark.parametrize(
    ("begun", "web", "first"),
    [
        pytest.param("2026-02-24T10:00:00", False, "bo", id="the first event at or after it"),
        pytest.param("2026-02-24T10:00:00", True, "ana", id="the first event that ends after it"),
        pytest.param("2026-04-24T10:00:00", False, "bo", id="more than a month later: counted from the start"),
    ],
)
def test_days_count_from_the_rotation_start(begun: str, web: bool, first: str, tmp_path: Path) -> None:
    files = only(rolling("A", "2026-02-23T09:00:00", DAY, "daily", (ANA, BO), rotation_start=begun))
    files["schedules.json"]["results"][0]["type"] = "web" if web else "calendar"
    _, catalog = import_("grafana-oncall", files, tmp_path)
    schedule = catalog.schedules["payments-on-call"]

    [who] = now_on_call(schedule, datetime(2026, 5, 1, 12, tzinfo=UTC)).people
    assert who.partition("-")[0] == first


def test_the_final_shifts_are_compared_up_to_where_the_last_of_them_starts() -> None:
    files = export()
    wrong = {
        "user_pk": IDS[CHI],
        "user_email": "",
        "user_username": "chi",
        "shift_start": "2026-02-23T00:00:00Z",
        "shift_end": "2026-02-23T09:00:00Z",
    }
    right = {
        "user_pk": IDS[BO],
        "user_email": "",
        "user_username": "bo",
        "shift_start": "2026-02-23T09:00:00Z",
        "shift_end": "2026-03-02T09:00:00Z",
    }
    files["final_shifts-S0000.json"] = page([wrong, right])
    [one] = imported("grafana-oncall", files, NOW).compared

    assert (one.found, one.differences[0].there, one.differences[0].here) == (1, ("chi-adler",), ("ana-lima",))


def test_turns_of_hours_are_said_with_the_day_on_which_clocks_change() -> None:
    said = [one.said for one in imported("grafana-oncall", export(), NOW).remarks if one.kind == "differs"]

    assert any("turns of 12 h" in text and "from 2026-03-08T07:00Z on" in text for text in said)


def test_a_schedule_from_a_calendar_elsewhere_is_said_to_be_lost() -> None:
    files = export()
    files["schedules.json"]["results"][0] |= {
        "type": "ical",
        "ical_url_primary": "https://example.org/a.ics",
        "shifts": [],
    }
    made = imported("grafana-oncall", files, NOW)

    assert "schedules/payments-on-call.yaml" not in made.texts
    assert any(one.kind == "lost" and "calendar elsewhere" in one.said for one in made.remarks)
    assert "payments-on-call" not in made.texts["rules/policies.yaml"]


@pytest.mark.parametrize(
    ("at", "value", "complaint"),
    [
        pytest.param("start", "tomorrow", "on_call_shifts.json: results[0].start: not a time: 'tomorrow'", id="start"),
        pytest.param("duration", "1h", "results[0].duration: not a whole number: '1h'", id="duration"),
        pytest.param("duration", 0, "results[0].duration: not from 60 to", id="no duration"),
        pytest.param("frequency", None, "results[0].frequency: missing", id="frequency"),
        pytest.param("rolling_users", ["U1"], "results[0].rolling_users: not a list of lists", id="people"),
        pytest.param("by_day", ["Monday"], "results[0].by_day: not a weekday: 'Monday'", id="by_day"),
        pytest.param("interval", -1, "results[0].interval: not from 1 to 1000: -1", id="interval"),
        pytest.param("type", "party", "results[0].type: unknown: 'party'", id="type"),
    ],
)
def test_what_is_malformed_is_said_with_its_place(at: str, value: Any, complaint: str) -> None:
    files = export()
    files["on_call_shifts.json"]["results"][0][at] = value
    with pytest.raises(ValueError, match=r"on_call_shifts\.json") as caught:
        imported("grafana-oncall", files, NOW)

    assert complaint in str(caught.value)
