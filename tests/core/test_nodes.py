"""Nodes: how each stands, whose pages are free, and what is wrong among them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.nodes import Node, State, forgotten, lost, state_of, troubles, up
from tests.support import covers

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ONE = Node("1" * 32, "one", NOW - 3600 * SECOND, NOW, "1.0", "aaaa", NOW - 3600 * SECOND)
TWO = replace(ONE, life="2" * 32, name="two")
THREE = replace(ONE, life="3" * 32, name="three")


def seen(node: Node, ago: float, **changes: Any) -> Node:
    return replace(node, seen_at=NOW - ago * SECOND, **changes)


AGAIN = replace(ONE, life="4" * 32, started_at=NOW - 5 * SECOND)


@pytest.mark.parametrize(
    ("node", "others", "state"),
    [
        pytest.param(ONE, (), "up", id="seen just now"),
        pytest.param(seen(ONE, 15), (TWO,), "up", id="seven beats may be missed"),
        pytest.param(seen(ONE, 16), (TWO,), "late", id="then its pages are free"),
        pytest.param(seen(ONE, 60), (TWO,), "late", id="a restart takes a minute at most"),
        pytest.param(seen(ONE, 61), (TWO,), "unseen", id="after that somebody should look"),
        pytest.param(seen(ONE, 61), (AGAIN,), "replaced", id="its next life is there"),
        pytest.param(seen(ONE, 10), (AGAIN,), "up", id="or two nodes have one name"),
        pytest.param(seen(ONE, 61, gone_at=NOW - 61 * SECOND), (TWO,), "stopped", id="it said that it stops"),
    ],
)
def test_the_state_of_a_node(node: Node, others: tuple[Node, ...], state: State) -> None:
    assert state_of(node, (node, *others), NOW) == state


@pytest.mark.parametrize(
    ("node", "is_lost"),
    [
        pytest.param(ONE, False, id="one that lives sends what it claimed"),
        pytest.param(seen(ONE, 15), False, id="also when its word is a little late"),
        pytest.param(seen(ONE, 15.1), True, id="but not for longer than 15 s"),
        pytest.param(seen(ONE, 1, gone_at=NOW - SECOND), True, id="one that stopped sends nothing"),
        pytest.param(seen(ONE, 120), True, id="as long as a lease could run"),
        pytest.param(seen(ONE, 121), False, id="then there is nothing to free"),
    ],
)
def test_whose_pages_are_free(node: Node, is_lost: bool) -> None:
    assert lost((node, TWO), NOW) == [node.life] * is_lost


def test_who_is_forgotten() -> None:
    old = 3601
    nodes = (
        seen(ONE, old, gone_at=NOW - old * SECOND),
        seen(TWO, old, life="replaced"),
        replace(TWO, started_at=NOW - 60 * SECOND),
        seen(THREE, old, life="unseen for an hour"),
        seen(THREE, 24 * 3601, life="unseen for a day", name="four"),
    )

    assert forgotten(nodes, NOW) == [ONE.life, "replaced", "unseen for a day"]


def since(node: Node, config: str, ago: float) -> Node:
    return replace(node, config=config, config_since=NOW - ago * SECOND)


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        pytest.param((ONE, TWO, THREE), [], id="all is well"),
        pytest.param((ONE, since(TWO, "bbbb", 120)), [], id="a reload takes up to two minutes to reach all"),
        pytest.param(
            (ONE, since(TWO, "bbbb", 121)),
            [("config", "nodes run different files", "aaaa on one; bbbb on two")],
            id="then files that differ are an alarm",
        ),
        pytest.param((ONE, seen(since(TWO, "bbbb", 300), 16)), [], id="what a dead node runs is no matter"),
        pytest.param(
            (since(ONE, "bbbb", 300), since(TWO, "bbbb", 10), THREE),
            [("config", "nodes run different files", "bbbb on one, two; aaaa on three")],
            id="they differ since the first changed",
        ),
        pytest.param((ONE, replace(TWO, skew=5 * SECOND)), [], id="a clock may be 5 s off"),
        pytest.param(
            (ONE, replace(TWO, skew=-5.2 * SECOND)),
            [("clock", "the clock of two is wrong", "two -5.2 s")],
            id="a clock that is slow",
        ),
        pytest.param(
            (replace(ONE, skew=6 * SECOND), replace(TWO, skew=86400 * SECOND)),
            [("clock", "the clock of one, two is wrong", "one +6.0 s; two +86400.0 s")],
            id="two clocks are one alarm",
        ),
        pytest.param(
            (ONE, seen(TWO, 75)),
            [("unseen", "two is not seen any more", "not seen: two for 1m15s. The other nodes do the work.")],
            id="a node that is not there any more",
        ),
        pytest.param(
            (seen(ONE, 75), seen(TWO, 3600), THREE),
            [
                (
                    "unseen",
                    "one, two are not seen any more",
                    "not seen: one for 1m15s; two for 1h. The other nodes do the work.",
                )
            ],
            id="two that are not",
        ),
        pytest.param((seen(ONE, 75), AGAIN), [], id="a node that was killed and started again"),
        pytest.param(
            (ONE, replace(TWO, name="one")),
            [("name", "several nodes are called one", "give each its own with PAGER_NODE")],
            id="two nodes of one name",
        ),
    ],
)
@covers("R40")
def test_what_is_wrong_among_nodes(nodes: tuple[Node, ...], found: list[tuple[str, str, str]]) -> None:
    assert [(each.kind, each.title, each.summary) for each in troubles(nodes, NOW)] == found


def test_who_is_up() -> None:
    assert up((ONE, seen(TWO, 16), THREE), NOW) == [ONE, THREE]
