"""Mail in: what comes by SMTP is on disk before it is taken, goes to known sources alone, and cannot loop."""

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Source
from pager.core.signature import Signed
from pager.mail_door import MOST_RECIPIENTS, MailBox, MailDoor, listening
from pager.mail_look import why_deaf
from pager.metrics import Metrics
from pager.store import StoreFull, StoreUnavailable, inbox
from tests.api.house import CATALOG, House, opened
from tests.api.test_pagerduty import lives
from tests.support import free_port, wait_until

SECRETS = {"UPS": "ups-s3cret+1", "CI": "ci-s3cret-2"}
SIGNED = Signed.model_validate({"by": "github", "secret": "CI_SIGNS"})
SOURCES = {
    "ups": Source(name="ups", dialect="mail", token="UPS", resolved=("power restored",), firing=("power failure",)),
    "ci": Source(name="ci", dialect="generic", token="CI", signed=SIGNED),
}
UPS = "ups+ups-s3cret+1@pager.example.org"


@dataclass
class Post:
    """A house that mail comes to."""

    house: House
    door: MailDoor

    async def sent(self, subject: str, *to: str, text: str = "text", **headers: str) -> str:
        """Hand in a mail as programs do; the answer to it."""
        return await self.handed(mail(subject, text, **headers), *to)

    async def handed(self, said: bytes, *to: str) -> str:
        """Hand in these bytes; the last answer."""
        return await asyncio.to_thread(_send, self.door.port, said, to or (UPS,))

    def count(self, name: str, **labels: str) -> float:
        return self.house.metrics.registry.get_sample_value(name, labels) or 0.0


def mail(subject: str, text: str = "text", **headers: str) -> bytes:
    said = EmailMessage()
    said["From"], said["To"], said["Subject"] = "UPS <ups@example.org>", UPS, subject
    for name, value in headers.items():
        said[name.replace("_", "-")] = value
    said.set_content(text)
    return said.as_bytes(policy=SMTP)


def _send(port: int, said: bytes, to: tuple[str, ...]) -> str:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo("test")
        client.mail("ups@example.org")
        for name in to:
            code, answer = client.rcpt(name)
            if code != 250:
                return f"{code} {answer.decode()}"
        code, answer = client.data(said)
        return f"{code} {answer.decode()}"


def door_of(house: House, box: MailBox, metrics: Metrics | None = None) -> MailDoor:
    parts = (house.database, house.keyring, house.intake)
    return MailDoor(box, *parts, lambda: house.engine.catalog, metrics or house.metrics, house.clock)


@asynccontextmanager
async def post_office(folder: Path, sources: Mapping[str, Source] = SOURCES, **box: Any) -> AsyncIterator[Post]:
    async with opened(folder, replace(CATALOG, sources=dict(sources)), SECRETS) as house:
        said = MailBox("127.0.0.1", 0, **box)
        door = door_of(house, said)
        if house.intake.keys.any:
            house.shows = {"Authorization": f"Bearer {await house.token('admin')}"}
        async with listening(door):
            yield Post(house, door)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with post_office(tmp_path) as made:
        yield made


async def test_a_mail_pages_and_the_next_one_ends_it(post: Post) -> None:
    assert await post.sent("UPS 1: power failure") == "250 2.0.0 kept"
    assert await lives(post.house) == [("triggered", 1)]
    assert await post.sent("UPS 1: power restored") == "250 2.0.0 kept"
    assert await lives(post.house) == [("resolved", 1)]
    assert post.count("pager_mails_total", answer="taken") == 2
    assert post.count("pager_alerts_received_total", source="ups", status="resolved") == 1


@pytest.mark.parametrize(
    ("to", "why"),
    [
        pytest.param("somebody@example.org", "wrong", id="nobody of ours"),
        pytest.param("ups@pager.example.org", "wrong", id="a source without its token"),
        pytest.param("ups+wrong@pager.example.org", "wrong", id="a wrong token"),
        pytest.param("ci+ci-s3cret-2@pager.example.org", "signature", id="a source that signs what it says"),
        pytest.param("ci+ups-s3cret+1@pager.example.org", "wrong", id="a token of another source"),
        pytest.param("postmaster", "wrong", id="no domain"),
    ],
)
async def test_no_other_address_is_taken(post: Post, to: str, why: str) -> None:
    assert await post.sent("x", to) == "550 5.1.1 no such address here"
    assert post.count("pager_doors_refused_total", reason=why) == 1


async def test_without_any_token_the_name_of_a_source_is_enough_on_this_machine(tmp_path: Path) -> None:
    plain = {"ups": Source(name="ups", dialect="mail")}
    async with post_office(tmp_path, plain) as post:
        assert await post.sent("UPS 1: on battery", "ups@localhost") == "250 2.0.0 kept"
        assert await post.sent("UPS 1: on battery", "tape@localhost") == "550 5.1.1 no such address here"
        assert await lives(post.house) == [("triggered", 1)]


async def test_a_token_of_the_database_is_an_address_too(post: Post) -> None:
    token = await post.house.token("ingest", "tape")

    assert await post.sent("Tape 4 full", f"{token}@x") == "250 2.0.0 kept"
    assert await post.sent("Tape 4 full", f"{await post.house.token('read')}@x") == "550 5.1.1 no such address here"
    assert post.count("pager_alerts_received_total", source="tape", status="firing") == 1


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        pytest.param(StoreUnavailable("locked"), "451 4.3.0 not stored: send it again", id="a database that hangs"),
        pytest.param(StoreFull("full"), "452 4.3.1 no room now", id="a full disk"),
    ],
)
async def test_what_cannot_be_kept_stays_with_the_sender(post: Post, error: Exception, answer: str) -> None:
    write, database = post.house.database.write, post.house.database

    async def fails(*_: Any, **__: Any) -> None:
        raise error

    database.write = fails  # type: ignore[method-assign, assignment]
    assert await post.sent("Tape full", Message_ID="<1@x>", Date="Mon, 16 Feb 2026 12:00:00 +0000") == answer
    database.write = write  # type: ignore[method-assign]
    assert await lives(post.house) == []
    # The queue brings it again.
    again = await post.sent("Tape full", Message_ID="<1@x>", Date="Mon, 16 Feb 2026 12:00:00 +0000")
    assert again == "250 2.0.0 kept"
    assert await lives(post.house) == [("triggered", 1)]


@pytest.mark.parametrize("lately", [pytest.param(0, id="after many others"), pytest.param(500, id="soon")])
async def test_a_mail_that_comes_twice_does_not_open_what_was_closed_between(
    post: Post, monkeypatch: pytest.MonkeyPatch, lately: int
) -> None:
    monkeypatch.setattr(inbox, "LATELY", lately)
    said = mail("Tape full", Message_ID="<1@x>", Date="Mon, 16 Feb 2026 11:59:00 +0000")
    assert await post.handed(said) == "250 2.0.0 kept"
    await post.sent("Tape full: power restored")
    assert await post.sent("[RESOLVED] Tape full") == "250 2.0.0 kept"
    assert await lives(post.house) == [("resolved", 1)]

    assert await post.handed(said) == "250 2.0.0 again"
    assert await lives(post.house) == [("resolved", 1)]
    # The same words in a new mail are news.
    assert await post.sent("Tape full", Message_ID="<2@x>", Date="Mon, 16 Feb 2026 12:00:00 +0000") == "250 2.0.0 kept"
    assert ("triggered", 1) in await lives(post.house)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        pytest.param(mail("x", X_Application="pager"), "554", id="a page of pager's own"),
        pytest.param(mail("Re: SEV-1 x", "On Monday: https://p.example.org/p/abcdefgh22345672"), "554", id="an answer"),
        pytest.param(mail("x", Auto_Submitted="auto-replied"), "250 2.0.0 none", id="an automatic answer"),
        pytest.param(mail("Cron", Auto_Submitted="auto-generated"), "250 2.0.0 kept", id="what a machine says"),
        pytest.param(mail("Disk", Auto_Submitted="auto-notified"), "250 2.0.0 kept", id="what a filter passes on"),
        pytest.param(b"", "554", id="an empty mail"),
        pytest.param(b"Received: x\r\n" * 101 + mail("x"), "554", id="a mail that goes round in circles"),
    ],
)
async def test_pages_do_not_page_about_themselves(post: Post, said: bytes, answer: str) -> None:
    assert (await post.handed(said)).startswith(answer)
    assert await lives(post.house) == ([("triggered", 1)] if answer.endswith("kept") else [])


async def test_what_is_too_large_or_for_too_many_is_refused(tmp_path: Path) -> None:
    async with post_office(tmp_path, largest=70_000) as post:
        assert (await post.sent("x", text="many words\n" * 7000)).startswith("552")
        many = [f"ups+ups-s3cret+1@{number}.example.org" for number in range(MOST_RECIPIENTS + 1)]
        assert (await post.sent("x", *many)).startswith("452 4.5.3")
        assert await post.sent("x", *many[:-1]) == "250 2.0.0 kept"
        assert await lives(post.house) == [("triggered", 1)]


async def test_the_secret_of_the_address_is_not_kept(post: Post) -> None:
    await post.sent("Tape full")

    kept = await post.house.database.read(lambda tx: tx.all("SELECT body FROM inbox"))
    assert [b"ups-s3cret" in bytes(row.body) for row in kept] == [False]
    assert b"To: ups+...@pager.example.org" in bytes(kept[0].body)


async def test_who_holds_connections_open_gives_way(tmp_path: Path) -> None:
    async with post_office(tmp_path, connections=4) as post:
        idle = [await asyncio.open_connection("127.0.0.1", post.door.port) for _ in range(6)]
        assert await post.sent("Tape full") == "250 2.0.0 kept"
        await wait_until(lambda: post.count("pager_connections_cut_total", reason="gave_way") >= 5)
        for _, writer in idle:
            writer.close()


async def test_whoever_guesses_is_hung_up_on(post: Post) -> None:
    def guess() -> list[int]:
        with smtplib.SMTP("127.0.0.1", post.door.port, timeout=10) as client:
            client.ehlo("test")
            client.mail("x@example.org")
            return [client.rcpt(f"ups+{number}@x")[0] for number in range(10)]

    assert await asyncio.to_thread(guess) == [550] * 9 + [421]
    # A right address opens all the same.
    assert await post.sent("Tape full") == "250 2.0.0 kept"


async def test_bounces_have_no_sender(post: Post) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", post.door.port)
    writer.write(b"EHLO x\r\nMAIL FROM:<>\r\n")
    await asyncio.wait_for(reader.readuntil(b"250 HELP\r\n"), 10)
    assert await asyncio.wait_for(reader.readline(), 10) == b"250 OK\r\n"
    writer.close()


async def test_a_mailbox_beyond_this_machine_needs_tokens(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        door = door_of(house, MailBox("0.0.0.0", 0))
        with pytest.raises(ValueError, match="without tokens"):
            async with listening(door):
                pass


async def test_an_address_that_is_taken_is_told_and_taken_when_it_is_free(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pager.mail_door.TRY_EVERY", 0.01)
    metrics = Metrics(lambda: post.house.engine.catalog)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        door = door_of(post.house, MailBox("127.0.0.1", port), metrics)
        async with listening(door):
            assert door.trouble == f"no mail comes in: cannot listen on 127.0.0.1:{port}: Address already in use"
            other.close()
            await wait_until(lambda: not door.trouble)
            assert await why_deaf(f"127.0.0.1:{port}") == ""


async def test_a_mail_that_another_node_took_changes_nothing(post: Post) -> None:
    said = mail("Tape full", Message_ID="<1@x>", Date="Mon, 16 Feb 2026 11:59:00 +0000")
    assert await post.handed(said) == "250 2.0.0 kept"

    door = door_of(post.house, MailBox("127.0.0.1", 0), Metrics(lambda: post.house.engine.catalog))
    assert await door.take(await door.source_of(UPS, "127.0.0.1"), said) == "again"
    assert await door.take(await door.source_of(UPS, "127.0.0.1"), said + b"more") == "taken"


async def test_a_mail_server_may_post_it_as_well(post: Post) -> None:
    for subject in ("UPS 1: power failure", "UPS 1: power restored"):
        async with post.house.http.post(
            f"{post.house.url}/webhook/mail", params={"token": SECRETS["UPS"]}, data=mail(subject)
        ) as answer:
            assert (answer.status, await answer.json()) == (200, {"accepted": 1})
    assert await lives(post.house) == [("resolved", 1)]


async def test_the_doctor_asks_whether_mail_comes_in(post: Post) -> None:
    assert await why_deaf(f"127.0.0.1:{post.door.port}") == ""
    assert "does not answer" in await why_deaf(f"127.0.0.1:{free_port()}")
