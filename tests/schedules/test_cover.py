"""Who could cover a stretch, best first; and what an override made at run time says and repeats."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.cover import candidates
from pager.core.override import RunOverride, Wanted, layered, misfit, moved, repeats, spelled
from pager.core.people import Person
from pager.core.schedule import Schedule

NAMES = ("ana", "bo", "chi", "dee")


def at(day: int, hour: int = 12, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def schedule(name: str = "payments", handoff: str = "0 9 * * MON", people: Any = NAMES, **more: Any) -> Schedule:
    version = {"from": "2026-01-05", "handoff": handoff, "people": list(people)}  # a Monday, ana's first turn
    return Schedule.model_validate({"schedule": name, "rotation": [version], **more})


def catalog(*schedules: Schedule) -> Catalog:
    return Catalog(
        schedules={one.name: one for one in schedules or [schedule()]}, people={name: Person() for name in NAMES}
    )


WEEKLY = schedule()  # ana has the week of 2 March, then bo, chi and dee
AWAY = schedule(away=[{"who": "dee", "from": "2026-03-04", "to": "2026-03-05"}])


def night(*people: str) -> Schedule:
    return schedule("nights", "0 0 * * *", people)


@pytest.mark.parametrize(
    ("known", "start", "end", "found"),
    [
        pytest.param([WEEKLY], at(4), at(5), ["chi 9", "bo 3", "dee 2"], id="whoever's own turns are furthest away"),
        pytest.param([WEEKLY], at(4), at(4, 14), ["chi 9", "bo 4", "dee 2"], id="an hour"),
        pytest.param([AWAY], at(4), at(5), ["chi 9", "bo 3"], id="nobody who is away in any part of it"),
        pytest.param([AWAY], at(5, 0), at(5, 9), ["chi 9", "bo 4", "dee 2"], id="who comes back as it begins can"),
        pytest.param([WEEKLY], at(8), at(10), ["dee 6", "chi 5"], id="nobody whose own turn it is in part"),
        pytest.param([WEEKLY, night("chi")], at(4), at(5), ["bo 3", "dee 2", "chi 9 nights"], id="busy ones last"),
        pytest.param(
            [schedule(people=[["ana", "bo"], ["chi", "dee"]]), night("ana", "dee")],
            at(4, 0),
            at(4, 5),
            ["chi 1", "dee 1"],
            id="as far away, so whoever carries less",
        ),
        pytest.param(
            [schedule(handoff="0 9 5 1 *"), schedule("other", people=["bo", "chi"])],
            at(4),
            at(5),
            ["dee None", "chi None", "bo None other"],
            id="no turn for weeks is the best",
        ),
    ],
)
def test_candidates(known: list[Schedule], start: datetime, end: datetime, found: list[str]) -> None:
    ranked = candidates(catalog(*known), known[0].name, start, end)

    assert [" ".join(map(str, (one.person, one.days_apart, *one.elsewhere))) for one in ranked] == found


def test_hours_are_counted_in_all_schedules_four_weeks_around() -> None:
    nights = schedule("nights", "0 21 * * *", ["bo"], hours="21:00-05:00")

    carried = {one.person: one.carried for one in candidates(catalog(WEEKLY, nights), "payments", at(4, 9), at(4, 10))}

    # 56 days and an hour hold two whole weeks of bo's, and 56 nights of 8 hours of which 16 lie in his weeks.
    assert carried["bo"] == timedelta(hours=2 * 168 + 56 * 8)
    assert carried["chi"] == timedelta(hours=2 * 168)


EVENING = Wanted("payments", at(4, 18), at(4, 20), "who", ("chi",))


def kept(*wanted: Wanted) -> list[RunOverride]:
    return [RunOverride(number, one, at(1)) for number, one in enumerate(wanted, 1)]


def like(**changes: Any) -> Wanted:
    return replace(EVENING, **changes)


@pytest.mark.parametrize(
    ("standing", "repeated"),
    [
        pytest.param([], None, id="nothing stands"),
        pytest.param([EVENING], 1, id="the same"),
        pytest.param([like(by="bo", why="another why")], 1, id="the same of somebody else"),
        pytest.param([like(names=("bo",))], None, id="another person"),
        pytest.param([like(end=at(4, 21))], None, id="a longer one"),
        pytest.param([EVENING, like(names=("bo",), start=at(4, 19))], None, id="another was laid over it"),
        pytest.param([EVENING, like(names=("bo",), start=at(4, 20), end=at(4, 22))], 1, id="one that comes after"),
        pytest.param([EVENING, like(schedule="other", names=("bo",))], 1, id="one of another schedule"),
    ],
)
def test_to_ask_twice_is_to_ask_once(standing: list[Wanted], repeated: int | None) -> None:
    found = repeats(EVENING, kept(*standing))

    assert (found.id if found else None) == repeated


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        pytest.param(EVENING, "", id="all there"),
        pytest.param(like(schedule="gone"), "there is no schedule 'gone' any more", id="no schedule"),
        pytest.param(like(names=("ana", "zoe")), "nobody is called 'zoe' any more", id="no person"),
        pytest.param(
            like(kind="replace", replaced="zoe", names=("yve",)),
            "nobody is called 'yve' or 'zoe' any more",
            id="neither of two",
        ),
    ],
)
def test_what_does_not_fit_the_files_is_not_applied(wanted: Wanted, why: str) -> None:
    files = catalog()

    assert misfit(wanted, files) == why
    assert (layered(files, kept(wanted)) is files) == bool(why)


def test_only_the_time_that_is_still_to_come_moves() -> None:
    found = moved(catalog(), [], kept(EVENING), EVENING, at(4, 19))

    assert [(one.person, one.gained, one.lost) for one in found] == [
        ("ana", (), ((at(4, 19), at(4, 20)),)),
        ("chi", ((at(4, 19), at(4, 20)),), ()),
    ]
    assert moved(catalog(), [], kept(EVENING), EVENING, at(4, 20)) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (EVENING, "chi"),
        (like(names=()), "nobody"),
        (like(kind="add", names=("bo", "chi")), "and bo, chi"),
        (like(kind="remove", names=("bo",)), "without bo"),
        (like(kind="replace", replaced="bo", names=("ana",)), "bo replaced by ana"),
    ],
)
def test_an_override_in_words(wanted: Wanted, words: str) -> None:
    assert spelled(wanted.body) == words
