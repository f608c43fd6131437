"""The files in force: good changes are taken over, bad ones never, and a bad start runs the last good copy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from prometheus_client import generate_latest

from pager import in_force, last_good
from pager.in_force import BadConfig, FilesInForce, find_start
from pager.metrics import Metrics
from pager.own_metrics import OwnMetrics
from pager.secrets import Secrets
from tests.config.folders import write_folder
from tests.engine.house import MINUTE, Clock, House, alert, running
from tests.support import covers, wait_until, with_tables

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PEOPLE = """\
people:
  ana: {timezone: Europe/Lisbon, contacts: {push: "console://", call: "console://"}}
  bo: {timezone: Europe/Berlin, contacts: {console: "json://%s.example.org"}}
teams:
  shop: {people: [ana, bo], channel: chat}
channels: {chat: "console://", issues: "console://"}
roles: {commander: {schedule: shop}}
"""
MORE_RULES = {"rules/b.yaml": "rules: [{name: more, match: [alertname = More], severity: SEV-3}]\n"}


@dataclass
class Kept:
    """An engine that runs on a folder."""

    folder: Path
    state: Path
    house: House
    files: FilesInForce
    metrics: Metrics

    @property
    def hash(self) -> str:
        return self.house.engine.catalog.hash

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(dedent(text), encoding="utf-8")

    def told(self, name: str) -> float:
        """A gauge, as it is scraped."""
        lines = generate_latest(self.metrics.registry).decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"pager_{name} "))


@contextlib.asynccontextmanager
async def kept_at(
    tmp_path: Path, files: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None
) -> AsyncIterator[Kept]:
    folder, state = write_folder(tmp_path / "config", dict(files or {})), tmp_path / "state"
    state.mkdir()
    start = find_start(folder, state, NOW)
    async with running(with_tables(state / "pager.db"), Clock(), start.catalog) as house:
        metrics = Metrics(lambda: house.engine.catalog)
        own, known = OwnMetrics(metrics.registry), Secrets(secrets or {}, Path("/nowhere"))
        watched = FilesInForce(folder, state, house.engine, metrics, own, known, house.clock, start)
        await watched.keep(start.on_disk)
        yield Kept(folder, state, house, watched, metrics)


@covers("F44", "F43", "P16")
@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        pytest.param({"rules/b.yaml": "rules: [\n"}, "rules/b.yaml:2", "", id="YAML that ends too early"),
        pytest.param(
            {"rules/b.yaml": "rules:\n  - {name: x, match: [alertname = X], severity: SEV-1, policy: shopp}\n"},
            "rules/b.yaml:2",
            'did you mean "shop"?',
            id="a route to nobody",
        ),
        pytest.param(
            {"rules/b.yaml": "rules:\n  - {name: x, match: [alertname = X], severety: SEV-1}\n"},
            "rules/b.yaml:2",
            'did you mean "severity"?',
            id="an unknown key",
        ),
        pytest.param(
            {"schedules/shop.yaml": "schedule: shop\ntimezone: Europe/Berlin\nrotation:\n  - {from: never}\n"},
            "schedules/shop.yaml:4",
            "",
            id="a broken schedule",
        ),
        pytest.param(
            {"schedules/people.yaml": PEOPLE % "${BO_KEY}"},
            "schedules/people.yaml:3",
            "the secret BO_KEY is not there: contact console of bo cannot be used",
            id="a secret that is not there",
        ),
        pytest.param({"pager.toml": 'listne = "127.0.0.1:1"\n'}, "pager.toml:1", "listne", id="an unknown setting"),
    ],
)
async def test_a_bad_change_never_replaces_a_good_one(
    tmp_path: Path, change: dict[str, str], place: str, said: str
) -> None:
    async with kept_at(tmp_path) as kept:
        good = kept.hash
        kept.write(change)
        loaded = await kept.files.reload()

        errors = [f"{p.file}:{p.line} {p.text}" for p in loaded.problems if p.level == "error"]
        assert any(error.startswith(place) and said in error for error in errors), errors
        assert (loaded.catalog, kept.hash, kept.told("config_last_reload_successful")) == (None, good, 0)
        assert kept.files.remarks() == [
            f"the files on disk are not in force: {loaded.errors} error{'s' * (loaded.errors > 1)} "
            "since 2026-03-02T12:00:00Z"
        ]


@covers("F44", "P16")
async def test_since_when_the_files_are_bad_stands_until_they_are_good(tmp_path: Path) -> None:
    async with kept_at(tmp_path) as kept:
        kept.write({"rules/b.yaml": "rules: [\n"})
        await kept.files.reload()
        kept.house.clock.at += MINUTE
        await kept.files.reload()
        assert "since 2026-03-02T12:00:00Z" in kept.files.remarks()[0]

        kept.write(MORE_RULES)
        loaded = await kept.files.reload()
        assert (kept.hash, kept.files.remarks()) == (loaded.hash, [])
        assert kept.told("config_last_reload_successful") == 1


@covers("F44")
async def test_a_secret_that_was_missing_before_does_not_stop_a_good_change(tmp_path: Path) -> None:
    async with kept_at(tmp_path, {"schedules/people.yaml": PEOPLE % "${BO_KEY}"}) as kept:
        kept.write(MORE_RULES)
        loaded = await kept.files.reload()

        assert kept.hash == loaded.hash
        assert [(p.level, p.file, p.line) for p in loaded.problems if "BO_KEY" in p.message] == [
            ("warn", "schedules/people.yaml", 3)
        ]


async def test_a_secret_that_is_there_is_no_finding(tmp_path: Path) -> None:
    async with kept_at(tmp_path, secrets={"BO_KEY": "1234"}) as kept:
        kept.write({"schedules/people.yaml": PEOPLE % "${BO_KEY}"})
        assert not [p for p in (await kept.files.reload()).problems if "secret" in p.message]


@covers("F44", "P16")
async def test_a_change_is_taken_over_by_itself_and_a_bad_one_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "SETTLES", 0.02)
    async with kept_at(tmp_path) as kept:
        good, read = kept.hash, []

        async def reload() -> None:
            read.append((await kept.files.reload()).hash)

        polling = asyncio.create_task(kept.files.run(0.02, reload))
        try:
            kept.write({"rules/b.yaml": "rules: [\n"})
            await wait_until(lambda: read, 10, "the poll to see the bad file")
            assert kept.hash == good
            kept.write(MORE_RULES)
            await wait_until(lambda: kept.hash != good, 10, "the good files to be in force")
            kept.write({"pager.toml": 'listen = "127.0.0.1:1"\n'})
            await wait_until(lambda: len(read) == 3, 10, "the settings to be seen as well")
        finally:
            polling.cancel()
        assert len(set(read)) == 2


@covers("F45", "F47")
async def test_no_reload_touches_what_was_paged_and_what_is_due(tmp_path: Path) -> None:
    async with kept_at(tmp_path) as kept:
        house = kept.house
        await house.say(alert("ShopDown"))
        await house.send()
        paged, due = await house.paged(), (await house.incident()).due_at
        kept.write(
            {
                "rules/a.yaml": """\
                    policies:
                      default: {steps: [{page: ["team:shop"], wait: 5m}]}
                      shop: {steps: [{page: [shop], wait: 5m}, {page: [{schedule: shop, rank: 2}], wait: 10m}]}
                    rules:
                      - {name: new above, match: [alertname = Other], severity: SEV-3, policy: default}
                      - {name: shop down, match: [alertname = ShopDown], severity: SEV-1, policy: shop}
                    """
            }
        )
        assert (await kept.files.reload()).catalog is not None
        await house.say(alert("ShopDown"))
        await house.later(timedelta(seconds=30))

        assert (await house.paged(), (await house.incident()).due_at) == (paged, due)
        assert len(await house.all()) == 1
        assert await house.send() == []


@covers("F47")
async def test_what_joins_an_incident_is_told_by_the_name_of_its_rule_and_not_by_its_place(tmp_path: Path) -> None:
    cache = "- {name: cache, match: [alertname = CacheDown], severity: SEV-2, policy: shop, group_by: [alertname]}"
    other = "- {name: other, match: [alertname = Other], severity: SEV-3, policy: shop}"
    async with kept_at(tmp_path, {"rules/b.yaml": f"rules:\n  {cache}\n  {other}\n"}) as kept:
        await kept.house.say(alert("CacheDown", instance="a"))
        await kept.house.send()
        kept.write({"rules/b.yaml": "rules: []\n", "rules/c.yaml": f"rules:\n  {other}\n  {cache}\n"})
        assert (await kept.files.reload()).catalog is not None

        await kept.house.say(alert("CacheDown", instance="b"))
        assert [(one.title, one.alerts) for one in await kept.house.all()] == [("CacheDown", 2)]
        assert await kept.house.send() == []


@covers("F46", "P16")
async def test_a_start_with_bad_files_runs_the_last_good_ones(tmp_path: Path) -> None:
    async with kept_at(tmp_path, {"runbooks/shop.md": "# Shop\n"}) as kept:
        good = kept.hash
    kept.write({"rules/b.yaml": "rules: [\n"})
    start = find_start(kept.folder, kept.state, NOW)

    assert (start.catalog.hash, start.on_disk.catalog) == (good, None)
    assert start.degraded == f"1 error in {kept.folder}"
    assert (kept.state / "last-good" / "runbooks" / "shop.md").read_text() == "# Shop\n"


async def test_a_start_knows_what_ran_before_where_the_files_are_others(tmp_path: Path) -> None:
    assert find_start(write_folder(tmp_path / "config", {}), tmp_path, NOW).before is None
    async with kept_at(tmp_path) as kept:
        ran = kept.hash
    assert find_start(kept.folder, kept.state, NOW).before is None

    kept.write(MORE_RULES)
    start = find_start(kept.folder, kept.state, NOW)

    assert start.before is not None
    assert (start.before.hash, start.catalog.hash != ran) == (ran, True)


@covers("F46", "P16")
@pytest.mark.parametrize("state", ["no copy", "a bad copy"])
def test_without_a_good_copy_there_is_nothing_to_run_on(tmp_path: Path, state: str) -> None:
    folder = write_folder(tmp_path / "config", {"rules/b.yaml": "rules: [\n"})
    if state == "a bad copy":
        write_folder(tmp_path / "last-good", {"rules/c.yaml": "rules: [\n"})
    with pytest.raises(BadConfig, match=r"rules/b\.yaml:2") as raised:
        find_start(folder, tmp_path, NOW)
    assert ("rules/c.yaml:2" in str(raised.value)) == (state == "a bad copy")


@covers("F46", "P16")
def test_the_first_start_without_a_secret_is_refused_at_its_place(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "config", {"schedules/people.yaml": PEOPLE % "${TOKEN}"})
    with pytest.raises(BadConfig, match=r"schedules/people\.yaml:3:\d+ error +E120 the secret TOKEN is not there"):
        find_start(folder, tmp_path, NOW, secrets={})

    assert not find_start(folder, tmp_path, NOW, secrets={"TOKEN": "x"}).degraded
    assert find_start(folder, tmp_path, NOW).catalog, "a check needs no secrets"


@covers("F46", "P16")
async def test_a_start_runs_the_last_good_files_where_the_new_ones_name_a_secret_that_is_not_there(
    tmp_path: Path,
) -> None:
    async with kept_at(tmp_path, {"schedules/people.yaml": PEOPLE % "old"}) as kept:
        good = kept.hash
    kept.write({"schedules/people.yaml": PEOPLE % "${TOKEN}"})
    start = find_start(kept.folder, kept.state, NOW, secrets={})

    assert (start.catalog.hash, start.on_disk.catalog, start.runs) == (good, None, "on the last good files")


@covers("F46", "P16")
async def test_a_secret_that_went_away_stops_no_start_and_is_said_until_it_is_back(tmp_path: Path) -> None:
    files = {"schedules/people.yaml": PEOPLE % "${TOKEN}"}
    there = {"TOKEN": "x"}
    async with kept_at(tmp_path, files, there) as kept:
        pass
    kept.write({"rules/b.yaml": "# a change\n"})
    start = find_start(kept.folder, kept.state, NOW, secrets={})
    assert start.catalog.hash != kept.hash, "the files on the disk run, since the copy is no better"

    async with running(f"sqlite:///{kept.state}/more.db", Clock(), start.catalog) as house:
        metrics, environ = Metrics(lambda: house.engine.catalog), dict[str, str]()
        known = Secrets(environ, Path("/nowhere"))
        own = OwnMetrics(metrics.registry)
        watched = FilesInForce(kept.folder, kept.state, house.engine, metrics, own, known, house.clock, start)
        said = ["degraded: pagerd runs without secrets that its files name"]
        assert watched.remarks() == said
        assert (await watched.reload()).catalog, "a reload is no worse than what runs"
        assert watched.remarks() == said

        environ |= there
        await watched.reload()
        assert watched.remarks() == []


@covers("F46")
async def test_the_copy_is_the_old_one_or_the_new_one_and_nothing_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kept_at(tmp_path) as kept:
        before = kept.hash
        kept.write(MORE_RULES)

        def full(file: Path, text: bytes) -> None:
            if file.name == "b.yaml":
                raise OSError(28, "No space left on device")
            file.write_bytes(text)

        with monkeypatch.context() as patched:
            patched.setattr(last_good, "_write_file", full)
            await kept.files.reload()
        assert find_start(tmp_path / "gone", kept.state, NOW).catalog.hash == before

        await kept.files.reload()
        assert find_start(tmp_path / "gone", kept.state, NOW).catalog.hash == kept.hash != before
    assert len(list(kept.state.glob("last-good.*"))) == 1


@covers("T36")
async def test_the_copy_is_its_owner_s_alone(tmp_path: Path) -> None:
    async with kept_at(tmp_path) as kept:
        folder = kept.state / "last-good"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.rglob("*.yaml")} == {0o600}


async def test_the_same_files_are_written_once(tmp_path: Path) -> None:
    async with kept_at(tmp_path) as kept:
        was = (kept.state / "last-good").lstat().st_ino
        await kept.files.reload()
        assert (kept.state / "last-good").lstat().st_ino == was
