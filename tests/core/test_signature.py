"""Signatures: whose body it is, how old, and what files must say of it; and which addresses SNS may name."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pager.core.rule import Source
from pager.core.signature import Signed, wrong_with
from pager.core.sns import NotSigned, certificate_in, check_message, confirmation_in, signed_part

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BODY = b'{"a": 1}'
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"


def hexed(said: bytes = BODY, secret: str = "s3cret") -> str:
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def based(said: bytes = BODY) -> str:
    return b64encode(hmac.digest(b"s3cret", said, "sha256")).decode()


def stamped(at: int | str, body: bytes = BODY) -> dict[str, str]:
    return {"X-Grafana-Alerting-Signature": hexed(f"{at}:".encode() + body), "X-At": str(at)}


GITHUB, SENTRY = Signed(by="github", secret=("A",)), Signed(by="sentry", secret=("A",))
GRAFANA = Signed(by="grafana", secret=("A",))
TIMED = Signed(by="grafana", secret=("A",), timestamp="X-At")
OWN = Signed(by="hmac", secret=("A",), header="X-Signature", prefix="v1=")
SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("signed", "headers", "why"),
    [
        pytest.param(GITHUB, {"X-Hub-Signature-256": f"sha256={hexed()}"}, "", id="GitHub"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": f"sha256={hexed().upper()}"}, "", id="in capitals"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": hexed()}, "wrong", id="without what stands before it"),
        pytest.param(GITHUB, {"X-Hub-Signature": f"sha1={hexed()}"}, "missing", id="GitHub's old header alone"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": f"sha256={hexed(b'{}')}"}, "wrong", id="another body"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": f"sha256={hexed(BODY, 'other')}"}, "wrong", id="another secret"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": "sha256="}, "wrong", id="an empty one"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": "sha256=\udcff☃"}, "wrong", id="one that is no ASCII"),
        pytest.param(GITHUB, {"X-Hub-Signature-256": f"sha256={hexed(BODY, 'new')}"}, "", id="a secret being changed"),
        pytest.param(SENTRY, {"Sentry-Hook-Signature": hexed()}, "", id="Sentry"),
        pytest.param(SENTRY, {}, "missing", id="none"),
        pytest.param(GRAFANA, {"X-Grafana-Alerting-Signature": hexed()}, "", id="Grafana"),
        pytest.param(TIMED, stamped(SECONDS), "", id="Grafana with its time"),
        pytest.param(TIMED, stamped(SECONDS - 299), "", id="almost too old"),
        pytest.param(TIMED, stamped(SECONDS - 301), "old", id="too old"),
        pytest.param(TIMED, stamped(SECONDS + 301), "old", id="of a clock that is ahead"),
        pytest.param(TIMED, stamped("soon"), "old", id="of no time"),
        pytest.param(TIMED, stamped(SECONDS) | {"X-At": str(SECONDS + 1)}, "wrong", id="another time"),
        pytest.param(TIMED, {"X-Grafana-Alerting-Signature": hexed()}, "missing", id="no time where one is wanted"),
        pytest.param(OWN, {"X-Signature": f"v1={hexed()}"}, "", id="one's own, in hex"),
        pytest.param(OWN, {"X-Signature": f"v1={based()}"}, "", id="one's own, in base64"),
        pytest.param(OWN, {"X-Signature": f"v1={based().lower()}"}, "wrong", id="base64 has two cases"),
    ],
)
def test_a_body_is_its_senders_or_not(signed: Signed, headers: dict[str, str], why: str) -> None:
    assert wrong_with(signed, ["s3cret", "new"], headers, BODY, NOW) == why


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        pytest.param({"by": "github"}, "name of a secret", id="no secret"),
        pytest.param({"by": "github", "secret": "hunter 2!"}, "never the secret itself", id="the secret itself"),
        pytest.param({"by": "hmac", "secret": "A"}, "header: X-Signature", id="no header"),
        pytest.param({"by": "github", "secret": "A", "header": "X"}, "for no other", id="a header of its own"),
        pytest.param({"by": "hmac", "secret": "A", "header": "X Y"}, "'X Y'", id="no header's name"),
        pytest.param({"by": "github", "secret": "A", "topics": [TOPIC]}, "by: sns", id="topics of GitHub"),
        pytest.param({"by": "sns"}, "write the topics", id="SNS without topics"),
        pytest.param({"by": "sns", "topics": ["alarms"]}, "'alarms'", id="a topic that is none"),
        pytest.param({"by": "sns", "topics": [TOPIC], "secret": "A"}, "by its certificate", id="SNS with a secret"),
        pytest.param({"by": "me", "secret": "A"}, "by", id="a way that is none"),
    ],
)
def test_files_say_what_a_signature_needs(written: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Signed.model_validate(written)


def test_a_signed_source_has_a_token_that_says_that_it_speaks() -> None:
    written = {"name": "ci", "dialect": "generic", "signed": {"by": "github", "secret": "SIGNS"}}

    assert Source.model_validate(written | {"token": "CI"}).signed is not None
    with pytest.raises(ValidationError, match="token: GITHUB"):
        Source.model_validate(written)


SNS = Signed(by="sns", topics=(TOPIC,))
MESSAGE = {"Type": "Notification", "MessageId": "m", "TopicArn": TOPIC, "Message": "text"}
MESSAGE |= {"Timestamp": "2026-11-22T08:59:00.000Z"}
CONFIRMATION = MESSAGE | {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "u"}


def test_what_is_signed_stands_in_its_order() -> None:
    notification = (
        b"Message\ntext\nMessageId\nm\nTimestamp\n2026-11-22T08:59:00.000Z\nTopicArn\n%b\nType\nNotification\n"
    )

    assert signed_part(MESSAGE) == notification % TOPIC.encode()
    assert b"MessageId\nm\nSubject\ns\nTimestamp\n" in signed_part(MESSAGE | {"Subject": "s"})
    assert b"MessageId\nm\nSubscribeURL\nu\nTimestamp\n" in signed_part(CONFIRMATION | {"Subject": "s"})
    assert b"\nToken\nt\nTopicArn\n" in signed_part(CONFIRMATION)


@pytest.mark.parametrize("more", [{"Type": None}, {"Type": ["Notification"]}, {"MessageId": 7}, {"Subject": None}])
def test_what_is_no_message_is_not_signed(more: dict[str, Any]) -> None:
    with pytest.raises(NotSigned):
        signed_part(MESSAGE | more)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        pytest.param({}, "", id="a message of now"),
        pytest.param({"TopicArn": TOPIC + "2"}, "topic", id="another topic"),
        pytest.param({"TopicArn": None}, "topic", id="no topic"),
        pytest.param({"Timestamp": "2026-11-22T06:59:00.000Z"}, "too long ago", id="an old one"),
        pytest.param({"Timestamp": "2026-11-22T11:01:00.000Z"}, "to come", id="one of tomorrow"),
        pytest.param({"Timestamp": "2026-11-22T08:59:00"}, "Timestamp", id="a time without a zone"),
        pytest.param({"Timestamp": 7}, "Timestamp", id="no time"),
        pytest.param({**CONFIRMATION, "Timestamp": "2026-11-20T09:00:00.000Z"}, "", id="a confirmation works for days"),
    ],
)
def test_a_message_is_of_a_topic_and_of_now(more: dict[str, Any], complaint: str) -> None:
    if not complaint:
        check_message(MESSAGE | more, SNS, NOW)
        return
    with pytest.raises(NotSigned, match=complaint):
        check_message(MESSAGE | more, SNS, NOW)


HOST = "https://sns.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        (f"{HOST}/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem", True),
        ("http://sns.eu-west-1.amazonaws.com/a.pem", False),
        ("https://sns.us-east-1.amazonaws.com.evil.example/cert.pem", False),
        ("https://evil.example/sns.eu-west-1.amazonaws.com/a.pem", False),
        ("https://sns.eu-west-1.amazonaws.com@evil.example/a.pem", False),
        ("https://user:sns@sns.eu-west-1.amazonaws.com/a.pem", False),
        ("https://sns.eu-west-1.amazonaws.com:8443/a.pem", False),
        ("https://sns.eu-west-1xamazonaws.com/a.pem", False),
        ("https://s3.eu-west-1.amazonaws.com/a.pem", False),
        ("https://sns.evil.example/.eu-west-1.amazonaws.com/a.pem", False),
        (f"{HOST}/a.pem?x=1", False),
        (f"{HOST}/../a.pem", False),
        (f"{HOST}/a.pem\n", False),
        (f"{HOST}/a.txt", False),
        (f"{HOST}/{'a' * 3000}.pem", False),
        ("https://SNS.eu-west-1.amazonaws.com/a.pem", False),
        (None, False),
        ([f"{HOST}/a.pem"], False),
    ],
)
def test_only_amazons_own_addresses_are_asked_for_certificates(address: Any, fine: bool) -> None:
    if fine:
        assert certificate_in({"SigningCertURL": address}) == address
        return
    with pytest.raises(NotSigned, match="SigningCertURL"):
        certificate_in({"SigningCertURL": address})


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        (f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t", True),
        (f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}x&Token=t", False),
        (f"{HOST}/?Action=Unsubscribe&TopicArn={TOPIC}", False),
        (f"{HOST}/?Action=ConfirmSubscription&Action=Publish&TopicArn={TOPIC}", False),
        (f"{HOST}/admin?Action=ConfirmSubscription&TopicArn={TOPIC}", False),
        (f"https://evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}", False),
        ("http://169.254.169.254/latest/meta-data/", False),
        (f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=\r\nX: y", False),
    ],
)
def test_only_amazons_own_address_confirms_a_subscription(address: str, fine: bool) -> None:
    message = CONFIRMATION | {"SubscribeURL": address}
    if fine:
        assert confirmation_in(message) == address
        return
    with pytest.raises(NotSigned):
        confirmation_in(message)


def test_the_hostile_confirmation_names_no_address_that_would_be_asked(payloads: Path) -> None:
    message = json.loads((payloads / "hostile" / "ssrf-subscribe-url.json").read_bytes())
    for look in (certificate_in, confirmation_in):
        with pytest.raises(NotSigned):
            look(message)
