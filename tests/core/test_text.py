"""The words of a page: short enough for every channel, and never without code, severity and link."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pager.core.contact_url import ChannelClass
from pager.core.speech import in_words
from pager.core.text import Facts, Said, Text, gsm, message
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
        pytest.param(
            "push", {}, "prod-eu, since 11:53 UTC\nCheckout answers 500. Open it to acknowledge.\n", id="its body"
        ),
        pytest.param("sms", {}, f"PAGE 7KQ SEV-1 Checkout answers 500 (prod-eu) since 11:53 UTC. {LINK}", id="an SMS"),
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
            "7KQ SEV-1 Merged into 8AB by bo: Checkout answers 500 (prod-eu)",
            id="an SMS about what was merged says so first",
        ),
        pytest.param(
            "sms",
            {"summary": ""},
            "PAGE 7KQ SEV-1 checkout: CheckoutDown (prod-eu)",
            id="an SMS about what has no summary",
        ),
        pytest.param(
            "sms",
            {"summary": "502 for 12%"},
            "PAGE 7KQ SEV-1 checkout: 502 for 12% (prod-eu)",
            id="an SMS names the service",
        ),
        pytest.param(
            "sms", {"why": "nobody has it"}, "PAGE 7KQ SEV-1 Nobody has it: Checkout", id="an SMS that nobody has it"
        ),
        pytest.param(
            "sms", {"why": "ana's ack ran out"}, "PAGE 7KQ SEV-1 Ana's ack ran out: Ch", id="whose ack ran out"
        ),
        pytest.param(
            "sms",
            {"why": "joined", "kind": "notice"},
            "7KQ SEV-1 More alerts: Ch",
            id="an SMS that is no page says why it comes",
        ),
        pytest.param("sms", {"drill": True}, "DRILL PAGE 7KQ SEV-1 Checkout", id="an SMS that is a drill"),
        pytest.param(
            "push",
            {"why": "raised", "kind": "notice"},
            "Risen: SEV-1 checkout: Checkout... [7KQ]",
            id="a title that is no page",
        ),
        pytest.param(
            "chat",
            {"why": "role commander"},
            "You are paged for the role of commander; take it with: pagerctl role 7KQ commander",
            id="what a role asks for",
        ),
        pytest.param(
            "chat",
            {"why": "update", "kind": "notice", "waiting": ("support", "leadership")},
            "News are due for support and leadership: tell them",
            id="who waits for news",
        ),
        pytest.param(
            "chat",
            {"why": "decide", "kind": "notice", "plan": "https://x.example.org/plan"},
            "or to recover by the plan.\nPlan: https://x.example.org/plan",
            id="the plan",
        ),
        pytest.param(
            "mail",
            {"why": "resolved", "kind": "notice"},
            "[OK] checkout: CheckoutDown: resolved [7KQ]",
            id="the end in a mail is no severity",
        ),
        pytest.param(
            "mail",
            {"why": "joined", "kind": "notice"},
            "[SEV-1] More alerts: checkout: CheckoutDown [7KQ]",
            id="news in a mail",
        ),
        pytest.param(
            "push",
            {"why": "raised", "kind": "notice", "bundle": True, "title": "3 resolved, 6 open", "service": ""},
            "3 resolved, 6 open\n",
            id="a bundle of news is no page",
        ),
        pytest.param(
            "chat",
            {"bundle": True},
            f"Acknowledge 7KQ: {LINK}\nAll: https://pager.example.org/",
            id="a bundle says what its link acknowledges",
        ),
        pytest.param(
            "voice",
            {"why": "merged into 8AB by bo", "kind": "notice"},
            "No page, only news. Merged into 8 AB by bo. SEV 1. Checkout answers 500.",
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
            "mail",
            {"alerts": (Said({"env": "prod", "pod": "a"}, {}), Said({"env": "prod", "pod": "b"}, {}))},
            f"\nLabels: env=prod; not the same: pod\nRunbook: {FACTS.runbook}\nAcknowledge: {LINK}",
            id="labels stand below in a mail, and links last",
        ),
        pytest.param(
            "voice",
            {},
            "SEV 1 page. Checkout answers 500. Started 7 minutes ago. Code 7, K, Q. Open pager to acknowledge.",
            id="a call spells the code",
        ),
        pytest.param(
            "voice",
            {"why": "resolved", "kind": "notice"},
            "Resolved, no action. Checkout answers 500. It lasted 7 minutes.",
            id="a call about the end",
        ),
        pytest.param(
            "voice",
            {"why": "raised", "kind": "notice"},
            "No page, only news. Risen. SEV 1.",
            id="a call that is no page",
        ),
        pytest.param(
            "voice",
            {"repeat": True, "drill": True},
            "This is a drill. This may be a repeat. SEV 1",
            id="what a call begins with",
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "CheckoutDown: 12% (eu-west)", "Checkout Down, 12 percent, eu west", id="a name of humps and signs"
        ),
        pytest.param("checkout-api", "checkout A P I", id="what is spelled"),
        pytest.param("disk_full on db-1:5432", "disk full on D B-1:5432", id="lines below"),
        pytest.param("see https://x.example.org/y now", "see now", id="no links"),
        pytest.param("begins Mon 2 Mar 09:00 WET", "begins Mon 2 Mar 09:00 WET", id="times stay times"),
        pytest.param("<Say>Ümläut\u202e *x* `y`</Say>", "Say Ümläut x y Say", id="nothing but words"),
    ],
)
def test_speech(text: str, said: str) -> None:
    assert in_words(text) == said


@given(facts)
def test_a_call_is_short_and_holds_no_sign_that_is_not_spoken(some: Facts) -> None:
    said = message(some, "voice").body

    assert len(said) <= 260
    assert not set(said) & set("<>&/\\%_*`[]{}|=@#$~^")
    assert "Code 7, K, Q." in said
