"""Outcomes: what became of one attempt to send, why, and when to try again.

Apprise answers only "failed", so the reason is read from its log lines. They are matched by their
beginnings, since a provider's answer or an alert's text may contain words that look like an error.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from pager.core.hygiene import redact

LONGEST_DETAIL = 300
MOST_ATTEMPTS = 120
SUCCESS, NO_MATCH, TIMED_OUT = 0, 3, 5  # of Apprise's status numbers, those that mean more than "failed"

_WAITS = (2, 5, 15, 30, 60)
_HTTP = re.compile(r"error=(\d{3})\.?\)?\s*$")
_SMTP = re.compile(r"(?<!\d)([45]\d\d)(?:, | )b?['\"]")
_ANSWER = re.compile(r"response details", re.IGNORECASE)
_EXCEPTION = re.compile(r"[\w()/. -]{0,40}(?:exception|error)\b[^:]{0,40}: ", re.IGNORECASE)
_LOUD = frozenset({"WARNING", "ERROR", "CRITICAL"})


class Reason(StrEnum):
    """Why an attempt ended as it did; the words are used in metrics and on timelines."""

    delivered = "delivered"
    auth = "auth"
    not_found = "not_found"
    rate_limited = "rate_limited"
    too_long = "too_long"
    refused = "refused"  # no connection could be made: nothing was sent
    dns = "dns"
    tls = "tls"
    timeout = "timeout"  # connected, perhaps sent, no answer in time
    redirect = "redirect"
    server = "server"
    config = "config"
    crashed = "crashed"
    rejected = "rejected"  # any other answer that says: this can never work
    unknown = "unknown"
    stale = "stale"  # waited too long for a free sender; given up unsent


_PERMANENT = frozenset(
    {Reason.auth, Reason.not_found, Reason.too_long, Reason.rejected, Reason.config, Reason.redirect}
)
_UNCERTAIN = frozenset({Reason.timeout, Reason.crashed, Reason.unknown})

# Words of exceptions, the first that is found decides: a TLS error is also "max retries exceeded".
_WORDS = (
    (Reason.tls, ("ssl", "certificate", "tlsv1", "starttls")),
    (Reason.dns, ("nameresolutionerror", "failed to resolve", "getaddrinfo", "name or service not known",
                  "name resolution", "nodename nor servname", "no address associated")),
    (Reason.refused, ("connection refused", "connect timeout", "connecttimeout", "no route to host",
                      "network is unreachable", "host is unreachable", "host is down", "newconnectionerror",
                      "proxyerror")),
    (Reason.timeout, ("read timed out", "readtimeout", "timed out", "timeout")),
    (Reason.config, ("invalidurl", "invalid url", "missing dependencies", "is disabled on this system")),
)  # fmt: skip


class Outcome(Struct, frozen=True):
    """What became of one attempt. `detail` is for people and holds no secret; `seconds` is how long it took."""

    reason: Reason
    detail: str = ""
    seconds: float = 0.0

    @property
    def delivered(self) -> bool:
        """The provider said yes; whether a human saw it is another matter."""
        return self.reason is Reason.delivered

    @property
    def permanent(self) -> bool:
        """Another try through this contact cannot work: take the next contact at once."""
        return self.reason in _PERMANENT

    @property
    def uncertain(self) -> bool:
        """It may have arrived after all: the next try says that it may be a repeat."""
        return self.reason in _UNCERTAIN


def classify(status: int, logs: Sequence[str], secrets: Iterable[str] = ()) -> Outcome:
    """The outcome that Apprise's `status` (0 success, 1 failure, 3 no match, 4 partial, 5 timeout) and `logs` tell.

    The last line that names an error decides: a plug-in may fail several times in one call, and what ended it
    comes last. `secrets` are hidden in the detail, whatever looks like a secret is hidden too.
    """
    if status == SUCCESS:
        return Outcome(Reason.delivered)
    evidence = [line for line in logs if line.strip()]
    reason = next((found for line in reversed(evidence) if (found := _reason_of(line))), None)
    return Outcome(reason or _fallback(status), _detail(evidence, secrets))


def is_evidence(level: str, line: str) -> bool:
    """Whether a captured log line tells why a send failed; the others repeat addresses, headers and the message."""
    return level in _LOUD or bool(_ANSWER.match(line) or _EXCEPTION.match(line))


def reason_of_http(code: int) -> Reason:
    """What an HTTP answer other than the expected one means; 2xx that a plug-in did not like is unknown."""
    match code:
        case 401 | 402 | 403 | 407:
            return Reason.auth
        case 404 | 410:
            return Reason.not_found
        case 413 | 414 | 431:
            return Reason.too_long
        case 429:
            return Reason.rate_limited
        case 408 | 425:
            return Reason.server
    by_class = {3: Reason.redirect, 4: Reason.rejected, 5: Reason.server}
    return by_class.get(code // 100, Reason.unknown)


def reason_of_smtp(code: int) -> Reason:
    """What a mail server's refusal means; 4xx is "later", 5xx is "never"."""
    if code in (530, 534, 535, 538):
        return Reason.auth
    if code in (550, 551, 553):
        return Reason.not_found
    if code == 552:
        return Reason.too_long
    return Reason.server if code < 500 else Reason.rejected


def retry_at(attempt: int, now: datetime, jitter: float) -> datetime | None:
    """When to try again after `attempt` attempts (at least 1): 2, 5, 15, 30, then every 60 s; None after 120.

    `jitter` in [0, 1) moves the wait by up to 20 % either way, so that pages that failed together do not return
    together. Raises ValueError for an `attempt` or a `jitter` out of range.
    """
    if attempt < 1 or not 0 <= jitter < 1:
        raise ValueError(f"not a retry: attempt {attempt}, jitter {jitter}; attempts count from 1, jitter is in [0, 1)")
    if attempt >= MOST_ATTEMPTS:
        return None
    wait = _WAITS[min(attempt, len(_WAITS)) - 1]
    return now + timedelta(seconds=wait * (0.8 + 0.4 * jitter))


def _reason_of(line: str) -> Reason | None:
    """The reason that one log line names, or None if it names none."""
    if _ANSWER.match(line):
        return None
    if codes := _HTTP.findall(line):
        return reason_of_http(int(codes[-1]))
    if code := _SMTP.search(line):
        return reason_of_smtp(int(code[1]))
    told = _EXCEPTION.match(line) or "disabled on this system" in line
    return _reason_by_words(line.lower()) if told else None


def _reason_by_words(text: str) -> Reason | None:
    return next((reason for reason, words in _WORDS if any(word in text for word in words)), None)


def _fallback(status: int) -> Reason:
    return {NO_MATCH: Reason.config, TIMED_OUT: Reason.timeout}.get(status, Reason.unknown)


def _detail(evidence: Sequence[str], secrets: Iterable[str]) -> str:
    """The last three lines in one, without secrets. Hidden before it is cut: half a secret is one, too."""
    text = redact(" ".join(" | ".join(evidence[-3:]).split()), secrets)
    return text if len(text) <= LONGEST_DETAIL else text[: LONGEST_DETAIL - 1] + "…"
