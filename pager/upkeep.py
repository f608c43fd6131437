"""Upkeep: what pager does for itself beside paging: its files, backups, the dead-man's switch and the last resort."""

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from pager.backups import Backups
from pager.deadman import Deadman
from pager.engine import Engine
from pager.files import Loaded
from pager.in_force import FilesInForce, Start
from pager.keeping import Keep, Keeper
from pager.last_resort import LastResort
from pager.log import log
from pager.metrics import Metrics
from pager.own_metrics import OwnMetrics
from pager.secrets import Secrets
from pager.sender import Sender
from pager.settings import Settings
from pager.shift_metrics import ShiftMetrics
from pager.store import StoreUnavailable
from pager.store.backup import file_of
from pager.store.database import Database

ABOUT_FILES = ("files", "degraded")


class Upkeep(Struct):
    """The parts, and the loops that keep them going."""

    settings: Settings
    engine: Engine
    own: OwnMetrics
    files: FilesInForce
    deadman: Deadman
    resort: LastResort
    keeper: Keeper
    backups: Backups | None
    start: Start | None = None

    async def begin(self) -> None:
        """Keep the files that a good start found; after a bad one, page whoever looks after pager, once."""
        if not self.settings.last_resort:
            log.warning("no last_resort is set: when nobody can be reached by any contact, nobody hears of it")
        if self.start is None:
            return
        if self.files.degraded:
            log.error(f"degraded: pagerd runs {self.files.runs}", why=self.files.degraded)
            await self.engine.report(f"pagerd runs {self.files.runs}", self.files.degraded, *ABOUT_FILES)
        else:
            await self.files.keep(self.start.on_disk)

    async def reload(self) -> Loaded:
        """Read the files again; see `FilesInForce.reload`. The incident of a degraded start ends with good ones."""
        was_degraded = self.files.degraded
        loaded = await self.files.reload()
        if was_degraded and not self.files.degraded:
            try:
                await self.engine.report_over(*ABOUT_FILES)
            except StoreUnavailable as error:
                log.warning("the incident about the files stays open", error=str(error))
        return loaded

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """What runs for ever."""
        found = [
            self.files.run(self.settings.reload_every.total_seconds(), self.reload),
            self.deadman.run(self.settings.deadman_every.total_seconds()),
            self.resort.run(),
            self.keeper.run(),
        ]
        return [*found, self.backups.run()] if self.backups else found


def upkeep(
    settings: Settings,
    start: Start | None,
    database: Database,
    engine: Engine,
    sender: Sender,
    secrets: Secrets,
    metrics: Metrics,
    beats: Callable[[], Mapping[str, float]],
) -> Upkeep:
    """All of it for one daemon. From here on the engine tells the last resort, too."""
    own = OwnMetrics(metrics.registry, settings.state)
    ShiftMetrics(metrics.registry, lambda: engine.catalog, names=settings.oncall_names)
    watched = FilesInForce(settings.config, settings.state, engine, metrics, own, secrets, _now, start)
    deadman = Deadman(database, sender, beats, settings.deadman, secrets.fill, own)
    resort = LastResort(database, settings.last_resort, secrets.fill, settings.links, own, engine.listener)
    engine.listener = resort
    keep = Keep(settings.bodies_kept, settings.bodies_bytes, settings.incidents_kept)
    keeper = Keeper(database, engine.sources, keep, metrics.registry)
    return Upkeep(settings, engine, own, watched, deadman, resort, keeper, _backups(settings, own), start)


def _backups(settings: Settings, own: OwnMetrics) -> Backups | None:
    folder = settings.backups
    if folder is None:
        return None
    return Backups(file_of(settings.database), folder, settings.backup_every, settings.backups_kept, own)


def _now() -> datetime:
    return datetime.now(UTC)
