"""Answers about events of incidents, and about the webhooks that are told of them."""

from typing import Any, Literal, TypedDict

from pager.api.answers import At, Count, Next


class Happened(TypedDict):
    """One event, as webhooks are sent it, with the `id` that a reader goes on from.

    `data` has the incident as it stood then, who did it, and what this type tells beside that.
    """

    id: str
    type: str
    timestamp: At
    data: dict[str, Any]


class Events(TypedDict):
    """Oldest first."""

    events: list[Happened]
    next: Next


class Webhook(TypedDict):
    """A webhook of the files; `to` is where, without path and query. Empty lists ask for no condition.

    `since` it is off or failing, and `why`. `dropped`: what it was never told of.
    """

    name: str
    to: str
    events: list[str]
    severities: list[str]
    teams: list[str]
    match: list[str]
    state: Literal["ok", "failing", "off"]
    why: str | None
    since: At | None
    waiting: Count
    delivered: Count
    failed: Count
    dropped: Count
    delivered_at: At | None


class Webhooks(TypedDict):
    """All that the files name."""

    webhooks: list[Webhook]
    next: Next


class Tried(TypedDict):
    """What became of a test: the HTTP status of the receiver, null where it gave none."""

    name: str
    taken: bool
    status: int | None
    said: str
