"""The last resort: when nobody can be reached by any contact, a mail or a POST of our own, until it worked."""

import asyncio
import contextlib
import email
import email.policy
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from pager import last_resort as last_resort_module
from pager.core.incident import Incident
from pager.core.last_words import MOST, last_words
from pager.engine import Quiet
from pager.last_mail import Mailbox, NotSent, mailbox_of, send_mail
from pager.last_resort import LastResort
from pager.metrics import Metrics
from pager.outbox import Taken
from pager.own_metrics import OwnMetrics
from tests.e2e.sinks import MailSink, mail_sink
from tests.engine.house import NOON, REFUSED, Clock, House, alert, catalog, running
from tests.support import covers, free_port, wait_until, with_tables
from tests.upkeep.inbox import inbox

PASSWORD = "hunter2hunter2"
LINKS = "https://pager.example.org"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(with_tables(tmp_path / "pager.db"), Clock()) as it:
        yield it


def resort_of(house: House, *addresses: str) -> LastResort:
    own = OwnMetrics(Metrics(catalog).registry)
    fill: Callable[[str], str] = lambda address: address.replace("${PASSWORD}", PASSWORD)  # noqa: E731
    resort = LastResort(house.database, addresses, fill, LINKS, own, Quiet())
    house.engine.listener = resort
    return resort


async def nobody_is_reached(house: House, name: str = "Down") -> None:
    """An alert whose pages all fail, to the last of all people."""
    await house.say(alert(name))
    while (claimed := await house.claim())[1]:
        for taken in claimed[1]:
            await fail(house, claimed[0], taken)
        await house.later()


async def fail(house: House, name: str, taken: Taken) -> None:
    """Every contact of a page refuses; the engine's listener hears what follows, as from the notifier."""
    waiting = list(taken.attempts)
    while waiting:
        done = (waiting.pop(0), REFUSED)
        turnout = await house.record(name, taken.page, done, in_flight=len(waiting))
        house.engine.listener.news(turnout.news)
        waiting += turnout.attempts


async def once(resort: LastResort) -> bool:
    async with ClientSession() as http:
        return await resort.once(http)


@covers("P5", "P8", "F42")
async def test_when_every_contact_fails_a_mail_and_a_post_of_our_own_go_out_once(house: House) -> None:
    async with mail_sink() as mail, inbox() as http:
        resort = resort_of(house, f"smtp://127.0.0.1:{mail.port}/?to=ops@example.org,boss@example.org", http.url)
        await nobody_is_reached(house)
        assert await once(resort)

        (got,) = http.got
        assert str(got["title"]).startswith("SEV-2")
        assert "Down" in str(got["title"])
        assert f"{LINKS}/" in str(got["body"])
        assert len(mail.to("ops")) == len(mail.to("boss")) == 1
        assert mail.to("ops")[0].title == got["title"]
        assert mail.to("ops")[0].body.replace("\r\n", "\n") == got["body"]
        assert (await once(resort), len(http.asked)) == (False, 1)


@covers("P8")
async def test_it_is_tried_again_until_it_worked(house: House) -> None:
    async with inbox() as http:
        http.answers = [500, 302, 404]
        resort = resort_of(house, http.url)
        await nobody_is_reached(house)
        assert [await once(resort) for _ in range(5)] == [False, False, False, True, False]
        assert (len(http.got), len(http.asked)) == (1, 4)


@pytest.mark.parametrize("act", ["ack", "resolve"])
async def test_it_is_not_tried_again_once_somebody_has_it(house: House, act: str) -> None:
    async with inbox() as http:
        http.answers = [500]
        resort = resort_of(house, http.url)
        await nobody_is_reached(house)
        assert not await once(resort)
        if act == "ack":
            await house.ack("bo")
        else:
            await house.say(alert("Down", "resolved", at=NOON + timedelta(seconds=1)))
        assert not await once(resort)
        assert len(http.asked) == 1


@covers("F4", "F41")
async def test_a_restart_does_not_forget_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    resort_of(house)
    await nobody_is_reached(house)
    async with inbox() as http:
        after = resort_of(house, http.url)
        running_ = asyncio.create_task(after.run(0.05))
        try:
            await wait_until(lambda: http.got, 10, "the message of the process before")
        finally:
            running_.cancel()


async def test_news_is_told_at_once(house: House) -> None:
    async with inbox() as http:
        resort = resort_of(house, http.url)
        running_ = asyncio.create_task(resort.run(600))
        try:
            await nobody_is_reached(house)
            await wait_until(lambda: http.got, 10, "the message")
        finally:
            running_.cancel()


@covers("F48", "F49")
async def test_many_incidents_are_one_message(house: House) -> None:
    async with inbox() as http:
        resort = resort_of(house, http.url)
        for number in range(2):
            await nobody_is_reached(house, f"Down{number}")
        assert await once(resort)
        (got,) = http.got
        assert len(got["incidents"]) == 2  # type: ignore[arg-type]
        assert "and 1 more" in str(got["title"])


@covers("F10", "F11", "P10")
async def test_a_target_that_hangs_holds_up_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_resort_module, "DEADLINE", 0.3)
    async with inbox() as http, dripping() as port:
        resort = resort_of(house, f"smtp://127.0.0.1:{port}/?to=a@example.org", http.url)
        await nobody_is_reached(house)
        async with asyncio.timeout(5):
            assert await once(resort)
        assert len(http.got) == 1


@contextlib.asynccontextmanager
async def dripping() -> AsyncIterator[int]:
    """A mail server that says one letter now and then."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"2")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await reader.read(1)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@covers("T24", "P18")
async def test_no_address_is_logged(house: House) -> None:
    addresses = [
        f"smtp://pager:${{PASSWORD}}@127.0.0.1:{free_port()}/?to=a@example.org",
        f"http://127.0.0.1:{free_port()}/${{PASSWORD}}",
        "smtp://pager:${PASSWORD}@/?to=a@example.org",
        "http://[${PASSWORD}/",
        "smtp://host:${PASSWORD}/?to=a@example.org",
    ]
    resort = resort_of(house, *addresses)
    await nobody_is_reached(house)
    with capture_logs() as logs:
        assert not await once(resort)
    assert sorted(entry["target"] for entry in logs) == [1, 2, 3, 4, 5]
    assert PASSWORD not in str(logs)


# The mail.


@pytest.mark.parametrize(
    ("url", "box"),
    [
        pytest.param(
            "smtp://mail.example.org/?to=a@example.org",
            Mailbox("mail.example.org", 25, ("a@example.org",), "pager@example.org"),
            id="the least",
        ),
        pytest.param(
            "smtps://u%40x:p%2Fw@mail:4650?to=a@x.org,b@y.org&from=p@z.org",
            Mailbox("mail", 4650, ("a@x.org", "b@y.org"), "p@z.org", True, "u@x", "p/w"),
            id="all of it",
        ),
    ],
)
def test_a_mailbox_is_read_from_its_address(url: str, box: Mailbox) -> None:
    assert mailbox_of(url) == box


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example.org/",
        "smtp:///?to=a@x.org",
        "smtp://mail/?to=nobody",
        "smtp://mail/?to=a@x.org%0D%0ARCPT TO:<b@y.org>",
        "smtp://mail/?to=a@x.org&from=b@y.org%3E%0D%0ADATA",
        "mailto://mail/?to=a@x.org",
    ],
)
@covers("T18")
def test_a_mailbox_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp"):
        mailbox_of(url)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def script(*answers: bytes, said: list[bytes]) -> Serve:
    """A server that gives these answers, one for the greeting and one a line."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            await writer.drain()
            said.append(await reader.readline())
        writer.close()

    return serve


@pytest.mark.parametrize(
    ("user", "answers", "why"),
    [
        pytest.param("", [b"554 no\r\n"], "554 to the greeting", id="not welcome"),
        pytest.param("", [b"220 hi\r\n", b"250 ok\r\n", b"550 you?\r\n"], "550 to MAIL", id="the sender is refused"),
        pytest.param(
            "", [b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"550 who?\r\n"], "550 to RCPT", id="nobody there"
        ),
        pytest.param("", [b"220 hi\r\n"], "ended the conversation", id="it hangs up"),
        pytest.param("", [b"2" * 100_000], "ended the conversation", id="a line without end"),
        pytest.param("", [b"220-x\r\n" * 200], "220", id="lines without end"),
    ],
)
@covers("F18")
async def test_a_mail_that_was_not_taken_is_said_so(user: str, answers: list[bytes], why: str) -> None:
    said: list[bytes] = []
    server = await asyncio.start_server(script(*answers, said=said), "127.0.0.1", 0)
    async with server:
        box = Mailbox("127.0.0.1", server.sockets[0].getsockname()[1], ("a@x.org",), "p@x.org", user=user)
        if why == "220":
            with contextlib.suppress(NotSent):
                await send_mail(box, "t", "b")
            return
        with pytest.raises(NotSent, match=why):
            await send_mail(box, "t", "b")


@covers("T24")
async def test_a_password_is_not_told_without_tls_to_another_machine() -> None:
    said: list[bytes] = []
    server = await asyncio.start_server(script(b"220 hi\r\n", b"250 AUTH PLAIN\r\n", said=said), "127.0.0.1", 0)
    here = socket.gethostname()
    try:
        socket.getaddrinfo(here, None)
    except OSError:
        pytest.skip("this machine has no name")
    async with server:
        box = Mailbox("127.1", server.sockets[0].getsockname()[1], ("a@x.org",), "p@x.org", user="u", password=PASSWORD)
        with pytest.raises(NotSent, match="no TLS"):
            await send_mail(box, "t", "b")
    assert not [line for line in said if b"AUTH" in line]


@covers("T18", "T21")
async def test_a_mail_arrives_as_it_was_written_whatever_is_in_it() -> None:
    async with mail_sink() as sink:
        box = Mailbox("127.0.0.1", sink.port, ("a@example.org",), "p@example.org")
        body = ".\r\n.\r\nQUIT\r\n<!channel> é ☎\r\n" + "x" * 3000 + "\r\n"
        await send_mail(box, "Überfall: .", body)
        await wait_until(lambda: sink.got, 10, "the mail")
        assert (sink.got[0].title, sink.got[0].body.replace("\r\n", "\n")) == (
            "Überfall: .",
            body.replace("\r\n", "\n"),
        )
        assert arrived(sink) == 1


def arrived(sink: MailSink) -> int:
    return len(sink.got)


# The words.


def incident(number: int, title: str, severity: str = "SEV-2") -> Incident:
    return Incident(number, str(number), title, severity, "default", NOON)  # type: ignore[arg-type]


@covers("T18", "F55")
@given(st.lists(st.text(max_size=3000), min_size=1, max_size=40))
@example(["x" * 3000] * 40)
def test_the_words_are_short_and_their_title_is_one_line(titles: list[str]) -> None:
    words = last_words([incident(number, title) for number, title in enumerate(titles, 1)], LINKS)

    assert len(words.title) < 250
    assert not set(words.title) & set("\r\n\0")
    assert words.title.isprintable() or not words.title.isascii()
    assert len(words.body) < 300 * (MOST + 6)
    assert len(words.codes) == min(len(titles), MOST)
    email.message_from_bytes(words.title.encode(errors="replace"), policy=email.policy.default)


def test_the_most_severe_comes_first() -> None:
    words = last_words([incident(1, "small", "SEV-4"), incident(2, "large", "SEV-1")], LINKS)
    assert words.title.startswith("SEV-1")
    assert words.body.index("large") < words.body.index("small")
