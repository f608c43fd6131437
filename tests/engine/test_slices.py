"""A large body is worked in slices: nobody waits for all of it, and nothing of it is lost or told twice."""

import pytest

from pager import worker
from tests.engine.house import NOON, House, alert


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE", 3)


def many(count: int, status: str = "firing", name: str = "") -> list[dict[str, object]]:
    return [alert(name or f"Down{at}", status, instance=str(at)) for at in range(count)]


async def test_each_transaction_works_a_slice_and_others_come_between(house: House) -> None:
    await house.post(*many(8))
    await house.post(alert("Other"), source="another")
    opened = []
    while await house.engine.work_inbox():
        opened.append((len(await house.all()), await house.count("todo")))

    # Three and the other's, three, and the last two.
    assert opened == [(4, 1), (7, 1), (9, 0)]
    assert await house.count("alerts") == 9


async def test_slices_of_one_group_are_one_incident_with_one_page(house: House) -> None:
    await house.say(*many(8, name="Down"))

    assert [(one.alerts, one.firing) for one in await house.all()] == [(8, 8)]
    assert await house.paged() == ["ana"]


async def test_the_next_body_of_the_source_waits_for_the_last_slice(house: House) -> None:
    await house.post(*many(7))
    await house.post(*many(7, "resolved"))
    await house.engine.work_inbox()
    assert [one.state for one in await house.all()] == ["triggered"] * 3

    await house.work()
    assert [one.state for one in await house.all()] == ["resolved"] * 7


async def test_the_last_report_of_an_alert_wins_across_slices(house: House) -> None:
    again = NOON.replace(minute=1)
    await house.say(
        alert("A"), alert("B"), alert("C"), alert("A", "resolved"), alert("B", "resolved"), alert("A", at=again)
    )

    states = {one.title: one.state for one in await house.all()}
    assert states == {"A": "triggered", "B": "resolved", "C": "triggered"}


async def test_a_restart_between_slices_goes_on_where_it_was(house: House) -> None:
    await house.post(*many(8))
    await house.engine.work_inbox()
    house.restart()
    await house.work()

    assert len(await house.all()) == 8
    assert await house.count("pages") == 8


@pytest.mark.parametrize(("last", "kept"), [("firing", 1), ("resolved", 2)])
async def test_a_body_is_kept_if_any_slice_changed_something(house: House, last: str, kept: int) -> None:
    await house.say(*many(8))
    changed = [alert("Down0", last, instance="0")]
    await house.say(*changed, *many(8)[1:])

    assert await house.count("inbox") == kept
