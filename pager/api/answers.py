"""Answers: the JSON of /api/v1, as types: handlers are held to them, and scripts may hold on to them.

Keys are added as pager grows; those that are here stay. Times are RFC 3339, UTC. Nobody and no time are null.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from pager.core import heartbeat, incident
from pager.core.explain import What
from pager.core.severity import Level

At = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Next = str | None
"""What `?cursor=` takes for what follows, None at the end of a list."""
Count = Annotated[int, msgspec.Meta(ge=0)]


class Problem(TypedDict):
    """A refusal (RFC 9457). `path` is the place in what was sent."""

    type: str
    title: str
    status: int
    detail: str
    path: NotRequired[str]


# Incidents.


class Hold(TypedDict):
    reason: Literal["group_wait", "hours", "silence", "maintenance", "inhibition", "pause"]
    name: str
    until: At | None


class Incident(TypedDict):
    """An incident. `number` and `code` name it; `version` rises with each change.

    `private`: seen by those who are `named`, people and teams as `team:security`, by those who are paged for it, and by
    admins. `veiled`: whoever asks is none of them, and this is all that they see of it.
    """

    number: int
    code: str
    severity: Level
    state: incident.State
    title: str
    team: str | None
    opened_at: At
    acked_by: str | None
    alerts: Count
    runbook: str
    policy: str
    step: int
    due_at: At | None
    version: int
    summary: str
    service: str
    where: str
    source: str
    rule: str | None
    file: str
    why: str
    firing: Count
    truncated: Count
    hold: Hold | None
    acked_at: At | None
    ack_expires_at: At | None
    also_here: list[str]
    roles: dict[str, str]
    paged: list[str]
    resolved_at: At | None
    resolved_by: str | None
    follows: str | None
    merged_into: str | None
    merged: list[str]
    private: bool
    veiled: bool
    named: list[str]
    url: str


class Incidents(TypedDict):
    incidents: list[Incident]
    next: Next


class Entry(TypedDict):
    """An entry of a timeline. `event` is the kind of what happened, null for a further entry of the same event."""

    seq: int
    at: At
    by: str | None
    text: str
    event: str | None
    config: str


class Timeline(TypedDict):
    timeline: list[Entry]
    next: Next


class Delivery(TypedDict):
    """One attempt at one contact."""

    contact: str
    attempt: int
    begun_at: At
    ended_at: At | None
    outcome: str | None
    detail: str | None
    may_be_repeat: bool


class Page(TypedDict):
    """A page. `carried_by` is the number of the message that told of it together with others."""

    id: int
    to: str
    target: str
    kind: incident.PageKind
    why: str
    severity: str
    run: int
    round: int
    step: int
    issued_at: At
    due_at: At | None
    state: str
    carried_by: int | None
    deliveries: list[Delivery]


class Pages(TypedDict):
    pages: list[Page]


class Decision(TypedDict):
    at: At
    what: What
    text: str
    by: str | None
    file: str | None
    config: str | None


class Explanation(TypedDict):
    """Every decision about an incident; `config` is the hash of the files in force now."""

    code: str
    severity: Level
    state: incident.State
    title: str
    config: str
    decisions: list[Decision]


class Alert(TypedDict):
    """An alert as it is known; one not heard of any more is stale. `incident` is a code."""

    source: str
    fingerprint: str
    status: Literal["firing", "resolved", "stale"]
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: At | None
    ends_at: At | None
    incident: str | None
    flapping: bool
    heard_at: At


class Alerts(TypedDict):
    alerts: list[Alert]
    next: Next


# Heartbeats.


class Heartbeat(TypedDict):
    """A heartbeat of the files; one of a watchdog has a row for each `instance`."""

    name: str
    instance: str | None
    labels: dict[str, str]
    title: str
    state: heartbeat.State
    since: At | None
    due_at: At | None
    heard_at: At | None
    began_at: At | None
    failed_at: At | None
    exit_status: int | None
    lasted_seconds: float | None
    word: str
    every: str
    grace: str
    severity: Level
    policy: str
    watchdog: list[str]


class Expected(TypedDict):
    """A watchdog that nobody waits for."""

    alertname: str
    source: str
    labels: dict[str, str]
    heard_at: At


class Heartbeats(TypedDict):
    heartbeats: list[Heartbeat]
    to_expect: list[Expected]
    next: Next


class Accepted(TypedDict):
    accepted: Count


class Forgotten(TypedDict):
    forgotten: str


# People.


class Paging(TypedDict):
    to: str
    text: str
    by: str


class Testing(TypedDict):
    """`at` names the test page."""

    to: str
    at: str


class Tried(TypedDict):
    """What became of a test page at one contact; seconds."""

    contact: str
    outcome: str | None
    detail: str
    accepted_after: float | None
    answered_after: float | None


class Tested(TypedDict):
    to: str
    contacts: list[Tried]


class Contact(TypedDict):
    person: str
    contact: str
    proven_at: At | None
    proven: bool


class Contacts(TypedDict):
    contacts: list[Contact]
