"""The files in force: read at start, when asked and when they change; a bad change never replaces a good one."""

import asyncio
from collections.abc import Awaitable, Callable, Container
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pager import last_good
from pager.core.catalog import Catalog
from pager.engine import Engine
from pager.files import Loaded, load_catalog, read_folder
from pager.log import log
from pager.metrics import Metrics
from pager.needs import find_missing, missing_secrets
from pager.own_metrics import OwnMetrics
from pager.problems import Problem, in_order, render
from pager.settings import TOML, BadSettings, load_settings

SETTLES = 1.0
"""Seconds for which the files must stay as they are before they are read: a checkout writes them one by one."""


ON_COPY, WITHOUT_SECRETS = "on the last good files", "without secrets that its files name"


class BadConfig(Exception):
    """The config folder cannot be used; the text shows every problem."""


class Start(Struct, frozen=True):
    """What a start found: what to run on, what stands on the disk, and if that is not what runs, why."""

    catalog: Catalog
    on_disk: Loaded
    degraded: str = ""
    runs: str = ON_COPY
    """How a degraded one runs."""
    before: Catalog | None = None
    """What ran last, where the files of the folder are others since."""


def find_start(
    folder: Path,
    state: Path | None,
    now: datetime,
    *,
    secrets: Container[str] | None = None,
    bad_settings: str = "",
    colour: bool = False,
) -> Start:
    """The files of `folder`, or the last good copy in `state` where they have errors.

    A secret that is missing is an error too, unless the copy misses it as well: then the files run without it, and it
    is said. `secrets` is what can be had, None if that is not the question. `bad_settings` says what is wrong with
    pager.toml, if that was. Raises BadConfig where there is nothing to run on.
    """
    loaded = load_catalog(folder, now)
    if bad_settings:
        loaded = replace(loaded, problems=[*loaded.problems, _settings_problem(bad_settings)])
    found = loaded if secrets is None else _with_missing(loaded, secrets)
    if found.catalog is not None:
        return Start(found.catalog, found, bad_settings, before=_ran_before(state, found, now))
    report = _report(found, colour=colour)
    copy = last_good.copy_of(state) if state else None
    if copy is None:
        raise BadConfig(report)
    kept = load_catalog(copy, now)
    if kept.catalog is None:
        raise BadConfig(f"{report}\n{copy} cannot be used either:\n{_report(kept, colour=colour)}")
    why = bad_settings or f"{_counted(found)} in {folder}"
    if loaded.catalog is not None and secrets is not None:
        gone = missing_secrets(loaded.catalog, secrets)
        if gone.keys() <= missing_secrets(kept.catalog, secrets).keys():
            # The copy would be no better, and nobody gains from a pager that does not run.
            known = _with_missing(loaded, secrets, tolerated=gone)
            return Start(loaded.catalog, known, why, ON_COPY if bad_settings else WITHOUT_SECRETS)
    return Start(kept.catalog, found, why)


def _ran_before(state: Path | None, found: Loaded, now: datetime) -> Catalog | None:
    copy = last_good.copy_of(state) if state else None
    # Read first, which is quick: most starts find the files that ran before.
    if copy is None or read_folder(copy).hash == found.hash:
        return None
    return load_catalog(copy, now).catalog


def _with_missing(loaded: Loaded, secrets: Container[str], tolerated: Container[str] = ()) -> Loaded:
    """`loaded` with a problem for each secret that is not there, a warning where that is tolerated."""
    if loaded.catalog is None:
        return loaded
    return _with(loaded, list(find_missing(loaded.catalog, loaded.texts, secrets, tolerated)))


def _with(loaded: Loaded, more: list[Problem]) -> Loaded:
    """`loaded` with these problems; without a catalog if one of them is an error."""
    sound = not any(problem.level == "error" for problem in more)
    return replace(loaded, problems=in_order([*loaded.problems, *more]), catalog=loaded.catalog if sound else None)


class FilesInForce:
    """Reads the files again and puts them in force, one reader at a time."""

    def __init__(
        self,
        folder: Path,
        state: Path | None,
        engine: Engine,
        metrics: Metrics,
        own: OwnMetrics,
        known_secrets: Container[str],
        clock: Callable[[], datetime],
        start: Start | None = None,
    ) -> None:
        self.folder = folder
        self.state = state
        self.last_read: Loaded | None = None
        self.bad_since: datetime | None = None
        self.degraded = start.degraded if start else ""
        self.runs = start.runs if start else ON_COPY
        self._engine, self._metrics, self._own = engine, metrics, own
        self._secrets, self._clock = known_secrets, clock
        self._turn = asyncio.Lock()
        self._seen = (start.on_disk.hash if start else engine.catalog.hash, self._settings_hash())
        self._begin(start)

    def _begin(self, start: Start | None) -> None:
        ok = not self.degraded
        if start is not None and start.on_disk.errors:
            self.last_read, self.bad_since = start.on_disk, self._clock()
        self._metrics.config_read(ok=True, config_hash=self._engine.catalog.hash, at=self._clock())
        if not ok:
            self._metrics.config_read(ok=False)
        self._own.degraded.set(not ok)
        for name, what in missing_secrets(self._engine.catalog, self._secrets).items():
            log.error("a secret is not there: what needs it cannot be used", secret=name, needed_by=what)

    def remarks(self) -> list[str]:
        """What whoever runs pager should know of its files; nothing while they are in force."""
        # Also told to strangers: what exactly is wrong, and where, stands in the log, the status and the incident.
        said = [f"degraded: pagerd runs {self.runs}"] if self.degraded else []
        if self.bad_since is not None and self.last_read is not None:
            errors = _counted(self.last_read)
            since = self.bad_since.isoformat(timespec="seconds").replace("+00:00", "Z")
            said.append(f"the files on disk are not in force: {errors} since {since}")
        return said

    async def reload(self) -> Loaded:
        """Read the files again, and tell what was found; with errors those before stay in force.

        A secret that is missing is an error too, unless the files in force miss it as well.
        """
        async with self._turn:
            loaded = await asyncio.to_thread(self._read)
            self.last_read = loaded
            if loaded.catalog is None:
                self.bad_since = self.bad_since or self._clock()
                self._metrics.config_read(ok=False)
                log.error("the files were not taken over", errors=loaded.errors, first=_first(loaded))
                return loaded
            self._take_over(loaded, loaded.catalog)
            await self.keep(loaded)
            return loaded

    def _take_over(self, loaded: Loaded, catalog: Catalog) -> None:
        # Nothing else changes: incidents, their clocks and the pages that went out are rows, and stay as they are.
        self._engine.catalog = catalog
        without = missing_secrets(catalog, self._secrets)
        if not (self.degraded and self.runs == WITHOUT_SECRETS and without):
            self.bad_since, self.degraded = None, ""
        self._metrics.config_read(ok=True, config_hash=catalog.hash, at=self._clock())
        self._own.degraded.set(bool(self.degraded))
        log.info("the files are in force", config=catalog.hash[:12], warnings=len(loaded.problems))

    async def keep(self, loaded: Loaded) -> None:
        """Keep these files for a start with bad ones. Without a state folder, or without room, they are not kept."""
        if self.state is None:
            return
        try:
            await asyncio.to_thread(last_good.keep, self.state, loaded)
        except OSError as error:
            log.error("the last good files cannot be kept", folder=str(self.state), error=error.strerror or "")

    async def run(self, every: float, reload: Callable[[], Awaitable[object]]) -> None:
        """Look every so many seconds whether the files changed, and `reload` then; for ever."""
        while True:
            await asyncio.sleep(every)
            if (found := await asyncio.to_thread(self._look)) == self._seen:
                continue
            await asyncio.sleep(SETTLES)
            if found == await asyncio.to_thread(self._look):
                log.info("the files changed")
                await reload()

    def _look(self) -> tuple[str, str]:
        # By what they say, not by their times: links that are swapped and network folders keep those as they like.
        return read_folder(self.folder).hash, self._settings_hash()

    def _settings_hash(self) -> str:
        try:
            return sha256((self.folder / TOML).read_bytes()).hexdigest()
        except OSError:
            return ""

    def _read(self) -> Loaded:
        settings = self._settings_hash()
        loaded = load_catalog(self.folder, self._clock())
        self._seen = (loaded.hash, settings)
        found = _with_missing(loaded, self._secrets, missing_secrets(self._engine.catalog, self._secrets))
        return _with(found, list(self._settings_problems()))

    def _settings_problems(self) -> list[Problem]:
        """What the next start would stumble over. Settings themselves count from the next start on."""
        try:
            load_settings(self.folder)
        except BadSettings as error:
            return [_settings_problem(str(error))]
        return []


def _settings_problem(said: str) -> Problem:
    return Problem(TOML, 1, 1, "E130", " ".join(said.split()))


def _counted(loaded: Loaded) -> str:
    return "1 error" if loaded.errors == 1 else f"{loaded.errors} errors"


def _report(loaded: Loaded, *, colour: bool = False) -> str:
    errors = [problem for problem in loaded.problems if problem.level == "error"]
    return render(errors, loaded.texts, colour=colour)


def _first(loaded: Loaded) -> str:
    problem = next(problem for problem in loaded.problems if problem.level == "error")
    return f"{problem.file}:{problem.line}: {problem.text}"
