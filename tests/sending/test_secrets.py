"""A canary in every place where a secret may stand: it must not sing anywhere."""

import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pager.core.outcome import Outcome
from pager.sender import Message, Sender
from tests.sending.provider import Provider, provider
from tests.support import free_port

CANARY = "zqxCanary7"
HEX = "deadbeefcafe0123"
LINK = f"https://pager.example.org/p/{CANARY}abcdef"

OWN_HOST = [
    "json://ana:{c}@{h}/echo/{c}?+Authorization=Bearer%20{c}&-token={c}&:key={c}",
    "xml://ana:{c}@{h}/echo/{c}",
    "form://ana:{c}@{h}/echo/{c}",
    "json://ana:{c}@{h}/hang/{c}?rto=0.2",
    "json://ana:{c}@{h}/cut/{c}",
    "json://ana:{c}@127.0.0.1:{closed}/{c}",
    "json://{c}.invalid/{c}?+X-Key={c}",
    "jsons://ana:{c}@{h}/echo/{c}",
    "json://ana:p%40{c}%2F{c}@{h}/echo/%7B{c}%7D",
    "gotify://{h}/echo/{c}abcde",
    "ntfy://ana:{c}@{h}/{c}",
    "ntfy://tk_{c}{c}{c}@{h}/{c}?auth=token",
    "mmost://{h}/echo/{c}{c}abcdef",
    "rocket://ana:{c}@{h}/#{c}",
    "matrix://ana:{c}@{h}/#{c}",
    "synology://{h}/{c}{c}",
    "goalert://{h}/{c}{c}",
    "hassio://{h}/{c}{c}{c}{c}",
    "mailto://ana:{c}@{h}/{c}@example.org?from=pager@example.org",
    "mailto://ana:{c}@127.0.0.1:{closed}/{c}@example.org?from=pager@example.org",
]
HOSTED = [
    "slack://T{c}/A{c}/{c}{c}abcd",
    "slack://xoxb-1234567890-1234567890-{c}{c}abcd/#ops",
    "discord://4174216632/{c}{c}{c}",
    "tgram://123456789:{c}{c}{c}abcde/{c}",
    "twilio://AC{x}{x}:{x}{x}@+15551234567/+15551234568",
    "twilio://AC{x}{x}:{x}{x}@+15551234567/+15551234568?method=call",
    "pover://{c}{c}{c}@{c}{c}{c}",
    "pagerduty://{c}{c}{c}@{c}{c}",
    "opsgenie://{x}{x}",
    "github://ghp_{c}{c}{c}abcdef@example/ops",
    "sendgrid://{c}{c}:pager@example.org/ana@example.org",
    "workflow://h.example.org/{c}{c}/{c}{c}",
    "gchat://{c}/{c}/{c}",
    "sns://AHIAJGNT76XIMXDBIJYA/{c}{c}{c}/us-west-2/+15551234567",
    "splunk://{c}@{c}{c}",
    "discord://{c}",
    "slack://{c}",
]


def sings(text: str) -> bool:
    return any(word.lower() in text.lower() for word in (CANARY, HEX, "zqxCan", "cafe0123"))


def filled(url: str, host: str = "", closed: int = 0) -> str:
    return url.replace("{c}", CANARY).replace("{x}", HEX).replace("{h}", host).replace("{closed}", str(closed))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Provider]:
    async with provider() as it:
        yield it


async def tell(urls: list[str]) -> list[Outcome]:
    """The outcomes of a page with a secret link, sent to each of `urls`."""
    sender = Sender(deadline=1.5)
    await sender.start()
    try:
        return [await sender.send(Message(url, f"SEV-1 {LINK}", f"open {LINK}")) for url in urls]
    finally:
        await sender.close()


def check(
    urls: list[str], outcomes: list[Outcome], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    printed = "".join(capfd.readouterr())
    assert not sings(printed) and not sings(caplog.text)
    assert [(url, outcome) for url, outcome in zip(urls, outcomes, strict=True) if sings(repr(outcome))] == []
    assert [url for url, outcome in zip(urls, outcomes, strict=True) if outcome.delivered or not outcome.detail] == []


async def test_no_canary_from_providers_on_a_host_of_ones_own(
    server: Provider, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = [filled(url, f"127.0.0.1:{server.port}", free_port()) for url in OWN_HOST]

    check(OWN_HOST, await tell(urls), capfd, caplog)


async def test_no_canary_from_hosted_providers(
    server: Provider,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    # Nothing leaves this machine: all goes to a proxy that refuses it.
    monkeypatch.setenv("PAGER_PROXY", f"http://127.0.0.1:{server.port}")

    check(HOSTED, await tell([filled(url) for url in HOSTED]), capfd, caplog)


def test_a_message_does_not_print_its_url() -> None:
    assert not sings(repr(Message(filled("json://h/{c}"), "t", "b")))
