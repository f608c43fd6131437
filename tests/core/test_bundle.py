"""Bundles: rule 32 of the lifecycle, a row for each of its sentences, and the words of the one message."""

from datetime import UTC, datetime, timedelta

import pytest

from pager.core.bundle import Carried, Due, Sent, bundled, goes_at, shut_until, sort_out
from pager.core.text import Facts, message
from tests.support import covers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def sent(ago: float, *incidents: int, level: str = "SEV-2", kind: str = "page") -> Sent:
    """A message so many minutes before noon."""
    return Sent(at(ago), incidents, level, kind)  # type: ignore[arg-type]


def due(*incidents: int, level: str = "SEV-2", kind: str = "page") -> list[Due]:
    return [Due(100 + number, number, level, kind) for number in incidents]  # type: ignore[arg-type]


THREE = [sent(10, 1), sent(9, 2), sent(8, 3)]
URGENT = [sent(0.8, 1, level="SEV-1"), sent(0.5, 2, level="SEV-1"), sent(0.2, 3, level="SEV-1")]


@pytest.mark.parametrize(
    ("pages", "messages", "alone"),
    [
        pytest.param(due(1), [], [1], id="the first page of a person is never held"),
        pytest.param(due(1), [sent(1, 5, 6, 7, kind="notice")], [1], id="nor behind notices, which are no pages"),
        pytest.param(due(3), THREE[:2], [3], id="the third incident goes alone"),
        pytest.param(due(4), THREE, [], id="after pages of three different incidents the rest waits"),
        pytest.param(due(1), THREE, [], id="and so do more pages of the same three"),
        pytest.param(due(4), [sent(10, 1), sent(9, 1), sent(8, 1)], [4], id="three pages of one incident are one"),
        pytest.param(due(4), [sent(15, 1), *THREE[1:]], [4], id="what is 15 minutes old does not count"),
        pytest.param(due(4), [sent(14.9, 1), *THREE[1:]], [], id="what is younger does"),
        pytest.param(due(1, 2, 3, 4, 5), [], [1, 2, 3], id="of five at once three go"),
        pytest.param(due(9), [sent(3, 1, 2, 3)], [], id="a bundle counts for what it carried"),
        pytest.param(due(9), [sent(3, 1, 2)], [9], id="and for no more"),
        pytest.param(due(4, level="SEV-1"), THREE, [4], id="a SEV-1 goes at once"),
        pytest.param(due(4, level="SEV-1"), URGENT, [], id="unless three SEV-1 went in that minute"),
        pytest.param(due(4, level="SEV-1"), [sent(1, 9, level="SEV-1"), *URGENT[1:]], [4], id="a minute ago is over"),
        pytest.param(due(4, 5, 6, 7, level="SEV-1"), THREE, [4, 5, 6], id="of four SEV-1 at once three go"),
        pytest.param(due(4, level="SEV-1", kind="notice"), THREE, [], id="news of a SEV-1 is no SEV-1 page"),
        pytest.param(due(4, kind="notice"), THREE, [], id="news waits as pages do"),
        pytest.param(
            due(4, kind="notice"),
            [sent(3, 1, kind="notice"), sent(2, 2, kind="notice"), sent(1, 3)],
            [],
            id="and behind other news, for it wakes nobody",
        ),
    ],
)
@covers("R32")
def test_who_goes_alone(pages: list[Due], messages: list[Sent], alone: list[int]) -> None:
    verdict = sort_out(pages, messages, NOON)

    assert [number - 100 for number in verdict.alone] == alone
    assert {*verdict.alone, *verdict.waits} == {page.id for page in pages}


@pytest.mark.parametrize(
    ("messages", "since", "urgent", "expected"),
    [
        pytest.param(THREE, 0, False, -6, id="2 min after the last message: that is long ago"),
        pytest.param([*THREE, sent(0, 4)], 0, False, 2, id="2 min after the last message"),
        pytest.param([*THREE, sent(1, 4)], 0, False, 1, id="whenever that was"),
        pytest.param([*THREE, sent(0, 4, level="SEV-1")], 4, False, 1, id="messages of SEV-1 keep it 5 min at most"),
        pytest.param([*THREE, sent(1, 4)], 0, True, 0, id="with a SEV-1 in it at once"),
        pytest.param(URGENT, 0, True, 0.2, id="as soon as fewer than three went in a minute"),
        pytest.param([*THREE, sent(-60, 4)], 0, False, 2, id="a message that the clock went back over was sent now"),
    ],
)
@covers("R32")
def test_when_the_bundle_goes(messages: list[Sent], since: float, urgent: bool, expected: float) -> None:
    assert goes_at(messages, at(since), NOON, urgent=urgent) == at(-expected)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([sent(1, 1), sent(0, 2)], 0, id="two incidents: each page is judged"),
        pytest.param([*THREE, sent(0, 4)], 2, id="until the bundle goes"),
        pytest.param([sent(14, 1), sent(13.5, 2), sent(0, 3)], 1, id="or the oldest of three is 15 minutes old"),
        pytest.param([sent(14, 1), sent(3, 1), sent(13.5, 2), sent(0, 3)], 1.5, id="the newest page of each counts"),
    ],
)
def test_until_when_everything_waits(messages: list[Sent], expected: float) -> None:
    assert shut_until(messages, at(-2), NOON) == at(-expected)


LEAD = Facts(
    code="7KQ",
    severity="SEV-1",
    title="checkout errors",
    kind="page",
    why="step 1",
    since=at(3),
    now=NOON,
    page_link="https://p.example.org/p/k7q2",
    runbook="https://runbooks.example.org/x",
    service="shop",
    summary="12 % of requests fail",
    others=("bo",),
)
NEWS = Carried({"SEV-1": 1, "SEV-2": 3}, {}, 9, ("7KQ", "7KR", "7KS", "7KT"))


@pytest.mark.parametrize(
    ("kind", "carried", "title", "words"),
    [
        pytest.param("chat", NEWS, "SEV-1 4 new, 9 open, top: checkout errors [7KQ]", "(1 SEV-1, 3 SEV-2)", id="chat"),
        pytest.param("mail", NEWS, "[SEV-1] 4 new, 9 open, top: checkout errors [7KQ]", "7KQ 7KR 7KS 7KT", id="mail"),
        pytest.param("push", NEWS, "SEV-1 4 new, 9 open, top: check... [7KQ]", "4 new, 9 open (1 SEV-1", id="push"),
        pytest.param("sms", NEWS, "", "PAGE 7KQ SEV-1 4 new, 9 open, top: checkout errors", id="SMS"),
        pytest.param("voice", NEWS, "pager", "SEV 1 page. 4 new, 9 open, top, checkout errors.", id="voice"),
        pytest.param(
            "chat",
            Carried({"SEV-2": 40}, {"resolved": 3}, 1000, tuple("7KQ" for _ in range(20)), more_open=True),
            "SEV-1 40 new, 3 resolved, 1000 or more open, top: checkout errors [7KQ]",
            "and 23 more",
            id="the first twenty codes, and how many more",
        ),
        pytest.param(
            "chat", Carried({}, {"resolved": 5}, 2, ("7KQ",)), "SEV-1 5 resolved, 2 open [7KQ]", "", id="news"
        ),
    ],
)
@covers("R32")
def test_what_a_bundle_says(kind: str, carried: Carried, title: str, words: str) -> None:
    text = message(bundled(LEAD, carried), kind)  # type: ignore[arg-type]

    assert text.title == title
    assert words in text.body
    assert kind == "voice" or LEAD.page_link in text.body
