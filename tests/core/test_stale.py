"""Staleness, in rows: leases, silences, and what an incident does when nothing is heard of its alerts any more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.alert import Alert
from pager.core.merge import AlertState, merge
from pager.core.rule import Source
from pager.core.severity import Level
from pager.core.stale import Stretch, closes_unheard, is_stale, listened_until, quiet_after, spoke_since, stale_at
from tests.support import covers

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = 4 * MINUTE


def report(at: datetime, *, lease: timedelta | None = LEASE, status: str = "firing", text: str = "") -> Alert:
    fires = status == "firing"
    return Alert(
        "prom-eu",
        "firing" if fires else "resolved",
        {"alertname": "Down"},
        NOON,
        annotations={"value": text},
        ends_at=None if fires else at,
        expires_at=at + lease if lease and fires else None,
    )


def told(*reports: Alert, at: tuple[timedelta, ...] = (timedelta(),)) -> AlertState:
    """The state after these reports, accepted so long after noon."""
    state = None
    for each, after in zip(reports, at, strict=True):
        state, _ = merge(state, each, NOON + after)
    assert state is not None
    return state


LEASED = told(report(NOON))
UNLEASED = told(report(NOON, lease=None))
CHANGED = told(report(NOON, text="1"), report(NOON + HOUR, text="2"), at=(timedelta(), HOUR))
AGAIN = told(
    report(NOON),
    report(NOON + MINUTE, status="resolved"),
    report(NOON + HOUR),
    at=(timedelta(), MINUTE, HOUR),
)
LONG = told(report(NOON, lease=4 * HOUR))


@pytest.mark.parametrize(
    ("state", "heard", "stale_after", "after"),
    [
        pytest.param(LEASED, timedelta(), None, 9 * MINUTE, id="five minutes after its lease"),
        pytest.param(LEASED, timedelta(), HOUR, 9 * MINUTE, id="stale_after is for alerts without a lease"),
        pytest.param(LEASED, 30 * MINUTE, None, 39 * MINUTE, id="a repeat renews the lease"),
        pytest.param(LONG, 24 * HOUR, None, 28 * HOUR + 5 * MINUTE, id="a long lease is renewed as long"),
        pytest.param(CHANGED, HOUR, None, HOUR + 9 * MINUTE, id="a change has a lease of its own"),
        pytest.param(AGAIN, HOUR + 10 * MINUTE, None, HOUR + 19 * MINUTE, id="a new spell measures its own lease"),
        pytest.param(UNLEASED, timedelta(), None, 25 * HOUR, id="without a lease 25 hours"),
        pytest.param(UNLEASED, timedelta(), 2 * HOUR, 2 * HOUR, id="or what its source says"),
        pytest.param(UNLEASED, HOUR, 2 * HOUR, 3 * HOUR, id="from when it was last heard of"),
        pytest.param(UNLEASED, timedelta(), timedelta(), timedelta(), id="at once, if somebody wants that"),
    ],
)
def test_stale_at(state: AlertState, heard: timedelta, stale_after: timedelta | None, after: timedelta) -> None:
    assert stale_at(state, NOON + heard, stale_after) == NOON + after


@pytest.mark.parametrize(
    ("state", "after", "stale"),
    [
        pytest.param(LEASED, 8 * MINUTE, False, id="not while it is waited for"),
        pytest.param(LEASED, 9 * MINUTE, True, id="to the minute"),
        pytest.param(UNLEASED, 24 * HOUR, False, id="a day is not enough without a lease"),
        pytest.param(told(report(NOON, status="resolved")), 99 * HOUR, False, id="what is resolved is never stale"),
    ],
)
@covers("R8")
def test_is_stale(state: AlertState, after: timedelta, stale: bool) -> None:
    assert is_stale(state, NOON, None, NOON + after) is stale


def test_a_flapping_alert_that_is_resolved_settles_and_is_not_stale() -> None:
    reports = [report(NOON + at * MINUTE, status="resolved" if at % 2 else "firing") for at in range(6)]
    state = told(*reports, at=tuple(at * MINUTE for at in range(6)))

    assert state.counts_as_firing
    assert not is_stale(state, NOON, None, NOON + 99 * HOUR)


# Time in which pager was down.


@pytest.mark.parametrize(
    ("down", "until"),
    [
        pytest.param([], 9, id="never down"),
        pytest.param([(2, 5)], 12, id="down for three minutes meanwhile"),
        pytest.param([(8, 68)], 69, id="down for an hour, a minute before"),
        pytest.param([(-5, -1)], 9, id="down before it was heard of"),
        pytest.param([(-5, 2)], 11, id="the last minutes of a stretch count"),
        pytest.param([(9, 20)], 9, id="already stale when it went down"),
        pytest.param([(2, 5), (11, 12)], 13, id="down again in the time that was added"),
        pytest.param([(11, 12), (2, 5)], 13, id="in any order"),
        pytest.param([(2, 5), (3, 4), (4, 6)], 13, id="stretches that overlap count once"),
        pytest.param([(5, 2)], 9, id="a stretch that ends before it begins is none"),
    ],
)
@covers("R8")
def test_leases_do_not_run_while_pager_is_down(down: list[tuple[int, int]], until: int) -> None:
    stretches = [(NOON + start * MINUTE, NOON + end * MINUTE) for start, end in down]

    assert stale_at(LEASED, NOON, None, stretches) == NOON + until * MINUTE
    assert is_stale(LEASED, NOON, None, NOON + until * MINUTE, stretches)
    assert not is_stale(LEASED, NOON, None, NOON + until * MINUTE - timedelta(seconds=1), stretches)


minutes = st.integers(-60, 300).map(lambda count: NOON + count * MINUTE)
stretches = st.lists(st.tuples(minutes, minutes), max_size=5)


@given(stretches, st.integers(0, 200))
def test_what_was_waited_is_what_was_listened(down: list[Stretch], length: int) -> None:
    until = listened_until(NOON, length * MINUTE, down)
    waited = (until - NOON) // MINUTE
    listened = [at for at in range(waited) if not any(s <= NOON + at * MINUTE < e for s, e in down)]

    assert len(listened) == length
    assert not listened or listened[-1] == waited - 1


@given(st.integers(0, 600), st.integers(0, 100))
def test_to_be_heard_of_later_is_never_to_be_stale_earlier(heard: int, more: int) -> None:
    for state in (LEASED, UNLEASED, CHANGED, AGAIN):
        assert stale_at(state, NOON + (heard + more) * MINUTE, None) >= stale_at(state, NOON + heard * MINUTE, None)


@given(st.integers(0, 600), stretches)
def test_to_be_down_never_makes_an_alert_stale_earlier(heard: int, down: list[Stretch]) -> None:
    for state in (LEASED, UNLEASED, CHANGED, AGAIN):
        heard_at = NOON + heard * MINUTE
        assert stale_at(state, heard_at, None, down) >= stale_at(state, heard_at, None)


# What an incident does.


@pytest.mark.parametrize(
    ("severity", "acked", "spoke", "closes"),
    [
        pytest.param("SEV-1", True, True, True, id="somebody has it and its source lives"),
        pytest.param("SEV-2", False, True, False, id="nobody has a SEV-2: it pages on"),
        pytest.param("SEV-1", False, True, False, id="nobody has a SEV-1: it pages on"),
        pytest.param("SEV-3", False, True, True, id="below SEV-2 nobody need have it"),
        pytest.param("SEV-5", False, True, True, id="nor a SEV-5"),
        pytest.param("SEV-1", True, False, False, id="a dead source is no recovery"),
        pytest.param("SEV-5", True, False, False, id="at no level"),
    ],
)
@covers("R8")
def test_closes_unheard(severity: Level, acked: bool, spoke: bool, closes: bool) -> None:
    assert closes_unheard(severity, acked, spoke) is closes


@pytest.mark.parametrize(
    ("stale", "spoke", "since"),
    [
        pytest.param([("eu", 9)], {"eu": 10}, True, id="its source spoke of something else"),
        pytest.param([("eu", 9)], {"eu": 8}, False, id="its source spoke last before it was stale"),
        pytest.param([("eu", 9)], {}, False, id="its source was never heard"),
        pytest.param([("eu", 9)], {"us": 10}, False, id="another source is no witness"),
        pytest.param([("eu", 9), ("us", 12)], {"eu": 10, "us": 11}, False, id="each of them must have spoken"),
        pytest.param([("eu", 9), ("us", 12)], {"eu": 10, "us": 12}, True, id="each of them has"),
        pytest.param([("eu", 9), ("eu", 30)], {"eu": 10}, False, id="after its last alert was stale"),
    ],
)
def test_spoke_since(stale: list[tuple[str, int]], spoke: dict[str, int], since: bool) -> None:
    alerts = [(source, NOON + at * MINUTE) for source, at in stale]

    assert spoke_since(alerts, {source: NOON + at * MINUTE for source, at in spoke.items()}) is since


# Quiet sources.

DECLARED = Source(name="prom-eu", dialect="prometheus")
HOURLY = Source(name="prom-eu", dialect="prometheus", must_speak=HOUR)
WEBHOOK = Source(name="am", dialect="alertmanager", must_speak=10 * MINUTE)


@pytest.mark.parametrize(
    ("source", "dialect", "has_open", "after"),
    [
        pytest.param(None, "prometheus", True, 10 * MINUTE, id="API v2 with open alerts"),
        pytest.param(None, "prometheus", False, None, id="without any it has nothing to send"),
        pytest.param(DECLARED, "prometheus", True, 10 * MINUTE, id="a declared one all the same"),
        pytest.param(HOURLY, "prometheus", True, HOUR, id="must_speak counts, for rules that are seldom evaluated"),
        pytest.param(HOURLY, "prometheus", False, HOUR, id="with alerts and without"),
        pytest.param(WEBHOOK, "alertmanager", False, 10 * MINUTE, id="a webhook with a watchdog"),
        pytest.param(None, "alertmanager", True, None, id="a webhook may be silent for hours"),
    ],
)
@covers("R8")
def test_quiet_after(source: Source | None, dialect: str, has_open: bool, after: timedelta | None) -> None:
    assert quiet_after(source, dialect, has_open) == after
