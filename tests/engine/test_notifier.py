"""The notifier with a real sender: what arrives, what is recorded, and how it stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pager.core.outcome import Outcome, Reason
from pager.core.people import Person
from pager.core.text import Facts
from pager.notifier import Notifier
from pager.secrets import Secrets
from pager.sender import Sender
from pager.sender_pool import Rank
from pager.wording import worded
from tests.engine.house import LINKS, Clock, House, alert, catalog, running
from tests.support import covers, wait_until


@dataclass
class Post:
    """A notifier at work, and what its console shows."""

    house: House
    notifier: Notifier
    shown: list[tuple[str, str]] = field(default_factory=list)

    async def wake(self) -> None:
        """Let it ask now what is due: it does so by itself once a second."""
        await self.house.database.write(lambda tx: tx.notify("pages"))

    async def shows(self, count: int) -> None:
        await wait_until(lambda: len(self.shown) >= count, 10, f"{count} messages, not {len(self.shown)}")
        await self.idle()

    async def idle(self) -> None:
        await wait_until(lambda: not self.notifier.carried, 10, "the notifier to have nothing in hand")


@asynccontextmanager
async def posting(house: House, environ: dict[str, str] | None = None) -> AsyncIterator[Post]:
    """A notifier that runs as long as the block does, with a console that keeps what it shows."""
    shown: list[tuple[str, str]] = []
    sender = Sender(console=lambda title, text: shown.append((title, text)))
    notifier = Notifier(house.database, house.engine, sender, Secrets(environ or {}).get, LINKS)
    task = asyncio.create_task(notifier.run())
    try:
        yield Post(house, notifier, shown)
    finally:
        notifier.stop()
        await wait_until(task.done, 10, "the notifier to stop")
        await task
        await sender.close()


def people(**contacts: dict[str, Any]) -> dict[str, Person]:
    return {name: Person.model_validate({"contacts": known}) for name, known in contacts.items()}


async def test_a_page_arrives_with_its_links(house: House) -> None:
    async with posting(house) as post:
        await house.say(alert(instance="node-1"))
        await post.shows(1)

    ((title, text),) = post.shown
    assert title.startswith("SEV-2 Down [")
    assert "Acknowledge: https://pager.example.org/p/" in text
    assert "Runbook: https://" in text
    assert await house.deliveries() == [("push", 1, "delivered", False)]


async def test_a_missing_secret_falls_through_to_the_next_contact(house: House, logs: list[dict[str, Any]]) -> None:
    contacts = {"push": "json://h.example.org/${ANA_PUSH}", "mail": "console://ana"}
    ana = Person.model_validate({"contacts": contacts, "notify": {"default": ["push"]}})
    house.engine.catalog = catalog(people={"ana": ana})
    async with posting(house) as post:
        await house.say(alert())
        await post.shows(1)

    assert await house.deliveries() == [("mail", 1, "delivered", False), ("push", 1, "config", False)]
    assert not [said for said in logs if "h.example.org" in repr(said)]


async def test_a_secret_is_filled_in_and_shown_nowhere(house: House, logs: list[dict[str, Any]]) -> None:
    house.engine.catalog = catalog(people=people(ana={"push": "${ANA_URL}"}, bo={"push": "console://"}))
    async with posting(house, {"ANA_URL": "nosuch://zqxCanary7@h.example.org/zqxCanary7"}) as post:
        await house.say(alert())
        await post.shows(1)

    rows = await house.database.read(lambda tx: tx.all("SELECT outcome, detail FROM deliveries ORDER BY begun_at"))
    assert [row.outcome for row in rows] == ["config", "delivered"]
    assert "zqxCanary7" not in repr([tuple(row) for row in rows]) + repr(logs)


async def test_whoever_cannot_be_reached_has_the_next_step_page_now(house: House) -> None:
    house.engine.catalog = catalog(people=people(ana={"push": "console://${NOPE}"}, bo={"push": "console://"}))
    async with posting(house) as post:
        await house.say(alert())
        await post.shows(1)

    assert await house.paged() == ["ana", "bo"]


async def test_a_lease_that_was_lost_is_carried_again_as_a_repeat(house: House) -> None:
    await house.say(alert())
    await house.claim()  # and whoever did so is never heard of again
    async with posting(house) as post:
        await post.idle()
        assert post.shown == []
        house.clock.at += timedelta(seconds=46)
        await post.wake()
        await post.shows(1)

    assert "may be a repeat" in post.shown[0][1]
    assert await house.deliveries() == [("push", 1, "unknown", False), ("push", 2, "delivered", True)]


async def test_what_cannot_be_begun_does_not_hold_up_the_others(house: House) -> None:
    await house.say(alert("Broken", severity="SEV-1"), alert("Sound"))
    await house.change("UPDATE incidents SET body = :body WHERE number = 1", body=b"{")
    async with posting(house) as post:
        await post.shows(1)

    assert [title.split(" [")[0] for title, _ in post.shown] == ["SEV-2 Sound"]
    assert {page.state for page in await house.pages(1)} == {"due"}


async def test_stop_carries_what_was_claimed_and_claims_no_more(house: House) -> None:
    async with posting(house) as post:
        await house.say(*(alert(f"Alert {number}") for number in range(20)))
        await wait_until(lambda: post.shown, 10, "the first message")

    assert await house.count("deliveries WHERE outcome IS NULL") == 0
    assert await house.count("pages WHERE claim IS NOT NULL") == 0
    sent = len(post.shown)
    await house.say(alert("Late"))
    assert len(post.shown) == sent


async def test_two_notifiers_on_one_database_send_each_page_once(two: tuple[House, House]) -> None:
    one, other = two
    async with posting(one) as left, posting(other) as right:
        await one.say(*(alert(f"Alert {number}", severity="low") for number in range(100)))
        await wait_until(lambda: len(left.shown) + len(right.shown) >= 100, 20, "100 messages")

    titles = [title for title, _ in (*left.shown, *right.shown)]
    assert (len(titles), len(set(titles))) == (100, 100)
    assert await one.count("deliveries WHERE outcome = 'delivered' AND repeat = 0") == 100


@covers("F54")
async def test_after_a_start_those_who_answered_before_it_are_served_first(house: House) -> None:
    contacts = {name: f"json://{name}.example.org/x" for name in ("good", "slow", "better", "gone", "new")}
    contacts["secret"] = "json://${HOST}/x"
    house.engine.catalog = catalog(people=people(ana=contacts), teams={})
    ended = {"good": Reason.delivered, "slow": Reason.timeout, "better": Reason.server, "gone": Reason.crashed}
    await house.say(alert())
    await house.send(lambda attempt: Outcome(ended.get(attempt.contact, Reason.unknown)))
    sender = Sender()

    await Notifier(house.database, house.engine, sender, Secrets({}).get, LINKS).restore()

    ranks = {name: sender._slots.rank(f"json:{name}.example.org") for name in ("good", "slow", "better", "gone", "new")}
    assert ranks == {
        "good": Rank.quick, "slow": Rank.slow, "better": Rank.quick, "gone": Rank.new, "new": Rank.new
    }  # fmt: skip


def test_a_message_that_cannot_be_worded_goes_out_in_its_plainest_form() -> None:
    facts = Facts(
        code="7KQ",
        severity="SEV-1",
        title="CheckoutDown",
        kind="page",
        why="step 1",
        since=datetime(2026, 11, 21, 3, 4, tzinfo=UTC),
        now=datetime(2026, 11, 21, 3, 6, tzinfo=UTC),
        page_link="https://pager.example.org/p/abc",
        runbook="https://runbooks.example.org/x",
        zone="Nowhere/Atlantis",
    )

    text = worded(facts, "json://sink.example.org/")

    assert text.title == "SEV-1 CheckoutDown [7KQ]"
    assert "https://runbooks.example.org/x" in text.body
    assert "https://pager.example.org/p/abc" in text.body


SLOW_COMMIT = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER slowly AFTER UPDATE OF claim ON pages DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION slowly()
"""


@covers("F27", "P12")
async def test_a_claim_whose_commit_was_not_answered_waits_for_no_lease(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made, and nobody knew: its page goes out all the same, now and not after 45 s."""
    monkeypatch.setattr("pager.store.postgres.ANSWER_SECONDS", 0.3)
    async with running(emptied, Clock()) as house:
        await house.say(alert())
        await house.change(SLOW_COMMIT)
        async with posting(house) as post:
            await wait_until(lambda: post.notifier.doubtful, 5, "a claim without an answer")
            monkeypatch.undo()
            await post.shows(1)

        await house.change("DROP TRIGGER slowly ON pages; DROP FUNCTION slowly")
        assert [repeat for _, _, _, repeat in await house.deliveries()][-1] is True
