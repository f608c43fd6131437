"""An export of Opsgenie as its REST API documents it, written for these tests."""

from typing import Any

from tests.importing.org import IDS, PEOPLE, TEAM_IDS, TEAMS, mail

SCHEDULES = {team: f"b7c1{number:04}-schedule" for number, team in enumerate(TEAMS)}


def user(name: str) -> dict[str, Any]:
    return {
        "id": IDS[name],
        "username": mail(name),
        "fullName": name,
        "role": {"id": "User", "name": "User"},
        "timeZone": "Europe/Berlin",
        "locale": "en_US",
        "verified": True,
        "userContacts": [
            {"id": "1", "contactMethod": "email", "to": mail(name), "status": {"enabled": True}},
            {"id": "2", "contactMethod": "voice", "to": "49-1715550100", "status": {"enabled": True}},
            {"id": "3", "contactMethod": "mobile", "to": "iPhone", "status": {"enabled": True}},
        ],
    }


def team(name: str) -> dict[str, Any]:
    members = [{"user": {"id": IDS[one], "username": mail(one)}, "role": "user"} for one in TEAMS[name]]
    return {"id": TEAM_IDS[name], "name": name, "description": "", "members": members}


def who(name: str) -> dict[str, Any]:
    return {"type": "user", "id": IDS[name], "username": mail(name)} if name else {"type": "none"}


def rotation(name: str, start: str, kind: str, length: int, people: tuple[str, ...], **more: Any) -> dict[str, Any]:
    return {
        "id": f"rotation-{name}",
        "name": name,
        "startDate": start,
        "endDate": more.pop("end", None),
        "type": kind,
        "length": length,
        "participants": [who(one) for one in people],
        **more,
    }


def hours(start: int, end: int) -> dict[str, Any]:
    return {
        "type": "time-of-day",
        "restriction": {"startHour": start, "startMin": 0, "endHour": end, "endMin": 0},
    }


def weekday_hours(start: int, end: int) -> dict[str, Any]:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    return {
        "type": "weekday-and-time-of-day",
        "restrictions": [
            {"startDay": day, "endDay": day, "startHour": start, "startMin": 0, "endHour": end, "endMin": 0}
            for day in days
        ],
    }


def schedule(owner: str, zone: str, *rotations: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": SCHEDULES[owner],
        "name": f"{owner} on call",
        "description": "",
        "timezone": zone,
        "enabled": True,
        "ownerTeam": {"id": TEAM_IDS[owner], "name": owner},
        "rotations": list(rotations),
    }


def schedules() -> list[dict[str, Any]]:
    eli, fay, gus, hal = TEAMS["Platform"]
    quy, _, sia, tom = TEAMS["Mobile & Web"]
    return [
        schedule(
            "Payments", "Europe/Berlin", rotation("Weekly", "2026-01-05T09:00:00Z", "weekly", 1, TEAMS["Payments"][:3])
        ),
        schedule(
            "Platform",
            "Europe/Berlin",
            rotation("Fallback", "2026-01-01T00:00:00Z", "weekly", 1, (hal,)),
            rotation("Europe", "2026-01-05T06:00:00Z", "daily", 1, (eli, fay), timeRestriction=hours(7, 17)),
            rotation(
                "Americas", "2026-01-05T14:00:00Z", "weekly", 1, (gus, hal), timeRestriction=weekday_hours(15, 23)
            ),
        ),
        schedule(
            "Search", "America/New_York", rotation("Halves", "2026-01-05T13:00:00Z", "hourly", 12, TEAMS["Search"][:3])
        ),
        schedule("Data", "UTC", rotation("Weekly", "2026-01-05T09:00:00Z", "weekly", 2, TEAMS["Data"])),
        schedule(
            "Mobile & Web", "Asia/Tokyo", rotation("Weekly", "2026-01-05T00:00:00Z", "weekly", 1, (quy, "", sia, tom))
        ),
    ]


def rule(minutes: int, recipient: dict[str, Any], notify: str = "default") -> dict[str, Any]:
    return {
        "condition": "if-not-acked",
        "notifyType": notify,
        "delay": {"timeAmount": minutes, "timeUnit": "minutes"},
        "recipient": recipient,
    }


def escalation(owner: str) -> dict[str, Any]:
    on_call = {"type": "schedule", "id": SCHEDULES[owner], "name": f"{owner} on call"}
    return {
        "id": f"escalation-{TEAM_IDS[owner]}",
        "name": f"{owner} escalation",
        "description": "",
        "ownerTeam": {"id": TEAM_IDS[owner], "name": owner},
        "rules": [
            rule(0, on_call),
            rule(5, on_call, "next"),
            rule(15, {"type": "team", "id": TEAM_IDS[owner], "name": owner}, "all"),
        ],
        "repeat": {"waitInterval": 10, "count": 2, "resetRecipientStates": False, "closeAlertAfterAll": False},
    }


def routing(owner: str) -> list[dict[str, Any]]:
    to = {"type": "escalation", "id": f"escalation-{TEAM_IDS[owner]}", "name": f"{owner} escalation"}
    p1 = {"field": "priority", "operation": "equals", "expectedValue": "P1", "not": False, "order": 0}
    odd = {"field": "message", "operation": "contains", "expectedValue": "disk", "not": False, "order": 0}
    schedule_alone = {"type": "schedule", "id": SCHEDULES[owner], "name": f"{owner} on call"}
    return [
        {
            "id": "r1",
            "name": "urgent",
            "isDefault": False,
            "order": 0,
            "criteria": {"type": "match-all-conditions", "conditions": [p1]},
            "notify": schedule_alone,
        },
        {
            "id": "r2",
            "name": "disks",
            "isDefault": False,
            "order": 1,
            "criteria": {"type": "match-any-condition", "conditions": [odd]},
            "notify": to,
        },
        {"id": "r3", "name": "Default", "isDefault": True, "order": 2, "criteria": {"type": "match-all"}, "notify": to},
    ]


def override(name: str, start: str, end: str, *rotations: str) -> dict[str, Any]:
    return {
        "alias": "o1",
        "user": who(name),
        "startDate": start,
        "endDate": end,
        "rotations": [{"id": f"rotation-{one}", "name": one} for one in rotations],
    }


def export() -> dict[str, Any]:
    """The files of a folder: answers as they come."""
    bo, dee = "Bo Winter", "Dee Carter"
    return {
        **{f"users-{IDS[name]}.json": {"data": user(name), "took": 0.1, "requestId": "q"} for name in PEOPLE},
        **{f"teams-{TEAM_IDS[name]}.json": {"data": team(name), "took": 0.1, "requestId": "q"} for name in TEAMS},
        "schedules.json": {"data": schedules(), "expandable": ["rotation"], "took": 0.1, "requestId": "q"},
        f"overrides-{SCHEDULES['Payments']}.json": {
            "data": [override(dee, "2026-02-25T08:00:00Z", "2026-02-25T20:00:00Z")]
        },
        f"overrides-{SCHEDULES['Platform']}.json": {
            "data": [override(bo, "2026-03-04T06:00:00Z", "2026-03-04T16:00:00Z", "Europe")]
        },
        "escalations.json": {"data": [escalation(name) for name in TEAMS], "took": 0.1},
        **{f"routing_rules-{TEAM_IDS[name]}.json": {"data": routing(name)} for name in TEAMS},
        "integrations.json": {"data": [{"id": "i1", "name": "Prometheus EU", "type": "Prometheus", "enabled": True}]},
    }
