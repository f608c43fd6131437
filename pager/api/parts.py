"""The parts that handlers work with, each under a typed key of the application."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

from aiohttp import web
from msgspec import Struct, field

from pager.accounts import Accounts
from pager.api.guard import Caps, Guard
from pager.core.signing import Provider, Signing
from pager.engine import Engine
from pager.files import Loaded
from pager.guessers import Backoff, Guessers
from pager.intake import Intake
from pager.keyring import Keyring
from pager.metrics import Metrics
from pager.nodes import Nodes
from pager.oidc import Oidc
from pager.passwords import Passwords
from pager.sessions import Sessions
from pager.sns import Sns
from pager.store.database import Database
from pager.upkeep import Upkeep
from pager.webhooks import Webhooks

FREE_TRIES = 5
"""Wrong passwords for one account from one address that are answered without a pause."""


def _always_ready() -> str:
    return ""


def _never_read() -> Loaded | None:
    return None


class Parts(Struct, frozen=True):
    """What the application is made of.

    `clock` gives the instant now, aware. `url` is the address that people reach pager by, for links. `folder` is
    the config folder, for runbooks. `beats` gives when each loop last came round, by the event loop's clock.
    `not_ready` says in words why no requests should come yet, "" when they should. `reload` reads the files again;
    `last_read` is what the last reload found. `caps` are for connections; `signing` is who else says who people are.
    `callers` are the numbers and addresses that pages come from. `webhooks` are told of events.
    """

    database: Database
    engine: Engine
    intake: Intake
    metrics: Metrics
    clock: Callable[[], datetime]
    beats: Callable[[], Mapping[str, float]]
    url: str = ""
    folder: Path | None = None
    not_ready: Callable[[], str] = _always_ready
    reload: Callable[[], Awaitable[Loaded]] | None = None
    last_read: Callable[[], Loaded | None] = _never_read
    remarks: Callable[[], list[str]] = list
    upkeep: Upkeep | None = None
    nodes: Nodes | None = None
    caps: Caps = field(default_factory=Caps)
    signing: Signing = field(default_factory=Signing)
    callers: tuple[str, ...] = ()
    webhooks: Webhooks | None = None
    passwords: Passwords = field(default_factory=Passwords)


ACCOUNTS = web.AppKey("accounts", Accounts)
BACKOFF = web.AppKey("backoff", Backoff)
DATABASE = web.AppKey("database", Database)
ENGINE = web.AppKey("engine", Engine)
GUARD = web.AppKey("guard", Guard)
GUESSERS = web.AppKey("guessers", Guessers)
INTAKE = web.AppKey("intake", Intake)
KEYRING = web.AppKey("keyring", Keyring)
METRICS = web.AppKey("metrics", Metrics)
OIDC = web.AppKey("oidc", Oidc)
PARTS = web.AppKey("parts", Parts)
PASSWORDS = web.AppKey("passwords", Passwords)
SESSIONS = web.AppKey("sessions", Sessions)
SNS = web.AppKey("sns", Sns)


def keep(app: web.Application, parts: Parts) -> None:
    """Put `parts` under their keys."""
    app[DATABASE] = parts.database
    app[ENGINE] = parts.engine
    app[GUARD] = Guard(parts.caps, parts.metrics)
    app[GUESSERS] = Guessers()
    app[INTAKE] = parts.intake
    app[KEYRING] = Keyring(parts.database, parts.intake.keys, guarded=parts.signing.guards)
    app[METRICS] = parts.metrics
    app[SESSIONS] = Sessions(parts.database, app[KEYRING], lambda: parts.engine.catalog.people)
    app[SNS] = Sns()
    app[PASSWORDS] = parts.passwords
    app[ACCOUNTS] = Accounts(parts.database, app[KEYRING], lambda: parts.engine.catalog.people, app[PASSWORDS])
    app[BACKOFF] = Backoff(FREE_TRIES)
    app[OIDC] = Oidc(parts.signing.provider or Provider("", ""))
    app[PARTS] = parts
