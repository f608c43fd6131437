"""What users of other systems wish for, a test each, named after it (u1, u2, ...), on the stage of the promises."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from pager.core.incident import Noted, Snoozed
from pager.core.proven import proven_urls, trial_notice
from pager.engine import Engine
from pager.sender import Sender
from pager.sources import SOURCES
from pager.store import incidents, notices, proofs
from tests.promises.stage import RULES, Play, playing

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOON = "2026-03-03 12:00 Europe/Berlin"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender() -> AsyncIterator[Sender]:
    made = Sender()
    await made.start()
    yield made
    await made.close()


async def timeline(play: Play, number: int = 1) -> list[str]:
    found = await play.engine.database.read(lambda tx: incidents.timeline(tx, number))
    return [entry.said for entry in found if entry.said]


async def test_u1_a_second_channel_takes_over_when_the_first_fails_and_says_so(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        play.http.answers["ana"] = 500
        await play.says("Slow")

        ((at, got),) = play.heard
        assert (at, got.to) == (play.start, "ana@example.org") and "Slow" in got.title
        assert "ana: push failed (server), tried mail" in await timeline(play)


async def test_u2_an_ack_asks_for_no_length_and_ends_with_its_alert(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow")
        await play.ack("ana")
        for hours in ("50m", "1h40m"):
            await play.at(hours)
            await play.does(Noted("ana", "still on it"))
        await play.at("2h")
        await play.says("Slow", "resolved")
        await play.at("1d")
        assert play.told() == ["0m ana SEV-2 Slow", "2h2m ana OK " + play.told()[-1].partition(" OK ")[2]]

        await play.says("Slow")  # the ack was of that alert, and is of no other
        assert play.told()[2:] == ["1d ana SEV-2 Slow"]


async def test_u3_the_severity_says_who_is_paged_or_only_that_it_is_written_down(
    sender: Sender, tmp_path: Path
) -> None:
    async with playing(tmp_path, sender, "2026-03-03 03:00 Europe/Berlin") as play:
        names = ("Down", "Slow", "Late", "Small", "Typo")
        for name in names:
            await play.says(name)
        who = {name: sorted(got.to for _, got in play.heard if name in got.title) for name in names}

        assert who == {"Down": ["ana", "bo", "chi"], "Slow": ["ana"], "Late": [], "Small": ["issues"], "Typo": []}


async def test_u7_a_noisy_alert_stays_open_and_one_message_says_that_it_flaps(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        for minute in range(3):
            await play.at(f"{minute * 2}m")
            await play.says("Flaps")
            await play.at(f"{minute * 2 + 1}m")
            await play.says("Flaps", "resolved")
        await play.at("15m")
        (kept,) = await play.all()
        assert kept.incident.state == "triggered", "it counts as firing until it was quiet"
        assert len([got for _, got in play.heard if "It flaps" in got.body]) == 1
        assert [got for _, got in play.heard if got.title.startswith("OK ")] == []

        await play.ack("ana")
        await play.at("30m")
        (kept,) = await play.all()
        assert (kept.incident.number, kept.incident.state) == (1, "resolved")


async def test_u8_what_was_acknowledged_and_forgotten_pages_again_also_after_a_snooze(
    sender: Sender, tmp_path: Path
) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow")
        await play.does(Snoozed("ana", play.start + timedelta(hours=3)))
        await play.at("2h59m")
        assert play.told() == ["0m ana SEV-2 Slow"]
        await play.at("3h")
        await play.ack("ana")
        await play.at("4h")

        assert play.told() == ["0m ana SEV-2 Slow", "3h ana SEV-2 Slow", "4h ana SEV-2 Slow"]


async def test_u10_alerts_that_differ_stay_two_and_none_joins_what_is_closed(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow", shop="a")
        await play.says("Slow", shop="b")
        await play.says("Slow", "resolved", shop="a")
        (kept,) = await play.all()
        assert (kept.incident.alerts, kept.incident.firing, kept.incident.state) == (2, 1, "triggered")

        await play.says("Slow", "resolved", shop="b")
        await play.at("16m")
        await play.says("Slow", shop="b")
        assert [kept.incident.state for kept in await play.all()] == ["resolved", "triggered"]


async def test_u17_an_escalation_survives_a_restart_and_a_resolve_ends_it(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow")
        await play.at("3m")
        play.engine = Engine(play.engine.database, play.engine.catalog, SOURCES)
        await play.at("5m")
        assert play.told() == ["0m ana SEV-2 Slow", "5m bo SEV-2 Slow"]

        await play.says("Slow", "resolved")
        play.engine = Engine(play.engine.database, play.engine.catalog, SOURCES)
        await play.at("10h")
        assert [line.split()[:3] for line in play.told()[2:]] == [["7m", "ana", "OK"], ["7m", "bo", "OK"]]


OWN = """\
templates:
  webhook: "{{ title }} in {{ labels.shop }}, owner {{ annotations.owner | default('nobody') }}. First: {{ runbook }}"
"""


async def test_u21_own_words_with_labels_and_the_runbook(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON, RULES + OWN) as play:
        await play.says("Slow", shop="eu")

        ((_, got),) = play.heard
        first, second = got.body.splitlines()
        assert first == "Slow in eu, owner nobody. First: https://runbooks.example.org/Slow"
        assert second.startswith("Acknowledge: ")


async def test_u22_a_long_group_is_cut_to_its_channel_most_important_first(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON, RULES.replace("[alertname]", "[shop]")) as play:
        for number in range(40):
            await play.says("Slow", shop="eu", instance=f"{number}-{'x' * 400}")
        await play.at("5m")
        got = play.heard[-1][1]

        assert got.to == "bo" and got.title.startswith("SEV-2 Slow [")
        assert "40 alerts" in got.body and len(got.title + got.body) <= 4000
        assert got.body.splitlines()[-1].startswith("Acknowledge: ")


async def test_u23_a_pair_of_senders_that_repeat_and_contradict_each_other_pages_once(
    sender: Sender, tmp_path: Path
) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow")
        told = {"labels": {"alertname": "Slow"}, "annotations": {}, "startsAt": "2026-03-03T11:00:00Z"}
        for status in ("firing", "resolved", "firing", "resolved", "firing"):
            # What the other of the pair says late: that the spell before this one has ended.
            ended = (
                {"startsAt": "2026-03-03T10:50:00Z", "endsAt": "2026-03-03T10:58:00Z"} if status == "resolved" else {}
            )
            await play._post("alertmanager", [{**told, "status": status, **ended}])
            while await play.engine.work_inbox():
                pass
            await play.settle()

        assert play.told() == ["0m ana SEV-2 Slow"]
        assert len(await play.all()) == 1


async def test_u27_it_goes_on_telling_while_it_is_broken_as_often_as_the_policy_says(
    sender: Sender, tmp_path: Path
) -> None:
    async with playing(
        tmp_path, sender, NOON, RULES.replace("then: [everyone]", "repeat: 1\n    then: [everyone]")
    ) as play:
        await play.says("Slow")
        await play.at("1h")

        assert play.told("bo") == [f"{after} bo SEV-2 Slow" for after in ("5m", "20m", "30m", "1h")]


async def test_u29_a_test_page_goes_the_whole_real_way_says_what_it_is_and_is_measured(
    sender: Sender, tmp_path: Path
) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        database, at = play.engine.database, play.start
        await database.write(lambda tx: notices.issue(tx, [trial_notice("ana", "eli", tx.now())]))
        await play.settle()
        told = {got.to: got for _, got in play.heard}
        assert set(told) == {"ana", "ana@example.org"}
        assert all(got.title == "Test page: nothing is broken" for got in told.values())

        (link,) = re.findall(r"/p/proof/(\w+)", told["ana"].body)
        play.clock.at += timedelta(seconds=40)
        await database.write(lambda tx: proofs.answer(tx, link))
        rows = {row.contact: row for row in await database.read(lambda tx: proofs.of_test(tx, "ana", at))}
        assert [rows[name].outcome for name in ("mail", "push")] == ["delivered", "delivered"]
        assert rows["push"].acked_at is not None and rows["mail"].acked_at is None
        urls = proven_urls(play.engine.catalog)
        assert list(await database.read(lambda tx: proofs.proven(tx, urls))) == [("ana", "push")]
        assert await play.all() == []
