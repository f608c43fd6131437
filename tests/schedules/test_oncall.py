"""The public answers: runs, horizons, runtime overrides, shadows, and what is kept between questions."""

import gc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pager.core import sweep
from pager.core.oncall import OnCall, Override, Schedule, on_call, runs, shadows, timeline, zone_of
from tests.schedules.show import instant, ring, rota

WEEKLY = "0 10 * * MON"
PAYMENTS = rota("Europe/Berlin", WEEKLY, "ana bo chi", "2026-01-05")
NOON = instant("2026-02-16T12:00")


def schedule(doc: dict[str, Any] = PAYMENTS, **keys: Any) -> Schedule:
    return Schedule.model_validate({**doc, **keys})


def handoff(year: int, month: int, day: int, hour: int = 9) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_the_whole_answer() -> None:
    assert on_call(schedule(), NOON) == OnCall(
        people=("ana",),
        ranks=(("ana",), ("bo",), ("chi",)),
        since=handoff(2026, 2, 16),
        until=handoff(2026, 2, 23),
        layer="",
    )


@pytest.mark.parametrize(
    ("doc", "since", "until"),
    [
        pytest.param(
            rota("UTC", "0 0 1 1 *", "a b", "2024-01-01"), handoff(2026, 1, 1, 0), handoff(2027, 1, 1, 0), id="yearly"
        ),
        pytest.param(rota("UTC", "0 0 1 1 *", "a", "2024-01-01"), None, None, id="one person for years"),
        pytest.param(rota("UTC", "0 0 29 2 *", "a b", "2024-01-01"), None, None, id="hand-offs years apart"),
        pytest.param(
            rota("UTC", "0 0 1 2 *", "a b", "2024-01-01"), handoff(2026, 2, 1, 0), handoff(2027, 2, 1, 0), id="50 weeks"
        ),
        pytest.param(rota("UTC", WEEKLY, "a", "2026-03-01"), None, handoff(2026, 3, 2, 10), id="nobody yet"),
        pytest.param(
            rota("UTC", WEEKLY, "a", "2026-01-01", until="2026-02-01"), handoff(2026, 2, 1, 0), None, id="nobody now"
        ),
        pytest.param(rota("UTC", WEEKLY, "a", "2030-01-01"), None, None, id="nobody for years"),
    ],
)
def test_a_run_is_followed_for_a_year(doc: dict[str, Any], since: datetime | None, until: datetime | None) -> None:
    now = on_call(schedule(doc), NOON)

    assert (now.since, now.until) == (since, until)


def test_an_answer_that_was_kept_learns_of_a_change_that_comes_within_the_year() -> None:
    away = [{"who": "bo", "from": "2027-12-15", "through": "2027-12-20"}]  # ends what is kept, but not the run
    leap = schedule(rota("UTC", "0 0 29 2 *", "ana bo", "2024-01-01", away=away))

    assert on_call(leap, instant("2027-01-01")).until is None
    assert on_call(leap, instant("2027-12-01")).until == instant("2028-02-29")
    assert on_call(leap, instant("2027-01-01")).until is None


def test_a_run_goes_on_while_lower_ranks_change() -> None:
    away = [{"who": "bo", "from": "2026-02-17", "through": "2026-02-18"}]
    found = timeline(schedule(away=away), NOON, handoff(2026, 2, 20))

    assert [segment.ranks[1] for segment in found] == [("bo",), ("chi",), ("bo",)]
    assert [run.people for run in runs(found)] == [("ana",)]
    assert on_call(schedule(away=away), NOON).until == handoff(2026, 2, 23)


def test_the_layer_that_decides_is_named_with_its_zone() -> None:
    low = {"name": "low", "rotation": [{"from": "2026-01-01", "people": ["ana"]}]}
    top = {"name": "top", "hours": "09:00-17:00", "timezone": "Asia/Tokyo", "rotation": low["rotation"]}
    stacked = Schedule.model_validate({"schedule": "x", "timezone": "UTC", "layers": [low, top]})

    assert [on_call(stacked, instant(f"2026-02-16T{hour}:00")).layer for hour in ("04", "12")] == ["top", "low"]
    assert [zone_of(stacked, name) for name in ("top", "low", "")] == ["Asia/Tokyo", "UTC", "UTC"]


def test_an_override_sets_rank_1_and_the_ring_gives_the_rest() -> None:
    override = Override(from_="2026-02-16", to="2026-02-17", who=("chi", "zoe"))

    assert on_call(schedule(), NOON, [override]).ranks == (("chi", "zoe"), ("ana",), ("bo",))


def test_nobody_on_purpose_has_no_ranks() -> None:
    nobody = Override.model_validate({"from": "2026-02-16", "to": "2026-02-17", "who": []})

    assert on_call(schedule(), NOON, [nobody]).ranks == ()


def test_runtime_overrides_do_not_stick() -> None:
    one = schedule()
    taken = [Override.model_validate({"from": "2026-02-16", "to": "2026-02-17", "who": [f"p{n}"]}) for n in range(40)]

    assert [on_call(one, NOON, [override]).people for override in taken] == [(f"p{n}",) for n in range(40)]
    assert on_call(one, NOON).people == ("ana",)
    assert on_call(one, NOON, taken).people == ("p39",)


def test_a_changed_copy_has_its_own_answers() -> None:
    one = schedule()
    assert on_call(one, NOON).people == ("ana",)

    copy = one.model_copy(update={"rotation": (one.rotation or ())[:1], "overrides": ring_of("zoe")})
    assert on_call(copy, NOON).people == ("zoe",)


def ring_of(who: str) -> tuple[Override, ...]:
    return (Override.model_validate({"from": "2026-02-16", "to": "2026-02-17", "who": ring(who)}),)


def test_what_was_compiled_goes_with_its_schedule() -> None:
    one = schedule()
    on_call(one, NOON)
    known = id(one)
    assert known in sweep._plans

    del one
    gc.collect()
    assert known not in sweep._plans


@pytest.mark.parametrize("year", [1, 1969, 1980, 2500, 9989, 9999])
def test_far_away_instants_have_an_answer(year: int) -> None:
    assert on_call(schedule(), datetime(year, 6, 1, tzinfo=UTC)).people in ((), ("ana",), ("bo",), ("chi",))


def test_a_turn_in_500_years_is_still_counted() -> None:
    at, first = instant("2526-02-16T12:00"), instant("2026-01-05T09:00")

    assert on_call(schedule(), at).people == ("ana", "bo", "chi")[(at - first) // timedelta(days=7) % 3 :][:1]


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 2, 16)  # noqa: DTZ001  refused, as the test says
    warm = schedule()
    on_call(warm, NOON)

    for asked in (
        lambda: on_call(warm, naive),
        lambda: timeline(warm, naive, NOON),
        lambda: timeline(warm, NOON, naive),
    ):
        with pytest.raises(ValueError, match="has no zone; write 2026-01-05T09:00"):
            asked()


def test_an_end_before_the_start_is_no_time_at_all() -> None:
    assert timeline(schedule(), NOON, NOON) == timeline(schedule(), NOON, NOON - timedelta(days=1)) == ()


def test_a_timeline_in_another_zone_comes_back_in_utc() -> None:
    start = datetime.fromisoformat("2026-02-16T12:00:30+05:45")
    (segment,) = timeline(schedule(), start, start + timedelta(hours=1))

    assert (segment.start, segment.start.utcoffset()) == (start, timedelta())


def test_shadows_get_copies_and_never_count() -> None:
    stretch = {"from": "2026-02-16", "through": "2026-02-17"}
    shadowed = schedule(shadows=[{"who": "new", "of": "ana", **stretch}, {"who": "bo", "of": "ana", **stretch}])

    assert shadows(shadowed, NOON, ["ana"]) == ("new", "bo")
    assert shadows(shadowed, NOON, ["ana", "bo"]) == ("new",)
    assert shadows(shadowed, NOON, ["chi"]) == shadows(shadowed, instant("2026-02-18T12:00"), ["ana"]) == ()
    assert on_call(shadowed, NOON).ranks == (("ana",), ("bo",), ("chi",))
