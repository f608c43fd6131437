"""What pager promises, a story each: the daemon's own engine, real providers, and a clock that jumps."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from pager.core.incident import Resolved
from pager.sender import Sender
from tests.promises.stage import PEOPLE, RULES, playing

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOON = "2026-03-03 12:00 Europe/Berlin"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender() -> AsyncIterator[Sender]:
    made = Sender()
    await made.start()
    yield made
    await made.close()


async def test_sev_1_pages_everyone_of_the_team(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Down")

        assert sorted(play.told()) == ["0m ana SEV-1 Down", "0m bo SEV-1 Down", "0m chi SEV-1 Down"]
        assert all("Runbook: https://runbooks.example.org/Down" in got.body for _, got in play.heard)


@pytest.mark.parametrize(
    ("start", "opens"),
    [
        # In spring an hour is missing: 03:00 of Saturday to 09:00 of Monday are 53 hours, and in autumn 55.
        pytest.param("2026-03-28 03:00 Europe/Berlin", "53h", id="the clocks go forward"),
        pytest.param("2026-10-24 03:00 Europe/Berlin", "55h", id="the clocks go back"),
    ],
)
async def test_sev_3_at_three_in_the_night_waits_until_nine_in_its_zone(
    sender: Sender, tmp_path: Path, start: str, opens: str
) -> None:
    async with playing(tmp_path, sender, start) as play:
        await play.says("Late")
        await play.at(f"{int(opens[:-1]) - 1}h59m")
        assert play.told() == []

        await play.at(opens)
        ((at, _),) = play.heard
        assert play.told() == [f"2d{int(opens[:-1]) - 48}h ana SEV-3 Late"]
        assert at.astimezone(play.engine.catalog.people["ana"].zone).strftime("%a %H:%M") == "Mon 09:00"


async def test_sev_4_makes_one_ticket_for_50_repeats(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        for number in range(50):
            await play.says("Small", instance=f"{number % 5}")
        await play.at("2h")

        assert play.told() == ["0m issues SEV-4 Small"]


async def test_sev_5_stands_in_mondays_digest(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, "2026-03-04 12:00 Europe/Berlin") as play:
        await play.says("Typo")
        await play.at("4d20h")
        assert play.told() == []

        await play.at("4d22h")
        ((at, got),) = play.heard
        assert (at.strftime("%a %H:%M"), got.to) == ("Mon 08:00", "ana@example.org")  # 09:00 in Berlin
        assert "SEV-5 digest" in got.title and "Typo" in got.body


async def test_an_unacked_sev_3_is_promoted(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, "2026-03-03 03:00 Europe/Berlin") as play:
        await play.says("Worse")
        await play.at("29m")
        assert play.told() == []

        await play.at("35m")
        assert play.told() == ["30m ana SEV-2 Worse", "35m bo SEV-2 Worse"]


async def test_a_forgotten_ack_pages_again(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Down")
        await play.at("2m")
        await play.ack("bo")
        await play.at("31m")
        assert play.told(since="1m") == []

        await play.at("32m")
        assert sorted(play.told(since="1m")) == ["32m ana SEV-1 Down", "32m bo SEV-1 Down"]
        assert "ack" in play.heard[-1][1].body and "ran out" in play.heard[-1][1].body


async def test_a_policys_end_pages_then_every_half_hour(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow")
        await play.at("1h16m")

        assert play.told("chi") == ["15m chi SEV-2 Slow", "45m chi SEV-2 Slow", "1h15m chi SEV-2 Slow"]
        assert all("Nobody has it." in got.body for _, got in play.heard if got.to == "chi")
        assert play.told("dee") == []


async def test_an_alert_that_flaps_every_second_pages_nobody_more_often_than_one_that_fires_steadily(
    sender: Sender, tmp_path: Path
) -> None:
    """But for its second firing, by which nobody can know that it flaps: a re-fire pages at once (rule 22)."""
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Slow")
        for second in range(0, 600, 2):
            await play.at(f"{second}s")
            await play.says("Flaps")
            await play.at(f"{second + 1}s")
            await play.says("Flaps", "resolved")
        await play.at("16m")
        pages = {(at, got.to, got.title) for at, got in play.heard if "Acknowledge:" in got.body}

        flaps, slow = ([(at, to) for at, to, title in pages if name in title] for name in ("Flaps", "Slow"))
        known_at = play.start + timedelta(seconds=2)
        assert Counter(to for at, to in flaps if at > known_at) <= Counter(to for _, to in slow)
        assert [to for at, to in sorted(flaps) if at <= known_at] == ["ana"] * 2
        assert len([got for _, got in play.heard if "It flaps" in got.body]) == 1
        # Unacknowledged it went on to its end, though it was quiet again after ten minutes.
        assert {to for _, to in flaps} == {to for _, to in slow} == {"ana", "bo", "chi"}


CHOOSY = PEOPLE.replace(
    "notify: {{default: [push]}}", "notify: {{SEV-1: [push, {{after: 1m, via: mail}}], default: [push]}}"
).replace("bo: {{timezone: Europe/Berlin,", 'bo: {{timezone: Asia/Tokyo, quiet: "19:00-07:00",')


async def test_contacts_go_by_each_persons_own_rules_and_sleep_is_left_alone_but_for_a_sev_1(
    sender: Sender, tmp_path: Path
) -> None:
    rules = RULES.replace('{page: ["person:bo"], wait: 10m}', "{page: [everyone], wait: 10m}")
    async with playing(tmp_path, sender, NOON, rules, CHOOSY) as play:  # 20:00 in Tokyo
        await play.says("Slow")
        await play.at("5m")
        assert sorted(play.told()) == ["0m ana SEV-2 Slow", "5m ana SEV-2 Slow", "5m chi SEV-2 Slow"]
        await play.ack("ana")

        await play.says("Down")
        await play.at("6m")
        down = sorted((at - play.start, got.to) for at, got in play.heard if "Down" in got.title)
        five, six = timedelta(minutes=5), timedelta(minutes=6)
        assert down == [(five, "ana"), (five, "bo"), (five, "chi"), (six, "ana@example.org")]


async def test_a_silence_that_ends_early_pages_at_once(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        number = await play.silence("Slow", "2h")
        await play.at("1m")
        await play.says("Slow")
        await play.at("20m")
        assert play.told() == []

        await play.unsilence(number)
        assert play.told() == ["20m ana SEV-2 Slow"]


async def test_only_who_was_paged_hears_that_it_is_over(sender: Sender, tmp_path: Path) -> None:
    async with playing(tmp_path, sender, NOON) as play:
        await play.says("Down")
        await play.says("Slow")
        await play.at("1m")
        await play.says("Down", "resolved")
        await play.says("Slow", "resolved")
        await play.at("1d")
        over = sorted(
            (got.to, got.title.split()[2].rstrip(":")) for _, got in play.heard if got.title.startswith("OK ")
        )

        assert over == [("ana", "Down"), ("ana", "Slow"), ("bo", "Down"), ("chi", "Down")]


async def test_nothing_is_paged_twice_without_a_fault(sender: Sender, tmp_path: Path) -> None:
    """Three incidents to their ends, with repeats, acks and resolves: nobody hears one thing twice."""
    rules = RULES.replace("group_by: [alertname]", "group_by: [alertname, n]")
    async with playing(tmp_path, sender, NOON, rules) as play:
        for _ in range(10):
            for number in ("1", "2", "3"):
                await play.says("Slow", n=number)
        await play.at("4m")
        await play.ack("ana", 1)
        await play.does(Resolved("bo"), 2)
        await play.at("50m")
        for number in ("1", "2", "3"):
            await play.says("Slow", "resolved", n=number)
        await play.at("3h")
        tried = [(at, attempt, attempt.page) for at, attempt in play.tried]

        assert len(tried) == len(play.heard) > 10
        assert {attempt.number for _, attempt, _ in tried} == {1}
        assert [got for _, got in play.heard if "repeat" in got.body] == []
        assert len({(page.incident, page.why, page.recipient, at) for at, _, page in tried}) == len(tried)
        pages = [(p.incident, p.run, p.round, p.step, p.recipient) for _, _, p in tried if p.kind == "page"]
        assert len(set(pages)) == len(pages)
