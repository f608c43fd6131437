"""Rules 12 and 20, the clocks `update` and `decide`: what an incident that lasts asks of whoever leads it."""

import pytest

from pager.core.catalog import Catalog
from pager.core.incident import Acked, Mitigated, Noted, Resolved, RoleTaken, SeveritySet, Unacked
from pager.core.lasting import is_news
from pager.core.people import Role
from pager.core.rule import Stakeholders
from tests.core.catalogs import at, severity, world
from tests.core.story import OVER, PLAN, WAIT, Happening, again, ends, held, opened, play
from tests.support import covers

HEARD = {"support": Stakeholders(channels=("ops-chat",))}
HOUSE = world(stakeholders=HEARD)
COMMANDED = world(stakeholders=HEARD, roles={"commander": Role(schedule="commanders")})
ACK: tuple[str, Happening] = ("1m", Acked("ana"))


@covers("R12")
@covers("R20")
@pytest.mark.parametrize(
    ("files", "story", "told"),
    [
        pytest.param(HOUSE, [ACK, ("59m", WAIT)], [], id="not before the level says so"),
        pytest.param(HOUSE, [ACK, ("1h", WAIT)], ["1h ana"], id="counted from the first page"),
        pytest.param(
            HOUSE, [ACK, ("50m", Acked("ana")), ("2h30m", WAIT)], ["1h ana"], id="nobody has it: nobody is told"
        ),
        pytest.param(
            HOUSE,
            [ACK, ("50m", Noted("ana", "looking")), ("1h40m", Noted("ana", "still")), ("2h", WAIT)],
            ["1h ana", "2h ana"],
            id="again and again, and a note is no news",
        ),
        pytest.param(
            HOUSE,
            [ACK, ("50m", Noted("ana", "Update: works again")), ("1h49m", WAIT)],
            [],
            id="news that were told count from then",
        ),
        pytest.param(
            HOUSE,
            [ACK, ("50m", Noted("ana", "update: works again")), ("1h40m", Acked("ana")), ("1h50m", WAIT)],
            ["1h50m ana"],
            id="and the next are due as long after",
        ),
        pytest.param(
            HOUSE, [ACK, ("5m", Mitigated("ana")), ("2h", WAIT)], ["1h ana", "2h ana"], id="while it is mitigated"
        ),
        pytest.param(HOUSE, [ACK, ("5m", Resolved("ana")), ("2h", WAIT)], [], id="never once it is resolved"),
        pytest.param(
            HOUSE,
            [ACK, ("5m", RoleTaken("ana", "comms", "chi")), ("1h", WAIT)],
            ["1h chi"],
            id="who has the role of comms, not who repairs",
        ),
        pytest.param(
            HOUSE,
            [ACK, ("5m", RoleTaken("ana", "commander", "bo")), ("1h", WAIT)],
            ["1h bo"],
            id="without comms who commands",
        ),
        pytest.param(HOUSE, [("1m", Acked("script")), ("1h", WAIT)], [], id="nobody whom the files do not know"),
        pytest.param(
            HOUSE,
            [ACK, ("20m", SeveritySet("ana", "SEV-1")), ("45m", Acked("ana")), ("50m", WAIT)],
            ["50m ana"],
            id="a higher level wants them sooner",
        ),
        pytest.param(HOUSE, [ACK, ("20m", SeveritySet("ana", "SEV-3")), ("3h", WAIT)], [], id="a lower one wants none"),
        pytest.param(
            HOUSE,
            [ACK, ("30m", ends), ("31m", again()), ("32m", Acked("ana")), ("1h31m", WAIT)],
            ["1h31m ana"],
            id="a re-open counts anew",
        ),
        pytest.param(
            HOUSE,
            [("59m50s", Acked("ana")), ("1h10s", Unacked("ana")), ("1h20s", WAIT)],
            ["1h ana"],
            id="an undo tells nothing twice",
        ),
        pytest.param(world(), [ACK, ("3h", WAIT)], [], id="groups that the files do not know wait for nothing"),
        pytest.param(
            world(stakeholders=HEARD, severities=severity("SEV-2", update_every=None)),
            [ACK, ("3h", WAIT)],
            [],
            id="a level without update_every",
        ),
    ],
)
def test_stakeholders_who_wait_are_remembered(
    files: Catalog, story: list[tuple[str, Happening]], told: list[str]
) -> None:
    played = play(*story, level="SEV-2", catalog=files)

    assert [one for one in played.told if one.endswith(" update")] == [f"{one} update" for one in told]


@covers("R12")
def test_the_timeline_names_who_waits() -> None:
    said = play(ACK, ("1h", WAIT), level="SEV-2", catalog=HOUSE).said

    assert "1h news are due for support: ana is reminded" in said


@covers("R12")
@covers("R20")
@pytest.mark.parametrize(
    ("story", "told"),
    [
        pytest.param([ACK, ("44m", WAIT)], [], id="not before its time"),
        pytest.param([ACK, ("3h", WAIT)], ["45m ana"], id="once"),
        pytest.param([ACK, ("5m", Mitigated("ana")), ("3h", WAIT)], ["45m ana"], id="also while it is mitigated"),
        pytest.param(
            [ACK, ("5m", RoleTaken("ana", "commander", "dee")), ("45m", WAIT)], ["45m dee"], id="who commands"
        ),
        pytest.param([("45m", WAIT)], ["45m ana", "45m bo", "45m chi"], id="nobody has it: all who were paged"),
        pytest.param([ACK, ("5m", ends), ("2h", WAIT)], [], id="not once it is over"),
        pytest.param(
            [ACK, ("5m", ends), ("6m", again()), ("7m", Acked("ana")), ("2h", WAIT)],
            ["51m ana"],
            id="a re-open counts anew",
        ),
        pytest.param(
            [("1m", held()), ("40m", OVER), ("41m", Acked("bo")), ("46m", WAIT)], ["45m bo"], id="a hold that is over"
        ),
        pytest.param(
            [("1m", held()), ("80m", OVER), ("81m", Acked("bo")), ("3h", WAIT)], ["1h30m bo"], id="a hold puts it off"
        ),
        pytest.param(
            [("44m50s", Acked("ana")), ("45m10s", Unacked("ana")), ("46m", WAIT)],
            ["45m ana"],
            id="an undo asks nobody twice",
        ),
    ],
)
def test_who_leads_is_asked_to_decide(story: list[tuple[str, Happening]], told: list[str]) -> None:
    played = play(*story, level="SEV-2", incident=opened("SEV-2", decide_after="45m"))
    names = ", ".join(one.split()[1] for one in told)

    assert [one for one in played.told if one.endswith(" decide")] == [f"{one} decide" for one in told]
    assert [line for line in played.said if PLAN in line] == (
        [f"{told[0].split()[0]} it lasts 45m: {names} is to decide whether to recover by {PLAN}"] if told else []
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("update: checkout works again", True, id="written so"),
        pytest.param("  UPDATE : all is well", True, id="however it is written"),
        pytest.param("updated the router", False, id="another word"),
        pytest.param("no update: they sleep", False, id="not at its beginning"),
    ],
)
def test_what_is_news(text: str, expected: bool) -> None:
    assert is_news(text) is expected


def test_a_reminder_is_no_page_that_comes() -> None:
    incident = play(ACK, level="SEV-2", incident=opened("SEV-2", HOUSE, decide_after="5m"), catalog=HOUSE).incident

    assert (incident.due_at, incident.pages_at) == (at("5m"), at("1h1m"))
