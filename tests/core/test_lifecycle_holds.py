"""Rule 24: silence, maintenance, inhibition, group_wait and hours are one thing, a reason and an end."""

import pytest

from pager.core.advance import set_up
from pager.core.incident import Acked, Escalated, Mitigated, Unacked
from pager.core.severity import Level
from tests.core.catalogs import NOON
from tests.core.story import OVER, WAIT, Happening, ends, fails, held, joins, opened, play
from tests.support import covers

Story = list[tuple[str, Happening]]
HOLD = ("1m", held(lasts="1h"))
OPEN = ("1m", held("inhibition"))


@pytest.mark.parametrize(
    ("story", "paged", "clocks"),
    [
        pytest.param([HOLD, ("1h", WAIT)], [], {"step": "1h1m"}, id="a hold pages nobody"),
        pytest.param([HOLD, ("1h1m", WAIT)], ["1h1m ana"], {"step": "1h6m"}, id="its end starts a new run"),
        pytest.param([HOLD, ("10m", OVER)], ["10m ana"], {"step": "15m"}, id="also an early end"),
        pytest.param([OPEN, ("9h", WAIT)], [], {}, id="an open end is nobody's clock"),
        pytest.param([OPEN, ("9h", OVER)], ["9h ana"], {"step": "9h5m"}, id="somebody ends it"),
        pytest.param(
            [OPEN, ("2m", held(lasts="1h")), ("1h2m", WAIT)],
            ["1h2m ana"],
            {"step": "1h7m"},
            id="a silence after an inhibition ends by itself",
        ),
        pytest.param(
            [HOLD, ("2m", held("inhibition")), ("2h", WAIT)], [], {}, id="an inhibition after a silence does not"
        ),
        pytest.param(
            [HOLD, ("10m", Acked("ana")), ("20m", OVER)], [], {"ack": "1h10m"}, id="once acked, holds change nothing"
        ),
        pytest.param([("1m", Acked("ana")), ("2m", held())], [], {"ack": "1h1m"}, id="nor when they begin later"),
        pytest.param(
            [("1m", Acked("ana")), ("2m", held(lasts="5h")), ("3h", WAIT)],
            [],
            {"step": "5h2m"},
            id="acks expire under a hold: the page waits",
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", held(lasts="5h")), ("5h2m", WAIT)],
            ["5h2m ana"],
            {"step": "5h7m"},
            id="until it ends",
        ),
        pytest.param(
            [HOLD, ("10m", Acked("ana")), ("1h10m", WAIT)],
            ["1h10m ana"],
            {"step": "1h15m"},
            id="acks expire after a hold",
        ),
        pytest.param([HOLD, ("10m", Mitigated("ana")), ("20m", OVER)], [], {"ack": "1d10m"}, id="nor once mitigated"),
        pytest.param(
            [("1m", Mitigated("ana")), ("2m", held()), ("3m", joins())], [], {}, id="a new alert under a hold waits too"
        ),
        pytest.param([HOLD, ("2m", fails("ana", step=1))], [], {"step": "1h1m"}, id="a failure wakes nobody"),
        pytest.param([HOLD, ("2m", Escalated("bo"))], ["2m bo"], {"step": "12m"}, id="a person who escalates is heard"),
        pytest.param([HOLD, ("2m", ends)], [], {}, id="resolved by the source under a hold"),
        pytest.param([HOLD, ("1m", held(lasts="1h")), ("1h1m", WAIT)], ["1h1m ana"], {"step": "1h6m"}, id="told twice"),
        pytest.param([("1m", OVER)], [], {"step": "5m"}, id="no hold, nothing to end"),
        pytest.param(
            [OPEN, ("2m", Acked("ana")), ("2m30s", Unacked("ana"))], [], {}, id="an undo brings the hold back"
        ),
    ],
)
@covers("R24")
def test_holds(story: Story, paged: list[str], clocks: dict[str, str]) -> None:
    told = play(*story)

    assert (told.paged, told.clocks) == (["0m ana", *paged], clocks)


@pytest.mark.parametrize("story", [[HOLD], [OPEN]], ids=["a silence", "an inhibition"])
def test_a_hold_before_the_first_page_withdraws_what_is_due(story: Story) -> None:
    told = play(("0m", story[0][1]), ("59m", WAIT))

    assert (told.paged, told.others) == ([], ["0m Withdraw"])


def test_what_was_declared_by_hand_pages_when_its_hold_ends() -> None:
    told = play(OPEN, ("2m", OVER), incident=set_up(1, "g", "slow", "SEV-2", "payments", NOON), alerts=0)

    assert told.paged == ["0m ana", "2m ana"]


@pytest.mark.parametrize(
    ("level", "story", "paged"),
    [
        pytest.param("SEV-2", [("59s", WAIT)], [], id="it holds a new incident"),
        pytest.param("SEV-2", [("1m", WAIT)], ["1m ana"], id="for its time"),
        pytest.param("SEV-1", [("59s", WAIT)], ["0m ana", "0m bo", "0m chi"], id="never SEV-1"),
        pytest.param(
            "SEV-2", [("30s", joins(1, "SEV-1"))], ["30s ana", "30s bo", "30s chi"], id="nor what has become SEV-1"
        ),
        pytest.param("SEV-3", [("30s", joins(1, "SEV-2"))], [], id="a rise to SEV-2 waits on"),
        pytest.param("SEV-2", [("30s", ends), ("40s", joins())], ["40s ana"], id="only a new incident: not a re-open"),
    ],
)
@covers("R22")
def test_group_wait(level: Level, story: Story, paged: list[str]) -> None:
    """Rule 22."""
    told = play(*story, incident=opened(level, group_wait="1m"))

    assert told.paged == paged


def test_a_hold_and_its_end_stand_on_the_timeline() -> None:
    told = play(("1m", held("maintenance", "10m")), ("11m", WAIT))

    assert "1m held: maintenance x" in told.said
    assert "11m the hold ended: maintenance x" in told.said
