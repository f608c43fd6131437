"""Shapes: incidents, alerts, pages and people on call as scripts read them. Times are RFC 3339, UTC, with Z."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from pager.api import answers, answers_turns
from pager.core.alert import fingerprint_of
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.oncall import OnCall, Segment
from pager.core.privacy import is_veiled
from pager.core.telling import Json, incident_told, rfc3339
from pager.store.alerts import KnownAlert
from pager.store.incidents import Kept, Written
from pager.store.pages import PageRow
from pager.store.sql import instant

__all__ = [
    "Json",
    "alert_json",
    "entry_json",
    "incident_json",
    "on_call_json",
    "page_json",
    "rfc3339",
    "schedule_json",
    "turns_json",
]


def incident_json(kept: Kept, catalog: Catalog, url: str) -> answers.Incident:
    """An incident as every answer tells it. `url` is the address of this pager; nobody and no time are null."""
    team = catalog.team_of(kept.incident.policy) if not is_veiled(kept.incident) else ""
    return cast(answers.Incident, incident_told(kept.incident, kept.version, team, url))


def entry_json(entry: Written) -> answers.Entry:
    """One entry of a timeline; `event` is the kind of what happened, null for a further entry of the same event."""
    event = type(entry.event).__name__ if entry.event is not None else None
    return {
        "seq": entry.seq,
        "at": rfc3339(entry.at),
        "by": entry.by or None,
        "text": entry.said,
        "event": event,
        "config": entry.config,
    }


def page_json(page: PageRow, deliveries: Iterable[Mapping[str, object]]) -> answers.Page:
    """One page and each attempt at a contact: never an address, only the contact's name.

    `carried_by` is the number of the message that told of it together with others; the attempts are that one's.
    """
    return {
        "id": page.id,
        "to": page.recipient,
        "target": page.target,
        "kind": page.kind,
        "why": page.why,
        "severity": page.severity,
        "run": page.run,
        "round": page.round,
        "step": page.step,
        "issued_at": rfc3339(page.issued_at),
        "due_at": rfc3339(page.due_at),
        "state": page.state,
        "carried_by": page.carried_by,
        "deliveries": [_delivery_json(delivery) for delivery in deliveries],
    }


def _delivery_json(delivery: Mapping[str, Any]) -> answers.Delivery:
    ended_at = delivery["ended_at"]
    return {
        "contact": delivery["contact"],
        "attempt": delivery["attempt"],
        "begun_at": rfc3339(instant(delivery["begun_at"])),
        "ended_at": None if ended_at is None else rfc3339(instant(ended_at)),
        "outcome": delivery["outcome"],
        "detail": delivery["detail"],
        "may_be_repeat": bool(delivery["repeat"]),
    }


def alert_json(known: KnownAlert) -> answers.Alert:
    """An alert as it is known; one that flaps counts as firing, one not heard of any more is stale.

    `incident` is a code.
    """
    state = known.state
    status: Literal["firing", "resolved"] = "firing" if state.counts_as_firing else "resolved"
    return {
        "source": state.source,
        "fingerprint": state.fingerprint or fingerprint_of(state.labels),
        "status": "stale" if known.stale else status,
        "labels": dict(state.labels),
        "annotations": dict(state.annotations),
        "starts_at": rfc3339(state.starts_at),
        "ends_at": rfc3339(state.ends_at),
        "incident": code_of(known.incident) if known.incident else None,
        "flapping": state.flapping,
        "heard_at": rfc3339(known.heard_at),
    }


def on_call_json(name: str, at: datetime, found: OnCall) -> answers_turns.OnCall:
    """Who is on call in one schedule at an instant."""
    return {
        "schedule": name,
        "at": rfc3339(at),
        "people": list(found.people),
        "ranks": [list(rank) for rank in found.ranks],
        "until": rfc3339(found.until),
    }


def schedule_json(name: str, segments: Sequence[Segment]) -> answers_turns.Schedule:
    """A stretch of one schedule: half-open, touching, merged; nobody is an empty list."""
    return {"schedule": name, "segments": turns_json(segments)}


def turns_json(segments: Sequence[Segment]) -> list[answers_turns.Turn]:
    """Stretches and who is on call in each."""
    return [
        {"from": rfc3339(segment.start), "to": rfc3339(segment.end), "people": list(segment.people)}
        for segment in segments
    ]
