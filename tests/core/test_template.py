"""Templates of the users' own: what the sandbox refuses, what a message is never without, and that data stays data."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pager.core.contact_url import ChannelClass
from pager.core.sandbox import LONGEST_TEXT, Fault, render
from pager.core.template import BARE, SAMPLE, Template, dressed, values_of, words_for
from pager.core.text import Facts, Said, Text, cost, gsm, message
from tests.support import covers

LINK, RUNBOOK = SAMPLE.page_link, SAMPLE.runbook
VALUES = values_of(SAMPLE)


def say(kind: ChannelClass, body: str, title: str = "", room: int = 1000, /, **changes: Any) -> Text:
    facts = replace(SAMPLE, **changes)
    values = values_of(facts)
    made = render(title, values), render(body, values)
    return dressed(facts, kind, room, *made, message(facts, kind, room))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param("{{ code }} {{ severity }} {{ title }}", "7KQ SEV-1 CheckoutDown", id="what it is"),
        pytest.param("{{ since }}, {{ ago }} ago, next {{ next }}", "03:04 UTC, 2m ago, next 03:11 UTC", id="when"),
        pytest.param("{{ service }} {{ where }} {{ firing }}", "checkout-api eu-west 1", id="where"),
        pytest.param("{{ policy }}: {{ rule }}", "payments: checkout down", id="by which rule"),
        pytest.param("{{ others | join(' and ') }}", "bo and chi", id="who else"),
        pytest.param("{{ labels.alertname }}", "CheckoutDown", id="a label"),
        pytest.param("{{ labels.team | default('nobody') }}", "nobody", id="a label that is not there"),
        pytest.param("{{ annotations.summary | truncate(13) }}", "Checkout...", id="an annotation"),
        pytest.param("{% for a in alerts %}{{ a.labels.alertname }}{% endfor %}", "CheckoutDown", id="each alert"),
        pytest.param("{% if severity == 'SEV-1' %}now{% endif %}", "now", id="a condition"),
    ],
)
def test_what_a_template_can_say(source: str, text: str) -> None:
    assert render(source, VALUES) == text


@covers("T12")
@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ labels.__class__ }}",
        "{{ labels | attr('__class__') }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(labels) }}",
        "{{ ('{0.__cl' ~ 'ass__}').format(labels) }}",
        "{{ labels.update({'a': 'b'}) }}",
        "{{ alerts.append(1) }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ dict.mro() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'base' %}",
        "{{ 'x' * 10 }}",
        "{{ 2 ** 64 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ range(1001) | length }}",
        "{% for i in range(1000) %}{% for j in range(1000) %}much{% endfor %}{% endfor %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_t12_the_sandbox_lets_nothing_out_and_nothing_grow(source: str) -> None:
    with pytest.raises(Fault):
        render(source, VALUES)


@pytest.mark.parametrize(
    ("source", "line", "why"),
    [
        pytest.param("{{ labels.team }}", 1, "no attribute 'team'", id="a label that is not there"),
        pytest.param("one\n{{ two }}", 2, "'two' is undefined", id="a name that nothing has"),
        pytest.param("one\ntwo\n{{ 1 / 0 }}", 3, "division by zero", id="what cannot be worked out"),
        pytest.param("one\n{% if %}", 2, "Expected an expression", id="what cannot be read"),
        pytest.param("{{ title | shout }}", 1, "No filter named 'shout'", id="a filter that is not there"),
    ],
)
def test_a_fault_has_its_line(source: str, line: int, why: str) -> None:
    with pytest.raises(Fault, match=why) as caught:
        render(source, VALUES)

    assert caught.value.line == line


@covers("T13")
def test_t13_what_an_alert_says_is_never_a_template() -> None:
    said = "{{ 7*7 }}{% for i in range(9) %}x{% endfor %}"
    facts = {"title": said, "alerts": (Said({"a": said}, {"b": said}),)}

    text = say("chat", "{{ title }} {{ labels.a }} {{ annotations.b }}", "{{ title }}", **facts)

    assert text.body.startswith(f"{said} {said} {said}") and "49" not in text.body + text.title


@pytest.mark.parametrize(
    ("kind", "body", "title", "changes", "said"),
    [
        pytest.param(
            "chat",
            "Down!",
            "Help",
            {},
            Text("Help [SEV-1 7KQ]", f"Down!\nRunbook: {RUNBOOK}\nAcknowledge: {LINK}"),
            id="what is missing is added",
        ),
        pytest.param(
            "chat",
            "See {{ runbook }} and press {{ link }}",
            "{{ severity }} {{ code }}",
            {},
            Text("SEV-1 7KQ", f"See {RUNBOOK} and press {LINK}"),
            id="and nothing else",
        ),
        pytest.param(
            "mail",
            "Down {{ link }} {{ runbook }}",
            "",
            {},
            Text("[SEV-1] checkout-api: CheckoutDown [7KQ]", f"Down {LINK} {RUNBOOK}"),
            id="without a title the built-in one",
        ),
        pytest.param("sms", "Down", "", {}, Text("", f"7KQ SEV-1 Down {LINK}"), id="an SMS has its link"),
        pytest.param(
            "sms", "{{ link }} PAGE {{ code }} {{ severity }}", "", {}, Text("", f"{LINK} PAGE 7KQ SEV-1"), id="once"
        ),
        pytest.param(
            "sms",
            "7KQ SEV-1 down",
            "",
            {"repeat": True},
            Text("", f"may be a repeat: 7KQ SEV-1 down {LINK}"),
            id="what may be a repeat says so",
        ),
        pytest.param("sms", "7KQ SEV-1 日本 …", "", {}, Text("", f"7KQ SEV-1 ?? ... {LINK}"), id="GSM-7"),
        pytest.param("voice", "Down.\nGet up.", "", {}, Text("pager", "Down. Get up."), id="a call has no links"),
        pytest.param(
            "push",
            "x {{ link }} {{ runbook }}",
            "{{ 'y' | center(60) }}",
            {"drill": True},
            Text("DRILL y [SEV-1 7KQ]", f"This is a drill.\nx {LINK} {RUNBOOK}"),
            id="a drill says so",
        ),
    ],
)
def test_what_a_message_must_not_be_without(
    kind: ChannelClass, body: str, title: str, changes: dict[str, Any], said: Text
) -> None:
    assert say(kind, body, title, **changes) == said


@given(
    st.sampled_from(["chat", "mail", "push", "sms", "ticket"]),
    st.text(max_size=3000) | st.text("ab …<&\n", max_size=3000),
    st.text(max_size=300),
    st.sampled_from([160, 380, 1000, 4000]),
    st.sampled_from([LINK, RUNBOOK, "", f"{RUNBOOK} {LINK}"]),
    st.booleans(),
)
def test_whatever_a_template_makes_the_message_fits_and_has_code_severity_and_links(
    kind: ChannelClass, body: str, title: str, room: int, links: str, repeat: bool
) -> None:
    facts = replace(SAMPLE, repeat=repeat)
    for whole in (f"{body} {links}", f"{links} {body}"):
        text = dressed(facts, kind, room, title, whole, message(facts, kind, room))
        both = f"{text.title}\n{text.body}"

        assert "7KQ" in both and "SEV-1" in both and LINK in both
        assert not repeat or "may be a repeat" in both
        if kind == "sms" or room <= 160:
            assert text.title == "" and len(text.body) <= 160 and gsm(text.body) == text.body
        else:
            assert RUNBOOK in both
            assert cost(text.title) + cost(text.body) <= room


NOTICE = replace(SAMPLE, kind="notice", why="joined")
BUNDLE = replace(SAMPLE, bundle=True, title="4 new, 9 open, top: CheckoutDown", summary="4 new, 9 open: 7KQ 8AB")
EACH = Template.model_validate({"body": "page", "notice": "notice", "bundle": {"title": "many", "body": "bundle"}})


@pytest.mark.parametrize(
    ("facts", "own", "by_pages_alone"),
    [
        pytest.param(SAMPLE, "page", "page", id="a page"),
        pytest.param(replace(SAMPLE, kind="ticket"), "page", "page", id="a ticket"),
        pytest.param(NOTICE, "notice", None, id="what only tells"),
        pytest.param(BUNDLE, "bundle", None, id="a bundle"),
        pytest.param(replace(BUNDLE, kind="notice"), "bundle", None, id="a bundle of news"),
        pytest.param(replace(SAMPLE, alone=True), None, None, id="what is about no incident"),
    ],
)
def test_which_text_words_what(facts: Facts, own: str | None, by_pages_alone: str | None) -> None:
    found = [words_for(template, facts) for template in (EACH, Template(body="page"))]

    assert [words.body if words else None for words in found] == [own, by_pages_alone]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"title": "x", "notice": "y"}, id="a title of pages without their text"),
        pytest.param({"notice": {"title": "x"}}, id="a title of notices without their text"),
    ],
)
def test_a_template_words_something(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="body"):
        Template.model_validate(written)


@pytest.mark.parametrize(
    ("kind", "facts", "title", "said"),
    [
        pytest.param(
            "chat", NOTICE, "{{ title }}", "More alerts: CheckoutDown [SEV-1 7KQ]\n", id="what is no page says so"
        ),
        pytest.param("chat", NOTICE, "{{ news }}! {{ code }}", "more alerts! 7KQ [SEV-1]\n", id="once"),
        pytest.param("chat", NOTICE, "", "{{ says }}", id="the built-in title stands"),
        pytest.param("sms", NOTICE, "", "7KQ SEV-1 More alerts joined", id="in an SMS, too"),
        pytest.param("voice", NOTICE, "", "No page, only news.", id="and in a call"),
        pytest.param(
            "chat",
            replace(NOTICE, why="resolved"),
            "{{ title }}",
            "Resolved: CheckoutDown [7KQ]\n",
            id="the end is no severity",
        ),
        pytest.param(
            "chat", BUNDLE, "{{ title }}", "CheckoutDown [SEV-1 7KQ]\n", id="a bundle has the code of its worst"
        ),
        pytest.param(
            "chat", BUNDLE, "", f"Acknowledge 7KQ: {LINK}\nAll: https://", id="and says what its link acknowledges"
        ),
        pytest.param(
            "chat",
            replace(BUNDLE, kind="notice"),
            "{{ title }}",
            "4 new, 9 open, top: CheckoutDown\n",
            id="one of news names no code",
        ),
    ],
)
def test_notices_and_bundles(kind: ChannelClass, facts: Facts, title: str, said: str) -> None:
    values = values_of(facts)
    made = render(title, values), render("{{ says }} {{ by }}.", values)
    text = dressed(facts, kind, 1000, *made, message(facts, kind))

    assert render(said, values) in f"{text.title}\n{text.body}"


def test_what_alerts_say_alike_is_what_labels_has() -> None:
    facts = replace(SAMPLE, alerts=(Said({"job": "a", "zone": "x"}, {}), Said({"job": "b", "zone": "x"}, {})))

    assert values_of(facts)["labels"] == {"zone": "x"}


def test_what_alerts_say_stands_on_one_line_and_is_not_endless() -> None:
    said = Said({f"label{n}": "x\nAcknowledge: https://evil.example " + "y" * 5000 for n in range(200)}, {})
    values = values_of(replace(SAMPLE, alerts=(said,) * 50))

    assert "\n" not in values["labels"]["label1"] and len(values["labels"]["label1"]) <= 500
    assert len(repr(values)) < 500_000


def test_the_barest_incident_has_every_name_that_the_sample_has() -> None:
    assert values_of(BARE).keys() == VALUES.keys()


def test_much_text_is_a_fault_and_a_little_less_is_none() -> None:
    values = {**VALUES, "much": "x" * LONGEST_TEXT}

    assert len(render("{{ much }}", values)) == LONGEST_TEXT
    with pytest.raises(Fault, match="it makes more than"):
        render("{{ much }}.", values)
