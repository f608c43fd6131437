"""Signed sources over HTTP: only what they signed is kept, wherever it is posted; and Amazon's word is asked for."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Source
from pager.needs import secrets_of
from tests.api.amazon import SUBSCRIBE, TOPIC, Amazon, amazon
from tests.api.house import CATALOG, NOON, House, opened
from tests.support import covers

GITHUB = Source.model_validate(
    {"name": "ci", "dialect": "generic", "token": "CI", "signed": {"by": "github", "secret": "SIGNS"}}
)
LOST = Source.model_validate(
    {"name": "lost", "dialect": "generic", "token": "LOST", "signed": {"by": "sentry", "secret": "NOWHERE"}}
)
AWS = Source.model_validate(
    {"name": "aws", "dialect": "generic", "token": "AWS", "signed": {"by": "sns", "topics": [TOPIC]}}
)
SIGNED = replace(CATALOG, sources={each.name: each for each in (GITHUB, LOST, AWS)})
SECRETS = {"CI": "token-ci", "SIGNS": "s3cret", "LOST": "token-lost", "AWS": "token-aws"}
BODY = json.dumps({"title": "build broke", "alerts": [{"labels": {"alertname": "Build"}}]}).encode()


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, SIGNED, SECRETS) as house:
        house.shows = {"Authorization": f"Bearer {await house.token('read')}"}
        yield house


def signed(body: bytes = BODY) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac.new(b's3cret', body, hashlib.sha256).hexdigest()}"}


async def answered(house: House, path: str, body: bytes, **headers: str) -> tuple[int, str]:
    async with house.http.post(house.url + path, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def fired(house: House) -> list[str]:
    await house.work()
    return sorted(alert["source"] for alert in (await house.get("/api/v1/alerts"))["alerts"])


async def counted(house: House) -> list[float]:
    text = (await (await house.http.get(f"{house.url}/metrics")).text()).splitlines()
    names = ('doors_refused_total{reason="signature"}', 'invalid_total{reason="signature",source="ci"}')
    return [float(line.split()[-1]) for name in names for line in text if name in line]


@covers("T8")
@pytest.mark.parametrize(
    "path",
    [
        "/webhook/generic?token=token-ci",
        "/webhook/alertmanager?token=token-ci",
        "/webhook/apprise?token=token-ci",
        "/integrations/v1/webhook/token-ci/",
        "/api/v2/grafana/incoming?token=token-ci",
    ],
)
async def test_t8_a_signed_source_is_heard_only_in_what_it_signed(guarded: House, path: str) -> None:
    assert (await answered(guarded, path, BODY))[0] == 401
    assert (await answered(guarded, path, BODY, **signed(b"{}")))[0] == 403
    assert (await answered(guarded, path, b"{", **signed()))[0] == 403  # Not read, so that it is not malformed.
    assert (await fired(guarded), await counted(guarded)) == ([], [3, 3])
    assert (await answered(guarded, path, BODY, **signed()))[0] in (200, 204)
    assert await fired(guarded) == ["ci"]


@covers("T8")
async def test_t8_no_dialect_is_a_way_around_a_signature(guarded: House) -> None:
    event: dict[str, Any] = {"routing_key": "token-ci", "event_action": "trigger", "dedup_key": "d"}
    event |= {"payload": {"summary": "s", "source": "s", "severity": "info"}, "message": "m", "entity_id": "e"}
    body = json.dumps(event).encode()
    shown = {"Authorization": "GenieKey token-ci"}
    for path in ("/v2/enqueue", "/v2/alerts", "/integrations/generic/20131114/alert/token-ci/db"):
        assert (await answered(guarded, path, body, **shown))[0] == 401, path
    assert (await answered(guarded, "/api/v2/alerts", b"[]", Authorization="Bearer token-ci"))[0] == 401
    assert await fired(guarded) == []


def test_what_a_signature_needs_is_asked_for_at_the_start() -> None:
    assert secrets_of(SIGNED).items() >= {"SIGNS": "the signature of source ci", "CI": "source ci"}.items()


async def test_a_large_body_is_checked_as_well(guarded: House) -> None:
    body = json.dumps({"title": "t", "log": "x" * 100_000}).encode()

    assert (await answered(guarded, "/webhook/generic?token=token-ci", body, **signed(body[1:])))[0] == 403
    assert (await answered(guarded, "/webhook/generic?token=token-ci", body, **signed(body)))[0] == 200


async def test_a_secret_that_is_not_there_loses_no_alert(guarded: House) -> None:
    shown = {"Sentry-Hook-Signature": "00"}
    status, said = await answered(guarded, "/webhook/sentry?token=token-lost", BODY, **shown)

    assert (status, "again" in said) == (503, True)


# Amazon SNS.

HOOK = "/webhook/cloudwatch?token=token-aws"
ALARM = json.dumps({"AlarmName": "cpu", "AlarmArn": "arn:1", "NewStateValue": "ALARM"})


@pytest.fixture
async def sns(guarded: House, tmp_path: Path) -> AsyncIterator[Amazon]:
    async with amazon(tmp_path, NOON) as served:
        guarded.sns.connector = served.connector
        yield served


async def posted(house: House, message: dict[str, Any]) -> int:
    return (await answered(house, HOOK, json.dumps(message).encode(), **{"Content-Type": "text/plain"}))[0]


@covers("T8")
async def test_t8_messages_of_sns_are_checked_by_a_certificate_that_is_asked_for_once(
    guarded: House, sns: Amazon
) -> None:
    one, two = (sns.message(NOON, version, Message=ALARM) for version in "12")

    assert [await posted(guarded, message) for message in (one, two, one)] == [200, 200, 200]
    assert await fired(guarded) == ["aws"]
    assert [address.rpartition("/")[2] for address in sns.asked] == ["SimpleNotificationService-0.pem"]

    for changed in (
        {"Message": "{}"},
        {"Subject": "OK"},
        {"TopicArn": TOPIC + "2"},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"Signature": "AAAA"},
        {"Signature": "?"},
        {"Type": "Other"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"},
    ):
        assert await posted(guarded, {**one, **changed}) == 403, changed
    assert await posted(guarded, sns.message(NOON - timedelta(hours=3))) == 403
    assert await posted(guarded, json.loads(ALARM)) == 403
    assert (await answered(guarded, HOOK, b"[1"))[0] == 400
    assert len(sns.asked) == 1
    assert len((await guarded.get("/api/v1/alerts"))["alerts"]) == 1


@covers("T8")
async def test_t8_a_subscription_is_confirmed_for_a_topic_of_the_files_alone(guarded: House, sns: Amazon) -> None:
    asks = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": SUBSCRIBE}
    elsewhere: dict[str, Any] = asks | {"SubscribeURL": "http://169.254.169.254/latest/meta-data/"}

    assert await posted(guarded, sns.message(NOON, **asks, TopicArn=TOPIC + "2")) == 403
    assert await posted(guarded, sns.message(NOON, **elsewhere)) == 403
    assert await posted(guarded, {**sns.message(NOON, **asks), "Token": "u"}) == 403
    assert SUBSCRIBE not in sns.asked
    assert await posted(guarded, sns.message(NOON, **asks)) == 200
    assert sns.asked[-1] == SUBSCRIBE
    assert await fired(guarded) == []


@pytest.mark.parametrize(
    ("status", "pem"),
    [
        pytest.param(500, b"", id="it fails"),
        pytest.param(302, b"", id="it sends us elsewhere"),
        pytest.param(200, b"no certificate", id="it says something else"),
        pytest.param(200, b"x" * 100_000, id="it says too much"),
    ],
)
async def test_while_amazon_cannot_be_asked_the_sender_tries_again(
    guarded: House, sns: Amazon, status: int, pem: bytes
) -> None:
    message, sns.status, sns.pem = sns.message(NOON), status, pem

    assert [await posted(guarded, message) for _ in range(2)] == [503, 503]
    assert len(sns.asked) == 1  # And it is not asked again at once.


async def test_a_certificate_of_another_time_does_not_count(guarded: House, sns: Amazon) -> None:
    guarded.clock.now = NOON - timedelta(days=2)

    assert await posted(guarded, sns.message(guarded.clock.now)) == 403
