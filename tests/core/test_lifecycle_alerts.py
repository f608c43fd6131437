"""Rules 18, 19, 22, 23, 25 and 26: severity rises, alerts join and come back, levels that do not page, edits."""

from typing import Any

import pytest

from pager.core.catalog import Catalog
from pager.core.incident import Acked, Mitigated, Reached, Resolved, SeveritySet
from pager.core.policy import Policy
from pager.core.reports import can_reopen
from pager.core.severity import Level
from tests.core.catalogs import COMMANDED, at, person, policy, rotation, severity, with_policy, world
from tests.core.story import (
    OVER,
    WAIT,
    Happening,
    again,
    ends,
    fails,
    held,
    joins,
    opened,
    play,
    repeats,
)
from tests.support import covers

Story = list[tuple[str, Happening]]
ACK = ("1m", Acked("ana"))
SOON = [{"to": "SEV-1", "after": "30m"}]
MANY = [{"to": "SEV-1", "when": "alerts >= 3"}]
PLAIN = world(severities=severity("SEV-1", also=["person:dee"], ack_expires="30m"))
"""The house in which SEV-1 pages dee along."""


@pytest.mark.parametrize(
    ("promote", "story", "level", "paged"),
    [
        pytest.param(SOON, [("29m", WAIT)], "SEV-2", [], id="after: not before its time"),
        pytest.param(SOON, [("30m", WAIT)], "SEV-1", ["30m dee"], id="after: it rises by itself"),
        pytest.param(SOON, [ACK, ("59m", WAIT)], "SEV-2", [], id="after: not while somebody has it"),
        pytest.param(SOON, [ACK, ("1h31m", WAIT)], "SEV-1", ["1h31m dee"], id="after: counts from when nobody had it"),
        pytest.param(
            SOON,
            [("10m", held(lasts="1h")), ("1h29m", WAIT)],
            "SEV-2",
            [],
            id="after: stands still under a silence",
        ),
        pytest.param(
            SOON,
            [("10m", held("maintenance")), ("1h10m", OVER), ("1h30m", WAIT)],
            "SEV-1",
            ["1h30m dee"],
            id="after: and goes on when maintenance ends",
        ),
        pytest.param(
            SOON,
            [ACK, ("2m", held(lasts="3h")), ("3h32m", WAIT)],
            "SEV-1",
            ["3h32m dee"],
            id="after: under a hold from before the ack ran out it stands still from then on",
        ),
        pytest.param(MANY, [("1m", joins())], "SEV-2", [], id="alerts: not enough"),
        pytest.param(MANY, [("1m", joins(2))], "SEV-1", ["1m dee"], id="alerts: enough"),
        pytest.param(MANY, [ACK, ("2m", joins(2))], "SEV-1", ["2m dee"], id="alerts: also when acked"),
        pytest.param(MANY, [("1m", joins(2)), ("2m", joins(2))], "SEV-1", ["1m dee"], id="alerts: once"),
        pytest.param(
            MANY,
            [("1m", SeveritySet("bo", "SEV-3")), ("2m", joins(5))],
            "SEV-3",
            [],
            id="lowered by hand: switched off",
        ),
        pytest.param(
            SOON, [("1m", SeveritySet("bo", "SEV-3")), ("2h", WAIT)], "SEV-3", [], id="lowered: also the clock"
        ),
        pytest.param(
            [],
            [("1m", SeveritySet("bo", "SEV-3")), ("2m", repeats("SEV-2"))],
            "SEV-3",
            [],
            id="lowered: a known opinion",
        ),
        pytest.param(
            [],
            [("1m", SeveritySet("bo", "SEV-3")), ("2m", repeats("SEV-1"))],
            "SEV-1",
            ["2m dee"],
            id="lowered: a worse opinion than any before raises it",
        ),
        pytest.param(
            [],
            [("1m", SeveritySet("bo", "SEV-3")), ("2m", joins(1, "SEV-2"))],
            "SEV-2",
            [],
            id="lowered: a new alert raises it",
        ),
        pytest.param(
            [],
            [("1m", SeveritySet("bo", "SEV-3")), ("2m", ends), ("3m", again("SEV-2"))],
            "SEV-3",
            [],
            id="lowered: a re-open keeps the person's level",
        ),
        pytest.param([], [("1m", repeats("SEV-1"))], "SEV-1", ["1m dee"], id="rule-7: a changed opinion raises it"),
        pytest.param([], [("1m", repeats("SEV-4"))], "SEV-2", [], id="rule-7: never lowers it"),
        pytest.param([], [("1m", SeveritySet("bo", "SEV-1"))], "SEV-1", ["1m dee"], id="raised by hand"),
    ],
)
@covers("R18")
def test_promotion(promote: list[dict[str, str]], story: Story, level: Level, paged: list[str]) -> None:
    """Rule 18: only upwards by itself; dee is paged when it rises to SEV-1."""
    told = play(*story, incident=opened(promote=promote, catalog=PLAIN), catalog=PLAIN)

    assert (told.incident.severity, [line for line in told.paged if line.endswith("dee")]) == (level, paged)


@pytest.mark.parametrize(
    ("level", "start", "story", "paged", "clocks"),
    [
        pytest.param(
            "SEV-2",
            "0m",
            [("1m", repeats("SEV-1"))],
            ["0m ana", "1m dee"],
            {"step": "5m"},
            id="paged before: the step clock stays",
        ),
        pytest.param(
            "SEV-2",
            "0m",
            [("6m", repeats("SEV-1"))],
            ["0m ana", "5m bo", "6m dee"],
            {"step": "11m"},
            id="at most the first wait ahead",
        ),
        pytest.param(
            "SEV-5",
            "0m",
            [("6m", repeats("SEV-1"))],
            ["6m ana", "6m dee"],
            {"step": "11m"},
            id="nobody paged yet: step 1 now",
        ),
        pytest.param(
            "SEV-4",
            "0m",
            [("6m", repeats("SEV-1"))],
            ["0m channel:issues", "6m ana", "6m dee"],
            {"step": "11m"},
            id="a ticket is no page: step 1 now",
        ),
        pytest.param(
            "SEV-3",
            "7h",
            [("6m", repeats("SEV-1"))],
            ["6m ana", "6m dee"],
            {"step": "11m"},
            id="held by working hours: step 1 now",
        ),
        pytest.param(
            "SEV-3",
            "4h50m",
            [("20m", repeats("SEV-1"))],
            ["0m ana", "5m bo", "20m ana", "20m dee"],
            {"step": "25m"},
            id="paged before the working hours ended: a new run now",
        ),
        pytest.param(
            "SEV-2", "0m", [("1m", held()), ("2m", repeats("SEV-1"))], ["0m ana"], {}, id="a silence holds every level"
        ),
    ],
)
@covers("R18")
def test_a_rise_while_nobody_has_it(
    level: Level, start: str, story: Story, paged: list[str], clocks: dict[str, str]
) -> None:
    """Rule 18, on a Wednesday from noon on; working hours end at 17:00."""
    told = play(*story, level=level, catalog=PLAIN, start=at(start))

    assert (told.paged, told.clocks) == (paged, clocks)


@pytest.mark.parametrize(
    ("story", "paged", "said", "clock"),
    [
        pytest.param(
            [ACK, ("2m", repeats("SEV-1"))], ["2m dee"], ["2m ana raised"], "32m", id="the earlier of both ends"
        ),
        pytest.param(
            [ACK, ("40m", repeats("SEV-1"))],
            ["40m dee"],
            ["40m ana raised"],
            "1h1m",
            id="the old one, if it is earlier",
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("2m", SeveritySet("bo", "SEV-1"))],
            ["2m dee"],
            ["2m ana raised"],
            "1d2m",
            id="mitigated: also and roles, and it stays so",
        ),
    ],
)
@covers("R18")
def test_a_rise_while_somebody_has_it(story: Story, paged: list[str], said: list[str], clock: str) -> None:
    """Rule 18: the ack stands, the acker is told, `also` and roles are paged."""
    told = play(*story, catalog=PLAIN)

    assert (told.paged[1:], told.told, told.clocks) == (paged, said, {"ack": clock})
    assert told.incident.acked_by == "ana"


def test_who_has_it_is_told_and_not_paged_with_the_team() -> None:
    told = play(ACK, ("2m", repeats("SEV-1")), catalog=COMMANDED)

    assert (told.paged, told.told) == (["0m ana", "0m dee", "2m bo", "2m chi", "2m dee"], ["2m ana raised"])


@pytest.mark.parametrize(
    ("story", "paged", "clocks"),
    [
        pytest.param([("1m", SeveritySet("bo", "SEV-4"))], ["0m ana"], {}, id="no steps, and no ticket after pages"),
        pytest.param([("1m", SeveritySet("bo", "SEV-5"))], ["0m ana"], {}, id="backlog"),
        pytest.param([ACK, ("2m", SeveritySet("bo", "SEV-4"))], ["0m ana"], {}, id="its ack clock goes too"),
        pytest.param(
            [("1m", SeveritySet("bo", "SEV-3")), ("6m", WAIT)],
            ["0m ana", "5m bo"],
            {"step": "15m"},
            id="hours: steps go on",
        ),
        pytest.param(
            [("1m", SeveritySet("bo", "SEV-4")), ("2m", SeveritySet("bo", "SEV-2")), ("7m", WAIT)],
            ["0m ana", "7m bo"],
            {"step": "17m"},
            id="raised again: the first wait ahead",
        ),
    ],
)
@covers("R18")
def test_lowered(story: Story, paged: list[str], clocks: dict[str, str]) -> None:
    """Rule 18."""
    told = play(*story)

    assert (told.paged, told.clocks) == (paged, clocks)


def test_what_is_lowered_at_night_waits_for_no_working_hours_any_more() -> None:
    told = play(("1m", SeveritySet("bo", "SEV-4")), level="SEV-3", start=at("9h"))

    assert told.paged == ["1m channel:issues"]


@pytest.mark.parametrize(
    ("story", "paged", "said", "state"),
    [
        pytest.param([("1m", joins())], ["0m ana"], [], "triggered", id="triggered: counted"),
        pytest.param(
            [ACK, ("2m", joins())], ["0m ana"], ["2m ana joined"], "acknowledged", id="acked: the acker is told"
        ),
        pytest.param(
            [ACK, ("2m", again())], ["0m ana"], ["2m ana joined"], "acknowledged", id="acked: a known one fires anew"
        ),
        pytest.param(
            [ACK, ("2m", joins()), ("16m59s", joins()), ("17m", joins())],
            ["0m ana"],
            ["2m ana joined", "17m ana joined"],
            "acknowledged",
            id="acked: at most every 15 min",
        ),
        pytest.param(
            [("1m", Mitigated("ana")), ("9m", joins())],
            ["0m ana", "9m ana"],
            [],
            "triggered",
            id="mitigated: a new run",
        ),
        pytest.param([ACK, ("2m", repeats())], ["0m ana"], [], "acknowledged", id="a repeat does nothing"),
        pytest.param(
            [("1m", Mitigated("ana")), ("2m", repeats())], ["0m ana"], [], "mitigated", id="nor to a mitigated one"
        ),
    ],
)
@covers("R19")
def test_a_new_alert_joins(story: Story, paged: list[str], said: list[str], state: str) -> None:
    """Rule 19."""
    told = play(*story)

    assert (told.paged, told.told, told.incident.state) == (paged, said, state)


@pytest.mark.parametrize(
    ("story", "paged"),
    [
        pytest.param([("1m", ends), ("9m", again())], ["9m ana"], id="nobody had it: step 1 at once"),
        pytest.param(
            [("1m", Acked("chi")), ("2m", ends), ("9m", again()), ("15m", WAIT)],
            ["9m chi", "14m ana"],
            id="the former acker alone, and after step 1's wait step 1",
        ),
        pytest.param(
            [("1m", Acked("chi")), ("2m", ends), ("9m", again()), ("10m", fails("chi"))],
            ["9m chi", "10m ana"],
            id="the former acker cannot be reached: step 1 now",
        ),
        pytest.param(
            [("1m", Acked("script")), ("2m", ends), ("9m", again())],
            ["9m ana"],
            id="the former acker is no person of the files",
        ),
        pytest.param([("1m", Resolved("ana")), ("9m", joins())], ["9m ana"], id="also after a person's resolve"),
        pytest.param(
            [("1m", Acked("ana")), ("2h", ends), ("2h1m", again())],
            [
                "1h1m ana",
                "1h6m bo",
                "1h16m ana",
                "1h16m bo",
                "1h16m chi",
                "1h16m channel:ops-chat",
                "1h31m ana",
                "1h36m bo",
                "1h46m ana",
                "1h46m bo",
                "1h46m chi",
                "1h46m channel:ops-chat",
                "2h1m ana",
            ],
            id="whose ack ran out is no former acker",
        ),
    ],
)
@covers("R22")
def test_a_re_fire(story: Story, paged: list[str]) -> None:
    """Rule 22: the same incident, triggered again."""
    told = play(*story)

    assert told.paged[1:] == paged
    assert (told.incident.number, told.incident.state, told.incident.resolved_at) == (1, "triggered", None)


@pytest.mark.parametrize(
    ("after", "same"),
    [
        pytest.param("10m", True, id="soon after"),
        pytest.param("15m59s", True, id="within 15 minutes"),
        pytest.param("16m", False, id="after 15 minutes a new incident"),
    ],
)
@covers("R22")
def test_until_when_a_re_fire_re_opens(after: str, same: bool) -> None:
    """Rule 22; it was resolved at one minute past."""
    assert can_reopen(play(("1m", ends)).incident, at(after)) is same


def test_what_is_open_need_not_be_re_opened() -> None:
    assert not can_reopen(play(("1m", WAIT)).incident, at("2m"))


@covers("R23")
def test_flapping_is_said_once_and_steps_go_on() -> None:
    """Rule 23."""
    told = play(("1m", again(flapping="Down")), ("2m", repeats()), ("5m", WAIT))

    assert (told.paged, told.told) == (["0m ana", "5m bo"], ["1m ana flapping"])


_UPS = (("1m", ends), ("2m", again()), ("3m", ends), ("4m", again(flapping="Down")))


@pytest.mark.parametrize(
    ("then", "paged", "state"),
    [
        pytest.param((("6m", WAIT),), ["0m ana", "2m ana"], "triggered", id="the third firing pages nobody"),
        pytest.param((("7m", WAIT),), ["0m ana", "2m ana", "7m bo"], "triggered", id="and the step is due as it was"),
    ],
)
@covers("R22", "R23")
def test_the_firing_by_which_it_flaps_is_one_of_the_ups_that_page_nobody(
    then: tuple[Any, ...], paged: list[str], state: str
) -> None:
    told = play(*_UPS, *then)

    assert (told.paged, told.incident.state, told.told[-1]) == (paged, state, "4m ana flapping")


@covers("R16", "R23")
def test_who_had_a_flapping_alert_has_it_still() -> None:
    told = play(("1m", ends), ("2m", again()), ("150s", Acked("ana")), *_UPS[2:], ("20m", WAIT))

    assert (told.incident.state, told.incident.acked_by) == ("acknowledged", "ana")
    assert (told.paged, told.told[-1]) == (["0m ana", "2m ana"], "4m ana flapping")


@covers("R22", "R23")
def test_what_a_person_resolved_pages_at_once_though_it_flaps() -> None:
    told = play(("1m", ends), ("2m", again()), ("3m", Resolved("ana")), ("4m", again(flapping="Down")))

    assert told.paged == ["0m ana", "2m ana", "4m ana"]


def test_flapping_is_said_to_who_has_it() -> None:
    told = play(("6m", Acked("bo")), ("7m", again(flapping="Down")))

    assert told.told == ["7m bo joined", "7m bo flapping"]


# Rule 25: levels that do not page at once.


@pytest.mark.parametrize(
    ("start", "story", "paged", "hold"),
    [
        pytest.param("0m", [("5m", WAIT)], ["0m ana", "5m bo"], None, id="within the hours as any other"),
        pytest.param("6h", [("14h59m", WAIT)], [], "hours", id="outside it is held"),
        pytest.param("6h", [("15h", WAIT)], ["15h ana"], None, id="until they open"),
        pytest.param("2d6h", [("2d14h59m", WAIT)], [], "hours", id="on Friday evening until Monday"),
        pytest.param("2d6h", [("2d15h", WAIT)], ["2d15h bo"], None, id="Monday at nine, whoever has it then"),
        pytest.param(
            "4h50m",
            [("16h11m", WAIT)],
            ["0m ana", "5m bo", "16h10m ana"],
            None,
            id="each opening starts a new run",
        ),
        pytest.param(
            "4h50m",
            [("12m", fails("bo"))],
            ["0m ana", "5m bo"],
            "hours",
            id="a failure after hours waits with the rest",
        ),
        pytest.param("6h", [("1h", Acked("ana"))], [], None, id="an ack ends it"),
        pytest.param(
            "0m",
            [("1h59m", WAIT)],
            [
                "0m ana",
                "5m bo",
                "15m ana",
                "15m bo",
                "15m chi",
                "15m channel:ops-chat",
                "30m ana",
                "35m bo",
                "45m ana",
                "45m bo",
                "45m chi",
                "45m channel:ops-chat",
                "1h ana",
                "1h bo",
                "1h chi",
            ],
            "hours",
            id="then once, and again at the next opening",
        ),
    ],
)
@covers("R25")
def test_working_hours(start: str, story: Story, paged: list[str], hold: str | None) -> None:
    told = play(*story, level="SEV-3", start=at(start))

    assert (told.paged, told.incident.hold and told.incident.hold.reason) == (paged, hold)


@pytest.mark.parametrize(
    ("catalog", "paged"),
    [
        pytest.param(
            world(schedules={"payments": rotation("payments", "ana", timezone="Asia/Tokyo")}),
            "12h ana",
            id="of the schedule in step 1",
        ),
        pytest.param(
            with_policy({"page": ["person:bo"]}, people={"bo": person("bo", timezone="America/New_York")}),
            "1h bo",
            id="else of the person",
        ),
        pytest.param(with_policy({"page": ["team:ops"]}), "0m dee", id="else UTC"),
    ],
)
@covers("R25")
def test_whose_clock_working_hours_are_read_from(catalog: Catalog, paged: str) -> None:
    """Noon in UTC is 21:00 in Tokyo and 08:00 in New York; there they begin at 00:00 UTC and 13:00 UTC."""
    told = play(("12h", WAIT), level="SEV-3", catalog=catalog)

    assert told.paged[:1] == [paged]


@pytest.mark.parametrize(
    ("story", "paged", "ticket"),
    [
        pytest.param([("59m", WAIT)], ["0m channel:issues"], "sent", id="one page to the channel"),
        pytest.param(
            [("10s", lambda t: Reached(1, 0, 0, "channel:issues")), ("9h", WAIT)],
            ["0m channel:issues"],
            "written",
            id="no steps",
        ),
        pytest.param(
            [("1h", WAIT)], ["0m channel:issues", "1h ana"], "failed", id="not written for 1 h: goes on as hours"
        ),
        pytest.param(
            [("10s", lambda t: Reached(1, 0, 0, "channel:issues")), ("1m", ends), ("2m", again())],
            ["0m channel:issues"],
            "written",
            id="one an incident, re-opened or not",
        ),
        pytest.param(
            [("5m", held(lasts="5m")), ("59m", WAIT)],
            ["0m channel:issues"],
            "sent",
            id="a hold that ends writes no second one",
        ),
        pytest.param(
            [("1m", repeats("SEV-2")), ("2m", lambda t: Reached(1, 0, 0, "channel:issues")), ("6m", WAIT)],
            ["0m channel:issues", "1m ana", "6m bo"],
            "written",
            id="written after it rose: the steps go on",
        ),
    ],
)
@covers("R25")
def test_tickets(story: Story, paged: list[str], ticket: str) -> None:
    told = play(*story, level="SEV-4")

    assert (told.paged, told.incident.ticket) == (paged, ticket)


@covers("R25")
def test_no_channel_for_tickets_goes_on_as_working_hours() -> None:
    assert play(("5m", WAIT), level="SEV-4", catalog=world(channels={})).paged == ["0m ana", "5m bo"]


@covers("R25")
def test_the_backlog_pages_nobody() -> None:
    told = play(("9h", WAIT), level="SEV-5")

    assert (told.paged, told.clocks, told.incident.state) == ([], {}, "triggered")


# Rule 26: the files change under it.

SHORT = with_policy({"page": ["person:dee"], "wait": "5m"}, then=["person:ana"])
LONG = world(policies={"payments": policy(*({"page": [f"person:{name}"]} for name in ("ana", "bo", "chi", "dee")))})


@pytest.mark.parametrize(
    ("story", "paged"),
    [
        pytest.param(
            [("1m", LONG), ("10m", WAIT)], ["0m ana", "5m bo", "10m chi"], id="it follows its policy as it stands now"
        ),
        pytest.param(
            [("16m", SHORT), ("31m", WAIT)],
            ["0m ana", "5m bo", "15m ana", "15m bo", "15m chi", "15m channel:ops-chat", "30m ana"],
            id="fewer steps: then comes next",
        ),
        pytest.param(
            [("1m", world(policies={"default": policy({"page": ["commanders"]})})), ("5m", WAIT)],
            ["0m ana", "5m ana", "5m bo", "5m chi", "5m dee"],
            id="its policy is gone: defaults.policy",
        ),
        pytest.param(
            [("1m", world(severities=severity("SEV-2", respond="backlog"))), ("9h", WAIT)],
            ["0m ana"],
            id="the severity as it is defined now",
        ),
    ],
)
@covers("R26")
def test_edits(story: Story, paged: list[str]) -> None:
    told = play(*story)

    assert told.paged == paged


@covers("R26")
def test_a_policy_that_is_gone_stands_on_the_timeline() -> None:
    told = play(("1m", world(policies={"default": policy({"page": ["commanders"]})})), ("5m", WAIT))

    assert "5m policy 'payments' is gone from the files: 'default' from now on" in told.said
    assert told.incident.policy == "default"


@covers("F43")
@pytest.mark.parametrize(
    ("policies", "paged"),
    [
        pytest.param({}, ["0m ana", "0m bo", "0m chi", "0m dee"], id="no policies: the built-in one"),
        pytest.param({"default": policy({"page": ["person:chi"]})}, ["0m chi"], id="no such policy: the default one"),
    ],
)
def test_an_incident_whose_policy_is_not_there_pages_somebody(policies: dict[str, Policy], paged: list[str]) -> None:
    told = play(catalog=world(policies=policies))

    assert told.paged == paged
    assert told.said[-1].startswith("0m step 1 pages"), "and not because nobody was found"


def test_no_page_of_a_shorter_policy_passes_for_an_earlier_one() -> None:
    told = play(("6m", with_policy({"page": ["person:ana"]}, then=["person:bo"])), ("3h", WAIT))
    keys = [(page.run, page.round, page.step, page.to) for _, page in told.pages()]

    assert "15m bo" in told.paged
    assert len(set(keys)) == len(keys)


@covers("R26")
def test_steps_that_are_gone_stand_on_the_timeline() -> None:
    told = play(("6m", with_policy({"page": ["person:ana"]}, then=["person:bo"])), ("3h", WAIT))

    assert [line for line in told.said if "by now" in line] == [
        "15m policy 'payments' has 1 step by now: step 2 counts as its last"
    ]
