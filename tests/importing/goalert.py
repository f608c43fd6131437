"""An answer of GoAlert's GraphQL API as its schema has it, written for these tests."""

from typing import Any

from tests.importing.org import IDS, PEOPLE, TEAMS, mail

ALWAYS, WEEKDAYS = [True] * 7, [False, *[True] * 5, False]
SCHEDULES = {team: f"schedule-{number}" for number, team in enumerate(TEAMS)}


def user(name: str) -> dict[str, Any]:
    return {
        "id": IDS[name],
        "name": name,
        "email": mail(name),
        "contactMethods": [
            {
                "name": "Mobile",
                "disabled": False,
                "dest": {"type": "builtin-twilio-voice", "args": {"phone_number": "+491715550100"}},
            },
            {
                "name": "Mail",
                "disabled": False,
                "dest": {"type": "builtin-smtp-email", "args": {"email_address": mail(name)}},
            },
            {
                "name": "Old",
                "disabled": True,
                "dest": {"type": "builtin-webhook", "args": {"webhook_url": "https://x/S3CR3T"}},
            },
        ],
    }


def rotation(
    key: str, start: str, zone: str, kind: str, people: tuple[str, ...], active: int, following: str, length: int = 1
) -> dict[str, Any]:
    """`active` is the index of the one who is on until `following`."""
    return {
        "id": key,
        "name": f"{key} rotation",
        "description": "",
        "start": start,
        "timeZone": zone,
        "type": kind,
        "shiftLength": length,
        "activeUserIndex": active,
        "userIDs": [IDS[name] for name in people],
        "nextHandoffTimes": [following],
    }


def rotations() -> list[dict[str, Any]]:
    eli, fay, gus, hal = TEAMS["Platform"]
    search, mobile = TEAMS["Search"][:3], TEAMS["Mobile & Web"]
    berlin, york = "Europe/Berlin", "America/New_York"
    return [
        # As answered on Monday 23 February at 00:00 UTC.
        rotation("pay", "2025-06-02T08:00:00Z", berlin, "weekly", TEAMS["Payments"][:3], 0, "2026-02-23T09:00:00Z"),
        rotation("europe", "2026-01-05T06:00:00Z", berlin, "daily", (eli, fay), 0, "2026-02-23T06:00:00Z"),
        rotation("americas", "2026-01-05T14:00:00Z", berlin, "weekly", (gus, hal), 0, "2026-02-23T14:00:00Z"),
        rotation("sea", "2026-01-05T13:00:00Z", york, "hourly", search, 0, "2026-02-23T01:00:00Z", 12),
        rotation("dat", "2026-01-05T09:00:00Z", "UTC", "weekly", TEAMS["Data"], 3, "2026-03-02T09:00:00Z", 2),
        rotation("mob", "2026-01-05T00:00:00Z", "Asia/Tokyo", "weekly", mobile, 3, "2026-03-02T00:00:00Z"),
    ]


def target(kind: str, key: str, *rules: tuple[str, str, list[bool]]) -> dict[str, Any]:
    return {
        "target": {"id": key, "type": kind, "name": key},
        "rules": [
            {"start": start, "end": end, "weekdayFilter": days}
            for start, end, days in rules or [("00:00", "00:00", ALWAYS)]
        ],
    }


def schedule(team: str, zone: str, *targets: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": SCHEDULES[team],
        "name": f"{team} on call",
        "description": "",
        "timeZone": zone,
        "targets": list(targets),
        "temporarySchedules": [],
    }


def schedules() -> list[dict[str, Any]]:
    hal = IDS["Hal Ito"]
    return [
        schedule("Payments", "Europe/Berlin", target("rotation", "pay")),
        schedule(
            "Platform",
            "Europe/Berlin",
            target("user", hal, ("17:00", "07:00", ALWAYS)),
            target("rotation", "europe", ("07:00", "17:00", ALWAYS)),
            target("rotation", "americas", ("15:00", "23:00", WEEKDAYS)),
        ),
        schedule("Search", "America/New_York", target("rotation", "sea")),
        schedule("Data", "UTC", target("rotation", "dat")),
        schedule("Mobile & Web", "Asia/Tokyo", target("rotation", "mob")),
    ]


def policy(team: str) -> dict[str, Any]:
    first, *_ = TEAMS[team]
    steps: list[dict[str, Any]] = [
        {
            "stepNumber": 0,
            "delayMinutes": 5,
            "actions": [{"type": "builtin-schedule", "args": {"schedule_id": SCHEDULES[team]}}],
        },
        {"stepNumber": 1, "delayMinutes": 10, "actions": [{"type": "builtin-user", "args": {"user_id": IDS[first]}}]},
        {
            "stepNumber": 2,
            "delayMinutes": 15,
            "actions": [{"type": "builtin-rotation", "args": {"rotation_id": "europe"}}],
        },
    ]
    return {"id": f"policy-{team}", "name": f"{team} policy", "description": "", "repeat": 3, "steps": steps}


def service(team: str) -> dict[str, Any]:
    return {
        "id": f"service-{team}",
        "name": team,
        "escalationPolicyID": f"policy-{team}",
        "integrationKeys": [{"id": f"S3CR3T-{team}", "type": "prometheusAlertmanager", "name": "Prometheus"}],
        "heartbeatMonitors": [],
    }


def override(team: str, start: str, end: str, added: str = "", removed: str = "") -> dict[str, Any]:
    return {
        "id": f"{start}",
        "start": start,
        "end": end,
        "addUserID": IDS.get(added, ""),
        "removeUserID": IDS.get(removed, ""),
        "target": {"id": SCHEDULES[team], "type": "schedule"},
    }


def nodes(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"nodes": found, "pageInfo": {"hasNextPage": False}}


def export() -> dict[str, Any]:
    """One file: the answer to one request."""
    dee, bo = "Dee Carter", "Bo Winter"
    data = {
        "users": nodes([user(name) for name in PEOPLE]),
        "rotations": nodes(rotations()),
        "schedules": nodes(schedules()),
        "userOverrides": nodes([override("Payments", "2026-02-25T08:00:00Z", "2026-02-25T20:00:00Z", dee, bo)]),
        "escalationPolicies": nodes([policy(team) for team in TEAMS]),
        "services": nodes([service(team) for team in TEAMS]),
    }
    return {"goalert.json": {"data": data}}
