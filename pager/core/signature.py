"""Signatures: how a sender proves that a body is its own, unchanged, by a secret that only it and pager know.

The bytes are checked as they came, before anything reads them. A digest may be written in hex or in base64.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from pager.core.duration import Duration
from pager.core.model import Model

By = Literal["github", "sentry", "grafana", "hmac", "sns"]
Why = Literal["", "missing", "wrong", "old"]
USUAL = timedelta(minutes=5)
REPEATED = timedelta(hours=2)
"""SNS repeats a message for an hour, and never says a new time."""
HEADERS: Mapping[str, tuple[str, str]] = {
    "github": ("X-Hub-Signature-256", "sha256="),
    "sentry": ("Sentry-Hook-Signature", ""),
    "grafana": ("X-Grafana-Alerting-Signature", ""),
}
"""Where each puts its signature, and what stands before it."""
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{1,20}:[A-Za-z0-9_.-]+", re.ASCII)


def _listed(written: Any) -> Any:
    return (written,) if isinstance(written, str) else written


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Signed(Model):
    """`signed:` of a source. `secret`: the name of one, or of several while it is changed, of which any will do.

    `header`, `prefix`: where the signature stands, for `hmac`. `timestamp`: the header with the seconds since 1970 that
    are signed as `SECONDS:BODY`. `within`: how old it may be. `topics`: the topics of SNS that are listened to.
    """

    by: By
    secret: Texts = ()
    header: str = ""
    prefix: str = ""
    timestamp: str = ""
    within: Duration | None = None
    topics: Texts = ()

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "Signed":
        if self.by == "sns":
            _check_topics(self)
            return self
        if self.topics:
            raise ValueError("topics are for `by: sns`")
        if not self.secret or not all(_NAME.fullmatch(name) for name in self.secret):
            raise ValueError("write the name of a secret, as in `secret: GITHUB_SIGNS`, and never the secret itself")
        if (self.by == "hmac") != bool(self.header):
            raise ValueError("write `header: X-Signature` for `by: hmac`, and for no other")
        for header in filter(None, (self.header, self.timestamp)):
            if not _HEADER.fullmatch(header):
                raise ValueError(f"not the name of a header: {header!r}; write X-Signature")
        return self

    @property
    def fresh(self) -> timedelta:
        """How far from now what was signed may have been said."""
        return self.within or (REPEATED if self.by == "sns" else USUAL)


def _check_topics(signed: Signed) -> None:
    if not signed.topics:
        raise ValueError("write the topics, as in `topics: [arn:aws:sns:eu-west-1:123456789012:alarms]`")
    for topic in signed.topics:
        if not _TOPIC.fullmatch(topic):
            raise ValueError(f"not a topic: {topic!r}; write arn:aws:sns:eu-west-1:123456789012:alarms")
    if signed.secret or signed.header or signed.prefix or signed.timestamp:
        raise ValueError("SNS signs by its certificate: it has `topics` and `within` alone")


def wrong_with(signed: Signed, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> Why:
    """Why this body is not the sender's, "" when it is; `headers` find their names in any case. Not for SNS.

    `old` is said of a signature that is right and was made too long ago, or by a clock that is ahead.
    """
    header, prefix = HEADERS.get(signed.by, (signed.header, signed.prefix))
    shown = headers.get(header, "").strip()
    at = headers.get(signed.timestamp, "").strip() if signed.timestamp else ""
    if not shown or (signed.timestamp and not at):
        return "missing"
    said = f"{at}:".encode() + body if at else body
    if not (_fits(shown.removeprefix(prefix), secrets, said) and shown.startswith(prefix)):
        return "wrong"
    return "" if not at or _is_fresh(at, now, signed.fresh) else "old"


def _fits(shown: str, secrets: Sequence[str], said: bytes) -> bool:
    fits = False
    for secret in secrets:  # All of them in both ways, whichever fits: the time tells nothing.
        digest = hmac.new(secret.encode(), said, hashlib.sha256)
        for written, known in ((shown.lower(), digest.hexdigest()), (shown, b64encode(digest.digest()).decode())):
            fits |= hmac.compare_digest(written.encode("utf-8", "replace"), known.encode())
    return fits


def _is_fresh(at: str, now: datetime, fresh: timedelta) -> bool:
    if not re.fullmatch(r"\d{1,11}", at, re.ASCII):
        return False
    return abs(datetime.fromtimestamp(int(at), UTC) - now) <= fresh
