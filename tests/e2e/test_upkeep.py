"""The real daemon looks after itself: its files, its database, and those who would notice if it died."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.cli.house import Ran, pagerctl
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import covers, free_port, wait_until
from tests.upkeep.inbox import inbox

SCHEDULES = """
schedule: shop
timezone: Europe/Berlin
rotation:
  - {{from: 2026-01-05, people: [ana]}}
---
channels: {{issues: "{ana}"}}
people:
  ana: {{timezone: Europe/Lisbon, contacts: {{push: "{ana}"}}}}
  bo: {{timezone: Europe/Berlin, contacts: {{push: "{bo}"}}}}
"""
RULES = """
defaults: {policy: shop, group_by: [alertname]}
policies:
  shop: {steps: [{page: [shop], wait: 10m}], then: ["person:bo"]}
rules:
  - {name: first, match: [alertname = First], severity: SEV-2}
  - {name: second, match: [alertname = Second], severity: SEV-2}
  - {name: more, match: ['alertname =~ "More.*"'], severity: SEV-4}
"""
REORDERED = RULES.replace("first", "x").replace("second", "first").replace("x", "second")
BROKEN = "rules:\n  - {name: x, match: [alertname = X], severity: SEV-9}\n"


def config(http: HttpSink) -> dict[str, str]:
    return {
        "rules/all.yaml": RULES,
        "schedules/all.yaml": SCHEDULES.format(ana=http.contact("ana"), bo=http.contact("bo")),
    }


async def said_ready(daemon: Daemon) -> str:
    async with aiohttp.request("GET", f"{daemon.url}/-/ready") as answer:
        assert answer.status == 200
        return await answer.text()


async def metric(daemon: Daemon, name: str) -> float:
    async with aiohttp.request("GET", f"{daemon.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


async def ctl(daemon: Daemon, *words: str) -> Ran:
    where = ("--server", str(daemon.state / "pagerd.sock"))
    return await asyncio.to_thread(pagerctl, *words, *where)


async def fire(daemon: Daemon, *names: str) -> None:
    alerts = [{"status": "firing", "labels": {"alertname": name, "severity": "critical"}} for name in names]
    await daemon.post("/webhook/alertmanager", {"alerts": alerts})


@pytest.mark.slow
@covers("F46", "F44", "P16")
async def test_a_start_with_bad_files_runs_the_last_good_ones_and_pages_once_until_they_are_mended(
    tmp_path: Path,
) -> None:
    async with http_sink() as http, running(tmp_path, config(http)) as daemon:
        await daemon.stop()
        bad = daemon.folder / "rules" / "bad.yaml"
        bad.write_text(BROKEN)
        for _ in range(2):
            await daemon.start()
            await wait_until(lambda: http.to("ana"), 20, "the page about the files")
            ready = await said_ready(daemon)
            assert ready.startswith("ready\ndegraded: pagerd runs on the last good files\n")
            assert "the files on disk are not in force: 1 error since" in ready
            assert (await metric(daemon, "pager_config_degraded"), await metric(daemon, "pager_config_hash") > 0) == (
                1,
                True,
            )
            assert await metric(daemon, "pager_config_last_reload_successful") == 0
            status = await ctl(daemon, "status")
            assert (status.code, "degraded: pagerd runs on" in status.out) == (1, True)
            await daemon.stop()
        await daemon.start()
        assert "pagerd runs on the last good files" in http.to("ana")[0].title
        assert f"1 error in {daemon.folder}" in http.to("ana")[0].body
        await fire(daemon, "First")
        await wait_until(lambda: len(http.to("ana")) == 2, 20, "alerts to page on the last good files")

        refused = await ctl(daemon, "reload")
        assert (refused.code, "rules/bad.yaml:2" in refused.out, "stay in force" in refused.out) == (1, True, True)
        bad.unlink()
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)
        await wait_until(lambda: is_just_ready(daemon), 20, "the mended files to be in force")
        assert (await metric(daemon, "pager_config_degraded")) == 0
        assert [incident["title"] for incident in await daemon.incidents("open")] == ["First"]
        assert len([got for got in http.to("ana") if "last good" in got.title and "resolved" not in got.title]) == 1


async def is_just_ready(daemon: Daemon) -> bool:
    return await said_ready(daemon) == "ready\n"


@pytest.mark.slow
@covers("F46", "P16")
async def test_bad_settings_do_not_keep_it_down_either(tmp_path: Path) -> None:
    async with http_sink() as http, running(tmp_path, config(http)) as daemon:
        await daemon.stop()
        (daemon.folder / "pager.toml").write_text('last_ressort = ["x"]\n')
        await daemon.start()
        assert "degraded" in await said_ready(daemon)
        problems = (await daemon.get("/api/v1/status"))["config"]["problems"]
        (problem,) = (problem for problem in problems if problem["level"] == "error")
        assert (problem["file"], "unknown setting 'last_ressort'" in problem["message"]) == ("pager.toml", True)


@covers("F46", "P16")
async def test_without_a_last_good_copy_it_says_what_is_wrong_and_ends(tmp_path: Path) -> None:
    async with http_sink() as http:
        async with running(tmp_path, {**config(http), "rules/bad.yaml": BROKEN}, start=False) as daemon:
            await daemon.start(ready=False)
            assert daemon.process is not None
            async with asyncio.timeout(30):
                assert await daemon.process.wait() == 1
            said = daemon.log.read_text()
            assert "rules/bad.yaml:2" in said
            assert "no last good copy" in said


@pytest.mark.slow
@covers("F60")
async def test_an_older_pager_refuses_a_newer_database_and_names_its_version(tmp_path: Path) -> None:
    async with http_sink() as http, running(tmp_path, config(http)) as daemon:
        await daemon.stop()
        with sqlite3.connect(daemon.state / "pager.db") as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        await daemon.start(ready=False)
        assert daemon.process is not None
        async with asyncio.timeout(30):
            assert await daemon.process.wait() == 1
        assert "pagerd cannot start: the database has schema version 9999" in daemon.log.read_text()


@covers("F45", "F47", "F44")
async def test_reloads_in_a_loop_neither_send_again_nor_hide_an_alert(tmp_path: Path) -> None:
    async with http_sink() as http, running(tmp_path, config(http)) as daemon:
        rules = daemon.folder / "rules" / "all.yaml"
        await fire(daemon, "First", "Second")
        await wait_until(lambda: len(http.to("ana")) == 2, 20, "both pages")
        due = {incident["code"]: incident["due_at"] for incident in await daemon.incidents()}

        async def reloading() -> None:
            for number in count():
                rules.write_text((REORDERED, BROKEN, RULES)[number % 3])
                async with aiohttp.request("POST", f"{daemon.url}/-/reload") as answer:
                    assert answer.status == (422 if number % 3 == 1 else 200)

        loop = asyncio.create_task(reloading())
        for number in range(25):
            await fire(daemon, "First", f"More{number}")
        await wait_until(lambda: len(http.to("ana")) >= 27, 60, "a page for each new alert")
        loop.cancel()

        titles = [got.title for got in http.to("ana")]
        assert len(titles) == len(set(titles)) == 27
        after = {incident["code"]: incident["due_at"] for incident in await daemon.incidents()}
        assert {code: after[code] for code in due} == due


@pytest.mark.slow
@covers("P23", "F34", "P1")
async def test_the_newest_backup_restored_while_writing_is_whole(tmp_path: Path) -> None:
    async with http_sink() as http, running(tmp_path, config(http)) as daemon:
        accepted: list[str] = []

        async def storm() -> None:
            for number in count():
                names = [f"A{number}-{each}" for each in range(5)]
                await fire(daemon, *names)
                accepted.extend(names)

        storming = asyncio.create_task(storm())
        await wait_until(lambda: len(accepted) > 100, 60, "some alerts")
        before = list(accepted)
        made = await ctl(daemon, "db", "backup", str(tmp_path / "copy.db"), "-o", "json")
        assert made.code == 0, made.err
        during = len(accepted)
        refused = await asyncio.to_thread(
            pagerctl, "db", "restore", str(tmp_path / "copy.db"), "--database", database(daemon)
        )
        assert (refused.code, "stop it first" in refused.err) == (1, True)
        await wait_until(lambda: len(accepted) > during, 30, "alerts after the copy")
        await daemon.stop(signal.SIGKILL)
        storming.cancel()
        await asyncio.gather(storming, return_exceptions=True)

        restored = await asyncio.to_thread(
            pagerctl, "db", "restore", str(tmp_path / "copy.db"), "--database", database(daemon)
        )
        assert restored.code == 0, restored.err
        await daemon.start()
        await wait_until(lambda: nothing_waits(daemon), 60, "the restored inbox to be worked")
        known = {alert["labels"]["alertname"] for alert in await all_alerts(daemon)}
        assert set(before) - known == set(), "what was accepted before the copy began is in it"
        assert len(known) < len(accepted), "the copy is older than the end"


def database(daemon: Daemon) -> str:
    return f"sqlite:///{daemon.state / 'pager.db'}"


async def nothing_waits(daemon: Daemon) -> bool:
    status = await daemon.get("/api/v1/status")
    return bool(status["queues"]["inbox"]["depth"] == 0)


async def all_alerts(daemon: Daemon) -> list[Any]:
    found, cursor = [], ""
    while True:
        page = await daemon.get(f"/api/v1/alerts?limit=500{cursor}")
        found += page["alerts"]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"


@pytest.mark.slow
@covers("P22", "P5", "P8")
async def test_it_signals_life_until_its_senders_hang_and_has_a_last_resort(tmp_path: Path) -> None:
    dead = {"ana": f"json://127.0.0.1:{free_port()}/", "bo": f"json://127.0.0.1:{free_port()}/"}
    async with inbox() as there:
        settings = {"deadman": [f"{there.url}/alive"], "deadman_every": "1s", "last_resort": [f"{there.url}/last"]}
        toml = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
        files = {"rules/all.yaml": RULES, "schedules/all.yaml": SCHEDULES.format(**dead), "pager.toml": toml}
        async with running(tmp_path, files) as daemon:
            await wait_until(lambda: there.asked.count("/alive") >= 2, 20, "signs of life")
            doctor = await ctl(daemon, "doctor")
            assert doctor.code == 0, doctor.out
            assert "ok    progress" in doctor.out
            await fire(daemon, "First")
            await wait_until(lambda: there.got, 60, "the last resort")
            assert "First" in there.got[0]["title"]

            children = senders(daemon)
            for pid in children:
                os.kill(pid, signal.SIGSTOP)
            told = there.asked.count("/alive")
            sick = await ctl(daemon, "doctor")
            assert (sick.code, "FAIL  progress" in sick.out, "the sender" in sick.out) == (1, True, True)
            assert there.asked.count("/alive") <= told + 1
            for pid in children:
                with contextlib.suppress(ProcessLookupError):  # The one that did not answer was ended.
                    os.kill(pid, signal.SIGCONT)


def senders(daemon: Daemon) -> list[int]:
    """The processes below the daemon, and below those."""
    assert daemon.process is not None
    found, waiting = [], [daemon.process.pid]
    while waiting:
        pid = waiting.pop()
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = [int(child) for child in (task / "children").read_text().split()]
            found += children
            waiting += children
    return found


async def test_the_doctor_says_how_to_mend_what_is_not_well(tmp_path: Path) -> None:
    async with http_sink() as http:
        files = {**config(http)}
        files["schedules/all.yaml"] = SCHEDULES.format(ana="ntfys://${ANA_KEY}", bo=http.contact("bo"))
        key = tmp_path / "key"
        key.touch(mode=0o600)
        key.write_text("goes away")
        async with running(tmp_path, files, environment={"ANA_KEY_FILE": str(key)}) as daemon:
            key.unlink()
            sick = await ctl(daemon, "doctor")
            assert sick.code == 1
            assert "FAIL  secrets      ANA_KEY for contact push of ana" in sick.out
            assert "FAIL  contacts     ana push: the secret ANA_KEY is not there" in sick.out
            assert "warn  last resort" in sick.out
            assert "mend: set last_resort in pager.toml" in sick.out
            await daemon.stop()
        gone = await asyncio.to_thread(pagerctl, "doctor", "--server", str(daemon.state / "pagerd.sock"))
        assert (gone.code, "FAIL  pagerd" in gone.out) == (4, True)


@pytest.mark.parametrize("word", ["db", "doctor", "export"])
def test_the_commands_are_listed(word: str) -> None:
    assert word in pagerctl("--help").out
