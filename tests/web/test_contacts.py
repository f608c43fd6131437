"""How you are reached, at /me: what is proven, in which order contacts are tried, a test page, the contact card."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from pager.core.people import Person, Via
from pager.core.vcard import check_caller, vcard
from pager.settings import BadSettings, load_settings
from pager.store import proofs
from tests.api.house import CATALOG, House, bearer, opened
from tests.api.test_link import words_of
from tests.web.test_pages import pressed, seen

ANA = Person(
    name="Ana Lima",
    timezone="Europe/Lisbon",
    contacts={
        "push": "ntfys://topic-of-ana",
        "call": "json://caller.example/secret",
        "mail": "mailtos://a:b@example.org",
    },
    notify={"SEV-1": (Via(via="push"), Via(via="call", after=timedelta(minutes=1))), "default": (Via(via="push"),)},
    quiet="22:00-07:00",
)
WITH_CONTACTS = replace(CATALOG, people={**CATALOG.people, "ana": ANA})


async def test_contacts_say_when_they_were_proven_and_in_which_order_they_are_tried(tmp_path: Path) -> None:
    async with opened(tmp_path, WITH_CONTACTS) as house:
        house.http.cookie_jar.update_cookies({"pager_by": "ana"})
        await house.database.write(lambda tx: proofs.begin(tx, "t" * 16, 1, "ana", "push", "ntfys://topic-of-ana"))
        await house.database.write(lambda tx: proofs.answer(tx, "t" * 16))
        await house.passes(timedelta(days=2))

        html = await seen(house, "/me")

        words = words_of(html)
        assert "push proven Mon 16 Feb 12:00 WET, 2d ago call never proven mail never proven" in words
        assert (
            "SEV-1 push, then call after 1m SEV-2 to SEV-5 push Quiet 22:00-07:00: notices wait, and below SEV-1"
            in words
        )
        assert not [secret for secret in ("topic-of-ana", "caller.example", "a:b@") if secret in html]
        await house.passes(timedelta(days=31))
        assert '<span class="bad">proven' in await seen(house, "/me"), "a proof of last month is none"


async def test_a_test_page_goes_to_whoever_sits_there_and_what_became_of_it_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, WITH_CONTACTS) as house:
        house.http.cookie_jar.update_cookies({"pager_by": "ana"})

        status, words = await pressed(house, "/me/test", "/me")

        assert (status, "A test page is on its way to each of your contacts." in words) == (200, True)
        assert "push never proven test page: on its way" in words
        rows = await house.database.read(lambda tx: tx.all("SELECT recipient, why FROM pages WHERE kind = 'notice'"))
        assert [(row.recipient, row.why) for row in rows] == [("ana", "test")]
        assert "test person ana" in words_of(await seen(house, "/audit"))


@pytest.mark.parametrize(("person", "said"), [("bo", "You have no contacts"), ("", "Say who you are first.")])
async def test_who_has_no_contacts_or_is_nobody_cannot_be_tested(house: House, person: str, said: str) -> None:
    if person:
        house.http.cookie_jar.update_cookies({"pager_by": person})
    assert ("You have no contacts: nothing reaches you." in words_of(await seen(house, "/me"))) == bool(person)

    status, words = await pressed(house, "/me/test", "/declare")

    assert (status, said in words) == (400, True)


async def test_who_may_only_look_sends_no_test_page(tmp_path: Path) -> None:
    async with opened(tmp_path, WITH_CONTACTS) as house:
        shows = bearer(await house.token("read", "ana"))
        assert "Send me a test page" not in await seen(house, "/me", headers=shows)
        async with house.http.post(f"{house.url}/me/test", headers=shows) as answer:
            assert answer.status == 403


@pytest.mark.parametrize("test", ["0", "9" * 17, "9" * 30, "x", "-1", "%00"])
async def test_no_question_about_a_test_page_brings_it_down(house: House, test: str) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "ana"})
    await seen(house, f"/me?test={test}")


async def test_without_numbers_there_is_no_card(house: House) -> None:
    await seen(house, "/me/contact.vcf", 404)


def test_a_card_is_what_phones_take() -> None:
    text = vcard(("+15550100", "pager@example.org"), "https://pager.example.org")

    lines = text.replace("\r\n ", "").split("\r\n")
    assert lines[:2] == ["BEGIN:VCARD", "VERSION:3.0"] and lines[-2:] == ["END:VCARD", ""]
    assert "TEL;TYPE=VOICE:+15550100" in lines and "EMAIL:pager@example.org" in lines
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


@pytest.mark.parametrize("written", ["555-0100", "+1 555", "x", "", "a@b\nTEL:1", "+15550100;x", "a@b@c"])
def test_what_is_no_number_and_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not where pages come from"):
        check_caller(written)


def test_callers_are_settings(tmp_path: Path) -> None:
    (tmp_path / "pager.toml").write_text('callers = ["+15550100", "pager@example.org"]\n')
    assert load_settings(tmp_path).callers == ("+15550100", "pager@example.org")
    (tmp_path / "pager.toml").write_text('callers = ["555"]\n')
    with pytest.raises(BadSettings, match="write \\+15550100"):
        load_settings(tmp_path)
