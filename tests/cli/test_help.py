"""`pagerctl help`: topics from the package."""

import re

import pytest

from pager.cli.help import topics
from pager.cli.main import COMMANDS
from pager.settings import Settings
from tests.cli.house import pagerctl


def test_without_a_topic_they_are_listed() -> None:
    ran = pagerctl("help")

    assert (ran.code, ran.err) == (0, "")
    assert "nodes       Several nodes on one PostgreSQL" in ran.out


def test_a_topic_is_printed_as_it_is_written_where_nobody_looks() -> None:
    ran = pagerctl("help", "nodes")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == dict(topics())["nodes"]


def test_a_topic_as_json() -> None:
    assert pagerctl("help", "nodes", "-o", "json").json["text"].startswith("# Several nodes")
    assert [one["topic"] for one in pagerctl("help", "-o", "json").json["topics"]] == [name for name, _ in topics()]


def test_a_topic_that_is_not_there_is_suggested() -> None:
    ran = pagerctl("help", "node")

    assert ran.code == 2
    assert 'did you mean "nodes"?' in ran.err


@pytest.mark.parametrize(
    ("sender", "says"),
    [
        pytest.param("mail", "{name: ups, dialect: mail, token: UPS_MAIL}", id="a sender with a page of its own"),
        pytest.param("uptime-kuma", "{name: uptime-kuma, dialect: generic, token: UPTIME_KUMA_TOKEN}", id="a mapping"),
        pytest.param("pagerduty", "http://127.0.0.1:8080/v2/enqueue", id="an address of its own"),
    ],
)
def test_how_to_hear_a_sender(sender: str, says: str) -> None:
    ran = pagerctl("help", "source", sender)

    assert (ran.code, ran.err) == (0, "")
    assert says in ran.out


def test_a_sender_that_is_not_there_is_said() -> None:
    assert "pagerctl source list" in pagerctl("help", "source", "nobody").err


@pytest.mark.parametrize("topic", [name for name, _ in topics()])
def test_what_a_topic_names_is_there(topic: str) -> None:
    text = dict(topics())[topic]
    variables = {name.lower() for name in re.findall(r"PAGER_([A-Z_]+)", text)}
    commands = set(re.findall(r"pagerctl ([a-z-]+)", text))

    assert variables - set(Settings.model_fields) == set()
    assert commands - set(COMMANDS) == set()
    assert max(map(len, text.splitlines())) <= 400
