"""Passwords: set by a link that works once, then shown at /login; guessers are slowed, and responders are not."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector
from msgspec.structs import replace
from structlog.testing import capture_logs

from pager.api.parts import FREE_TRIES
from pager.guessers import Backoff
from pager.passwords import MOST_OF_ONE, MOST_WAIT, Passwords, TooMany
from tests.api.house import CATALOG, PASSWORD, House
from tests.api.test_link import words_of
from tests.support import covers
from tests.web.test_pages import key_in, pressed, seen

MOST = 20
OTHER = "seven grey herons at noon"


async def enters(house: House, name: str, password: str, http: ClientSession | None = None) -> tuple[int, str]:
    """Status and words after somebody wrote a name and a password."""
    fields = {"name": name, "password": password, "next": "/me"}
    async with (http or house.http).post(f"{house.url}/login", data=fields) as answer:
        return answer.status, words_of(await answer.text())


async def sets(house: House, path: str, password: str = PASSWORD, again: str = "") -> tuple[int, str]:
    async with house.http.post(house.url + path, data={"password": password, "again": again or password}) as answer:
        return answer.status, words_of(await answer.text())


async def test_a_person_sets_a_password_by_a_link_and_signs_in_with_it(house: House) -> None:
    code = await house.fires("CheckoutDown")
    path = await house.invited("ana")

    html = await seen(house, path)
    assert "Ana Lima, choose a password" in html and "chi made this link for you" in html
    status, _ = await sets(house, path)

    assert status == 200
    assert "Signed in as <b>ana</b> by password. You may look and act." in await seen(house, "/me")
    status, words = await pressed(house, f"/i/{code}", action="ack")
    assert (status, "You have it, since 12:00 WET" in words) == (200, True)
    house.http.cookie_jar.clear()
    await seen(house, "/", 401)
    status, words = await enters(house, "ana", PASSWORD)
    assert (status, "Ana Lima" in words) == (200, True)


async def test_a_link_works_once_and_whoever_only_looks_at_it_uses_nothing_up(house: House) -> None:
    path = await house.invited("ana")
    for method in ("HEAD", "OPTIONS", "GET"):
        async with house.http.request(method, house.url + path) as answer:
            assert answer.status in (200, 405)

    assert (await sets(house, path))[0] == 200
    for again in (await sets(house, path, OTHER), (await _status(house, path), "")):
        assert again[0] == 404
    assert (await enters(house, "ana", OTHER))[0] == 403


async def test_a_link_ends_by_time_by_a_newer_one_and_with_the_person(house: House) -> None:
    old, new = await house.invited("ana"), await house.invited("ana")
    gone = await house.invited("bo")
    assert [await _status(house, path) for path in (old, new, gone, "/enrol/" + "a" * 26)] == [404, 200, 200, 404]

    house.engine.catalog = replace(CATALOG, people={"ana": CATALOG.people["ana"]})
    house.clock.now += timedelta(minutes=59)
    assert [await _status(house, path) for path in (new, gone)] == [200, 404]
    house.clock.now += timedelta(minutes=1)
    assert (await sets(house, new))[0] == 404


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        pytest.param("short", "", "too short", id="short"),
        pytest.param("Ana-Lima-2026", "", "hardly more than your name", id="a name"),
        pytest.param("passwordpassword", "", "everybody tries first", id="common"),
        pytest.param(PASSWORD, OTHER, "The two are not the same", id="two of them"),
    ],
)
async def test_a_weak_password_is_refused_in_words_and_the_link_stays_good(
    house: House, password: str, again: str, words: str
) -> None:
    path = await house.invited("ana")

    status, told = await sets(house, path, password, again)

    assert (status, words in told) == (400, True)
    assert (await sets(house, path))[0] == 200


@covers("T24")
async def test_t24_no_password_is_kept_told_or_logged(house: House, tmp_path: Path) -> None:
    path = await house.invited("ana")
    with capture_logs() as logs:
        await sets(house, path)
        await enters(house, "ana", OTHER)
        await enters(house, "ana", PASSWORD)
    admin = {"Authorization": f"Bearer {await house.token('admin')}"}
    told = [str(await house.get(f"/api/v1/{place}", headers=admin)) for place in ("users", "audit", "status")]
    told += [str(logs), await seen(house, "/me")]

    await house.database.close()
    secrets = (PASSWORD, OTHER, path.rpartition("/")[2])
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("pager.db*"))
    assert [secret for secret in secrets if secret.encode() in kept or any(secret in text for text in told)] == []
    assert b"$argon2id$" in kept and not any("$argon2" in text for text in told)


@pytest.mark.parametrize(
    ("role", "status", "words"),
    [
        pytest.param("viewer", 403, "this is for the role responder", id="a viewer looks"),
        pytest.param("responder", 200, "You have it", id="a responder acts"),
        pytest.param("admin", 200, "You have it", id="an admin acts"),
    ],
)
@covers("T33")
async def test_t33_a_person_may_what_their_role_in_the_files_says(
    house: House, role: str, status: int, words: str
) -> None:
    code = await house.fires("CheckoutDown")
    person = CATALOG.people["ana"].model_copy(update={"role": role})
    house.engine.catalog = replace(CATALOG, people={**CATALOG.people, "ana": person})
    await house.has_password("ana")
    await enters(house, "ana", PASSWORD)

    key = key_in(await seen(house, "/me"))
    async with house.http.post(f"{house.url}/i/{code}", data={"form": key, "action": "ack"}) as answer:
        assert (answer.status, words in await answer.text()) == (status, True)
    assert await _status(house, "/audit") == (200 if role == "admin" else 403)


@covers("T4")
async def test_t4_whoever_leaves_the_files_is_signed_out_for_good(house: House) -> None:
    await house.has_password("ana")
    await enters(house, "ana", PASSWORD)
    assert await _status(house, "/") == 200

    house.engine.catalog = replace(CATALOG, people={"bo": CATALOG.people["bo"]})
    assert await _status(house, "/") == 401
    assert (await enters(house, "ana", PASSWORD))[0] == 403

    house.engine.catalog = CATALOG
    assert await _status(house, "/") == 401, "whoever has that name now is another browser"


@covers("T4")
async def test_t4_whoever_is_disabled_is_out_at_once_and_may_come_back(house: House) -> None:
    await house.has_password("ana")
    await enters(house, "ana", PASSWORD)
    link = await house.invited("ana")

    assert await house.accounts.disable("ana", "bo", house.clock.now) == (True, 1)

    assert await _status(house, "/") == 401
    assert (await enters(house, "ana", PASSWORD))[0] == 403
    assert await _status(house, link) == 404
    assert await house.accounts.enable("ana")
    assert (await enters(house, "ana", PASSWORD))[0] == 200


@covers("T4")
async def test_t4_a_new_password_signs_out_every_other_browser(house: House) -> None:
    await house.has_password("ana")
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as lost:
        assert (await enters(house, "ana", PASSWORD, lost))[0] == 200
        await enters(house, "ana", PASSWORD)

        wrong = await pressed(house, "/me", action="password", old=OTHER, password=OTHER, again=OTHER)
        weak = await pressed(house, "/me", action="password", old=PASSWORD, password="short", again="short")
        assert (wrong[0], weak[0], "Your old password is another one" in wrong[1]) == (403, 400, True)
        status, words = await pressed(house, "/me", action="password", old=PASSWORD, password=OTHER, again=OTHER)

        assert (status, "Your password is changed" in words) == (200, True)
        async with lost.get(house.url + "/") as answer:
            assert answer.status == 401
    assert (await enters(house, "ana", PASSWORD))[0] == 403
    assert (await enters(house, "ana", OTHER))[0] == 200


@covers("T4")
async def test_t4_signing_in_ends_the_session_that_the_browser_had(house: House) -> None:
    await house.has_password("ana")
    await enters(house, "ana", PASSWORD)
    before = {one.key: one.value for one in house.http.cookie_jar}

    await enters(house, "ana", PASSWORD)

    async with ClientSession(cookies=before) as old, old.get(house.url + "/") as answer:
        assert answer.status == 401
    assert "Sign all others out" not in await seen(house, "/me")


async def test_all_other_browsers_are_signed_out_at_once(house: House) -> None:
    await house.has_password("ana")
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
        await enters(house, "ana", PASSWORD, other)
        await enters(house, "ana", PASSWORD)
        html = await seen(house, "/me")
        assert "from 127.0.0.1" in html

        status, words = await pressed(house, "/me", action="others")

        assert (status, "All other browsers are signed out" in words) == (200, True)
        async with other.get(house.url + "/") as answer:
            assert answer.status == 401
    assert await _status(house, "/") == 200


@covers("T1")
async def test_t1_the_first_link_closes_the_doors(house: House) -> None:
    assert await _status(house, "/") == 200
    await house.invited("ana")

    assert await _status(house, "/") == 401
    for path in ("/api/v1/incidents", "/api/v1/users", "/api/v1/audit"):
        assert await _status(house, path) == 401
    status, _ = await house.post("/webhook/alertmanager", {"alerts": []})
    assert status == 401


# Guessers.


@covers("T3")
async def test_t3_hundreds_of_wrong_passwords_slow_the_guesser_and_not_the_responder(house: House) -> None:
    code = await house.fires("CheckoutDown")
    link = await house.link("ana")
    await house.has_password("ana")
    told = []
    for guess in range(300):
        data = {"name": "ana", "password": f"a wrong guess, number {guess}"}
        async with house.http.post(f"{house.url}/login", data=data) as answer:
            told.append(answer.status)

    assert told[: FREE_TRIES + 1] == [403] * FREE_TRIES + [429]
    assert set(told[FREE_TRIES:]) <= {403, 429}
    assert told.count(403) < FREE_TRIES + 10
    status, words = await enters(house, "ana", PASSWORD)
    assert (status, "Too many wrong passwords; wait" in words) == (429, True), "a guess that is right tells nothing"
    # The responder's own address is another one.
    connector, jar = TCPConnector(local_addr=("127.0.0.2", 0)), CookieJar(unsafe=True)
    async with ClientSession(connector=connector, cookie_jar=jar) as responder:
        assert (await enters(house, "ana", PASSWORD, responder))[0] == 200
    # From the guesser's address others come in, and pages are answered.
    await house.has_password("bo")
    assert (await enters(house, "bo", PASSWORD))[0] == 200
    async with house.http.post(house.url + link, data={"action": "ack"}) as answer:
        assert (answer.status, code in await answer.text()) == (200, True)


async def test_a_name_that_nobody_has_is_answered_as_a_wrong_password(house: House) -> None:
    await house.has_password("ana")
    wrong = [await enters(house, name, OTHER) for name in ("ana", "eve", "bo", "ANA")]

    assert wrong == [wrong[0]] * 4
    assert (wrong[0][0], "Name or password is wrong" in wrong[0][1]) == (403, True)


def test_each_wrong_password_makes_the_next_wait_longer_and_a_right_one_ends_that() -> None:
    now = [0.0]
    backoff = Backoff(3, lambda: now[0])
    waits = []
    for _ in range(1000):
        backoff.wrong("ana", "10.0.0.7")
        waits.append(backoff.wait("ana", "10.0.0.7"))
        now[0] += waits[-1]

    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, *[300] * 989], "a thousand tries take three days"
    backoff.wrong("ana", "10.0.0.7")
    assert [backoff.wait(*key) for key in (("ana", "10.0.0.8"), ("bo", "10.0.0.7"))] == [0, 0]
    backoff.right("ana", "10.0.0.7")
    assert backoff.wait("ana", "10.0.0.7") == 0


def test_guessers_are_forgotten_and_never_too_many() -> None:
    now = [0.0]
    backoff = Backoff(1, lambda: now[0], most=MOST)
    for guess in range(MOST + 5):
        backoff.wrong(f"name {guess}", "2001:db8::1")
    assert len(backoff) == MOST
    assert backoff.wait(f"name {MOST}", "2001:db8::ffff") == 1, "a /64 is one"
    now[0] = 3600.0
    backoff.wrong(f"name {MOST}", "2001:db8::1")
    assert backoff.wait(f"name {MOST}", "2001:db8::1") == 1


async def test_passwords_are_worked_beside_the_loop_a_few_at_a_time() -> None:
    passwords = Passwords()
    try:
        assert await passwords._beside(threading.get_ident) != threading.get_ident()
        passwords._in_lane["10.0.0.7"] = MOST_OF_ONE
        with pytest.raises(TooMany):
            await passwords.fits("", PASSWORD, "10.0.0.7")
        assert not await passwords.fits("", PASSWORD, "10.0.0.8")
        passwords._waiting = MOST_WAIT
        with pytest.raises(TooMany):
            await passwords.make(PASSWORD)
    finally:
        passwords.close()


async def test_what_is_no_hash_fits_nothing() -> None:
    passwords = Passwords()
    try:
        kept = await passwords.make("caf\u00e9 au lait, please")
        assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert await passwords.fits(kept, "cafe\u0301 au lait, please")
        assert not await passwords.fits("nonsense", "nonsense")
        assert not passwords.is_old(kept)
    finally:
        passwords.close()


async def _status(house: House, path: str) -> int:
    async with house.http.get(house.url + path) as answer:
        return answer.status
