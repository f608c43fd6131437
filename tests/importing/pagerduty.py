"""An export of PagerDuty as its REST API documents it, written for these tests."""

from typing import Any

from tests.importing.org import IDS, PEOPLE, TEAM_IDS, TEAMS, mail

NUMBERS = {"Payments": "SPAY", "Platform": "SPLA", "Search": "SSEA", "Data": "SDAT", "Mobile & Web": "SMOB"}
DAY, WEEK = 86400, 604800


def user(name: str) -> dict[str, Any]:
    return {
        "id": IDS[name],
        "type": "user",
        "summary": name,
        "name": name,
        "email": mail(name),
        "time_zone": "Europe/Berlin",
        "role": "user",
        "teams": [{"id": TEAM_IDS[team], "type": "team_reference"} for team, people in TEAMS.items() if name in people],
        "contact_methods": [
            {"id": "C1", "type": "email_contact_method", "address": mail(name), "label": "Default"},
            {
                "id": "C2",
                "type": "phone_contact_method",
                "address": "1715550100",
                "country_code": 49,
                "label": "Mobile",
            },
            {"id": "C3", "type": "sms_contact_method", "address": "1715550100", "country_code": 49, "label": "Mobile"},
            {
                "id": "C4",
                "type": "push_notification_contact_method",
                "address": "secret-device-token",
                "label": "Phone",
            },
        ],
        "notification_rules": [],
    }


def reference(name: str) -> dict[str, Any]:
    return {"id": IDS[name], "type": "user_reference", "summary": name}


def layer(
    name: str, start: str, turn: int, people: tuple[str, ...], virtual: str = "", end: str | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "id": f"L{name}",
        "name": name,
        "start": start,
        "end": end,
        "rotation_virtual_start": virtual or start,
        "rotation_turn_length_seconds": turn,
        "users": [{"user": reference(one)} for one in people],
        "restrictions": more.get("restrictions", []),
    }


def daily(start: str, seconds: int) -> dict[str, Any]:
    return {"type": "daily_restriction", "start_time_of_day": start, "duration_seconds": seconds}


def weekdays(start: str, seconds: int, first: int = 1, last: int = 5) -> list[dict[str, Any]]:
    return [
        {
            "type": "weekly_restriction",
            "start_day_of_week": day,
            "start_time_of_day": start,
            "duration_seconds": seconds,
        }
        for day in range(first, last + 1)
    ]


def schedule(team: str, zone: str, layers: list[dict[str, Any]]) -> dict[str, Any]:
    """`layers` as the answer lists them: the one that wins first."""
    return {
        "id": NUMBERS[team],
        "type": "schedule",
        "summary": f"{team} on call",
        "name": f"{team} on call",
        "time_zone": zone,
        "schedule_layers": layers,
        "teams": [{"id": TEAM_IDS[team], "type": "team_reference"}],
    }


def schedules() -> list[dict[str, Any]]:
    ana, bo, chi, _ = TEAMS["Payments"]
    eli, fay, gus, hal = TEAMS["Platform"]
    ida, jon, kim, _ = TEAMS["Search"]
    return [
        # A weekly rotation; its virtual start is long ago, and the layer began in the middle of somebody's turn.
        schedule(
            "Payments",
            "Europe/Berlin",
            [layer("Weekly", "2026-01-14T12:00:00+01:00", WEEK, (ana, bo, chi), "2026-01-05T10:00:00+01:00")],
        ),
        # Follow the sun: the Americas over Europe over somebody who catches the rest.
        schedule(
            "Platform",
            "Europe/Berlin",
            [
                layer(
                    "Americas",
                    "2026-01-05T15:00:00+01:00",
                    WEEK,
                    (gus, hal),
                    restrictions=weekdays("15:00:00", 8 * 3600),
                ),
                layer(
                    "Europe", "2026-01-05T07:00:00+01:00", DAY, (eli, fay), restrictions=[daily("07:00:00", 10 * 3600)]
                ),
                layer("Fallback", "2026-01-01T00:00:00+01:00", WEEK, (hal,)),
            ],
        ),
        # Days and nights of half a day each, and a layer that is over.
        schedule(
            "Search",
            "America/New_York",
            [
                layer("Old", "2025-01-01T08:00:00-05:00", WEEK, (kim,), end="2025-12-01T08:00:00-05:00"),
                layer("Halves", "2026-01-05T08:00:00-05:00", DAY // 2, (ida, jon, kim)),
            ],
        ),
        schedule("Data", "UTC", [layer("Weekly", "2026-01-05T09:00:00Z", 2 * WEEK, TEAMS["Data"])]),
        schedule(
            "Mobile & Web", "Asia/Tokyo", [layer("Weekly", "2026-01-05T09:00:00+09:00", WEEK, TEAMS["Mobile & Web"])]
        ),
    ]


def policy(team: str) -> dict[str, Any]:
    first, *_, last = TEAMS[team]
    target = {"id": NUMBERS[team], "type": "schedule_reference", "summary": f"{team} on call"}
    return {
        "id": f"E{NUMBERS[team]}",
        "type": "escalation_policy",
        "name": f"{team} escalation",
        "num_loops": 2,
        "teams": [{"id": TEAM_IDS[team], "type": "team_reference"}],
        "escalation_rules": [
            {"id": "R1", "escalation_delay_in_minutes": 5, "targets": [target]},
            {"id": "R2", "escalation_delay_in_minutes": 10, "targets": [target, reference(last)]},
            {"id": "R3", "escalation_delay_in_minutes": 30, "targets": [reference(first)]},
        ],
    }


def service(team: str) -> dict[str, Any]:
    return {
        "id": f"V{NUMBERS[team]}",
        "name": f"{team} production",
        "status": "active",
        "escalation_policy": {"id": f"E{NUMBERS[team]}", "type": "escalation_policy_reference"},
        "incident_urgency_rule": {"type": "constant", "urgency": "high"},
        "integrations": [
            {
                "id": f"I{NUMBERS[team]}",
                "type": "events_api_v2_inbound_integration",
                "summary": "Prometheus",
                "integration_key": "R0UT1NGK3Y-that-is-secret",
            }
        ],
    }


def export() -> dict[str, Any]:
    """The files of a folder: answers as they come, one of them of a single object."""
    first, *others = schedules()
    return {
        "users.json": {"users": [user(name) for name in PEOPLE], "limit": 100, "offset": 0, "more": False},
        "teams.json": {"teams": [{"id": TEAM_IDS[name], "type": "team", "name": name} for name in TEAMS]},
        "schedule-SPAY.json": {"schedule": first},
        "schedules.json": {"schedules": others, "more": False},
        "overrides-SPAY.json": {
            "overrides": [
                {
                    "id": "O1",
                    "start": "2026-02-25T08:00:00Z",
                    "end": "2026-02-25T20:00:00Z",
                    "user": reference("Dee Carter"),
                }
            ]
        },
        "escalation_policies.json": {"escalation_policies": [policy(team) for team in TEAMS]},
        "services.json": {"services": [service(team) for team in TEAMS]},
    }
