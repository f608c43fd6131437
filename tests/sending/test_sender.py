"""Sending for real, to providers on the loopback that behave well, badly, or not at all."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller

from pager.core.outcome import Reason
from pager.sender import Message, Sender, job_of
from tests.sending.provider import Provider, provider
from tests.support import covers, free_port, wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEADLINE = 1.5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender() -> AsyncIterator[Sender]:
    it = Sender(deadline=DEADLINE, queue_limit=5)
    await it.start()
    yield it
    await it.close()


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Provider]:
    async with provider() as it:
        yield it


def page(url: str, title: str = "SEV-1 checkout down", body: str = "Runbook: https://r.example.org/x") -> Message:
    return Message(url, title, body)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("200", Reason.delivered, id="accepted"),
        pytest.param("302", Reason.redirect, id="a redirect is no delivery"),
        pytest.param("400", Reason.rejected, id="a bad request"),
        pytest.param("401", Reason.auth, id="a wrong key"),
        pytest.param("404", Reason.not_found, id="nobody there"),
        pytest.param("413", Reason.too_long, id="too long"),
        pytest.param("429", Reason.rate_limited, id="too many"),
        pytest.param("500", Reason.server, id="their fault"),
        pytest.param("cut", Reason.unknown, id="hung up without a word"),
    ],
)
async def test_answers_of_providers(sender: Sender, server: Provider, path: str, reason: Reason) -> None:
    outcome = await sender.send(page(server.url(path)))

    assert outcome.reason is reason
    assert server.asked == [path]  # one request: nothing was followed and nothing tried again
    assert 0 < outcome.seconds < DEADLINE


@covers("F11", "P10")
@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        pytest.param("hang", {"rto": 60}, id="a provider that never answers"),
        pytest.param("drip", {}, id="a provider that drips: no read of it ever times out"),
    ],
)
async def test_the_deadline_is_kept(sender: Sender, server: Provider, path: str, parameters: dict[str, object]) -> None:
    outcome = await sender.send(page(server.url(path, **parameters)))

    assert outcome.reason is Reason.timeout and outcome.uncertain
    assert DEADLINE <= outcome.seconds < DEADLINE + 1
    await wait_until(lambda: server.connected == 0, 5, "the child that was connected to end")
    assert sender.busy() == {}


async def test_an_endless_answer_takes_neither_the_time_nor_the_memory(sender: Sender, server: Provider) -> None:
    outcome = await sender.send(page(server.url("endless")))

    assert outcome.reason in (Reason.timeout, Reason.unknown) and outcome.uncertain
    await wait_until(lambda: server.connected == 0, 5, "the child to hang up")


async def test_a_timeout_of_the_service_itself_is_uncertain_too(sender: Sender, server: Provider) -> None:
    outcome = await sender.send(page(server.url("hang", rto=0.2)))

    assert outcome.reason is Reason.timeout and outcome.seconds < DEADLINE


async def test_nobody_listens(sender: Sender) -> None:
    outcome = await sender.send(page(f"json://127.0.0.1:{free_port()}/x"))

    assert outcome.reason is Reason.refused and not outcome.uncertain


async def test_no_such_name(sender: Sender) -> None:
    outcome = await sender.send(page("json://name.invalid/x"))

    assert outcome.reason is Reason.dns


@pytest.mark.parametrize(
    ("speaks", "tls"),
    [
        pytest.param(b"220 hello\r\n", None, id="a server that speaks no TLS"),
        pytest.param(b"", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), id="a server without a certificate"),
    ],
)
async def test_a_broken_tls_handshake(sender: Sender, speaks: bytes, tls: ssl.SSLContext | None) -> None:
    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(speaks)

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=tls)
    try:
        outcome = await sender.send(page(f"jsons://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"))
    finally:
        server.close()

    assert outcome.reason is Reason.tls


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("json://h/${HOOK}", "HOOK is not filled in", id="a secret that is missing"),
        pytest.param("json://h/x?redirect=yes", "redirect= is refused", id="a parameter that is refused"),
        pytest.param("syslog://", "acts on this machine", id="a scheme that is refused"),
        pytest.param("discord://short", "not accepted", id="a URL that the service does not like"),
        pytest.param(f"slack://T1JJ3T3L2/A1BRTD4JD/{'k' * 24}/#a/#b", "one contact for each", id="two rooms"),
        pytest.param("mqtt://127.0.0.1/topic", "package", id="a service whose package is not installed"),
        pytest.param("goalert://127.0.0.1/", "", id="a service that finds nobody to send to"),
        pytest.param("nonsense", "begins with a scheme", id="no URL at all"),
    ],
)
async def test_what_cannot_work_is_said_at_once(sender: Sender, url: str, told: str) -> None:
    outcome = await sender.send(page(url))

    assert outcome.reason is Reason.config and outcome.permanent
    assert told in outcome.detail


@covers("F19")
async def test_success_without_a_request_is_no_success(sender: Sender) -> None:
    # Closing by ids kept in a store: the store is empty, nothing is sent, and the service calls that a success.
    url = "opsgenie://8b799edf-6f98-4d3a-9be7-2862fb4e5752"

    outcome = await sender.send(Message(url, "resolved", "all is well", "success"))

    assert outcome.reason is Reason.config
    assert "without sending" in outcome.detail


@covers("T18", "T19")
async def test_what_is_sent_is_clean(sender: Sender, server: Provider) -> None:
    await sender.send(page(server.url("200"), "CPU\r\nBcc: x@example.org", "a\x00b \ud800 @everyone\nsecond line"))

    assert server.bodies[0]["title"] == "CPU Bcc: x@example.org"
    assert server.bodies[0]["message"] == "ab \ufffd @\u200beveryone\nsecond line"


async def test_an_empty_message_still_goes_out(sender: Sender, server: Provider) -> None:
    assert (await sender.send(page(server.url("200"), "", "\x00"))).delivered
    assert server.bodies[0]["message"] == "(no text)"


async def test_no_icon_is_fetched_from_a_public_site(sender: Sender, server: Provider) -> None:
    hook = f"mmost://127.0.0.1:{server.port}/200/{'a' * 26}"

    await sender.send(page(hook))

    assert "github" not in str(server.bodies)


@covers("T20")
async def test_a_call_speaks_what_would_be_a_document() -> None:
    job = job_of(page("twilio://AC0:t@+15551230000/+15551230001?method=call", "<x>", "<Response><Dial>1</Dial>"))

    assert job.title.startswith("Alert: ") and job.body.startswith("Alert: ")


@covers("F10", "P9")
async def test_one_good_beside_many_hung_ones_is_quick(sender: Sender, server: Provider) -> None:
    async with contextlib.AsyncExitStack() as stack:
        hung = [await stack.enter_async_context(provider()) for _ in range(12)]
        stuck = [asyncio.create_task(sender.send(page(each.url("hang", rto=60)))) for each in hung for _ in range(3)]
        await wait_until(lambda: all("hang" in each.asked for each in hung), 10, "every hung provider to be asked")

        began = time.monotonic()
        outcome = await sender.send(page(server.url("200")))
        took = time.monotonic() - began

        assert outcome.delivered
        assert took < 0.5
        assert max(sender.busy().values()) <= 4
        for each in stuck:
            each.cancel()
        await asyncio.wait(stuck)


async def test_a_destination_has_four_children_and_no_more(sender: Sender, server: Provider) -> None:
    sends = [asyncio.create_task(sender.send(page(server.url("hang", rto=60)))) for _ in range(6)]
    await wait_until(lambda: server.connected == 4, 5, "four to be connected")

    assert sender.busy() == {f"json:127.0.0.1:{server.port}": 4}
    for send in sends:
        send.cancel()
    await asyncio.wait(sends)
    assert sender.busy() == {}
    await wait_until(lambda: server.connected == 0, 5, "their children to end")


async def test_what_waits_too_long_is_given_up_unsent(server: Provider) -> None:
    async with running(Sender(queue_limit=0.3, deadline=60)) as slow:
        sends = [asyncio.create_task(slow.send(page(server.url("hang", rto=60)))) for _ in range(5)]

        done, _ = await asyncio.wait(sends, return_when=asyncio.FIRST_COMPLETED, timeout=10)

        assert [send.result().reason for send in done] == [Reason.stale]
        await wait_until(lambda: len(server.asked) == 4, 10, "the four that had a place")


async def test_progress_is_the_end_of_the_last_message(sender: Sender, server: Provider) -> None:
    before = time.monotonic()

    await sender.send(page(server.url("200")))

    assert before < sender.progress <= time.monotonic()


async def test_the_console_gets_title_and_body() -> None:
    seen: list[tuple[str, str]] = []
    quiet = Sender(console=lambda title, body: seen.append((title, body)))

    assert (await quiet.send(page("console://", "SEV-1", "checkout is down"))).delivered
    assert seen == [("SEV-1", "checkout is down")]


async def test_without_a_callback_the_console_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert (await Sender().send(page("console://", "SEV-1", "checkout is down"))).delivered
    assert capsys.readouterr().out == "SEV-1\ncheckout is down\n\n"


async def test_a_console_that_is_gone_is_a_failure() -> None:
    def broken(_title: str, _body: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    assert (await Sender(console=broken).send(page("console://"))).reason is Reason.refused


class Letters:
    """A mail sink."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope)
        return "250 OK"


async def test_mail(sender: Sender) -> None:
    letters = Letters()
    controller = Controller(letters, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        base = f"mailto://127.0.0.1:{controller.port}/"
        good = await sender.send(page(f"{base}ana@example.org?from=pager@example.org"))
        bad = await sender.send(page(f"{base}nobody@example.org?from=pager@example.org"))
    finally:
        controller.stop()

    assert good.delivered
    assert [envelope.rcpt_tos for envelope in letters.got] == [["ana@example.org"]]
    assert b"Subject: SEV-1 checkout down" in letters.got[0].content
    assert bad.reason is Reason.not_found


@contextlib.asynccontextmanager
async def running(it: Sender) -> AsyncIterator[Sender]:
    await it.start()
    try:
        yield it
    finally:
        await it.close()
