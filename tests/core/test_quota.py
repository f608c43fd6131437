"""Quotas: what is worked in its turn, from the reserve, last, or not at all; and what holds for every sender."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pager.core.alert import Alert
from pager.core.candidates import most_urgent
from pager.core.quota import (
    MINUTE,
    SHARE,
    Asked,
    Quota,
    Waits,
    Way,
    elsewhere,
    full,
    is_over,
    refuses,
    way_of,
)
from pager.core.rule import Source
from pager.core.severity import Level
from tests.engine.house import catalog

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEN = Quota(alerts=10, bytes=1024, open=100)
NOTHING = Waits()


def ways(*asked: tuple[float, Asked], quota: Quota = TEN, waits: Waits = NOTHING) -> list[Way]:
    """Where these requests go, each so many seconds after noon."""
    use, found = full(quota, NOON), list[Way]()
    for second, one in asked:
        way, use = way_of(quota, use, one, waits, NOON + timedelta(seconds=second))
        found.append(way)
    return found


@pytest.mark.parametrize(
    ("asked", "waits", "expected"),
    [
        pytest.param([(0, Asked(10, 10))], NOTHING, ["turn"], id="a whole minute's worth at once is within the quota"),
        pytest.param([(0, Asked(500, 10))], NOTHING, ["turn"], id="a request is not divided"),
        pytest.param([(0, Asked(10, 1)), (0, Asked(1, 1))], NOTHING, ["turn", "last"], id="what comes then is last"),
        pytest.param([(0, Asked(10, 1)), (6, Asked(1, 1))], NOTHING, ["turn"] * 2, id="a tenth of a minute, a tenth"),
        pytest.param([(0, Asked(1, 1024)), (0, Asked(1, 1))], NOTHING, ["turn", "last"], id="bytes count, too"),
        pytest.param(
            [(0, Asked(10, 1)), (0, Asked(1, 1, "SEV-1"))], NOTHING, ["turn", "reserve"], id="a SEV-1 goes first"
        ),
        pytest.param(
            [(0, Asked(10, 1)), (0, Asked(10, 1, "SEV-2")), (0, Asked(1, 1, "SEV-2")), (0, Asked(1, 1, "SEV-1"))],
            NOTHING,
            ["turn", "reserve", "last", "reserve"],
            id="a flood of SEV-2 leaves SEV-1 its own reserve",
        ),
        pytest.param([(0, Asked(1, 1))], Waits(rows=1), ["last"], id="while some waits, the rest waits behind it"),
        pytest.param([(0, Asked(1, 1, "SEV-1"))], Waits(rows=1), ["reserve"], id="but for a SEV-1"),
        pytest.param([(0, Asked(1, 1))], Waits(open=100), ["turn"], id="as many open alerts as may be"),
        pytest.param([(0, Asked(1, 1))], Waits(open=101), ["last"], id="too many open alerts"),
        pytest.param([(0, Asked(10, 1)), (-60, Asked(1, 1))], NOTHING, ["turn", "last"], id="a clock set back"),
    ],
)
def test_where_a_request_waits(asked: list[tuple[float, Asked]], waits: Waits, expected: list[Way]) -> None:
    assert ways(*asked, waits=waits) == expected


@pytest.mark.parametrize(
    ("waits", "ends", "refused"),
    [
        pytest.param(Waits(rows=1, bytes=10), False, False, id="a little waits"),
        pytest.param(Waits(rows=100 // SHARE, bytes=10), False, True, id="its share of the requests waits"),
        pytest.param(Waits(rows=1, bytes=1000 // SHARE), False, True, id="its share of the bytes waits"),
        pytest.param(Waits(open=199), False, False, id="not twice as many open alerts as may be"),
        pytest.param(Waits(open=200), False, True, id="twice as many"),
        pytest.param(Waits(open=200), True, False, id="an end is always taken"),
    ],
)
def test_what_is_told_to_come_back(waits: Waits, ends: bool, refused: bool) -> None:
    assert bool(refuses(TEN, waits, 100, 1000, ends=ends)) is refused


requests = st.lists(
    st.tuples(
        st.floats(0, 30),
        st.builds(Asked, st.integers(1, 30), st.integers(1, 3000), st.sampled_from((None, "SEV-1", "SEV-2"))),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(requests)
def test_nobody_gets_more_turns_than_the_quota_and_one_request(sent: list[tuple[float, Asked]]) -> None:
    use, now, taken, largest = full(TEN, NOON), NOON, 0, 0
    for wait, asked in sent:
        now += timedelta(seconds=wait)
        way, use = way_of(TEN, use, asked, NOTHING, now)
        taken += asked.alerts if way == "turn" else 0
        largest = max(largest, asked.alerts)
        assert taken <= TEN.alerts * (1 + (now - NOON) / MINUTE) + largest + 1e-6


@settings(max_examples=150)
@given(requests)
def test_whoever_keeps_to_the_quota_always_has_their_turn(sent: list[tuple[float, Asked]]) -> None:
    use, now = full(TEN, NOON), NOON
    for _, asked in sent:
        way, use = way_of(TEN, use, asked, NOTHING, now)
        assert way == "turn"
        # They wait for as long as the request's share of a minute is, by whichever of the two it fills more.
        now += MINUTE * max(asked.alerts / TEN.alerts, asked.bytes / TEN.bytes) + timedelta(milliseconds=1)


@settings(max_examples=100)
@given(requests, st.sampled_from(("SEV-1", "SEV-2")))
def test_what_nobody_took_of_a_reserve_is_there(sent: list[tuple[float, Asked]], level: Level) -> None:
    use, now = full(TEN, NOON), NOON
    for wait, asked in sent:
        now += timedelta(seconds=wait)
        if asked.urgent != level:
            _, use = way_of(TEN, use, asked, Waits(rows=5), now)
    assert way_of(TEN, use, Asked(30, 1, level), Waits(rows=5), now)[0] == "reserve"


def test_what_another_node_took_is_gone_here_too() -> None:
    use = elsewhere(TEN, full(TEN, NOON), 10, 1, NOON)
    assert is_over(TEN, use, NOTHING, NOON)
    assert not is_over(TEN, use, NOTHING, NOON + MINUTE / 10)


def test_what_another_node_took_costs_a_minute_at_most() -> None:
    use = elsewhere(TEN, full(TEN, NOON), 10_000, 10**9, NOON)
    assert not is_over(TEN, use, NOTHING, NOON + MINUTE * 1.1)


def test_what_was_not_kept_after_all_is_given_back() -> None:
    _, use = way_of(TEN, full(TEN, NOON), Asked(10, 1024), NOTHING, NOON)
    assert not is_over(TEN, elsewhere(TEN, use, -10, -1024, NOON), NOTHING, NOON)


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        pytest.param("64MB", 64_000_000, id="megabytes"),
        pytest.param("512 KiB", 524_288, id="with a blank"),
        pytest.param(4096, 4096, id="a number"),
    ],
)
def test_how_a_quota_is_written(written: object, bytes_: int) -> None:
    source = Source.model_validate({"name": "prom", "dialect": "alertmanager", "quota": {"bytes": written}})
    assert (source.quota.bytes, source.quota.alerts) == (bytes_, Quota().alerts)


@pytest.mark.parametrize("written", [{"alerts": 0}, {"bytes": "64 cows"}, {"bytes": "1B"}, {"requests": 5}])
def test_what_is_no_quota(written: object) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate({"name": "prom", "dialect": "alertmanager", "quota": written})


def told(name: str, word: str, status: str = "firing") -> Alert:
    return Alert("prom", "firing" if status == "firing" else "resolved", {"alertname": name, "severity": word}, NOON)


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([told("Slow", "warning")], None, id="a SEV-3"),
        pytest.param([told("Disk", "SEV-1")], None, id="a rule that says SEV-4"),
        pytest.param([told("Down", "critical")], "SEV-2", id="a SEV-2"),
        pytest.param([told("Down", "critical"), told("Gone", "SEV-1")], "SEV-1", id="the worse of two"),
        pytest.param([told("Gone", "SEV-1", "resolved")], None, id="an end"),
        pytest.param([told("Odd", "")], "SEV-2", id="nobody knows how severe"),
        pytest.param([told("Watchdog", "none")], None, id="a watchdog of which nobody asked"),
    ],
)
def test_what_may_be_severe(alerts: list[Alert], expected: Level | None) -> None:
    assert most_urgent(alerts, catalog()) == expected
