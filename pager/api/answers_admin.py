"""Answers for whoever runs pager: status, tokens, users, the audit, the doctor, and the report of load."""

from typing import Any, Literal, TypedDict

from pager.api.answers import At, Count, Next
from pager.core import nodes
from pager.core.scope import Scope, SignInRole


class Loop(TypedDict):
    ok: bool
    seconds_ago: float


class Queue(TypedDict):
    depth: Count
    oldest_seconds: float


class Node(TypedDict):
    """One pagerd on this database. `skew`: how far its clock is ahead; `lag`: how late its lanes are."""

    name: str
    state: nodes.State
    this: bool
    version: str
    config: str
    lanes: list[int]
    lag_seconds: float
    skew_seconds: float
    started_at: At
    seen_seconds_ago: float


class Finding(TypedDict):
    """Something wrong at one place of the files."""

    file: str
    line: int
    column: int
    code: str
    message: str
    level: Literal["error", "warn"]
    snippet: str
    hint: str


class Config(TypedDict):
    """The files in force, and what the last reload found, even if it changed nothing."""

    hash: str
    folder: str | None
    reloaded: bool | None
    problems: list[Finding]


class Status(TypedDict):
    """How pager stands; `ok` sums it up. `not_ready` is why not, null if it is."""

    ok: bool
    version: str
    not_ready: str | None
    remarks: list[str]
    loops: dict[str, Loop]
    queues: dict[str, Queue]
    incidents: dict[str, dict[str, Count]]
    alerts: dict[str, Count]
    nodes: list[Node]
    config: Config


class Token(TypedDict):
    """A token, without its secret."""

    id: str
    name: str
    scope: Scope
    created_at: At
    used_at: At | None
    expires_at: At | None
    expired: bool


class NewToken(Token):
    """`token` is shown only here. `first`: from now on every request needs one."""

    token: str
    first: bool
    url: str


class Tokens(TypedDict):
    tokens: list[Token]
    closed: bool
    next: Next


class Revoked(TypedDict):
    revoked: str


class User(TypedDict):
    """A person of the files, or one who had an account."""

    person: str
    name: str | None
    role: SignInRole | None
    login: str | None
    in_files: bool
    password_set_at: At | None
    link_expires_at: At | None
    link_by: str | None
    disabled_at: At | None
    disabled_by: str | None
    sessions: Count
    seen_at: At | None


class Users(TypedDict):
    users: list[User]
    closed: bool
    next: Next


class Enrolment(TypedDict):
    """`url` is the link, which is shown only here, and works once."""

    person: str
    url: str
    expires_at: At
    first: bool


class Disabled(TypedDict):
    """`ended` counts sessions; `tokens` of their name open as before."""

    person: str
    disabled: bool
    ended: Count
    tokens: list[str]


class Enabled(TypedDict):
    person: str
    enabled: bool


class Session(TypedDict):
    """A browser that somebody is signed in with."""

    id: str
    way: str
    agent: str
    address: str | None
    created_at: At
    used_at: At


class Sessions(TypedDict):
    sessions: list[Session]
    next: Next


class Ended(TypedDict):
    ended: Count


class Deed(TypedDict):
    """Something that somebody changed."""

    id: int
    at: At
    who: str
    via: str
    address: str | None
    act: str
    object: str
    detail: dict[str, Any]


class Audit(TypedDict):
    audit: list[Deed]
    next: Next


class AuditChecked(TypedDict):
    """`broken_at` is the first entry that does not fit the one before, or that is missing."""

    entries: Count
    whole: bool
    broken_at: int | None


class Backup(TypedDict):
    file: str
    at: At
    bytes: Count
    seconds: float


class Check(TypedDict):
    """Something that the doctor looked at; `mend` is what to do about it."""

    name: str
    level: Literal["ok", "warn", "FAIL"]
    said: str
    mend: str


class Doctor(TypedDict):
    ok: bool
    now: At
    checks: list[Check]


class Burden(TypedDict):
    """What one person had: hours on call, pages, nights with pages."""

    person: str
    hours: float
    pages: Count
    night_pages: Count
    nights: Count


class Noise(TypedDict):
    rule: str | None
    incidents: Count
    pages: Count
    by_itself: Count


class Answering(TypedDict):
    severity: str | None
    paged: Count
    acked: Count
    median_seconds: float | None
    worst_seconds: float | None


Load = TypedDict(
    "Load",
    {
        "from": At,
        "to": At,
        "days": int,
        "people": list[Burden],
        "rules": list[Noise],
        "answers": list[Answering],
        "truncated": bool,
    },
)
