"""An export of Grafana OnCall as its HTTP API documents it, written for these tests."""

from typing import Any

from tests.importing.org import IDS, PEOPLE, TEAM_IDS, TEAMS, mail

HOUR, DAY, WEEK = 3600, 86400, 604800
SCHEDULES = {team: f"S{number:04}" for number, team in enumerate(TEAMS)}


def page(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "count": len(results),
        "next": None,
        "previous": None,
        "results": results,
        "current_page_number": 1,
        "page_size": 100,
        "total_pages": 1,
    }


def user(name: str) -> dict[str, Any]:
    return {
        "id": IDS[name],
        "grafana_id": 1,
        "email": mail(name),
        "slack": [{"user_id": "U1", "team_id": "T1"}],
        "username": name.lower().replace(" ", "-"),
        "role": "admin",
        "timezone": "Europe/Berlin",
        "teams": [TEAM_IDS[team] for team, people in TEAMS.items() if name in people],
    }


def shift(key: str, kind: str, start: str, duration: int, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "team_id": None,
        "schedule": None,
        "name": f"shift {key}",
        "type": kind,
        "time_zone": None,
        "level": 0,
        "start": start,
        "duration": duration,
        "rotation_start": start,
        **more,
    }


def rolling(
    key: str, start: str, duration: int, frequency: str, people: tuple[str, ...], **more: Any
) -> dict[str, Any]:
    keys = {
        "frequency": frequency,
        "interval": 1,
        "until": None,
        "by_day": None,
        "by_month": None,
        "by_monthday": None,
        "rolling_users": [[IDS[name]] for name in people],
        "start_rotation_from_user_index": 0,
    }
    return shift(key, "rolling_users", start, duration, **{**keys, **more})


def shifts() -> list[dict[str, Any]]:
    eli, fay, gus, hal = TEAMS["Platform"]
    ida, jon, kim, _ = TEAMS["Search"]
    weekdays = ["MO", "TU", "WE", "TH", "FR"]
    return [
        rolling(
            "PAY",
            "2026-01-05T10:00:00",
            WEEK,
            "weekly",
            ("Chi Adler", "Ana Lima", "Bo Winter"),
            start_rotation_from_user_index=1,
            week_start="MO",
        ),
        shift("PAYO", "override", "2026-02-25T08:00:00", 12 * HOUR, users=[IDS["Dee Carter"]], time_zone="UTC"),
        shift(
            "PLAF",
            "recurrent_event",
            "2026-01-01T00:00:00",
            DAY,
            frequency="daily",
            interval=1,
            users=[IDS[hal]],
            level=0,
        ),
        rolling("PLAE", "2026-01-05T07:00:00", 10 * HOUR, "daily", (eli, fay), level=1),
        # Begins on a Wednesday: the first week is a short one.
        rolling(
            "PLAA", "2026-01-07T15:00:00", 8 * HOUR, "weekly", (gus, hal), level=2, by_day=weekdays, week_start="MO"
        ),
        rolling("SEA", "2026-01-05T08:00:00", 12 * HOUR, "hourly", (ida, jon, kim), interval=12),
        rolling("DAT", "2026-01-05T09:00:00", 2 * WEEK, "weekly", TEAMS["Data"], interval=2, week_start="MO"),
        rolling("MOB", "2026-01-05T09:00:00", WEEK, "weekly", TEAMS["Mobile & Web"], week_start="MO"),
    ]


def schedule(team: str, zone: str, *keys: str) -> dict[str, Any]:
    return {
        "id": SCHEDULES[team],
        "name": f"{team} on call",
        "type": "calendar",
        "team_id": TEAM_IDS[team],
        "time_zone": zone,
        "shifts": list(keys),
        "ical_url_overrides": None,
        "slack": {"channel_id": "C1", "user_group_id": "G1"},
    }


def chain(team: str) -> list[dict[str, Any]]:
    first, *_ = TEAMS[team]
    steps: list[dict[str, Any]] = [
        {"type": "notify_on_call_from_schedule", "notify_on_call_from_schedule": SCHEDULES[team], "important": False},
        {"type": "wait", "duration": 300},
        {"type": "notify_persons", "persons_to_notify": [IDS[first]], "important": True},
        {"type": "wait", "duration": 600},
        {"type": "notify_team_members", "team_to_notify": TEAM_IDS[team], "important": True},
        {"type": "repeat_escalation"},
    ]
    return [
        {"id": f"E{team[:3]}{at}", "escalation_chain_id": f"F{TEAM_IDS[team]}", "position": at, **step}
        for at, step in enumerate(steps)
    ]


def integration(team: str) -> dict[str, Any]:
    return {
        "id": f"I{TEAM_IDS[team]}",
        "name": f"{team} alerts",
        "team_id": TEAM_IDS[team],
        "link": "https://oncall.example.org/integrations/v1/alertmanager/S3CR3T-in-a-link/",
        "type": "alertmanager",
        "default_route": {"id": "R0", "escalation_chain_id": f"F{TEAM_IDS[team]}", "slack": {"channel_id": "C1"}},
    }


def route(team: str, position: int, query: str, *, kind: str = "jinja2", last: bool = False) -> dict[str, Any]:
    return {
        "id": f"R{position}{TEAM_IDS[team]}",
        "integration_id": f"I{TEAM_IDS[team]}",
        "escalation_chain_id": f"F{TEAM_IDS['Platform']}",
        "routing_type": kind,
        "routing_regex": query,
        "position": position,
        "is_the_last_route": last,
    }


def export() -> dict[str, Any]:
    """The files of a folder: answers as they come."""
    zones = {"Payments": "Europe/Berlin", "Platform": "Europe/Berlin", "Search": "America/New_York", "Data": "UTC"}
    keys = {"Payments": "PAY PAYO", "Platform": "PLAF PLAE PLAA", "Search": "SEA", "Data": "DAT", "Mobile & Web": "MOB"}
    critical = '{{ payload.commonLabels.severity == "critical" }}'
    return {
        "users.json": page([user(name) for name in PEOPLE]),
        "teams.json": page([{"id": TEAM_IDS[name], "name": name, "email": None, "avatar_url": ""} for name in TEAMS]),
        "schedules.json": page([schedule(team, zones.get(team, "Asia/Tokyo"), *keys[team].split()) for team in TEAMS]),
        "on_call_shifts.json": page(shifts()),
        "escalation_chains.json": page(
            [{"id": f"F{TEAM_IDS[team]}", "name": f"{team} chain", "team_id": TEAM_IDS[team]} for team in TEAMS]
        ),
        "escalation_policies.json": page([step for team in TEAMS for step in chain(team)]),
        "integrations.json": page([integration(team) for team in TEAMS]),
        "routes.json": page(
            [
                route("Payments", 0, critical),
                route("Payments", 1, "us-(east|west)", kind="regex"),
                route("Payments", 2, ".*", last=True),
            ]
        ),
    }
