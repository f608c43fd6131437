"""Rule 27, by hand: an incident is handed to another."""

import pytest

from pager.core.incident import Acked, Mitigated, Reassigned, Resolved, Unacked
from tests.core.story import Happening, play
from tests.support import covers

Story = list[tuple[str, Happening]]
HAND = Reassigned("ana", "bo")


@pytest.mark.parametrize(
    ("story", "state", "holder", "here", "clocks", "told"),
    [
        pytest.param(
            [("2m", HAND)], "acknowledged", "bo", (), {"ack": "1h2m"}, ["2m bo reassigned"], id="nobody had it"
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", HAND)],
            "acknowledged",
            "bo",
            ("ana",),
            {"ack": "1h2m"},
            ["2m bo reassigned"],
            id="who had it is also here",
        ),
        pytest.param(
            [("1m", Acked("ana")), ("2m", Acked("bo")), ("3m", HAND)],
            "acknowledged",
            "bo",
            ("ana",),
            {"ack": "1h3m"},
            ["3m bo reassigned"],
            id="who was also here has it",
        ),
        pytest.param(
            [("1m", Acked("bo")), ("2m", HAND)], "acknowledged", "bo", (), {"ack": "1h2m"}, [], id="who has it keeps it"
        ),
        pytest.param(
            [("2m", Reassigned("bo", "bo"))], "acknowledged", "bo", (), {"ack": "1h2m"}, [], id="to oneself: an ack"
        ),
        pytest.param(
            [("2m", HAND), ("150s", Unacked("bo"))],
            "triggered",
            "",
            (),
            {"step": "5m"},
            ["2m bo reassigned"],
            id="undone",
        ),
        pytest.param(
            [("2m", Resolved("chi")), ("3m", HAND)], "resolved", "", (), {}, ["2m ana resolved"], id="too late"
        ),
        pytest.param(
            [("2m", Mitigated("ana")), ("3m", HAND)],
            "mitigated",
            "bo",
            ("ana",),
            {"ack": "1d3m"},
            ["3m bo reassigned"],
            id="mitigated stays mitigated",
        ),
    ],
)
@covers("R27")
def test_an_incident_is_handed_on(
    story: Story, state: str, holder: str, here: tuple[str, ...], clocks: dict[str, str], told: list[str]
) -> None:
    played = play(*story)

    incident = played.incident
    assert (incident.state, incident.acked_by, incident.also_here) == (state, holder, here)
    assert {name: at for name, at in played.clocks.items() if name in ("ack", "step")} == clocks or state == "resolved"
    assert played.told == told
