"""What Apprise makes of our messages, recorded: an upgrade that changes them is seen, and alert text stays data in all.

`python -m tests.sending.recorder` records anew.
"""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from pager.core.contact_url import SCHEMES, ChannelClass, room_of
from pager.core.text import message
from tests.sending.recorder import CASES, GOLDEN, SERVICES
from tests.support import ROOT, covers

LINK = CASES["plain"].page_link
RUNBOOK = CASES["plain"].runbook
ALIVE = {
    "a chat room is called": r"@[*_]*(everyone|here|channel|all|room)\b|<[!@#&]\w|<users/",
    "a link goes by another name": r"\]\(|<[a-z][a-z0-9+.-]*://[^>]*\|",
    "a template was run": r"(?<!\d)49(?!\d)",
    "control characters": r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]",
}
# A link from elsewhere is no tag of ours: Telegram renders HTML, GitHub HTML inside Markdown, Twilio runs documents.
RENDERS_TAGS = {"tgram": r"<(?!/?b>)", "github": r"<[a-z/!]", "twilio-call": r"<(?!/?(?:Response|Say)>)"}


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """What Apprise makes of the messages now."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sending.recorder", "--print"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    made: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return made


def texts(value: Any) -> list[str]:
    """Every string in a recording but addresses and headers."""
    if isinstance(value, dict):
        return [
            text for name, each in value.items() if name not in ("url", "headers", "method") for text in texts(each)
        ]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_sent_is_what_was_recorded(service: str) -> None:
    golden = json.loads((GOLDEN / f"{service}.json").read_text(encoding="utf-8"))

    assert recorded()[service] == golden, "look at the change, then run python -m tests.sending.recorder"


@covers("T13", "T18", "T19", "T20", "T21", "P19")
@pytest.mark.parametrize("service", SERVICES)
def test_t19_hostile_text_is_inert(service: str) -> None:
    case = recorded()[service]["hostile"]
    said = texts(case["sent"])

    assert case["outcome"] == "delivered"
    for what, pattern in ALIVE.items():
        if what == "a chat room is called" and service.startswith("twilio"):
            continue  # nobody is called by a word there
        if what == "a link goes by another name" and service.startswith("twilio"):
            continue  # nor are there links
        assert not [text for text in said if re.search(pattern, text, re.IGNORECASE)], what
    if service in RENDERS_TAGS:
        assert not [text for text in said if re.search(RENDERS_TAGS[service], text, re.IGNORECASE)]


@covers("T20")
def test_t20_a_document_in_an_alert_is_spoken_and_not_run() -> None:
    (call,) = recorded()["twilio-call"]["hostile"]["sent"]

    assert call["body"]["Twiml"].startswith("<Response><Say>")
    assert "<Dial>" not in call["body"]["Twiml"]
    assert "&lt;" not in call["body"]["Twiml"], "a sign that nobody would say"
    assert "Dial" in call["body"]["Twiml"]


@covers("T18", "T21")
def test_t18_a_mail_has_its_text_first_then_html_and_no_header_that_an_alert_wrote() -> None:
    plain, hostile = (recorded()["mailto"][case]["sent"][0] for case in ("plain", "hostile"))

    assert hostile["headers"] == plain["headers"]
    assert hostile["to"] == plain["to"]
    assert [part["type"] for part in hostile["parts"]] == ["text/plain", "text/html"]
    assert "\n" not in hostile["subject"]


@covers("T21")
def test_t21_a_mail_as_html_has_no_tag_of_an_alert_and_loads_nothing() -> None:
    for case in ("plain", "hostile", "long"):
        text, html = (part["text"] for part in recorded()["mailto"][case]["sent"][0]["parts"])

        assert set(re.findall(r"<([^\s>/]+)", html)) == {"html", "head", "meta", "body", "h1", "p", "a"}
        assert not re.search(r"<[^>]*(?:src=|url\()", html)
        assert set(re.findall(r'href="([^"]*)"', html)) == {RUNBOOK, LINK}
        assert f"Acknowledge: {LINK}" in text, "the text part is whole by itself"


@pytest.mark.parametrize(
    ("service", "path", "value"),
    [
        pytest.param("pover", ("body", "priority"), "2", id="an emergency of Pushover"),
        pytest.param("pover", ("body", "retry"), "60", id="that sounds again each minute"),
        pytest.param("pover", ("body", "sound"), "siren", id="as a siren"),
        pytest.param("ntfy", ("headers", "x-priority"), "max", id="the highest priority of ntfy"),
        pytest.param("bark", ("body", "level"), "critical", id="a critical alert of Bark"),
        pytest.param("bark", ("body", "call"), 1, id="that rings"),
        pytest.param("gotify", ("body", "priority"), 10, id="the highest priority of Gotify"),
        pytest.param("mailto", ("loud",), ["high", "1"], id="an important mail"),
        pytest.param("bark", ("body", "id"), "pager-7KQ", id="Bark replaces what has the incident's key"),
        pytest.param("mailto", ("thread",), "<pager-7KQ@pager>", id="mails of an incident are one thread"),
    ],
)
def test_a_sev1_is_as_loud_as_its_service_can_be(service: str, path: tuple[str, ...], value: object) -> None:
    (sent,) = recorded()[service]["plain"]["sent"]
    for key in path:
        sent = sent[key]

    assert sent == value


@covers("T13")
def test_t13_what_looks_like_a_template_stays_text() -> None:
    assert "{{7*7}}" in recorded()["json"]["hostile"]["sent"][0]["body"]["message"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_line_of_an_alert_passes_for_a_line_of_ours(service: str) -> None:
    begins = re.compile("^ *Acknowledge:", re.MULTILINE)
    plain, hostile = (
        [text for text in texts(recorded()[service][case]["sent"]) for _ in begins.findall(text)]
        for case in ("plain", "hostile")
    )

    assert len(plain) == len(hostile)


@covers("F55")
@pytest.mark.parametrize("service", SERVICES)
def test_f55_a_hundred_kilobytes_are_cut_and_say_so_and_severity_code_and_links_stay(service: str) -> None:
    case = recorded()[service]["long"]
    said = " ".join(texts(case["sent"]))

    assert case["outcome"] == "delivered"
    assert re.search(r"SEV.1", said)
    assert "7KQ" in said or "7, K, Q" in said
    assert "..." in said or "and so on" in said
    assert service == "twilio-call" or LINK in said
    assert service.startswith("twilio") or RUNBOOK in said


@covers("F55")
@pytest.mark.parametrize(
    ("scheme", "kind"), [pytest.param(scheme, kind, id=scheme) for scheme, kind in SCHEMES.items() if kind != "console"]
)
def test_f55_a_message_fits_every_service_even_escaped(scheme: str, kind: ChannelClass) -> None:
    room = room_of(f"{scheme}://x")
    for facts in CASES.values():
        text = message(facts, kind, room)
        whole = f"{text.title}\n{text.body}"

        assert facts.severity in whole or kind == "voice"
        assert facts.page_link in whole or kind == "voice"
        if kind not in ("voice", "push"):
            assert len(whole) <= max(room, 160)
