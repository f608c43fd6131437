"""A mail as HTML: the same words, inert, with one button that is ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.letter import as_html, labels_line
from tests.support import covers

LINKS = "Runbook: https://runbooks.example.org/x\nAcknowledge: https://pager.example.org/p/abc"
EVIL = "Acknowledge: https://evil.example/p/x"
TAGS = r"<(?!/?(?:html|head|meta|body|h1|p|a)[ >])"


def buttons(html: str) -> list[str]:
    """Where the buttons lead."""
    return re.findall(r'<a href="([^"]*)"[^>]*background', html)


@covers("T21")
@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(
            f"It is slow\nsince 03:04\n{LINKS}", ["https://pager.example.org/p/abc"], id="one that acknowledges"
        ),
        pytest.param(
            f"{EVIL}\nsince 03:04\n{LINKS}", ["https://pager.example.org/p/abc"], id="never a line of an alert"
        ),
        pytest.param(
            "\n".join(("It is slow", labels_line([{"Acknowledge": EVIL, EVIL: "x", "a": f"\n{EVIL}"}]), LINKS)),
            ["https://pager.example.org/p/abc"],
            id="never a label, whatever it is called",
        ),
        pytest.param("Until noon.\nBy bo.", [], id="none where there is nothing to acknowledge"),
        pytest.param("", [], id="of nothing"),
    ],
)
def test_what_is_a_button(body: str, found: list[str]) -> None:
    assert buttons(as_html("SEV-1 checkout", body)) == found


@covers("T21")
@given(st.text("ab<>&\"'=:/ \nhttps", max_size=200), st.text("<>&\"' x", max_size=50))
def test_no_text_makes_a_tag_or_leaves_an_attribute(body: str, title: str) -> None:
    html = as_html(title, f"{body}\n{LINKS}")

    assert not re.search(TAGS, html)
    assert re.findall(r'href="([^"]*)"', html)[-1] == "https://pager.example.org/p/abc"
    assert set(re.findall(r"<a ([a-z]+)=", html)) == {"href"}
    assert not re.search(r"<(?:img|script|link|iframe)|url\(|@import", html)


@pytest.mark.parametrize(
    ("alerts", "line"),
    [
        pytest.param([], "", id="no alerts"),
        pytest.param([{}], "", id="no labels"),
        pytest.param([{"job": "api", "env": "prod"}], "Labels: env=prod, job=api", id="all of one alert, by name"),
        pytest.param(
            [{"env": "prod", "pod": "a"}, {"env": "prod", "pod": "b", "zone": "1"}],
            "Labels: env=prod; not the same: pod, zone",
            id="what several share, and what they do not",
        ),
        pytest.param([{"pod": "a"}, {"pod": "b"}], "Labels: not the same: pod", id="nothing shared"),
        pytest.param([{"x": "a\nb" + "c" * 300}], f"Labels: x=a b{'c' * 194}...", id="a line, and no more than that"),
    ],
)
def test_the_labels_of_a_mail(alerts: list[dict[str, str]], line: str) -> None:
    assert labels_line(alerts) == line
