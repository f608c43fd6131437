"""An export of Opsgenie becomes a folder that `check` passes, and says who is on call as Opsgenie did."""

from pathlib import Path
from typing import Any

import pytest

from pager.core.importing.systems import imported
from tests.importing.opsgenie import SCHEDULES, export, rotation, schedule, who
from tests.importing.org import NOW, TEAMS
from tests.importing.timeline import DATA, PAYMENTS, SEARCH, diary, import_, on_call, weekly

# All rotations are on call together: the fallback is never hidden.
PLATFORM = diary(
    "Europe/Berlin",
    "2026-02-23",
    [
        *(
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 15:00 eli+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 fay+hal, 15:00 fay+gus+hal, 17:00 gus+hal, 23:00 hal",
            # 4 March: an override of the rotation Europe alone.
            "00:00 hal, 07:00 bo+hal, 15:00 bo+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 fay+hal, 15:00 fay+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 eli+hal, 15:00 eli+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
        ),
        *(
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 15:00 eli+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 fay+hal, 15:00 fay+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 eli+hal, 15:00 eli+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 fay+hal, 15:00 fay+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 eli+hal, 15:00 eli+gus+hal, 17:00 gus+hal, 23:00 hal",
            "00:00 hal, 07:00 fay+hal, 17:00 hal",
            "00:00 hal, 07:00 eli+hal, 17:00 hal",
        )
        * 3,
    ],
)
MOBILE = weekly("Asia/Tokyo", "09:00", "2026-02-16", "sia tom quy - sia tom quy - sia")  # one turn in four is nobody's


def test_the_whole_company_is_on_call_as_before(tmp_path: Path) -> None:
    _, catalog = import_("opsgenie", export(), tmp_path)
    together = ["platform-on-call", "platform-on-call-2", "platform-on-call-3"]

    assert sorted(name for name in catalog.schedules if name.startswith("platform")) == together
    assert on_call(catalog, together) == PLATFORM
    assert on_call(catalog, ["payments-on-call"]) == PAYMENTS
    assert on_call(catalog, ["search-on-call"]) == SEARCH
    assert on_call(catalog, ["data-on-call"]) == DATA
    assert on_call(catalog, ["mobile-web-on-call"]) == MOBILE
    assert len(catalog.people) == 21  # and nobody


def test_escalations_page_all_that_is_on_call_together(tmp_path: Path) -> None:
    _, catalog = import_("opsgenie", export(), tmp_path)
    policy = catalog.policies["platform-escalation"]

    assert [[(str(target), target.rank) for target in step.page] for step in policy.steps] == [
        [("platform-on-call", 1), ("platform-on-call-2", 1), ("platform-on-call-3", 1)],
        [("platform-on-call", 2), ("platform-on-call-2", 2), ("platform-on-call-3", 2)],
        [("team:platform", 1)],
    ]
    assert [step.wait.total_seconds() / 60 for step in policy.steps] == [5, 10, 10]
    assert (policy.repeat, policy.team) == (2, "platform")


def test_routing_rules_become_rules_and_what_cannot_be_said_a_comment(tmp_path: Path) -> None:
    made, catalog = import_("opsgenie", export(), tmp_path)
    [file] = [file for file in catalog.rules if file.file == "rules/routing.yaml"]
    rules = [placed.rule for placed in file.rules if placed.rule.name.startswith("Mobile & Web")]

    assert [(rule.name, rule.policy) for rule in rules] == [
        ("Mobile & Web: urgent", "mobile-web-on-call"),
        ("Mobile & Web: Default", "mobile-web-escalation"),
    ]
    assert [str(matcher) for matcher in rules[0].match][1:] == ["priority = P1"]
    assert rules[0].match[0].test("Data,Mobile & Web")
    assert not rules[0].match[0].test("Data")
    assert "# Rule Mobile & Web: disks: its conditions cannot be said here" in made.texts["rules/routing.yaml"]
    assert any(one.kind == "lost" and "Mobile & Web: disks" in one.where for one in made.remarks)


def test_a_team_that_takes_turns_is_its_people(tmp_path: Path) -> None:
    files = export()
    participants = [{"type": "team", "id": "T002", "name": "Platform"}, who("Ana Lima")]
    weekly = rotation("Weekly", "2026-01-05T09:00:00Z", "weekly", 1, ())
    files["schedules.json"]["data"][0] = schedule("Payments", "UTC", {**weekly, "participants": participants})
    made, _ = import_("opsgenie", files, tmp_path)

    group = ", ".join(name.lower().replace(" ", "-") for name in TEAMS["Platform"])
    assert f"people: [[{group}], ana-lima]" in made.texts["schedules/payments-on-call.yaml"].replace("\n", " ")


def test_what_the_timeline_says_is_compared() -> None:
    files = export()
    period = {
        "startDate": "2026-02-23T00:00:00Z",
        "endDate": "2026-02-23T09:00:00Z",
        "type": "default",
        "recipient": {"type": "user", "id": "P001", "name": "ana.lima@example.org"},
    }
    files[f"timeline-{SCHEDULES['Payments']}.json"] = {
        "data": {
            "_parent": {"id": SCHEDULES["Payments"], "name": "Payments on call", "enabled": True},
            "startDate": "2026-02-23T00:00:00Z",
            "endDate": "2026-02-24T00:00:00Z",
            "finalTimeline": {"rotations": [{"id": "r", "name": "Weekly", "order": 1.0, "periods": [period]}]},
        }
    }
    [one] = imported("opsgenie", files, NOW).compared

    assert (one.found, one.differences[0].there, one.differences[0].here) == (1, (), ("bo-winter",))


@pytest.mark.parametrize(
    ("at", "value", "complaint"),
    [
        pytest.param(
            ("rotations",), None, "schedules.json: data[0].rotations: missing; ask with ?expand", id="unexpanded"
        ),
        pytest.param(("rotations", 0, "type"), "monthly", "rotations[0].type: unknown: 'monthly'", id="type"),
        pytest.param(("rotations", 0, "startDate"), None, "startDate: missing", id="no start"),
        pytest.param(("rotations", 0, "length"), True, "length: not a whole number: 'True'", id="length"),
        pytest.param(("rotations", 0, "participants"), {}, "participants: not a list", id="participants"),
        pytest.param(("rotations", 0, "participants", 0), {"type": "cat"}, "participants[0].type: unknown", id="a cat"),
        pytest.param(
            ("rotations", 0, "timeRestriction"),
            {"type": "time-of-day"},
            "restriction: missing; it should be",
            id="hours",
        ),
    ],
)
def test_what_is_malformed_is_said_with_its_place(at: tuple[Any, ...], value: Any, complaint: str) -> None:
    files = export()
    inner: Any = files["schedules.json"]["data"][0]
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = value
    with pytest.raises(ValueError, match=r"data\[0\]") as caught:
        imported("opsgenie", files, NOW)

    assert complaint in str(caught.value)
