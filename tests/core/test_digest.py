"""Digests: when each is due, to whom it goes, and what it says (lifecycle rule 25)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pager.core.catalog import Catalog
from pager.core.digest import Backlog, DueDigest, digest, due_digests, mail_ways, recipients
from pager.core.people import Person, Team
from pager.core.policy import Policy
from pager.core.severity import SHIPPED, Severity
from tests.support import covers

MONDAY = datetime(2026, 3, 30, 7, tzinfo=UTC)  # 09:00 in Berlin, where the clocks changed the night before
PERSON = Person.model_validate(
    {"timezone": "Europe/Berlin", "contacts": {"push": "ntfy://a", "mail": "mailto://u:p@example.org"}}
)
ANA: dict[str, Any] = {"steps": [{"page": ["person:ana"]}]}


def files(team: Team | None = None, policy: dict[str, Any] = ANA, cron: str = "0 9 * * MON") -> Catalog:
    backlog = Severity(name="Cosmetic", means="Backlog", respond="backlog", digest=cron)
    return Catalog(
        severities={**SHIPPED, "SEV-5": backlog},
        policies={"web": Policy.model_validate(policy)},
        people={"ana": PERSON},
        teams={"web": team} if team else {},
        channels={"web-chat": "console://"},
    )


@pytest.mark.parametrize(
    ("at", "cron", "expected"),
    [
        pytest.param(
            MONDAY, "0 9 * * MON", MONDAY, id="Monday at nine, in the zone of step 1, after the clocks change"
        ),
        pytest.param(MONDAY.replace(hour=6, minute=59), "0 9 * * MON", None, id="not a minute earlier"),
        pytest.param(MONDAY.replace(day=31), "0 9 * * MON", MONDAY, id="a day late, if pager was down"),
        pytest.param(MONDAY.replace(day=31, minute=1), "0 9 * * MON", None, id="and no later"),
        pytest.param(MONDAY, "0 9 * * *", MONDAY, id="every day"),
    ],
)
def test_when_a_digest_is_due(at: datetime, cron: str, expected: datetime | None) -> None:
    assert [due.at for due in due_digests(files(cron=cron), at)] == ([expected] if expected else [])


def test_what_is_new_was_opened_since_the_last_digest() -> None:
    (due,) = due_digests(files(), MONDAY)

    assert due.since == datetime(2026, 3, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        pytest.param(files(Team(people=("ana",), channel="web-chat")), ("channel:web-chat",), id="the team's channel"),
        pytest.param(files(Team(people=("ana",))), ("ana",), id="else step 1"),
        pytest.param(files(Team(people=("ana",), channel="gone")), ("ana",), id="a channel that is gone is none"),
        pytest.param(files(policy={"steps": [{"page": ["everyone"]}]}), ("ana",), id="everyone of step 1"),
    ],
)
@covers("R25")
def test_whom_a_digest_goes_to(catalog: Catalog, expected: tuple[str, ...]) -> None:
    assert recipients(catalog, "web", MONDAY) == expected


def test_a_person_gets_it_by_mail() -> None:
    assert [way.via for way in mail_ways(PERSON)] == ["mail"]
    assert [way.via for way in mail_ways(Person.model_validate({"contacts": {"push": "ntfy://a"}}))] == ["push"]


@pytest.mark.parametrize(
    ("backlog", "title", "body"),
    [
        pytest.param(
            Backlog(2, 1, 0, (("7KQ", "Button misaligned"), ("7KP", "Typo"))),
            "SEV-5 digest of web: 2 open, 1 new",
            "7KQ Button misaligned\n7KP Typo",
            id="what is open, the newest first",
        ),
        pytest.param(
            Backlog(30, 30, 4, (("7KQ", "Typo"),)),
            "SEV-5 digest of web: 30 open, 30 new",
            "7KQ Typo\nand 29 more\n4 came and went since the last digest",
            id="what there is no room for, and what is over",
        ),
    ],
)
def test_what_a_digest_says(backlog: Backlog, title: str, body: str) -> None:
    (notice,) = digest(DueDigest("SEV-5", "web", MONDAY, MONDAY), backlog, files())

    assert (notice.title, notice.body) == (title, body)


def test_nothing_is_told_of_nothing() -> None:
    assert digest(DueDigest("SEV-5", "web", MONDAY, MONDAY), Backlog(0, 0, 0), files()) == []


def test_a_digest_that_is_no_cron_is_an_error() -> None:
    with pytest.raises(ValueError, match="every monday"):
        files(cron="every monday")
