"""Rules 16, 17, 20 and 21: who has it, for how long, how it is let go, and how it ends."""

import pytest

from pager.core.advance import advance
from pager.core.catalog import Catalog
from pager.core.incident import (
    Acked,
    Escalated,
    Mitigated,
    Noted,
    Resolved,
    SeveritySet,
    Unacked,
)
from pager.core.severity import Level
from tests.core.catalogs import at, severity, with_policy, world
from tests.core.story import OVER, WAIT, Happening, ends, fails, held, joins, opened, play, repeats, snoozes, unheard
from tests.support import covers

Story = list[tuple[str, Happening]]
ACK = ("1m", Acked("ana"))
GOES_ON = ["0m ana", "5m bo"]


@pytest.mark.parametrize(
    ("level", "story", "paged", "state", "clocks"),
    [
        pytest.param("SEV-2", [ACK, ("40m", WAIT)], ["0m ana"], "acknowledged", {"ack": "1h1m"}, id="stops the steps"),
        pytest.param(
            "SEV-1", [ACK], ["0m ana", "0m bo", "0m chi"], "acknowledged", {"ack": "31m"}, id="lasts ack_expires"
        ),
        pytest.param(
            "SEV-2",
            [ACK, ("1h1m", WAIT)],
            ["0m ana", "1h1m ana"],
            "triggered",
            {"step": "1h6m"},
            id="runs out: step 1 now",
        ),
        pytest.param(
            "SEV-2",
            [("6m", Acked("dee")), ("1h6m", WAIT)],
            [*GOES_ON, "1h6m ana", "1h6m dee"],
            "triggered",
            {"step": "1h11m"},
            id="runs out: the former acker is paged with step 1",
        ),
        pytest.param(
            "SEV-2",
            [("6m", Acked("script")), ("1h6m", WAIT)],
            [*GOES_ON, "1h6m ana"],
            "triggered",
            {"step": "1h11m"},
            id="runs out: nobody pages whom the files do not know",
        ),
        pytest.param(
            "SEV-2",
            [ACK, ("30m", Noted("bo", "looking"))],
            ["0m ana"],
            "acknowledged",
            {"ack": "1h30m"},
            id="a note restarts it",
        ),
        pytest.param(
            "SEV-2",
            [ACK, ("30m", Acked("ana"))],
            ["0m ana"],
            "acknowledged",
            {"ack": "1h30m"},
            id="still on it restarts it",
        ),
        pytest.param(
            "SEV-2",
            [ACK, ("30m", Acked("bo"))],
            ["0m ana"],
            "acknowledged",
            {"ack": "1h30m"},
            id="also here restarts it",
        ),
        pytest.param(
            "SEV-2",
            [ACK, ("30m", SeveritySet("bo", "SEV-2"))],
            ["0m ana"],
            "acknowledged",
            {"ack": "1h30m"},
            id="saying how bad it is restarts it",
        ),
        pytest.param(
            "SEV-2",
            [("1m", snoozes("ana", "10h")), ("2m", Noted("ana", "waiting"))],
            ["0m ana"],
            "acknowledged",
            {"ack": "10h1m"},
            id="acts only ever move it later",
        ),
        pytest.param(
            "SEV-2",
            [ACK, ("2m", joins()), ("3m", repeats())],
            ["0m ana"],
            "acknowledged",
            {"ack": "1h1m"},
            id="a source does not restart it",
        ),
        pytest.param(
            "SEV-4",
            [ACK],
            ["0m channel:issues"],
            "acknowledged",
            {},
            id="without ack_expires a ticket's ack does not run out",
        ),
        pytest.param(
            "SEV-3", [ACK], ["0m ana"], "acknowledged", {"ack": "8h1m"}, id="eight hours where working hours page"
        ),
        pytest.param(
            "SEV-2", [("1m", ends), ("2m", Acked("ana"))], ["0m ana"], "resolved", {}, id="too late: changes nothing"
        ),
    ],
)
@covers("R16")
def test_ack(level: Level, story: Story, paged: list[str], state: str, clocks: dict[str, str]) -> None:
    """Rule 16."""
    told = play(*story, level=level)

    assert (told.paged, told.incident.state, told.clocks) == (paged, state, clocks)


@pytest.mark.parametrize("level", ["SEV-2", "SEV-3"])
def test_an_ack_without_expiry_lasts_eight_hours_where_people_are_paged(level: Level) -> None:
    told = play(ACK, level=level, catalog=world(severities=severity(level, ack_expires=None)))

    assert told.clocks == {"ack": "8h1m"}


@covers("R16")
def test_the_page_says_whose_ack_ran_out() -> None:
    assert play(ACK, ("1h1m", WAIT)).why("ana") == ["step 1", "ana's ack ran out"]


@covers("R16")
def test_an_ack_for_a_resolved_incident_has_no_effect() -> None:
    incident = play(("1m", ends)).incident

    assert advance(incident, Acked("ana"), world(), at("2m"))[1] == ()


@pytest.mark.parametrize(
    ("story", "holder", "here"),
    [
        pytest.param([ACK, ("2m", Acked("bo"))], "ana", ("bo",), id="the first holds it, later ones are also here"),
        pytest.param([ACK, ("2m", Acked("bo")), ("3m", Acked("bo"))], "ana", ("bo",), id="noted once"),
        pytest.param([ACK, ("2m", snoozes("bo", "3h"))], "ana", ("bo",), id="who snoozes it later is also here"),
        pytest.param(
            [("1m", Mitigated("ana")), ("2m", Acked("bo"))], "ana", ("bo",), id="rule-20: also of a mitigated one"
        ),
        pytest.param(
            [ACK, ("90s", Acked("bo")), ("100s", Unacked("ana"))], "bo", (), id="undo hands it to who is here"
        ),
        pytest.param(
            [ACK, ("90s", Acked("bo")), ("95s", Acked("chi")), ("100s", Unacked("ana"))],
            "bo",
            ("chi",),
            id="to the first",
        ),
        pytest.param([ACK, ("90s", Acked("bo")), ("100s", Unacked("bo"))], "ana", (), id="who is only here may leave"),
        pytest.param([ACK, ("1h1m", WAIT)], "", (), id="nobody has it once it ran out"),
        pytest.param([("1m", Mitigated("ana")), ("2m", joins())], "", (), id="nobody has it once it fires anew"),
    ],
)
@covers("R16")
def test_who_has_it(story: Story, holder: str, here: tuple[str, ...]) -> None:
    """Rule 16."""
    incident = play(*story).incident

    assert (incident.acked_by, incident.also_here) == (holder, here)


@pytest.mark.parametrize(
    ("story", "paged", "clocks"),
    [
        pytest.param([ACK, ("2m", Unacked("ana"))], ["0m ana"], {"step": "5m"}, id="the state before, with its clocks"),
        pytest.param(
            [("4m30s", Acked("ana")), ("5m30s", Unacked("ana"))],
            ["0m ana", "5m30s bo"],
            {"step": "15m30s"},
            id="a step that came due meanwhile begins",
        ),
        pytest.param(
            [ACK, ("2m1s", Unacked("ana"))],
            ["0m ana", "2m1s ana"],
            {"step": "7m1s"},
            id="later it is letting go: a new run",
        ),
        pytest.param(
            [("1m", snoozes("ana", "5h")), ("2m", Unacked("ana"))], ["0m ana"], {"step": "5m"}, id="a snooze too"
        ),
        pytest.param(
            [ACK, ("90s", joins(1, "SEV-1")), ("2m", Unacked("ana"))],
            ["0m ana", "1m30s bo", "1m30s chi"],
            {"step": "5m"},
            id="what rose meanwhile stays risen, and its people are not paged twice",
        ),
        pytest.param(
            [("0m", held(lasts="3h")), ACK, ("90s", OVER), ("2m", Unacked("ana"))],
            ["2m ana"],
            {"step": "7m"},
            id="a hold that ended meanwhile does not come back",
        ),
        pytest.param(
            [ACK, ("90s", held(lasts="3h")), ("2m", Unacked("ana"))],
            ["0m ana"],
            {"step": "3h1m30s"},
            id="a hold that began meanwhile holds it",
        ),
        pytest.param(
            [ACK, ("90s", SeveritySet("ana", "SEV-5")), ("2m", Unacked("ana"))],
            ["0m ana"],
            {},
            id="what was lowered to a level without steps has none",
        ),
    ],
)
@covers("R16")
def test_undo(story: Story, paged: list[str], clocks: dict[str, str]) -> None:
    """Rule 16: 60 s; only if nobody else is here."""
    told = play(*story)

    assert (told.paged, told.incident.state, told.clocks) == (paged, "triggered", clocks)


def test_an_undo_brings_no_working_hours_back_for_what_rose_meanwhile() -> None:
    story = (ACK, ("90s", joins(1, "SEV-1")), ("2m", Unacked("ana")))
    told = play(*story, level="SEV-3", start=at("9h"))

    assert told.paged == ["1m30s bo", "1m30s chi", "2m ana"]
    assert (told.incident.hold, told.clocks) == (None, {"step": "7m"})


def test_an_undo_brings_back_what_the_ack_withdrew() -> None:
    assert play(ACK, ("2m", Unacked("ana"))).others == ["1m Withdraw", "2m Restore"]


@pytest.mark.parametrize(
    ("level", "lasts", "clock"),
    [
        pytest.param("SEV-2", "3h", "3h1m", id="its end is chosen"),
        pytest.param("SEV-1", "3d", "1d1m", id="at most 24 h for SEV-1"),
        pytest.param("SEV-2", "3d", "1d1m", id="at most 24 h for SEV-2"),
        pytest.param("SEV-3", "3d", "3d1m", id="the rest may be longer"),
        pytest.param("SEV-3", "10d", "7d1m", id="at most a week"),
    ],
)
@covers("R17")
def test_snooze(level: Level, lasts: str, clock: str) -> None:
    """Rule 17: an ack with a chosen end."""
    told = play(("1m", snoozes("ana", lasts)), level=level)

    assert (told.incident.state, told.clocks) == ("acknowledged", {"ack": clock})


@covers("R17")
def test_a_snooze_that_ends_is_an_ack_that_ran_out() -> None:
    told = play(("1m", snoozes("ana", "3h")), ("3h1m", WAIT))

    assert (told.paged, told.incident.state) == (["0m ana", "3h1m ana"], "triggered")


@pytest.mark.parametrize(
    ("story", "paged", "state", "clocks"),
    [
        pytest.param(
            [("1m", Mitigated("ana")), ("23h", WAIT)], ["0m ana"], "mitigated", {"ack": "1d1m"}, id="no steps"
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("1d1m", WAIT)],
            ["0m ana", "1d1m ana"],
            "triggered",
            {"step": "1d6m"},
            id="while an alert fires it runs out after 24 h",
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("1h", Noted("bo", "fine"))],
            ["0m ana"],
            "mitigated",
            {"ack": "1d1h"},
            id="acts restart it",
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("1h", Mitigated("bo"))],
            ["0m ana"],
            "mitigated",
            {"ack": "1d1h"},
            id="said again too",
        ),
        pytest.param(
            [("1m", snoozes("ana", "20h")), ("5h", Mitigated("ana"))],
            ["0m ana"],
            "mitigated",
            {"ack": "1d5h"},
            id="later than the ack",
        ),
        pytest.param(
            [ACK, ("2m", Mitigated("ana")), ("3m", ends)], ["0m ana"], "resolved", {}, id="resolved by the source"
        ),
        pytest.param(
            [ACK, ("2m", Mitigated("ana")), ("3m", Escalated("bo"))],
            ["0m ana", "3m bo"],
            "triggered",
            {"step": "13m"},
            id="escalated",
        ),
    ],
)
@covers("R20")
def test_mitigated(story: Story, paged: list[str], state: str, clocks: dict[str, str]) -> None:
    """Rule 20."""
    told = play(*story)

    assert (told.paged, told.incident.state, told.clocks) == (paged, state, clocks)


@covers("R20")
def test_to_be_mitigated_never_moves_an_end_nearer() -> None:
    told = play(("1m", snoozes("ana", "3d")), ("5h", Mitigated("ana")), level="SEV-3")

    assert told.clocks == {"ack": "3d1m"}


@covers("R20")
def test_what_was_mitigated_and_fires_no_more_does_not_run_out() -> None:
    told = play(("1m", Mitigated("ana")), ("2d", WAIT), incident=opened(), alerts=0)

    assert (told.incident.state, told.clocks) == ("mitigated", {})


@pytest.mark.parametrize(
    ("catalog", "story", "told_whom", "clocks", "others"),
    [
        pytest.param(
            world(),
            [("1m", ends)],
            ["3m ana resolved"],
            {},
            ["1m Withdraw"],
            id="by the source: the notice waits 2 min",
        ),
        pytest.param(
            world(),
            [("1m", ends), ("2m", joins())],
            ["3m ana resolved"],
            {"step": "7m"},
            ["1m Withdraw", "2m DropNotices"],
            id="and is dropped by a re-fire",
        ),
        pytest.param(world(), [("1m", unheard)], ["3m ana resolved"], {}, ["1m Withdraw"], id="not heard of any more"),
        pytest.param(
            world(),
            [("6m", Resolved("ana"))],
            ["6m bo resolved"],
            {"ack": "1h6m"},
            ["6m Withdraw"],
            id="by a person: ignored for ack_expires",
        ),
        pytest.param(
            world(severities=severity("SEV-2", ack_expires=None)),
            [("6m", Resolved("dee"))],
            ["6m ana resolved", "6m bo resolved"],
            {"ack": "1h6m"},
            ["6m Withdraw"],
            id="by a person: an hour where acks do not expire",
        ),
        pytest.param(
            world(),
            [("1m", Resolved("ana")), ("1h1m", WAIT)],
            [],
            {},
            ["1m Withdraw", "1h1m OpenFollower"],
            id="when that ends and it still fires, a new incident opens",
        ),
        pytest.param(
            world(),
            [("1m", Resolved("ana")), ("30m", ends), ("2h", WAIT)],
            [],
            {},
            ["1m Withdraw"],
            id="not when the source resolved it meanwhile",
        ),
        pytest.param(
            world(),
            [("1m", joins(2)), ("2m", Resolved("ana", final=1)), ("62m", WAIT)],
            [],
            {},
            ["2m Withdraw", "1h2m OpenFollower"],
            id="some of its sources tell of no end, and others do",
        ),
        pytest.param(
            world(),
            [("1m", joins(2)), ("2m", Resolved("ana", final=3)), ("62m", WAIT)],
            [],
            {},
            ["2m Withdraw"],
            id="of sources that tell of no end: it is final",
        ),
        pytest.param(
            world(),
            [("1m", Resolved("ana")), ("9m", repeats("SEV-1"))],
            [],
            {"ack": "1h1m"},
            ["1m Withdraw"],
            id="a repeat changes nothing",
        ),
        pytest.param(
            world(),
            [("1m", Resolved("ana")), ("9m", Resolved("bo"))],
            [],
            {"ack": "1h1m"},
            ["1m Withdraw"],
            id="said twice",
        ),
        pytest.param(
            world(),
            [ACK, ("2m", ends)],
            ["4m ana resolved"],
            {},
            ["1m Withdraw", "2m Withdraw"],
            id="snoozed or acked: still resolved",
        ),
    ],
)
@covers("R21")
def test_resolved(
    catalog: Catalog, story: Story, told_whom: list[str], clocks: dict[str, str], others: list[str]
) -> None:
    """Rule 21."""
    told = play(*story, catalog=catalog)

    assert (told.told, told.clocks, told.others) == (told_whom, clocks, others)


def test_nobody_is_paged_after_the_end() -> None:
    told = play(("1m", Resolved("ana")), ("2m", fails("ana", step=1)), ("3m", Escalated("bo")), ("9h", WAIT))

    assert told.paged == ["0m ana"]


def test_an_ack_that_runs_out_while_nobody_is_on_call_pages_who_had_it() -> None:
    catalog = with_policy({"page": ["empty"]}, {"page": ["person:bo"]})
    told = play(("1m", Acked("chi")), ("1h2m", WAIT), catalog=catalog)

    assert told.paged == ["0m bo", "1h1m chi"]
