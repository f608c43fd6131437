"""Webhooks out: signatures that others check, addresses that are never posted to, and when what failed comes again."""

import ipaddress
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from pager.core.address import refused_address
from pager.core.webhook import PAUSES, Webhook, key_of, message_id, next_try, refused_url, signed, wants
from tests.support import covers

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
OLD, NEW = (f"whsec_{b64encode(sign * 32).decode()}" for sign in (b"o", b"n"))
BODY = json.dumps({"type": "incident.opened", "data": {"title": "Zoë \u2028 </script>"}}).encode()


def _headers(*secrets: str, body: bytes = BODY) -> dict[str, str]:
    at = int(datetime.now(UTC).timestamp())  # the verifier looks at the clock
    signature = signed([key_of(secret) for secret in secrets], "evt_1", at, body)
    return {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": signature}


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_the_secret_is_changed_a_receiver_may_have_either(secret: str) -> None:
    assert Verifier(secret).verify(BODY, _headers(NEW, OLD)) == json.loads(BODY)


def test_what_was_changed_on_the_way_does_not_fit() -> None:
    with pytest.raises(WebhookVerificationError):
        Verifier(NEW).verify(BODY + b" ", _headers(NEW))


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        pytest.param("hunter2hunter2", "does not begin with whsec_", id="any text"),
        pytest.param("whsec_not base64!", "no base64", id="no base64"),
        pytest.param("whsec_c2hvcnQ=", "it has 5 bytes", id="too short to be safe"),
    ],
)
def test_a_secret_that_cannot_sign_is_refused_and_not_quoted(secret: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        key_of(secret)

    assert secret.removeprefix("whsec_") not in str(refused.value)


def _webhook(**written: Any) -> Webhook:
    return Webhook.model_validate({"name": "bot", "url": "https://bot.example.org/in", "secret": "BOT", **written})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param({"url": "ftp://bot.example.org"}, "not an address to post to", id="another scheme"),
        pytest.param({"url": "https://me:pw@bot.example.org"}, "not an address to post to", id="a password in it"),
        pytest.param({"url": "http://bot.example.org"}, "goes in the clear", id="in the clear"),
        pytest.param({"url": "https://10.0.0.7/in"}, "internal: true", id="inside, and nobody says so"),
        pytest.param({"url": "https://localhost/in"}, "internal: true", id="this machine"),
        pytest.param({"url": "https://169.254.169.254/x", "internal": True}, "no address", id="where clouds have keys"),
        pytest.param({"secret": "whsec_c2VjcmV0c2VjcmV0"}, "never the secret itself", id="a secret in the files"),
        pytest.param({"secret": ["A", "B", "C"]}, "at most 2", id="three secrets"),
        pytest.param({"match": ["env = prod"]}, "an incident has no 'env'", id="a label of alerts"),
        pytest.param({"events": ["incident.open"]}, "incident.opened", id="an unknown event"),
    ],
)
def test_what_cannot_work_is_refused_with_the_right_form(written: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _webhook(**written)


INCIDENT = {"severity": "SEV-2", "team": "shop", "service": "checkout", "rule": None}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({}, True, id="whatever there is"),
        pytest.param({"events": ["incident.opened"]}, True, id="this event"),
        pytest.param({"events": ["incident.resolved"]}, False, id="another event"),
        pytest.param({"severities": ["sev1"]}, False, id="only worse"),
        pytest.param({"teams": ["shop"], "severities": ["SEV-2"]}, True, id="this team at this level"),
        pytest.param({"teams": ["ops"]}, False, id="another team"),
        pytest.param({"match": ['service =~ "check.*"', "rule = ''"]}, False, id="quotes that are no quotes"),
        pytest.param({"match": ['service =~ "check.*"', 'rule = ""']}, True, id="what it matches"),
    ],
)
def test_whom_an_event_is_for(written: dict[str, Any], expected: bool) -> None:
    assert wants(_webhook(**written), "incident.opened", INCIDENT) is expected


@covers("T9", "T10")
@pytest.mark.parametrize(
    ("address", "outside", "inside"),
    [
        pytest.param("93.184.216.34", True, True, id="the open network"),
        pytest.param("2606:2800:220:1::1", True, True, id="and by IPv6"),
        pytest.param("127.0.0.1", False, True, id="this machine"),
        pytest.param("::1", False, True, id="this machine by IPv6"),
        pytest.param("10.1.2.3", False, True, id="a private network"),
        pytest.param("172.31.255.255", False, True, id="the end of another"),
        pytest.param("192.168.0.1", False, True, id="a home"),
        pytest.param("100.64.0.1", False, True, id="behind a carrier"),
        pytest.param("fd00::1", False, True, id="a private network of IPv6"),
        pytest.param("198.18.0.1", False, True, id="for measuring"),
        pytest.param("0.0.0.0", False, False, id="nobody's"),
        pytest.param("::", False, False, id="nobody's by IPv6"),
        pytest.param("169.254.169.254", False, False, id="where clouds keep keys"),
        pytest.param("fe80::1", False, False, id="this wire"),
        pytest.param("224.0.0.1", False, False, id="many at once"),
        pytest.param("ff02::1", False, False, id="many at once by IPv6"),
        pytest.param("255.255.255.255", False, False, id="everybody"),
        pytest.param("::ffff:127.0.0.1", False, True, id="this machine, mapped"),
        pytest.param("::ffff:169.254.169.254", False, False, id="the keys, mapped"),
        pytest.param("2002:a9fe:a9fe::1", False, False, id="the keys by 6to4"),
        pytest.param("2002:7f00:1::", False, True, id="this machine by 6to4"),
        pytest.param("64:ff9b::a9fe:a9fe", False, False, id="the keys by NAT64"),
        pytest.param("::a9fe:a9fe", False, False, id="the keys as IPv4 was once written in IPv6"),
    ],
)
def test_where_nothing_is_posted_to(address: str, outside: bool, inside: bool) -> None:
    found = ipaddress.ip_address(address)

    assert (not refused_address(found, internal=False), not refused_address(found, internal=True)) == (outside, inside)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "LOCALHOST.", "a.localhost", "[::ffff:10.0.0.1]"])
def test_a_url_that_names_an_inner_address_is_refused_before_anybody_is_asked(host: str) -> None:
    assert refused_url(f"https://{host}:8080/in", internal=False)
    assert not refused_url(f"https://{host}:8080/in", internal=True)


def test_what_fails_comes_again_for_more_than_a_day_and_then_no_more() -> None:
    tries = [next_try(attempts, NOW, 0) for attempts in range(1, len(PAUSES) + 2)]

    assert [at - NOW for at in tries if at] == list(PAUSES)
    assert tries[-1] is None
    assert timedelta(days=1) < sum(PAUSES, timedelta()) < timedelta(days=2)
    assert next_try(1, NOW, 1) == NOW + timedelta(seconds=5.5)


def test_each_event_has_a_name_of_its_own_that_holds_no_dot() -> None:
    names = {message_id(n, seq, kind, NOW) for n in (1, 11) for seq in (1, 11) for kind in ("incident.note", "x")}

    assert len(names) == 8
    assert not any("." in name for name in names)
