"""How an incident is told to machines, whoever asks: the API answers with it, and events carry it."""

from datetime import UTC, datetime
from typing import Any, overload

from pager.core.code import code_of
from pager.core.incident import Hold, Incident
from pager.core.privacy import is_veiled

Json = dict[str, Any]


@overload
def rfc3339(at: datetime) -> str: ...
@overload
def rfc3339(at: None) -> None: ...
@overload
def rfc3339(at: datetime | None) -> str | None: ...
def rfc3339(at: datetime | None) -> str | None:
    """`2026-02-23T09:00:00Z`, with microseconds only where there are some; None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def incident_told(incident: Incident, version: int, team: str, url: str) -> Json:
    """An incident as every answer and every event tells it. `url` is the address of this pager.

    Nobody and no time are null.
    """
    code = code_of(incident.number)
    return {
        "number": incident.number,
        "code": code,
        "severity": incident.severity,
        "state": incident.state,
        "title": incident.title,
        "team": team,
        "opened_at": rfc3339(incident.opened_at),
        "acked_by": incident.acked_by or None,
        "alerts": incident.alerts,
        "runbook": incident.runbook,
        "policy": incident.policy,
        "step": incident.step,
        "due_at": rfc3339(incident.pages_at),
        "version": version,
        "summary": incident.summary,
        "service": incident.service,
        "where": incident.where,
        "source": incident.source,
        "rule": incident.rule,
        "file": incident.place,
        "why": incident.why,
        "firing": incident.firing,
        "truncated": incident.more,
        "hold": _hold(incident.hold),
        "acked_at": rfc3339(incident.acked_at) if incident.acked_by else None,
        "ack_expires_at": rfc3339(incident.clock_ack) if incident.has_responder else None,
        "also_here": list(incident.also_here),
        "roles": dict(incident.roles),
        "paged": list(incident.paged),
        "resolved_at": rfc3339(incident.resolved_at),
        "resolved_by": incident.resolved_by or None,
        "follows": code_of(incident.follows) if incident.follows else None,
        "merged_into": code_of(incident.merged_into) if incident.merged_into else None,
        "merged": [code_of(number) for number in incident.absorbed],
        "private": incident.private,
        "veiled": is_veiled(incident),
        "named": list(incident.named),
        "url": link_to(code, url),
    }


def link_to(code: str, url: str) -> str:
    """The page of an incident."""
    return f"{url}/i/{code}"


def _hold(hold: Hold | None) -> Json | None:
    return None if hold is None else {"reason": hold.reason, "name": hold.name, "until": rfc3339(hold.until)}
