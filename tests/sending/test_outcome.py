"""What became of an attempt, read from Apprise's status and log lines, and when the next one is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.outcome import LONGEST_DETAIL, MOST_ATTEMPTS, Outcome, Reason, classify, is_evidence, retry_at

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
POOL = "Socket Exception: HTTPSConnectionPool(host='h.example.org', port=443): "


@pytest.mark.parametrize(
    ("status", "logs", "reason"),
    [
        pytest.param(0, [], Reason.delivered, id="success is success"),
        pytest.param(0, ["Failed to send: error=500."], Reason.delivered, id="a try that failed before is history"),
        pytest.param(1, ["Failed to send X notification: Verification Failed., error=401."], Reason.auth, id="401"),
        pytest.param(1, ["Failed to send X notification: error=403."], Reason.auth, id="403 is a matter of keys"),
        pytest.param(1, ["Failed to send X notification: Page not found., error=404."], Reason.not_found, id="404"),
        pytest.param(1, ["Failed to send X notification: error=410."], Reason.not_found, id="410 is gone"),
        pytest.param(1, ["Failed to send X notification: error=413."], Reason.too_long, id="413"),
        pytest.param(1, ["Failed to send X notification: error=429."], Reason.rate_limited, id="429"),
        pytest.param(1, ["Failed to send X notification: error=408."], Reason.server, id="408 is worth another try"),
        pytest.param(1, ["Failed to send X notification: error=400."], Reason.rejected, id="400"),
        pytest.param(1, ["Failed to send X notification: error=302."], Reason.redirect, id="302"),
        pytest.param(1, ["Failed to send X notification: error=503."], Reason.server, id="503"),
        pytest.param(1, ["Failed to send X notification: error=202."], Reason.unknown, id="a 2xx that was not liked"),
        pytest.param(1, ["Failed", "error=401.", "error=500."], Reason.server, id="the last error decides"),
        pytest.param(1, [POOL + "Read timed out. (read timeout=4.0)"], Reason.timeout, id="no answer in time"),
        pytest.param(
            1,
            [POOL + "(Caused by ConnectTimeoutError('... (connect timeout=4.0)'))"],
            Reason.refused,
            id="no connection",
        ),
        pytest.param(
            1, [POOL + "(Caused by NewConnectionError('[Errno 111] Connection refused'))"], Reason.refused, id="refused"
        ),
        pytest.param(
            1, [POOL + "(Caused by NameResolutionError(\"Failed to resolve 'h'\"))"], Reason.dns, id="no such name"
        ),
        pytest.param(1, [POOL + "(Caused by SSLError(CERTIFICATE_VERIFY_FAILED))"], Reason.tls, id="a bad certificate"),
        pytest.param(
            1, [POOL + "(Caused by ProxyError('Tunnel failed: 403'))"], Reason.refused, id="the proxy refuses"
        ),
        pytest.param(1, ["Socket Exception: ('Connection aborted.', ...)"], Reason.unknown, id="cut off in the middle"),
        pytest.param(1, ["Socket Exception: [Errno 111] Connection refused"], Reason.refused, id="mail: refused"),
        pytest.param(1, ["Socket Exception: (535, b'5.7.8 no')"], Reason.auth, id="mail: wrong password"),
        pytest.param(1, ["Socket Exception: {'a@b.org': (550, b'who?')}"], Reason.not_found, id="mail: nobody there"),
        pytest.param(1, ["SMTP recipient a@b.org was refused: 451 b'later'"], Reason.server, id="mail: later"),
        pytest.param(1, ["Socket Exception: (552, b'too big')"], Reason.too_long, id="mail: too big"),
        pytest.param(1, ["Socket Exception: (554, b'spam')"], Reason.rejected, id="mail: never"),
        pytest.param(
            1, ["Response Details:\r\nb'error=401.'"], Reason.unknown, id="the provider's own text is no proof"
        ),
        pytest.param(1, [], Reason.unknown, id="nothing is known"),
        pytest.param(3, [], Reason.config, id="no service was loaded"),
        pytest.param(4, [], Reason.unknown, id="a part of it arrived"),
        pytest.param(5, [], Reason.timeout, id="Apprise gave up waiting"),
    ],
)
def test_classify(status: int, logs: list[str], reason: Reason) -> None:
    assert classify(status, logs).reason is reason


@pytest.mark.parametrize(
    ("level", "line", "expected"),
    [
        pytest.param("WARNING", "Failed to send: error=500.", True, id="warnings"),
        pytest.param("DEBUG", "Socket Exception: refused", True, id="the exception behind a warning"),
        pytest.param("DEBUG", "Response Details:\r\nb'{}'", True, id="what the provider said"),
        pytest.param("DEBUG", "JSON POST URL: http://h/secret", False, id="addresses are not"),
        pytest.param("DEBUG", "JSON Payload: {'message': 'error=401.'}", False, id="nor is the message"),
        pytest.param("DEBUG", "ntfy Headers: {'Authorization': 'x'}", False, id="nor are headers"),
    ],
)
def test_what_is_read_of_the_log(level: str, line: str, expected: bool) -> None:
    assert is_evidence(level, line) is expected


def test_only_what_cannot_work_is_permanent_and_only_what_may_have_arrived_is_uncertain() -> None:
    permanent = {reason.value for reason in Reason if Outcome(reason).permanent}
    uncertain = {reason.value for reason in Reason if Outcome(reason).uncertain}

    assert permanent == {"auth", "not_found", "too_long", "rejected", "config", "redirect"}
    assert uncertain == {"timeout", "crashed", "unknown"}
    assert [reason.value for reason in Reason if Outcome(reason).delivered] == ["delivered"]


def test_a_detail_is_short_and_holds_no_secret() -> None:
    logs = [f"Failed to send to hooks/T0PSECRET: error=401. {'x ' * 400}", "Socket Exception: /hooks/t0psecret/more"]

    outcome = classify(1, logs, ["h.example.org/hooks/T0PSECRET"])

    assert len(outcome.detail) <= LONGEST_DETAIL
    assert "t0psecret" not in outcome.detail.lower()


@given(st.text(min_size=4, max_size=40), st.lists(st.text(max_size=200), max_size=5), st.integers(0, 5))
def test_no_line_makes_it_fail_or_tell(secret: str, lines: list[str], status: int) -> None:
    outcome = classify(status, [*lines, f"Failed {secret} error=500."], [secret])

    assert len(outcome.detail) <= LONGEST_DETAIL
    assert not secret.isalnum() or len(secret) < 8 or secret not in outcome.detail


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [
        pytest.param(1, 2, id="the second try comes soon"),
        pytest.param(2, 5, id="then less so"),
        pytest.param(3, 15, id="and less"),
        pytest.param(4, 30, id="and less again"),
        pytest.param(5, 60, id="then every minute"),
        pytest.param(119, 60, id="for two hours"),
    ],
)
def test_retry_plan(attempt: int, seconds: float) -> None:
    assert retry_at(attempt, NOON, 0.5) == NOON + timedelta(seconds=seconds)


@given(st.integers(1, MOST_ATTEMPTS - 1), st.floats(0, 1, exclude_max=True))
def test_jitter_is_a_fifth_either_way(attempt: int, jitter: float) -> None:
    due, middle = retry_at(attempt, NOON, jitter), retry_at(attempt, NOON, 0.5)

    assert due is not None and middle is not None
    assert 0.799 <= (due - NOON) / (middle - NOON) <= 1.201


def test_after_120_attempts_it_is_over() -> None:
    assert retry_at(MOST_ATTEMPTS, NOON, 0.0) is None
    assert retry_at(10_000, NOON, 0.0) is None


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.0), (1, 1.0), (1, -0.1)])
def test_a_wrong_attempt_or_jitter_is_refused(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="not a retry"):
        retry_at(attempt, NOON, jitter)
