"""Sign-in at a provider: whom it names comes in, and whatever proves nothing does not."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from msgspec.structs import replace

from pager.core import signing
from pager.oidc import ASKED_AGAIN
from tests.api.house import CATALOG, NOON, House, opened
from tests.api.test_link import words_of
from tests.support import covers
from tests.web import op
from tests.web.op import CLIENT, SECRET
from tests.web.test_pages import seen

PEOPLE = {**CATALOG.people, "ana": CATALOG.people["ana"].model_copy(update={"login": "ana@example.org"})}
OTHER = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})


@dataclass
class Street:
    """A pager, and the provider that its people sign in at."""

    house: House
    op: op.Provider

    async def leaves(self, path: str = "/login/to?next=/oncall") -> str:
        """Where pager sends the browser."""
        async with self.house.http.get(self.house.url + path, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def signed(self) -> str:
        """Where the provider sends it back to, as the browser reaches that here."""
        async with self.house.http.get(await self.leaves(), allow_redirects=False) as answer:
            place = answer.headers["Location"]
        assert place.startswith("https://pager.example.org/login/back?")
        return place.removeprefix("https://pager.example.org")

    async def back(self, path: str, http: ClientSession | None = None) -> tuple[int, str]:
        """Status, and the words or where it leads."""
        async with (http or self.house.http).get(self.house.url + path, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or words_of(await answer.text())


@asynccontextmanager
async def built(folder: Path, **more: Any) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(op.running(op.Provider(NOON.timestamp())))
        named = signing.Provider(provider.url, CLIENT, SECRET, **{"name": "Example ID", **more})
        catalog = replace(CATALOG, people=PEOPLE)
        house = await stack.enter_async_context(opened(folder, catalog, signing=signing.Signing(provider=named)))
        house.http = await stack.enter_async_context(ClientSession(cookie_jar=CookieJar(unsafe=True)))
        yield Street(house, provider)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with built(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    """One for all rows of a table."""
    async with built(tmp_path_factory.mktemp("shared")) as made:
        yield made


async def test_whom_the_provider_names_comes_in_and_goes_on(street: Street) -> None:
    await street.house.has_password("bo")
    for html in (await seen(street.house, "/", 401), await seen(street.house, "/login")):
        assert "Sign in with Example ID" in html and 'autocomplete="current-password"' in html

    assert await street.back(await street.signed()) == (303, "/oncall")

    assert "Signed in as <b>ana</b> by your provider" in await seen(street.house, "/me")
    assert [one.key for one in street.house.http.cookie_jar] == ["pager_session"]
    entry = (await admins(street, "/api/v1/audit"))["audit"][0]
    assert [entry[name] for name in ("who", "via", "act", "object")] == ["ana", "oidc", "sign in", "user ana"]


async def test_a_question_holds_what_it_must_and_no_two_are_alike(street: Street) -> None:
    one, two = [parse_qs(urlsplit(await street.leaves()).query) for _ in range(2)]

    assert one["code_challenge_method"] == ["S256"] and one["redirect_uri"] == ["https://pager.example.org/login/back"]
    fresh = ("state", "nonce", "code_challenge")
    assert all(one[name] != two[name] and len(one[name][0]) >= 32 for name in fresh)


@covers("T4")
async def test_t4_what_is_repeated_opens_nothing(street: Street) -> None:
    back = await street.signed()
    asked, kept = dict(street.op.codes), {one.key: one.value for one in street.house.http.cookie_jar}
    assert (await street.back(back))[0] == 303

    async with ClientSession(cookie_jar=CookieJar(unsafe=True), cookies=kept) as again:
        status, words = await street.back(back, again)
        assert (status, "was used, or is too old" in words) == (403, True)
        # If the provider took a code twice, the state would still count once.
        street.op.codes |= asked
        status, words = await street.back(back, again)
        assert (status, "That sign-in is over" in words) == (403, True)


@covers("T4", "T5")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda back: back.replace("state=", "state=x"), id="another state"),
        pytest.param(lambda back: back.partition("&state=")[0], id="no state"),
        pytest.param(lambda back: back.replace("iss=", "iss=https%3A%2F%2Fevil."), id="another issuer"),
    ],
)
async def test_t5_who_did_not_begin_it_does_not_end_it(street: Street, spoil: Callable[[str], str]) -> None:
    back = await street.signed()

    status, words = await street.back(spoil(back))

    assert (status, "begun in another browser" in words, "token" in street.op.asked) == (403, True, False)


@covers("T5")
async def test_t5_a_link_to_somebody_elses_sign_in_opens_no_session(street: Street) -> None:
    back = await street.signed()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as victim:
        assert (await street.back(back, victim))[0] == 403
        assert [one.key for one in victim.cookie_jar] == []


async def test_a_sign_in_waits_for_ten_minutes(street: Street) -> None:
    back = await street.signed()
    street.house.clock.now = NOON.replace(minute=11)

    assert (await street.back(back))[0] == 403


EVIL: dict[str, Any] = {"iss": "https://evil.example.org"}


@covers("T4")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("claims", "words"),
    [
        pytest.param({"nonce": "of another"}, "answers another question", id="another nonce"),
        pytest.param({"nonce": None}, "answers another question", id="no nonce"),
        pytest.param({"aud": "another"}, "for another audience", id="for another client"),
        pytest.param({"aud": None}, "for another audience", id="for nobody"),
        pytest.param({"aud": ["pager", "another"]}, "for another party", id="for two, and nobody says for which"),
        pytest.param({"aud": ["pager", "another"], "azp": "another"}, "for another party", id="for the other of two"),
        pytest.param({"azp": "another"}, "for another party", id="given to another"),
        pytest.param(EVIL, "of another issuer", id="of another issuer"),
        pytest.param({"exp": NOON.timestamp() - 61}, "has expired", id="expired"),
        pytest.param({"exp": None}, "has expired", id="never expires"),
        pytest.param({"exp": "tomorrow"}, "has expired", id="expires on some day"),
        pytest.param({"iat": NOON.timestamp() + 61}, "of the future", id="made tomorrow"),
        pytest.param({"nbf": NOON.timestamp() + 61}, "counts from later on", id="for tomorrow"),
        pytest.param({"sub": None}, "names nobody", id="of nobody"),
        pytest.param({"email": "eve@example.org"}, "nobody of the files", id="of a stranger"),
        pytest.param({"email": "<img src=x>"}, "says that you are '<img src=x>'", id="of a strange stranger"),
        pytest.param({"email_verified": False}, "has not verified your email", id="an email that anybody may write"),
        pytest.param({"email_verified": None}, "has not verified your email", id="an email that nobody verified"),
        pytest.param({"email": ["ana@example.org"]}, "does not say your email", id="an email that is none"),
    ],
)
async def test_t4_a_word_that_proves_nothing_opens_nothing(shared: Street, claims: dict[str, Any], words: str) -> None:
    shared.op.claims, shared.op.forged = claims, ""

    status, told = await shared.back(await shared.signed())

    assert (status, words in told) == (403, True), told
    assert "pager_session" not in {one.key for one in shared.house.http.cookie_jar}


async def test_for_two_and_said_for_which_is_right(street: Street) -> None:
    street.op.claims = {"aud": ["another", "pager"], "azp": "pager"}

    assert (await street.back(await street.signed()))[0] == 303


def unsigned(provider: op.Provider, claims: dict[str, Any]) -> str:
    body = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.key).split(".")[1]
    head = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return f"{head}.{body}."


def by_the_client_secret(provider: op.Provider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256", "kid": "x"}, claims, OctKey.import_key(b"secret" * 6), algorithms=["HS256"])


def by_the_public_key(provider: op.Provider, claims: dict[str, Any]) -> str:
    public = OctKey.import_key(str(provider.key.as_dict(private=False)["x"]) * 2)
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, public, algorithms=["HS256"])


def by_another_key(provider: op.Provider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, OTHER)


def by_its_own_key(provider: op.Provider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "jwk": OTHER.as_dict(private=False)}, claims, OTHER)


def altered(provider: op.Provider, claims: dict[str, Any]) -> str:
    head, body, sign = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.key).split(".")
    return f"{head}.{body[:-4]}AAAA.{sign}"


@covers("T4")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "forge",
    [unsigned, by_the_client_secret, by_the_public_key, by_another_key, by_its_own_key, altered],
    ids=lambda forge: forge.__name__.replace("_", " "),
)
async def test_t4_a_forged_word_opens_nothing(shared: Street, forge: Callable[..., str]) -> None:
    back = await shared.signed()
    nonce = list(shared.op.codes.values())[-1]["nonce"]
    claims = {"iss": shared.op.url, "aud": CLIENT, "sub": "1", "nonce": nonce, "iat": NOON.timestamp()}
    claims |= {"exp": NOON.timestamp() + 300, "email": "ana@example.org", "email_verified": True}
    shared.op.forged = forge(shared.op, claims)

    status, told = await shared.back(back)

    assert (status, "signed by no key of the provider" in told) == (403, True), told


async def test_another_key_of_the_provider_is_asked_for_but_not_at_every_word(street: Street) -> None:
    assert (await street.back(await street.signed()))[0] == 303
    street.op.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    street.op.alg = "RS256"

    assert (await street.back(await street.signed()))[0] == 403, "keys are asked for every half minute at most"
    street.house.oidc._keys_at -= ASKED_AGAIN
    assert (await street.back(await street.signed()))[0] == 303
    assert street.op.asked.count("keys") == 2 and street.op.asked.count("discovery") == 1


@pytest.mark.parametrize(
    ("sub", "status", "words"),
    [pytest.param("4711", 303, "/oncall", id="of the same"), pytest.param("1", 403, "somebody else", id="of another")],
)
async def test_what_the_word_leaves_out_is_asked_for(street: Street, sub: str, status: int, words: str) -> None:
    street.op.claims = {"email": None, "email_verified": None}
    street.op.userinfo = {"sub": sub, "email": "ana@example.org", "email_verified": True}

    got, told = await street.back(await street.signed())

    assert (got, words in told) == (status, True), told


async def test_another_claim_may_name_people(tmp_path: Path) -> None:
    async with built(tmp_path, claim="preferred_username") as street:
        street.op.claims = {"preferred_username": "bo", "email_verified": False}

        assert (await street.back(await street.signed()))[0] == 303
        assert "Bo Berg" in await seen(street.house, "/me")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(500, {}, id="it fails"),
        pytest.param(302, {}, id="it leads elsewhere"),
        pytest.param(200, {"issuer": "https://evil.example.org"}, id="it is another"),
        pytest.param(200, {"token_endpoint": "http://10.0.0.7/token"}, id="it wants the secret in the clear"),
        pytest.param(200, {"jwks_uri": "file:///etc/passwd"}, id="its keys are a file"),
        pytest.param(200, {"authorization_endpoint": None}, id="it has no door"),
    ],
)
@covers("T9")
async def test_t9_a_provider_that_does_not_work_is_said_so(street: Street, status: int, says: dict[str, Any]) -> None:
    street.op.status, street.op.says = status, says

    got, words = await street.back("/login/to")

    assert (got, "Example ID cannot be asked now" in words, "Your token" in words) == (502, True, True)


async def test_what_the_provider_refuses_is_told_in_its_words(street: Street) -> None:
    state = parse_first(await street.leaves())["state"]

    status, words = await street.back(f"/login/back?state={state}&error=access_denied%0A%3Cb%3E")

    assert (status, "Example ID says no: access_denied <b>." in words) == (403, True)


async def test_whoever_is_kept_out_is_kept_out_here_too(street: Street) -> None:
    await street.house.accounts.disable("ana", "chi", street.house.clock.now)

    assert (await street.back(await street.signed()))[0] == 403


async def test_with_a_provider_the_doors_are_closed_from_the_first_start(street: Street, tmp_path: Path) -> None:
    async with street.house.http.get(f"{street.house.url}/api/v1/incidents") as answer:
        assert answer.status == 401
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as other:
        async with other.http.get(f"{other.url}/login/to") as answer:
            assert answer.status == 404


def parse_first(place: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}


async def admins(street: Street, path: str) -> Any:
    token = await street.house.token("admin")
    return await street.house.get(path, headers={"Authorization": f"Bearer {token}"})
