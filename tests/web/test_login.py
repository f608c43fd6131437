"""Who are you: a token shown once opens a session, and nothing else does; guessers wait, and others do not."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from aiohttp import ClientSession, CookieJar

from pager.store import sessions, tokens
from pager.store.sessions import IDLE, LASTS
from pager.web.login import safe
from tests.api.house import NOON, House, bearer
from tests.api.test_link import words_of
from tests.support import covers
from tests.web.test_pages import key_in, pressed, seen


async def enters(house: House, token: str, goes_to: str = "/", **headers: str) -> tuple[int, str]:
    """Status and words after somebody entered a token."""
    fields = {"token": token, "next": goes_to}
    async with house.http.post(f"{house.url}/login", data=fields, headers=headers) as answer:
        return answer.status, words_of(await answer.text())


def cookies(house: House) -> dict[str, str]:
    return {one.key: one.value for one in house.http.cookie_jar}


async def test_whoever_has_no_session_is_asked_for_a_token_and_led_on(house: House) -> None:
    code = await house.fires("CheckoutDown")
    token = await house.token("respond", "ana")

    html = await seen(house, f"/i/{code}?x=1", 401)
    assert f'name="next" value="/i/{code}?x=1"' in html
    assert "CheckoutDown" not in html

    async with house.http.post(f"{house.url}/login", data={"token": f" {token} ", "next": f"/i/{code}"}) as answer:
        assert (answer.status, answer.url.path) == (200, f"/i/{code}")
    status, words = await pressed(house, f"/i/{code}", action="ack")
    assert (status, "You have it, since 12:00 WET" in words) == (200, True)


@covers("T4")
async def test_t4_a_session_is_a_cookie_that_no_script_and_no_other_site_has(house: House) -> None:
    token = await house.token("read")
    for host, name, secure in (("", "pager_session", ""), ("pager.example.org", "__Host-pager_session", True)):
        headers = {"Host": host} if host else {}
        async with house.http.post(
            f"{house.url}/login", data={"token": token}, headers=headers, allow_redirects=False
        ) as answer:
            (made,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert (made.key, made["httponly"], made["samesite"], made["secure"]) == (name, True, "Lax", secure)
        assert (made["path"], made["domain"]) == ("/", "")
        assert [one.hash for one in await listed(house, token)].count(tokens.hash_of(made.value)) == 1


@covers("T4")
async def test_t4_signing_in_is_a_new_session_whatever_was_shown_before(house: House) -> None:
    token = await house.token("read")
    house.http.cookie_jar.update_cookies({"pager_session": "pgs_aaaaaaaa_" + "b" * 26})

    await enters(house, token)
    first = cookies(house)["pager_session"]
    await enters(house, token)

    assert cookies(house)["pager_session"] not in (first, "pgs_aaaaaaaa_" + "b" * 26)


@covers("T4")
@pytest.mark.parametrize(
    ("passes", "status"),
    [
        pytest.param([IDLE - timedelta(seconds=1)] * 2, 200, id="it is used every half day"),
        pytest.param([IDLE], 401, id="nobody came by for half a day"),
        pytest.param([timedelta(hours=11)] * int(LASTS / timedelta(hours=11) + 1), 401, id="a week is over"),
    ],
)
async def test_t4_a_session_ends_by_itself(house: House, passes: list[timedelta], status: int) -> None:
    await enters(house, await house.token("read"))

    got = 0
    for length in passes:
        house.clock.now += length
        async with house.http.get(f"{house.url}/oncall") as answer:
            got = answer.status
        await house.database.write(lambda tx: None)  # Behind the note that it was used.

    assert got == status


@covers("T4")
async def test_t4_a_browser_is_signed_out_from_another(house: House) -> None:
    token = await house.token("respond", "ana")
    await enters(house, token, **{"User-Agent": "Phone <b>"})
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
        async with other.post(f"{house.url}/login", data={"token": token}, headers={"User-Agent": "Desk"}) as answer:
            assert answer.status == 200
        html = await seen(house, "/me")
        assert "Ana Lima" in html and "This browser" in html and "Desk" in html
        (session,) = [one for one in await listed(house, token) if one.agent == "Desk"]

        status, words = await pressed(house, "/me", action="end", id=session.id)

        assert (status, "signed out" in words) == (200, True)
        async with other.get(house.url + "/") as answer:
            assert answer.status == 401
    status, _ = await pressed(house, "/me", action="leave")
    assert (status, "pager_session" in cookies(house)) == (200, False)
    assert await listed(house, token) == []


async def test_nobody_ends_the_session_of_another_token(house: House) -> None:
    mine, theirs = await house.token("admin", "ana"), await house.token("read", "bo")
    await enters(house, theirs)
    (session,) = await listed(house, theirs)
    house.http.cookie_jar.clear()
    await enters(house, mine)

    await pressed(house, "/me", action="end", id=session.id)

    assert await listed(house, theirs) == [session]


async def test_a_session_may_what_its_token_may_and_ends_with_it(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await enters(house, await house.token("read", "ana"))
    html = await seen(house, "/me")

    for path, fields in ((f"/i/{code}", {"action": "ack"}), ("/oncall/payments", {"from": "now", "to": "+2h"})):
        async with house.http.post(house.url + path, data={"form": key_in(html), **fields}) as answer:
            assert answer.status == 403
    await house.database.write(lambda tx: tokens.revoke(tx, "ana"))
    house.keyring.changed()
    await house.token("read", "bo")
    await seen(house, "/", 401)


async def test_a_session_opens_pages_and_no_api(house: House) -> None:
    token = await house.token("admin", "ana")
    await enters(house, token)

    for path in ("/api/v1/incidents", "/api/v1/tokens", "/api/v1/alerts"):
        async with house.http.get(house.url + path) as answer:
            assert answer.status == 401
    async with house.http.get(f"{house.url}/api/v1/incidents", headers=bearer(token)) as answer:
        assert answer.status == 200


@covers("T5")
async def test_t5_the_form_of_one_session_is_none_of_another(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await enters(house, await house.token("respond", "bo"))
    theirs = key_in(await seen(house, f"/i/{code}"))
    house.http.cookie_jar.clear()
    await enters(house, await house.token("respond", "ana"))

    for fields, headers, status in (
        ({"form": theirs}, {}, 400),
        ({}, {}, 400),
        ({"form": key_in(await seen(house, f"/i/{code}"))}, {"Origin": "https://evil.example.org"}, 403),
    ):
        async with house.http.post(
            f"{house.url}/i/{code}", data={"action": "ack", **fields}, headers=headers
        ) as answer:
            assert answer.status == status
    async with house.http.get(f"{house.url}/i/{code}") as answer:
        assert "Nobody has it yet" in await answer.text()


@pytest.mark.parametrize(
    ("scope", "lasts", "status", "words"),
    [
        pytest.param("wrong", None, 403, "no token of this pager", id="wrong"),
        pytest.param("", None, 400, "paste your token", id="none"),
        pytest.param("read", timedelta(), 403, "has expired", id="expired"),
        pytest.param("ingest", None, 403, "is for senders", id="of a sender"),
    ],
)
async def test_what_opens_no_session_is_refused_in_words(
    house: House, scope: str, lasts: timedelta | None, status: int, words: str
) -> None:
    await house.token("admin")
    token = "pgr_nonsense" if scope == "wrong" else await house.token(scope, "one", lasts) if scope else ""

    got, told = await enters(house, token)

    assert (got, words in told, "pager_session" in cookies(house)) == (status, True, False)


@covers("T2")
async def test_hundreds_of_wrong_tokens_slow_the_guesser_and_nobody_else(house: House) -> None:
    token = await house.token("respond", "ana")
    told = [await enters(house, f"pgr_aaaaaaaa_{guess:026}") for guess in range(200)]

    assert [status for status, _ in told[:11]] == [403] * 10 + [429]
    assert {status for status, _ in told[11:]} == {429}
    assert "Too many wrong tokens; wait 300 s." in told[-1][1]
    assert (await enters(house, token))[0] == 200


async def test_without_tokens_it_says_how_to_make_one(house: House) -> None:
    assert "pagerctl token create" in await seen(house, "/login")
    assert (await enters(house, "anything"))[0] == 400
    assert "everybody on this machine" in await seen(house, "/me")


async def test_whoever_has_a_token_of_no_person_chooses_who_they_are(house: House) -> None:
    await enters(house, await house.token("respond", "ops-team"))

    status, words = await pressed(house, "/me", action="be", person="bo")

    assert (status, "Bo Berg" in words, "payments Mon 23 Feb 10:00 CET" in words) == (200, True, True)
    assert (await pressed(house, "/me", action="be", person="eve"))[0] == 200
    assert cookies(house)["pager_by"] == "bo"


@covers("T30")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/i/7KQ?done=note", "/i/7KQ?done=note"),
        ("//evil.example.org", "/"),
        ("/\\evil.example.org", "/"),
        ("https://evil.example.org", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/\t/evil.example.org", "/"),
        ("", "/"),
        ("/login?next=/login", "/"),
    ],
)
def test_t30_whoever_signs_in_stays_here(path: str, expected: str) -> None:
    assert safe(path) == expected


async def listed(house: House, token: str) -> list[sessions.Session]:
    return await house.database.read(lambda tx: sessions.of_token(tx, tokens.id_in(token)))


def test_a_session_that_is_used_lives_for_a_week() -> None:
    session = sessions.Session("a", "b", "c", "d", NOON, NOON + LASTS - timedelta(hours=1))

    assert not session.has_ended(NOON + LASTS - timedelta(seconds=1))
    assert session.has_ended(NOON + LASTS)
