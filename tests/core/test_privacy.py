"""Private incidents: who sees them, and what rules, people and merging make of that (a pure decision)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.advance import open_incident
from pager.core.alert import Alert
from pager.core.classify import classify
from pager.core.incident import (
    Absorbed,
    Acked,
    Incident,
    MadePrivate,
    MadePublic,
    Reported,
    Resolved,
    RoleTaken,
    Unacked,
)
from pager.core.people import Role, Team
from pager.core.privacy import (
    ADMIN,
    STRANGER,
    Reader,
    asks_to_join,
    for_its_follower,
    is_veiled,
    may_publish,
    may_see,
    names_of,
    seen_as,
    veiled,
)
from tests.core.catalogs import NOON, rules, severity, world
from tests.core.story import Happening, opened, play
from tests.support import covers

TEAMS = {"security": Team(people=("sue", "sam")), "payments": Team(people=("ana", "bo"))}
ONE = Incident(
    number=7,
    group="g",
    title="a secret",
    severity="SEV-2",
    policy="payments",
    opened_at=NOON,
    rule="insider",
    runbook="runbooks/insider.md",
    summary="a secret, in short",
    service="vault",
    where="eu",
    why='rule "insider"',
    paged=("ana", "also", "channel:ops-chat"),
    bystanders=("also",),
    acked_by="bo",
    also_here=("chi",),
    roles=(("commander", "dee"),),
    private=True,
    named=("eve", "team:security", "team:gone"),
)


@pytest.mark.parametrize(
    ("reader", "sees", "publishes"),
    [
        pytest.param(ADMIN, True, True, id="an admin"),
        pytest.param(Reader("eve"), True, True, id="who is named"),
        pytest.param(Reader("sue"), True, True, id="who is in a team that is named"),
        pytest.param(Reader("ana"), True, False, id="who was paged"),
        pytest.param(Reader("bo"), True, False, id="who has it"),
        pytest.param(Reader("chi"), True, False, id="who is also here"),
        pytest.param(Reader("dee"), True, False, id="who holds a role"),
        pytest.param(Reader("also"), False, False, id="who was paged along with the whole team, to know of it"),
        pytest.param(Reader("channel:ops-chat"), False, False, id="a channel that was paged: a room of many"),
        pytest.param(Reader("zoe"), False, False, id="anybody else"),
        pytest.param(STRANGER, False, False, id="a token that is nobody's"),
        pytest.param(Reader("team:security"), False, False, id="somebody who calls themselves like a team"),
    ],
)
def test_who_sees_it_and_who_may_show_it_to_all(reader: Reader, sees: bool, publishes: bool) -> None:
    assert (may_see(reader, ONE, TEAMS), may_publish(reader, ONE, TEAMS)) == (sees, publishes)
    assert may_see(reader, ONE.changed(private=False), TEAMS)
    assert is_veiled(seen_as(reader, ONE, TEAMS)) == (not sees)


@given(st.sampled_from(["triggered", "acknowledged", "mitigated", "resolved"]))
def test_a_veil_says_that_there_is_one_and_nothing_else(state: str) -> None:
    shown = veiled(ONE.changed(state=state, resolved_at=NOON))  # type: ignore[arg-type]

    bare = Incident(7, "", "Private incident", "SEV-2", "", NOON, state=state, resolved_at=NOON, private=True)  # type: ignore[arg-type]
    assert shown == bare


@pytest.mark.parametrize(
    ("story", "private", "named", "said"),
    [
        pytest.param([("1m", MadePrivate("chi"))], True, ("chi",), "makes it private", id="whoever does it is named"),
        pytest.param(
            [("1m", MadePrivate("chi", ("team:security",)))],
            True,
            ("chi", "team:security"),
            "seen by chi, team:",
            id="with others",
        ),
        pytest.param(
            [("1m", MadePrivate("chi")), ("2m", MadePrivate("bo", ("zoe",)))],
            True,
            ("chi", "zoe"),
            "lets zoe see it",
            id="more are let in",
        ),
        pytest.param([("1m", MadePrivate("chi")), ("2m", MadePrivate("bo"))], True, ("chi",), None, id="twice is once"),
        pytest.param(
            [("1m", MadePrivate("chi")), ("2m", MadePublic("chi"))], False, (), "makes it public", id="public again"
        ),
        pytest.param([("1m", MadePublic("chi"))], False, (), None, id="what is public is not made public"),
        pytest.param(
            [("1m", Resolved("bo")), ("2m", MadePrivate("chi"))],
            True,
            ("chi",),
            "makes it private",
            id="also once it is over",
        ),
        pytest.param(
            [("1m", Acked("bo")), ("1m", MadePrivate("chi")), ("1m30s", Unacked("bo"))],
            True,
            ("chi",),
            None,
            id="an undone ack undoes only itself",
        ),
        pytest.param(
            [
                ("1m", MadePrivate("chi")),
                ("1m", MadePublic("chi")),
                ("2m", Reported(1, 1, 1, "SEV-2", private=("eve",))),
            ],
            False,
            (),
            None,
            id="no rule overrules a person",
        ),
        pytest.param(
            [("2m", Reported(2, 2, 2, "SEV-2", private=("eve",)))],
            True,
            ("eve",),
            "private by its rules",
            id="an alert that is private joins",
        ),
    ],
)
def test_it_becomes_private_and_public(
    story: list[tuple[str, Happening]], private: bool, named: tuple[str, ...], said: str | None
) -> None:
    told = play(*story)

    assert (told.incident.private, told.incident.named) == (private, named)
    if said is not None:
        assert said in " / ".join(told.said)


@covers("R15")
def test_whom_only_the_whole_team_pages_is_not_let_in_until_they_are_paged_to_act() -> None:
    files = world(severities=severity("SEV-2", also=["everyone"]), roles={"commander": Role(schedule="commanders")})
    told = play(("1m", MadePrivate("dee")), catalog=files)

    assert set(told.incident.bystanders) == {"bo", "chi"}
    assert [may_see(Reader(name), told.incident, {}) for name in ("ana", "bo", "chi", "dee")] == [
        True,
        False,
        False,
        True,
    ]

    stepped = play(("1m", MadePrivate("dee")), ("6m", RoleTaken("dee", "scribe", "chi")), catalog=files)
    assert [may_see(Reader(name), stepped.incident, {}) for name in ("ana", "bo", "chi", "dee")] == [True] * 4


@covers("R27")
def test_what_joins_a_private_one_or_brings_privacy_with_it() -> None:
    own = play(
        ("1m", Absorbed("chi", 9, "SEV-2", 1, 1, 1, paged=("zoe", "yan"), private=("eve",), bystanders=("yan", "ana")))
    )

    assert (own.incident.private, own.incident.named) == (True, ("eve",))
    assert [may_see(Reader(name), own.incident, {}) for name in ("ana", "zoe", "yan")] == [True, True, False]
    public = ONE.changed(private=False, named=())
    assert [asks_to_join(ONE, other) for other in (public, ONE, ONE.changed(named=("eve",)))] == [True, False, True]


def test_what_goes_on_of_it_is_as_private() -> None:
    new = opened().changed(number=9)

    assert for_its_follower(ONE, new).named == ONE.named
    assert for_its_follower(ONE.changed(private=False), new) == new
    assert not for_its_follower(ONE.changed(private=False, published=True), new.changed(private=True)).private


@pytest.mark.parametrize(
    ("files", "private"),
    [
        pytest.param([{}], None, id="no rule says so"),
        pytest.param([{"private": False}], None, id="one says no"),
        pytest.param([{"private": True}], (), id="those who are paged, and admins"),
        pytest.param([{"private": ["eve", "team:security"]}], ("eve", "team:security"), id="people and teams"),
        pytest.param([{"private": ["person:eve", "eve"]}], ("eve",), id="one person by two names"),
        pytest.param(
            [{"severity": "SEV-1"}, {"private": ["eve"]}], ("eve",), id="one file is enough, also where it loses"
        ),
        pytest.param([{"private": ["bo"]}, {"private": ["eve"]}], ("bo", "eve"), id="what two files say is one"),
    ],
)
def test_the_rules_say_that_it_is_private(files: list[dict[str, object]], private: tuple[str, ...] | None) -> None:
    written = tuple(rules(f"{at}.yaml", {"severity": "SEV-3", **rule}) for at, rule in enumerate(files))
    alert = Alert("prom", "firing", {"alertname": "Down"}, NOON)

    decision = classify(alert, world(rules=written))
    incident = open_incident(1, alert, decision, world(), NOON)

    assert decision.private == private
    assert (incident.private, incident.named) == (private is not None, private or ())


@pytest.mark.parametrize("written", [[""], ["a b"], ["channel:x"], ["team:"], 7, ["x" * 101], ["x"] * 51])
def test_what_is_no_name_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="name"):
        names_of(written)
