"""The daemon: everything wired together, all loops in one task group; a loop that dies takes the process with it."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from msgspec import Struct, field

from pager import notify_systemd
from pager.api.app import build_app, make_runner
from pager.api.doors import check_listen
from pager.api.gauges import run_gauges, run_lag
from pager.api.guard import Caps, raise_file_limit
from pager.api.parts import GUARD, KEYRING, Parts
from pager.backlog import Room
from pager.clock_steps import ClockSteps
from pager.core.catalog import Catalog
from pager.dialects import installed_sources
from pager.digests import Digests
from pager.disk import Disk, disk_of
from pager.engine import Engine
from pager.fairness import Fairness
from pager.held_metrics import HeldMetrics
from pager.in_force import BadConfig, Start, find_start
from pager.intake import Intake
from pager.log import log
from pager.mail_door import MailBox, MailDoor, listening
from pager.metrics import Metrics
from pager.nodes import Nodes
from pager.notifier import Notifier
from pager.oidc import check_installed
from pager.publishing import Publisher
from pager.secrets import Secrets
from pager.sender import Sender
from pager.settings import Settings
from pager.shift_notices import ShiftNotices
from pager.source_metrics import SourceMetrics
from pager.steady import SteadyClock
from pager.store import StoreError
from pager.store.accounts import are_any
from pager.store.aside import move_damaged
from pager.store.backup import file_of
from pager.store.database import Database, open_database
from pager.store.tokens import has_api_tokens
from pager.sweeper import Sweeper
from pager.upkeep import Upkeep, upkeep
from pager.webhooks import Webhooks

STALLED = 30.0
DRAIN = 25.0
STARTED_EMPTY = "the database was damaged: pager started with an empty one"


__all__ = ["BadConfig", "Daemon", "daemon", "read_catalog", "serve"]
CANNOT_START = (StoreError, ValueError, OSError, RuntimeError)
"""What ends a start with a sentence instead of a traceback."""


class Daemon(Struct):
    """One pagerd. `run` it; `stop` ends it."""

    settings: Settings
    catalog: Catalog
    database: Database
    engine: Engine
    notifier: Notifier
    sender: Sender
    metrics: Metrics
    intake: Intake
    upkeep: Upkeep
    clock: SteadyClock
    clock_steps: ClockSteps
    nodes: Nodes
    fairness: Fairness
    webhooks: Webhooks
    files_before: Catalog | None = None
    disk: Disk | None = None
    kept_aside: Path | None = None
    mail: MailDoor | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    started: bool = False

    def beats(self) -> Mapping[str, float]:
        """When each loop last came round, by the event loop's clock."""
        progress = self.engine.progress
        return {"inbox": progress.inbox, "clocks": progress.clocks, "notifier": self.notifier.progress}

    def not_ready(self) -> str:
        if self.started and self.nodes.cut_off():
            return "cut off: the database has taken nothing from this node for 10 s"
        return "" if self.started else "starting"

    def remarks(self) -> list[str]:
        """What is not as it should be, a line each."""
        aside = [f"{STARTED_EMPTY}; the damaged file is kept: {self.kept_aside}"] if self.kept_aside else []
        disk, overrides = self.disk.remarks() if self.disk else (), self.engine.overrides.remarks()
        paused = self.engine.holding.remarks(self.clock())
        mail = [self.mail.trouble] if self.mail and self.mail.trouble else []
        ours = [*self.fairness.remarks(), *self.upkeep.files.remarks(), *self.nodes.remarks()]
        return [*paused, *mail, *ours, *overrides, *aside, *disk]

    def stop(self) -> None:
        self.stopped.set()

    async def run(self, on_ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """Serve until stopped; then finish what was begun, for at most 25 s."""
        if self.disk is not None:
            await self.disk.begin()
        await self.clock_steps.begin()
        await self.nodes.begin()
        await self.engine.overrides.begin()
        await self.engine.holding.begin()
        await self.engine.catch_up()
        await self.engine.restore()
        await self.notifier.restore()
        await self.upkeep.begin()
        if self.kept_aside is not None:
            said = f"the damaged file is kept: {self.kept_aside}"
            await self.engine.report(STARTED_EMPTY, said, "database", "damaged")
        async with self._serving(), asyncio.TaskGroup() as group:
            loops = [
                group.create_task(self.engine.run_inbox()),
                group.create_task(self.engine.run_clocks()),
                group.create_task(self.engine.overrides.run()),
                group.create_task(self.engine.holding.run()),
                group.create_task(ShiftNotices(self.engine, self.files_before).run()),
                group.create_task(Digests(self.engine).run()),
                group.create_task(Sweeper(self.engine).run()),
                group.create_task(self.fairness.run()),
                group.create_task(Publisher(self.database, lambda: self.engine.catalog).run()),
                group.create_task(self.webhooks.run()),
                group.create_task(self.clock_steps.run()),
                group.create_task(self.nodes.run()),
                group.create_task(run_gauges(self.database, self.metrics)),
                group.create_task(run_lag(self.metrics)),
                group.create_task(self._watchdog()),
                *(group.create_task(loop) for loop in self.upkeep.loops()),
                *([group.create_task(self.disk.run())] if self.disk else ()),
            ]
            notifier = group.create_task(self.notifier.run())
            self.started = True
            notify_systemd.ready("pages go out")
            log.info("ready", listen=self.settings.listen, config=self.engine.catalog.hash[:12])
            if on_ready is not None:
                await on_ready()
            await self.stopped.wait()
            self.started = False
            notify_systemd.stopping("finishing what was begun")
            self.notifier.stop()
            await asyncio.wait([notifier], timeout=DRAIN)
            for task in (*loops, notifier):
                task.cancel()
            await self.webhooks.leave()
            await self.nodes.leave()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        app = build_app(
            Parts(
                database=self.database,
                engine=self.engine,
                intake=self.intake,
                metrics=self.metrics,
                clock=self.clock,
                beats=self.beats,
                url=self.settings.links,
                folder=self.settings.config,
                not_ready=self.not_ready,
                reload=self.upkeep.reload,
                last_read=lambda: self.upkeep.files.last_read,
                remarks=self.remarks,
                upkeep=self.upkeep,
                nodes=self.nodes,
                caps=Caps(self.settings.connections, self.settings.connections_of_one),
                signing=self.settings.signing,
                callers=self.settings.callers,
                webhooks=self.webhooks,
            )
        )
        runner = make_runner(app, shutdown_timeout=5)
        # With few files, what is not accepted yet waits in the kernel, where it takes none.
        backlog = min(1024, app[GUARD].most)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.settings.host, self.settings.port, backlog=backlog, reuse_address=True)
            await site.start()
            await self._open_door(runner)
            async with self._mail(app):
                yield
        finally:
            await runner.cleanup()
            with contextlib.suppress(OSError):
                self.settings.socket.unlink()

    @asynccontextmanager
    async def _mail(self, app: web.Application) -> AsyncIterator[None]:
        """Mail comes in, where the settings say so."""
        box = MailBox.of(self.settings)
        if box is None:
            yield
            return
        where = (box, self.database, app[KEYRING], self.intake)
        self.mail = MailDoor(*where, lambda: self.engine.catalog, self.metrics, self.clock)
        async with listening(self.mail):
            yield

    async def _open_door(self, runner: web.AppRunner) -> None:
        """The admin's door: a Unix socket that only its owner can open."""
        path = self.settings.socket
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        door = socket.socket(socket.AF_UNIX)
        try:
            door.bind(str(path))
        except OSError as error:
            log.error("the admin socket cannot be opened; pagerctl needs --server", error=error.strerror or "")
            door.close()
            return
        path.chmod(0o600)
        await web.SockSite(runner, door).start()

    async def _watchdog(self) -> None:
        """Feed systemd's watchdog only while every loop comes round."""
        interval = notify_systemd.watchdog_interval()
        if interval is None:
            return
        while True:
            now = asyncio.get_running_loop().time()
            if all(now - beat < STALLED for beat in self.beats().values()):
                notify_systemd.watchdog()
            await asyncio.sleep(min(10.0, interval / 3))


def read_catalog(folder: Path, *, colour: bool = False) -> Catalog:
    """What the folder says. Raises BadConfig with every problem, worded for people."""
    return find_start(folder, None, datetime.now(UTC), colour=colour).catalog


@asynccontextmanager
async def daemon(
    settings: Settings,
    catalog: Catalog,
    console: Callable[[str, str], None] | None = None,
    start: Start | None = None,
    *,
    start_empty: bool = False,
) -> AsyncIterator[Daemon]:
    """A daemon whose database is open and whose sender is warm; both are closed at the end.

    `start` is what was found in the config folder, if the catalog comes from there. With `start_empty` a damaged
    file of SQLite is moved aside first.
    """
    if settings.oidc_issuer:
        check_installed()
    clock = SteadyClock()
    aside = move_damaged(file_of(settings.database), clock()) if start_empty else None
    database = open_database(settings.database, clock)
    sender = Sender(console=console)
    secrets = Secrets()
    metrics = Metrics(lambda: engine.catalog)
    sources = installed_sources()
    engine = Engine(database, catalog, sources, metrics)
    room = Room(settings.backlog_rows, settings.backlog_bytes, settings.least_free)
    intake = Intake(
        database,
        sources,
        lambda: engine.catalog,
        metrics,
        secret=secrets.get,
        largest=settings.largest_body,
        room=room,
    )
    try:
        await asyncio.gather(database.open(), sender.start())
        guarded = intake.keys.any or settings.signing.guards
        check_listen(settings.host, guarded or await database.read(lambda tx: has_api_tokens(tx) or are_any(tx)))
        for warning in database.warnings:
            log.warning(warning)
        nodes = Nodes(database, engine, settings.node_name, metrics.registry)
        notifier = Notifier(database, engine, sender, secrets.get, settings.links, metrics, nodes.life)
        kept = upkeep(settings, start, database, engine, sender, secrets, metrics, lambda: running.beats())
        steps = ClockSteps(database, engine, clock, metrics.registry)
        HeldMetrics(metrics.registry, engine.holding, clock)
        hooks = Webhooks(database, engine, secrets.get, settings.links, metrics.registry, nodes.life)
        fairness = Fairness(engine, intake.shares, intake.watch, clock, SourceMetrics(metrics.registry))
        parts = (database, engine, notifier, sender, metrics, intake, kept, clock, steps, nodes, fairness, hooks)
        running = Daemon(settings, catalog, *parts)
        running.disk, running.kept_aside = disk_of(settings, database, engine), aside
        running.files_before = start.before if start else None
        yield running
    finally:
        await sender.close()
        await database.close()


async def serve(settings: Settings, start: Start, *, start_empty: bool = False) -> None:
    """Run pagerd until SIGTERM or SIGINT; SIGHUP reads the files again."""
    loop = asyncio.get_running_loop()
    raise_file_limit()
    async with daemon(settings, start.catalog, start=start, start_empty=start_empty) as running:
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, running.stop)
        asked = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, asked.set)
        hearing = loop.create_task(_reload_when(asked, running))
        try:
            await running.run()
        finally:
            hearing.cancel()


async def _reload_when(asked: asyncio.Event, running: Daemon) -> None:
    """Read the files again after each SIGHUP; several at once are one."""
    while True:
        await asked.wait()
        asked.clear()
        notify_systemd.reloading()
        await running.upkeep.reload()
        notify_systemd.ready()
