"""Rule 15, its last sentence: while nobody commands, the next rank of the commander's schedule is paged."""

import pytest

from pager.core.incident import Acked, Mitigated, Resolved, RoleTaken, SeveritySet, Unacked
from pager.core.people import Role
from tests.core.catalogs import rotation, world
from tests.core.story import WAIT, Happening, again, ends, held, play
from tests.support import covers

THREE = world(
    schedules={
        "payments": rotation("payments", "ana", "bo", "chi"),
        "commanders": rotation("commanders", "dee", "eve", "fay"),
    },
    people={name: world().people["ana"] for name in ("ana", "bo", "chi", "dee", "eve", "fay")},
    roles={"commander": Role(schedule="commanders")},
)
RANKS = ("dee", "eve", "fay")


@pytest.mark.parametrize(
    ("level", "story", "commanders"),
    [
        pytest.param("SEV-1", [("9m59s", WAIT)], ["0m dee"], id="the first has ten minutes"),
        pytest.param("SEV-1", [("10m", WAIT)], ["0m dee", "10m eve"], id="then the second rank is paged"),
        pytest.param("SEV-1", [("60m", WAIT)], ["0m dee", "10m eve", "20m fay"], id="and it ends with the last rank"),
        pytest.param("SEV-1", [("1m", Acked("ana")), ("20m", WAIT)], ["0m dee", "10m eve", "20m fay"], id="ack or not"),
        pytest.param(
            "SEV-1",
            [("9m50s", Acked("ana")), ("10m10s", Unacked("ana")), ("12m", WAIT)],
            ["0m dee", "10m eve"],
            id="an ack taken back pages no rank again",
        ),
        pytest.param("SEV-1", [("5m", Mitigated("ana")), ("30m", WAIT)], ["0m dee"], id="not once it is mitigated"),
        pytest.param(
            "SEV-1",
            [("11m", RoleTaken("eve", "commander", "eve")), ("40m", WAIT)],
            ["0m dee", "10m eve"],
            id="not once somebody has the role",
        ),
        pytest.param(
            "SEV-1",
            [("5m", RoleTaken("bo", "scribe", "bo")), ("11m", WAIT)],
            ["0m dee", "10m eve"],
            id="another role is not that one",
        ),
        pytest.param(
            "SEV-1",
            [("5m", RoleTaken("ana", "commander", "dee")), ("6m", ends), ("7m", again()), ("40m", WAIT)],
            ["0m dee", "7m dee"],
            id="whoever commands does so after a re-open",
        ),
        pytest.param("SEV-1", [("5m", ends), ("14m", WAIT)], ["0m dee"], id="not once it is resolved"),
        pytest.param("SEV-1", [("5m", Resolved("ana")), ("14m", WAIT)], ["0m dee"], id="nor by a person"),
        pytest.param(
            "SEV-1",
            [("5m", ends), ("6m", again()), ("16m", WAIT)],
            ["0m dee", "6m dee", "16m eve"],
            id="a re-open begins anew",
        ),
        pytest.param("SEV-2", [("40m", WAIT)], ["0m dee"], id="a level without coordinate_within asks for nobody more"),
        pytest.param(
            "SEV-2",
            [("7m", SeveritySet("ana", "SEV-1")), ("18m", WAIT)],
            ["0m dee", "7m dee", "17m eve"],
            id="one that rises counts from its rise",
        ),
        pytest.param(
            "SEV-1",
            [("5m", held("silence", "10m")), ("14m", WAIT)],
            ["0m dee"],
            id="under a silence it waits",
        ),
    ],
)
@covers("R15")
def test_the_next_rank_follows_until_somebody_commands(
    level: str, story: list[tuple[str, Happening]], commanders: list[str]
) -> None:
    told = play(*story, level=level, catalog=THREE)  # type: ignore[arg-type]

    assert [page for page in told.paged if page.split()[1] in RANKS] == commanders


def test_a_page_for_the_next_rank_is_for_the_role() -> None:
    assert play(("10m", WAIT), level="SEV-1", catalog=THREE).why("eve") == ["role commander"]
