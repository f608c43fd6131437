"""A whole pager but for its sender: SQLite, the engine, intake and the real HTTP server on a loopback port."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, web
from argon2 import PasswordHasher
from msgspec.structs import replace

from pager.accounts import Accounts
from pager.api.app import build_app, make_runner
from pager.api.guard import Caps, Guard
from pager.api.parts import ACCOUNTS, GUARD, KEYRING, OIDC, SESSIONS, SNS, Parts
from pager.core.catalog import Catalog
from pager.core.people import Person, Role, Team
from pager.core.policy import Policy, Step, Target
from pager.core.rule import Defaults
from pager.core.schedule import Schedule
from pager.core.signing import Signing
from pager.engine import Engine
from pager.intake import Intake
from pager.keyring import Keyring
from pager.metrics import Metrics
from pager.oidc import Oidc
from pager.passwords import Passwords
from pager.sessions import Sessions
from pager.sns import Sns
from pager.sources import SOURCES
from pager.store import tokens
from pager.store.database import Database, open_database
from tests.api.conforming import conforming
from tests.support import with_tables

NOON = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
PASSWORD = "blue kettle on the 9th"
NOBODY_ELSE = Signing()
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Passwords that are worked at once: what a real one costs is measured where that matters."""

CATALOG = Catalog(
    defaults=Defaults(policy="payments"),
    policies={
        "payments": Policy(
            steps=(
                Step(page=(Target("schedule", "payments"),)),
                Step(page=(Target("person", "bo"),), wait=timedelta(minutes=10)),
            )
        )
    },
    schedules={
        "payments": Schedule.model_validate(
            {
                "schedule": "payments",
                "timezone": "Europe/Berlin",
                "rotation": [{"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo", "chi"]}],
            }
        )
    },
    people={
        "ana": Person(name="Ana Lima", timezone="Europe/Lisbon"),
        "bo": Person(name="Bo Berg", timezone="Europe/Berlin"),
        "chi": Person(name="Chi Chan"),
    },
    roles={"commander": Role(schedule="payments")},
    teams={"payments": Team(people=("ana", "bo", "chi"))},
    hash="c0ffee",
)


@dataclass(slots=True)
class Hand:
    """A clock that tests move."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class House:
    """What tests work with. `beats` is what health goes by; `shows` are the headers of each `get`."""

    database: Database
    engine: Engine
    intake: Intake
    metrics: Metrics
    clock: Hand
    url: str = ""
    guard: Guard = field(init=False)
    keyring: Keyring = field(init=False)
    accounts: Accounts = field(init=False)
    sessions: Sessions = field(init=False)
    oidc: Oidc = field(init=False)
    sns: Sns = field(init=False)
    http: ClientSession = field(init=False)
    beats: dict[str, float] = field(default_factory=dict)
    not_ready: str = ""
    shows: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **options: Any) -> Any:
        """The JSON of a GET that works."""
        async with self.http.get(self.url + path, **{"headers": self.shows, **options}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: Any, **options: Any) -> tuple[int, Any]:
        """Status and JSON of a POST, problems included."""
        async with self.http.post(self.url + path, json=body, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def fires(self, *names: str, severity: str = "critical", **labels: str) -> str:
        """Alerts of these names fire and are worked; the code of the newest incident."""
        alerts = [{"status": "firing", "labels": {"alertname": name, "severity": severity, **labels}} for name in names]
        status, answer = await self.post("/webhook/alertmanager", {"alerts": alerts})
        assert (status, answer) == (200, {"accepted": len(names)})
        return await self.work()

    async def work(self) -> str:
        """Everything that waits is worked; the code of the newest incident, "" if there is none."""
        while await self.engine.work_inbox():
            pass
        while await self.engine.tick():
            pass
        found = (await self.get("/api/v1/incidents?state=all&limit=1"))["incidents"]
        return str(found[0]["code"]) if found else ""

    async def passes(self, length: timedelta) -> None:
        """Time passes, and what is due happens."""
        self.clock.now += length
        while await self.engine.tick():
            pass

    async def token(self, scope: str, name: str = "", lasts: timedelta | None = None) -> str:
        """A new token of the database, named after its scope; from now on the doors are closed."""
        token, now = tokens.new_api_token(), self.clock.now
        end = None if lasts is None else now + lasts
        await self.database.write(lambda tx: tokens.keep_api_token(tx, token, name or scope, scope, now, end))
        self.keyring.changed()
        return token

    async def invited(self, person: str, lasts: timedelta = timedelta(hours=1)) -> str:
        """The path of a new link by which `person` sets a password; from now on the doors are closed."""
        return f"/enrol/{await self.accounts.invite(person, 'chi', lasts, self.clock.now)}"

    async def has_password(self, person: str, password: str = PASSWORD) -> None:
        """`person` has set this password."""
        path = await self.invited(person)
        assert await self.accounts.accept(path.rpartition("/")[2], password, self.clock.now) == person

    async def link(self, person: str, number: int = 1) -> str:
        """A page link of `person` to an incident, as the notifier makes one."""
        token = tokens.new_page_token()
        await self.database.write(
            lambda tx: tokens.keep_page_tokens(tx, [tokens.PageLink(token, person, number, tx.now())])
        )
        return f"/p/{token}"


@asynccontextmanager
async def opened(
    folder: Path,
    catalog: Catalog = CATALOG,
    secrets: Mapping[str, str] | None = None,
    caps: Caps | None = None,
    signing: Signing = NOBODY_ELSE,
    **limits: Any,
) -> AsyncIterator[House]:
    """A house with its database and config in `folder`, served until the end of the block."""
    clock = Hand()
    database = open_database(with_tables(folder / "pager.db"), clock)
    await database.open()
    metrics = Metrics(lambda: engine.catalog)
    engine = Engine(database, catalog, SOURCES, metrics)
    secret = (secrets or {}).__getitem__
    intake = Intake(database, SOURCES, lambda: engine.catalog, metrics, secret=secret, **limits)
    house = House(database, engine, intake, metrics, clock)
    parts = Parts(
        database,
        engine,
        intake,
        metrics,
        clock,
        lambda: house.beats,
        url="https://pager.example.org",
        folder=folder,
        not_ready=lambda: house.not_ready,
        caps=caps or Caps(),
        signing=signing,
        passwords=Passwords(CHEAP),
    )
    app = build_app(parts)
    app.middlewares.insert(0, conforming)
    house.guard, house.keyring = app[GUARD], app[KEYRING]
    house.accounts, house.sessions, house.oidc = app[ACCOUNTS], app[SESSIONS], app[OIDC]
    house.sns = app[SNS]
    try:
        async with served(app) as house.url, ClientSession(timeout=ClientTimeout(total=20)) as house.http:
            yield house
    finally:
        await database.close()


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """The address that the application is served at."""
    runner = make_runner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def bearer(token: str) -> dict[str, str]:
    """The headers that show a token."""
    return {"Authorization": f"Bearer {token}"}


def with_runbook(catalog: Catalog, runbook: str) -> Catalog:
    """`catalog` with this runbook for whatever has none."""
    return replace(catalog, defaults=catalog.defaults.model_copy(update={"runbook": runbook}))
