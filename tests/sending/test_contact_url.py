"""Which contact URLs are accepted, what they are, and whose limits they count against."""

from typing import Any

import pytest
from apprise.manager_plugins import NotificationManager
from hypothesis import example, given
from hypothesis import strategies as st

from pager.core.contact_url import (
    SCHEMES,
    ChannelClass,
    MissingSecret,
    channel_class,
    check_url,
    destination,
    fill,
    placeholders,
)
from tests.support import covers

TWILIO = "twilio://AC0:tok@+15551230000/+15551230001"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ntfys://${ANA_NTFY}", id="the secret is the address"),
        pytest.param("${ANA_NTFY_URL}", id="the secret is all of it: judged when filled in"),
        pytest.param(f"{TWILIO}?method=call", id="a call"),
        pytest.param("mailtos://user:${PW}@mail.example.org/ana@example.org", id="mail"),
        pytest.param("slack://A/B/C/#ops", id="a chat room"),
        pytest.param("github://${GH_TOKEN}@example/ops", id="a ticket"),
        pytest.param("jsons://[2001:db8::1]:8443/hook?+Authorization=${T}", id="a webhook with a header"),
        pytest.param("console://", id="the console"),
        pytest.param("json://h/x?verify=yes&overflow=truncate&rto=10", id="harmless parameters"),
    ],
)
def test_good_urls(url: str) -> None:
    assert check_url(url) == []


@covers("T26", "T27")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        pytest.param("", "begins with a scheme", id="nothing"),
        pytest.param("ana@example.org", "begins with a scheme", id="an address alone"),
        pytest.param("slak://A/B/C", "did you mean slack://?", id="a slip of the pen"),
        pytest.param("zzzz://x", "unknown scheme zzzz://", id="nobody knows it"),
        pytest.param("syslog://", "acts on this machine", id="syslog"),
        pytest.param("macosx://", "acts on this machine", id="it runs a program"),
        pytest.param("apprises://host/token", "anywhere", id="another Apprise"),
        pytest.param("file:///etc/passwd", "files", id="a file"),
        pytest.param("https://hooks.example.org/x", "jsons://", id="a web address"),
        pytest.param("MSTeams://x", "workflow://", id="ended, in capitals"),
        pytest.param("json://h/x?redirect=yes", "redirect=", id="redirects"),
        pytest.param("json://h/x?a=1&Redirect=yes", "redirect=", id="capitals do not help"),
        pytest.param("json://h/x?re%64irect=yes", "redirect=", id="nor does encoding"),
        pytest.param("json://h/x?a=1;redirect=yes", "redirect=", id="nor does a semicolon"),
        pytest.param("json://h/x?optional=yes", "optional=", id="failures hidden"),
        pytest.param("json://h/x?retry=3&wait=5", "retry=", id="retries of its own"),
        pytest.param("slack://A/B/C?template=/etc/passwd", "template=", id="a file opened"),
        pytest.param("json://h/x?attach=/etc/passwd", "attach=", id="a file sent along"),
        pytest.param("json://h/x?attach-as=x", "attach-as=", id="under another name"),
        pytest.param("vapid://h/x?keyfile=/etc/shadow&subfile=/etc/passwd", "subfile=", id="keys from a file"),
        pytest.param("vapid://h/x?keyfile=/etc/shadow", "keyfile=", id="one of them"),
        pytest.param("mailto://h/a@example.org?pgp=yes", "pgp=", id="keys of strangers"),
        pytest.param("mailto://h/a@example.org?pgpkey=/etc/shadow", "pgpkey=", id="a key from a file"),
        pytest.param("mailto://h/a@example.org?wkd=yes", "wkd=", id="a key from the web"),
        pytest.param("json://h/x?wait=99", "wait=", id="pauses of its own"),
        pytest.param("json://h/x?store=/tmp", "store=", id="a file written"),
        pytest.param("jsons://h/x?verify=no", "verify=", id="no check of the certificate"),
        pytest.param("jsons://h/x?verify=", "verify=", id="not even by leaving it empty"),
        pytest.param("json://h/x?emojis=yes", "emojis=", id="text changed"),
        pytest.param("json://h/x?overflow=split", "overflow=split", id="several messages"),
        pytest.param("mailto://h/a@example.org?cc=b@example.org", "cc=", id="company"),
        pytest.param("mailto://h/a@example.org?bcc=b@example.org", "bcc=", id="silent company"),
        pytest.param("mailto://h?to=a@example.org,b@example.org", "more than one target", id="two in to="),
        pytest.param(f"{TWILIO}/+15551230002", "more than one target", id="two phone numbers"),
        pytest.param("ntfy://host/one/two", "more than one target", id="two topics"),
        pytest.param("json://h/a, json://h/b", "no spaces", id="two URLs"),
        pytest.param("json://h/a\n", "no spaces", id="a line end"),
        pytest.param("json://h/${}", "write ${NAME}", id="a placeholder without a name"),
        pytest.param("json://h/" + "x" * 4096, "4096 bytes", id="endless"),
    ],
)
def test_refused_urls(url: str, why: str) -> None:
    assert why in "; ".join(check_url(url))


def test_a_refusal_does_not_repeat_secrets() -> None:
    told = check_url("slak://T0PSECRET/T0PSECRET?retry=T0PSECRET&to=T0PSECRET,T0PSECRET&verify=T0PSECRET")

    assert len(told) == 4
    assert "T0PSECRET" not in " ".join(told)


@covers("T27")
@given(st.text())
@example("\ud800")  # half a character, which some editors leave
@example("[")
def test_no_text_breaks_the_check(text: str) -> None:
    for url in (text, f"json://{text}", f"ntfy://h/{text}"):
        assert all(isinstance(reason, str) for reason in check_url(url))
        assert destination(url) and channel_class(url)


def test_every_accepted_scheme_is_one_that_apprise_knows() -> None:
    manager: Any = NotificationManager

    assert set(SCHEMES) - set(manager().schemas()) == {"console"}


@pytest.mark.parametrize(
    ("url", "names"),
    [
        pytest.param("json://h/x", [], id="none"),
        pytest.param("ntfys://${A}/${B}/${A}", ["A", "B"], id="each once, in order"),
        pytest.param("json://h/$A/${9}/$(B)", [], id="other dollars are not meant"),
    ],
)
def test_placeholders(url: str, names: list[str]) -> None:
    assert placeholders(url) == names


def test_fill_puts_secrets_in_as_they_are() -> None:
    assert fill("${A}://${B}", {"A": "ntfys", "B": "u:p@h/t%2F?x=${A}"}) == "ntfys://u:p@h/t%2F?x=${A}"


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(MissingSecret, match="no secret named ANA") as told:
        fill("ntfy://${ANA}", {})

    assert told.value.name == "ANA"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("slack://A/B/C", "chat", id="slack"),
        pytest.param("mailtos://h", "mail", id="mail"),
        pytest.param("ntfys://h/t", "push", id="ntfy"),
        pytest.param(TWILIO, "sms", id="twilio writes"),
        pytest.param(f"{TWILIO}?method=call", "voice", id="or calls"),
        pytest.param(f"{TWILIO}?METHOD=C", "voice", id="as Apprise reads it"),
        pytest.param("json://h?method=call", "webhook", id="other methods are no calls"),
        pytest.param("github://t@o/r", "ticket", id="github"),
        pytest.param("pagerduty://k@a", "incident", id="pagerduty"),
        pytest.param("console://", "console", id="the console"),
        pytest.param("${ANA_URL}", "webhook", id="not known yet"),
    ],
)
def test_channel_class(url: str, kind: ChannelClass) -> None:
    assert channel_class(url) == kind


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("slack://TOKEN/B/C", "slack", id="one provider, whatever the token"),
        pytest.param(f"{TWILIO}?method=call", "twilio", id="calls and messages count together"),
        pytest.param("jsons://u:p@Hooks.example.org:8443/secret", "json:hooks.example.org:8443", id="one's own host"),
        pytest.param("ntfys://ntfy.example.org/topic", "ntfy:ntfy.example.org", id="one's own ntfy"),
        pytest.param("ntfys://secret-topic", "ntfy", id="ntfy.sh: the topic is a secret"),
        pytest.param("ntfys://secret-topic/x?mode=cloud", "ntfy", id="ntfy.sh in other words"),
        pytest.param("mailtos://u:p@example.org?smtp=mx.example.org", "mailto:mx.example.org", id="the relay"),
        pytest.param("matrix://" + "k" * 64, "matrix", id="a token in the host's place"),
        pytest.param("json://[::1", "json", id="not a URL at all"),
        pytest.param("${ANA_URL}", "unknown", id="not known yet"),
    ],
)
def test_destination(url: str, expected: str) -> None:
    assert destination(url) == expected
