"""Rules 4 to 7: words, opinions, runbooks and groups."""

import json
from typing import Any

import pytest

from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.classify import classify
from pager.core.rule import Defaults, Source
from pager.core.severity import LEVELS, Level, parse_level
from tests.core.catalogs import NOON, rules, world
from tests.support import covers

NAMES = {"alertname": "CheckoutDown", "env": "prod"}


def alert(labels: dict[str, str] | None = None, group: dict[str, str] | None = None, link: str = "") -> Alert:
    annotations = {"runbook_url": link} if link else {}
    return Alert("prom-eu", "firing", NAMES | (labels or {}), NOON, annotations=annotations, group=group)


def saying(word: str) -> Alert:
    return alert({"severity": word})


def house(*files: Any, **more: Any) -> Catalog:
    return world(rules=files, **more)


LISTED: dict[Level, list[str]] = {
    "SEV-2": ["critical", "crit", "page", "fatal", "emergency", "disaster", "high", "error", "major"],
    "SEV-3": ["warning", "warn", "minor", "average", "medium"],
    "SEV-4": ["low"],
    "SEV-5": ["info", "notice", "debug", "none", "ok"],
}


@pytest.mark.parametrize(
    ("word", "level"),
    [
        *((word, level) for level, words in LISTED.items() for word in words),
        ("CRITICAL", "SEV-2"),
        (" Warning ", "SEV-3"),
        ("SEV-1", "SEV-1"),
        ("sev4", "SEV-4"),
        ("5", "SEV-2"),
        ("1", "SEV-2"),
        ("kritisch", "SEV-2"),
        ("", "SEV-2"),
    ],
)
@covers("R4")
def test_a_senders_word(word: str, level: Level) -> None:
    """Rule 4: case is of no matter, numbers are never guessed, and when unsure the higher level."""
    assert classify(saying(word), house()).severity == level


@covers("R4")
def test_words_of_the_files_come_first_in_any_case() -> None:
    defaults = Defaults.model_validate({"words": {"Critical": "SEV-1", "kritisch": "SEV-1"}, "unmatched": "SEV-3"})
    told = [classify(saying(word), house(defaults=defaults)).severity for word in ("critical", "KRITISCH", "x")]

    assert told == ["SEV-1", "SEV-1", "SEV-3"]


def test_a_source_may_say_what_its_unknown_words_mean() -> None:
    source = Source(name="prom-eu", dialect="alertmanager", severity="SEV-4", policy="ops")
    told = classify(saying("odd"), house(sources={"prom-eu": source}))

    assert (told.severity, told.policy) == ("SEV-4", "ops")
    assert classify(saying("critical"), house(sources={"prom-eu": source})).severity == "SEV-2"


EVERYTHING = rules("rules/z.yaml", {"severity": "SEV-1"})


@pytest.mark.parametrize(
    ("files", "labels", "respond"),
    [
        pytest.param([], {"alertname": "Watchdog"}, "none", id="no rule: it never pages"),
        pytest.param([], {"alertname": "DeadMansSwitch"}, "none", id="by any of its names"),
        pytest.param([EVERYTHING], {"alertname": "InfoInhibitor"}, "none", id="a rule for everything does not name it"),
        pytest.param(
            [rules("rules/a.yaml", {}, {"match": ["alertname = Watchdog"], "severity": "SEV-2"})],
            {"alertname": "Watchdog"},
            "",
            id="a rule that names it is its rule",
        ),
        pytest.param([EVERYTHING], {"alertname": "Other"}, "", id="all others page"),
    ],
)
@covers("R4")
def test_watchdogs(files: list[Any], labels: dict[str, str], respond: str) -> None:
    """Rule 4."""
    assert classify(alert(labels), house(*files)).respond == respond


CHECKOUT = {"match": ["alertname = CheckoutDown"]}


@pytest.mark.parametrize(
    ("files", "severity", "place", "losers"),
    [
        pytest.param(
            [rules("a", {**CHECKOUT, "severity": "SEV-4"}, {"severity": "SEV-1"})],
            "SEV-4",
            "a:1",
            [],
            id="in one file the first match decides",
        ),
        pytest.param(
            [rules("a", {"match": ["env = test"]}, {**CHECKOUT, "severity": "SEV-3"})],
            "SEV-3",
            "a:2",
            [],
            id="what does not match is passed over",
        ),
        pytest.param(
            [rules("a", {"severity": "SEV-3"}), rules("b", {"severity": "SEV-1"})],
            "SEV-1",
            "b:1",
            ["a:1 SEV-3"],
            id="of several files the most severe wins",
        ),
        pytest.param(
            [rules("b", {"severity": "SEV-2"}), rules("a", {"severity": "SEV-2"})],
            "SEV-2",
            "a:1",
            ["b:1 SEV-2"],
            id="ties go to the name of the file",
        ),
        pytest.param(
            [rules("a", CHECKOUT), rules("b", {"severity": "SEV-3"})],
            "SEV-2",
            "a:1",
            ["b:1 SEV-3"],
            id="without a severity the sender's word is the opinion",
        ),
        pytest.param(
            [rules("a", {"match": ["source = prom-eu"], "severity": "SEV-3"})],
            "SEV-3",
            "a:1",
            [],
            id="the source is a label",
        ),
        pytest.param(
            [rules("a", {"match": ["team = ''"], "severity": "SEV-3"}, {"match": ['team = ""'], "severity": "SEV-4"})],
            "SEV-4",
            "a:2",
            [],
            id="a missing label is the empty string",
        ),
    ],
)
@covers("R5")
def test_opinions(files: list[Any], severity: Level, place: str, losers: list[str]) -> None:
    """Rules 5 and 6."""
    told = classify(saying("critical"), house(*files))

    assert (told.severity, told.place) == (severity, place)
    assert [f"{lost.place} {lost.severity}" for lost in told.losers] == losers


@covers("R5")
def test_the_winner_gives_policy_runbook_and_group_too() -> None:
    winner = {"severity": "SEV-1", "policy": "payments", "runbook": "runbooks/x.md", "group_by": ["env"], "name": "w"}
    told = classify(alert(), house(rules("a", {"severity": "SEV-2", "policy": "ops"}), rules("b", winner)))

    assert (told.policy, told.runbook, told.rule) == ("payments", "runbooks/x.md", "w")
    assert json.loads(told.group) == ["w", {"env": "prod"}]


LINK = "https://runbooks.example.org/a"


@pytest.mark.parametrize(
    ("rule", "url", "files", "default", "runbook"),
    [
        pytest.param("runbooks/own.md", LINK, [], "", "runbooks/own.md", id="the rule's"),
        pytest.param("", LINK, [], "", LINK, id="else the alert's"),
        pytest.param("", "javascript:alert(1)", [], "", "runbooks/CheckoutDown.md", id="only http(s) links are links"),
        pytest.param("", "https://a b", [], "", "runbooks/CheckoutDown.md", id="without blanks"),
        pytest.param(
            "", "", ["runbooks/CheckoutDown.md"], "https://x/{alertname}", "runbooks/CheckoutDown.md", id="else a file"
        ),
        pytest.param("", "", [], "https://x/{alertname}", "https://x/CheckoutDown", id="else the default"),
        pytest.param("", "", [], "", "runbooks/CheckoutDown.md", id="never none: the file that should be there"),
    ],
)
def test_runbook(rule: str, url: str, files: list[str], default: str, runbook: str) -> None:
    told = classify(
        alert(link=url),
        house(rules("a", {"runbook": rule}), defaults=Defaults(runbook=default), runbooks=frozenset(files)),
    )

    assert told.runbook == runbook


def test_a_name_of_an_alert_is_no_path() -> None:
    assert classify(alert({"alertname": "../../etc/passwd"}), house()).runbook == "runbooks/-..-etc-passwd.md"


SAME, OTHER = {"cluster": "eu"}, {"cluster": "us"}


@pytest.mark.parametrize(
    ("by", "default", "sender", "one", "two", "together"),
    [
        pytest.param(["cluster"], None, None, SAME, SAME | {"pod": "1"}, True, id="the same labels of group_by"),
        pytest.param(["cluster"], None, None, SAME, OTHER, False, id="other labels"),
        pytest.param(["cluster"], None, None, {}, {"cluster": ""}, True, id="missing labels count as empty"),
        pytest.param(["..."], None, None, SAME, SAME | {"pod": "1"}, False, id="three dots: never"),
        pytest.param(None, ["cluster"], None, SAME, SAME | {"pod": "1"}, True, id="else defaults.group_by"),
        pytest.param(["pod"], ["cluster"], None, SAME, SAME | {"pod": "1"}, False, id="the rule's comes first"),
        pytest.param(None, None, {"alertname": "X"}, SAME, OTHER, True, id="else the sender's own"),
        pytest.param(["cluster"], None, {"alertname": "X"}, SAME, OTHER, False, id="which counts last"),
        pytest.param(None, None, None, SAME, OTHER, False, id="else itself"),
        pytest.param(None, None, None, SAME, SAME, True, id="itself again"),
    ],
)
@covers("R7")
def test_group(
    by: list[str] | None,
    default: list[str] | None,
    sender: dict[str, str] | None,
    one: dict[str, str],
    two: dict[str, str],
    together: bool,
) -> None:
    """Rule 7."""
    catalog = house(rules("a", {"group_by": by}), defaults=Defaults.model_validate({"group_by": default}))
    groups = {classify(alert(labels, sender), catalog).group for labels in (one, two)}

    assert (len(groups) == 1) is together


@covers("R7")
def test_two_rules_never_share_a_group() -> None:
    catalog = house(rules("a", {"match": ["cluster = eu"], "group_by": []}, {"group_by": []}))

    assert classify(alert(SAME), catalog).group != classify(alert(OTHER), catalog).group


@pytest.mark.parametrize(
    ("written", "level"), [("SEV-1", "SEV-1"), ("sev5", "SEV-5"), (" Sev-3 ", "SEV-3"), *((it, it) for it in LEVELS)]
)
def test_levels(written: str, level: Level) -> None:
    assert parse_level(written) == level


@pytest.mark.parametrize("written", ["SEV-0", "SEV-6", "critical", "1", 1, None, "SEV--1"])
def test_what_is_no_level(written: object) -> None:
    with pytest.raises(ValueError, match="write SEV-1"):
        parse_level(written)
