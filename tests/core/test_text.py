"""The words of a page: short enough for every channel, and never without code, severity and link."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.contact_url import ChannelClass
from pager.core.text import Facts, Text, gsm, message
from tests.core.catalogs import NOON

LINK = "https://pager.example.org/p/ABCDEFGHJKLMNPQR"
FACTS = Facts(
    code="7KQ",
    severity="SEV-1",
    title="CheckoutDown",
    kind="page",
    why="step 2",
    since=NOON - timedelta(minutes=7),
    now=NOON,
    page_link=LINK,
    runbook="https://runbooks.example.org/checkout",
    summary="Checkout answers 500",
    service="checkout",
    where="prod-eu",
)


def say(channel: ChannelClass, /, **changes: object) -> Text:
    return message(replace(FACTS, **changes), channel)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        pytest.param("push", {}, "SEV-1 checkout: CheckoutDown [7KQ]", id="the title of a push"),
        pytest.param("push", {}, "prod-eu, since 11:53 UTC\nStep 2.\n", id="its body"),
        pytest.param(
            "sms", {}, f"PAGE 7KQ SEV-1 checkout: CheckoutDown (prod-eu) since 11:53 UTC. {LINK}", id="an SMS"
        ),
        pytest.param("sms", {"zone": "Asia/Kolkata"}, "since 17:23 IST", id="on the reader's own clock"),
        pytest.param(
            "sms", {"since": NOON - timedelta(days=1)}, "since Tue 09 Jun 12:00 UTC", id="with the day, if another"
        ),
        pytest.param(
            "sms",
            {"why": "resolved", "kind": "notice"},
            "OK 7KQ checkout: CheckoutDown, resolved after 7m. No action.",
            id="an SMS at the end",
        ),
        pytest.param(
            "sms",
            {"why": "merged into 8AB by bo", "kind": "notice"},
            "7KQ SEV-1 Merged into 8AB by bo: checkout: CheckoutDown (prod-eu)",
            id="an SMS about what was merged says so first",
        ),
        pytest.param(
            "voice",
            {"why": "merged into 8AB by bo", "kind": "notice"},
            "SEV 1 notice. Merged into 8AB by bo: checkout: CheckoutDown.",
            id="and so does a voice",
        ),
        pytest.param("sms", {"repeat": True}, "may be a repeat", id="what may be a repeat says so"),
        pytest.param("chat", {"repeat": True}, "This may be a repeat.", id="in a chat too"),
        pytest.param(
            "chat",
            {},
            f"Runbook: https://runbooks.example.org/checkout\nAcknowledge: {LINK}",
            id="a chat has its runbook and link",
        ),
        pytest.param(
            "chat",
            {"kind": "notice", "why": "joined"},
            "More alerts joined what you acknowledged.",
            id="a notice asks for nothing",
        ),
        pytest.param(
            "chat",
            {"kind": "notice", "why": "resolved", "by": "ana"},
            "Resolved by ana; nothing to do.",
            id="who ended it",
        ),
        pytest.param("chat", {"firing": 3, "more": 2}, "3 alerts and 2 more", id="how many"),
        pytest.param("chat", {"others": ("bo", "chi")}, "Also paged: bo, chi.", id="who else is paged"),
        pytest.param(
            "chat", {"next_at": NOON + timedelta(minutes=5)}, "Next step at 12:05 UTC.", id="when the next step comes"
        ),
        pytest.param("chat", {"why": "nobody has it"}, "Nobody has it.", id="that nobody has it"),
        pytest.param("mail", {}, "[SEV-1] checkout: CheckoutDown [7KQ]", id="the subject of a mail"),
        pytest.param(
            "voice", {}, "SEV 1 page. checkout: CheckoutDown. Started 7m ago. Code 7 K Q.", id="a call spells the code"
        ),
        pytest.param(
            "push",
            {"title": "x" * 99},
            "SEV-1 checkout: xxxxxxxxxxxxxxx... [7KQ]",
            id="a long title keeps severity and code",
        ),
        pytest.param("push", {"drill": True}, "DRILL SEV-1", id="a drill says so"),
    ],
)
def test_message(kind: ChannelClass, changes: dict[str, object], said: str) -> None:
    text = say(kind, **changes)

    assert said in f"{text.title}\n{text.body}"


words = st.text(max_size=120) | st.text("aäß€…“漢\n\\~[]", max_size=200)
facts = st.builds(
    replace,
    st.just(FACTS),
    severity=st.sampled_from(["SEV-1", "SEV-5"]),
    title=words,
    summary=words,
    service=words,
    where=words,
    by=words,
    kind=st.sampled_from(["page", "notice"]),
    why=st.sampled_from(["", "step 1", "resolved", "joined", "nobody has it", "ana's ack ran out"]),
    firing=st.integers(1, 5000),
    more=st.integers(0, 5000),
    repeat=st.booleans(),
    drill=st.booleans(),
    since=st.timedeltas(timedelta(), timedelta(days=400)).map(lambda ago: NOON - ago),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]),
)


@given(facts)
def test_an_sms_is_one_segment_with_code_severity_and_link(some: Facts) -> None:
    text = message(some, "sms")

    assert text.title == "" and len(text.body) <= 160
    assert gsm(text.body) == text.body
    assert some.code in text.body
    assert some.why == "resolved" or (some.severity in text.body and text.body.endswith(LINK))


@given(facts)
def test_a_push_has_a_short_title_two_lines_and_its_links(some: Facts) -> None:
    text = message(some, "push")
    first, second, runbook, link = text.body.split("\n")

    assert len(text.title) <= 40
    assert len(f"{first}\n{second}") <= 120
    assert (runbook, link) == (f"Runbook: {some.runbook}", LINK)


@given(facts)
def test_every_title_names_code_and_severity(some: Facts) -> None:
    for kind in ("push", "chat", "mail"):
        title = message(some, kind).title
        assert some.code in title
        assert some.severity in title or some.why == "resolved"


TURN = Facts("", "", "Your turn in ops begins Mon 2 Mar 09:00 WET", "notice", "", NOON, NOON, "", "", alone=True)


@pytest.mark.parametrize(
    ("channel", "body", "said"),
    [
        pytest.param("chat", "Until noon.\nBy bo.", Text(TURN.title, "Until noon.\nBy bo."), id="a chat has all of it"),
        pytest.param("push", "", Text(TURN.title, TURN.title), id="a body is never empty"),
        pytest.param("sms", "Until noon.\nBy bo.", Text("", f"{TURN.title}. Until noon."), id="an SMS the first line"),
        pytest.param("sms", "", Text("", f"{TURN.title}."), id="an SMS without more"),
        pytest.param("sms", "x" * 300, Text("", f"{TURN.title}. {'x' * 112}..."), id="an SMS is one segment"),
        pytest.param("voice", "Until noon.", Text("pager", f"{TURN.title}."), id="a call is short"),
    ],
)
def test_what_is_about_no_incident_has_no_code_and_no_link(channel: ChannelClass, body: str, said: Text) -> None:
    assert message(replace(TURN, summary=body), channel) == said


def test_a_long_notice_is_cut_to_its_room() -> None:
    text = message(replace(TURN, summary="word " * 1000), "chat", 500)

    assert len(text.title) + len(text.body) <= 500
