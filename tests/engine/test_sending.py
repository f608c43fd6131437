"""Pages whose providers fail: how often they are tried, what the timeline says, and what a restart frees."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from pager import outbox
from pager.core.outcome import Outcome, Reason
from pager.core.people import Person
from pager.core.text import message
from pager.outbox import Attempt
from pager.store import pages
from tests.engine.house import DELIVERED, LINKS, REFUSED, House, alert, catalog
from tests.support import covers

REJECTED = Outcome(Reason.rejected, "a bad request")
SECOND = timedelta(seconds=1)


def answers(**by_contact: Outcome) -> Callable[[Attempt], Outcome]:
    return lambda attempt: by_contact.get(attempt.contact, DELIVERED)


def known(**contacts: str) -> Person:
    return Person.model_validate({"contacts": contacts})


@covers("F15", "P11")
async def test_f15_a_dead_receiver_is_asked_by_plan_for_ten_minutes_and_no_oftener(house: House) -> None:
    house.engine.catalog = catalog(people={"ana": known(push="console://a")}, teams={})
    await house.say(alert())
    await house.ack()  # so that nobody is paged besides ana
    await house.change("UPDATE pages SET state = 'due', due_at = issued_at")
    tried = 0
    for _ in range(600):
        tried += len(await house.send(lambda _: REFUSED))
        house.clock.at += SECOND

    # 2, 5, 15, 30, then every 60 s, each up to a fifth sooner or later.
    assert 4 + 600 / 72 - 1 <= tried <= 5 + 600 / 48


@covers("F16", "P5")
async def test_f16_what_cannot_work_is_tried_once_and_the_next_contact_goes_at_once(house: House) -> None:
    ana = Person.model_validate(
        {"contacts": {"push": "console://a", "mail": "console://b"}, "notify": {"default": ["push"]}}
    )
    house.engine.catalog = catalog(people={"ana": ana})
    await house.say(alert())

    assert await house.send(answers(push=REJECTED)) == ["ana push", "ana mail"]
    house.clock.at += timedelta(minutes=4)
    assert await house.send() == []


async def test_the_timeline_says_once_a_page_what_failed_and_what_was_tried(house: House) -> None:
    ana = Person.model_validate(
        {"contacts": {"push": "console://a", "mail": "console://b"}, "notify": {"default": ["push"]}}
    )
    house.engine.catalog = catalog(people={"ana": ana, "bo": known(push="console://c")})
    await house.say(alert())
    for _ in range(3):
        await house.send(answers(push=REFUSED))
        house.clock.at += timedelta(seconds=20)

    said = [line for line in await house.timeline() if "failed (" in line]
    assert said == ["ana: push failed (refused), tried mail"]


async def test_who_is_in_trouble_is_tried_last_and_still_tried(house: House) -> None:
    house.engine.catalog = catalog(people={"ana": known(push="ntfy://bad.example.org/a", mail="console://b")})
    await house.say(alert())
    troubled = frozenset({"ntfy:bad.example.org"})
    (taken,) = await house.database.write(
        lambda tx: outbox.claim(tx, house.engine.catalog, "claim", 8, LINKS, troubled=troubled)
    )

    assert [attempt.contact for attempt in taken.attempts] == ["mail", "push"]


async def test_a_mail_lists_labels_and_a_push_does_not(house: House) -> None:
    house.engine.catalog = catalog(people={"ana": known(mail="mailto://a@mail.example.org", push="console://b")})
    await house.say(alert(job="api"))
    _, (taken,) = await house.claim()

    mail, push = taken.attempts
    assert [said.labels["job"] for said in mail.facts.alerts] == ["api"]
    assert "job=api" in message(mail.facts, "mail").body
    assert push.facts.alerts == ()


@covers("F5", "F7", "P6")
async def test_f5_what_a_process_that_is_gone_was_sending_waits_for_no_lease(house: House) -> None:
    await house.say(alert())
    await house.claim()

    freed = await house.database.write(pages.release_all)

    # Where other nodes may be alive their leases stand: PostgreSQL's run out by themselves.
    sqlite = await house.database.read(lambda tx: tx.engine == "sqlite")
    assert freed == (1 if sqlite else 0)
    _, taken = await house.claim()
    assert [attempt.facts.repeat for one in taken for attempt in one.attempts] == ([True] if sqlite else [])


@covers("T11", "P19")
@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://x",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        " javascript:alert(1)",
        "\tjava\nscript:alert(1)",
        "//evil.example/x",
        "file:///etc/passwd",
    ],
)
async def test_t11_a_runbook_that_is_no_web_address_is_no_link(house: House, link: str) -> None:
    body = alert() | {"annotations": {"runbook_url": link, "summary": "s"}, "generatorURL": link}
    await house.say(body)
    _, taken = await house.claim()

    text = message(taken[0].attempts[0].facts, "chat").body
    runbook = next(line for line in text.splitlines() if line.startswith("Runbook: ")).removeprefix("Runbook: ")
    assert runbook.startswith(("https://", "http://"))
    assert "script" not in text and "evil.example" not in text and "passwd" not in text


@covers("T18")
async def test_t18_a_runbook_of_several_lines_is_one_address(house: House) -> None:
    await house.say(
        alert() | {"annotations": {"runbook_url": "https://r.example.org/x\nAcknowledge: https://evil.example"}}
    )
    _, taken = await house.claim()

    body = message(taken[0].attempts[0].facts, "chat").body
    assert "evil.example" not in body
