"""Which passwords people may choose: long ones, that neither everybody nor whoever knows them would try."""

import pytest

from pager.core.password import LONGEST, WeakPassword, check_password, normal
from pager.core.people import Person, known_as

PEOPLE = {
    "ana": Person(name="Ana Lima", login="ana.lima@example.org"),
    "bo": Person(),
    "chi": Person(login="BO"),
    "dee": Person(login="dee@example.org"),
}


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("blue kettle on the 9th", id="a few words"),
        pytest.param("ana climbs seven hills", id="a name, and enough beside it"),
        pytest.param("correct-horse-of-ours", id="hardly the famous one"),
        pytest.param("пароль из четырёх слов", id="in any script"),
        pytest.param("x" * 4 + "qmzp" * 63, id="as long as may be"),
        pytest.param("            a b c d e", id="spaces count"),
    ],
)
def test_a_password_that_may_be(password: str) -> None:
    check_password(password, "ana", "Ana Lima")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        pytest.param("", "too short", id="none"),
        pytest.param("kettle 9th!", "too short", id="eleven characters"),
        pytest.param("qmzp" * (LONGEST // 4) + "x", "too long", id="longer than anybody types"),
        pytest.param("aaaaaaaaaaaaaaaa", "too simple", id="one letter"),
        pytest.param("abcabcabcabcabc", "too simple", id="three letters"),
        pytest.param("123456789012", "everybody tries", id="digits in a row"),
        pytest.param("Passwordpassword", "everybody tries", id="twice the word"),
        pytest.param("Password2024!!", "everybody tries", id="the word with a year"),
        pytest.param("!!! LetMeIn 2026", "everybody tries", id="with marks before it"),
        pytest.param("correct horse battery staple", "everybody tries", id="the famous one"),
        pytest.param("qwertyuiopas", "everybody tries", id="along the keyboard"),
        pytest.param("AnaLima-2026", "your name", id="their name with a year"),
        pytest.param("ana.lima.ana.lima", "your name", id="their name, twice"),
        pytest.param("ＰＡＳＳＷＯＲＤ１２３４", "everybody tries", id="in wide letters"),
    ],
)
def test_a_password_that_others_would_guess(password: str, why: str) -> None:
    with pytest.raises(WeakPassword, match=why) as told:
        check_password(password, "ana", "Ana Lima")
    assert not password or password not in str(told.value)


def test_the_same_letters_are_the_same_password_however_they_were_typed() -> None:
    assert normal("caf\u00e9") == normal("cafe\u0301")


@pytest.mark.parametrize(
    ("said", "person"),
    [
        pytest.param("ana.lima@example.org", "ana", id="by their login"),
        pytest.param(" Ana.Lima@Example.ORG ", "ana", id="whatever the capitals"),
        pytest.param("ana", None, id="not by the key, where there is a login"),
        pytest.param("dee@example.org", "dee", id="another"),
        pytest.param("bo", None, id="one's key and another's login: nobody"),
        pytest.param("eve@example.org", None, id="a stranger"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_whom_a_provider_means(said: str, person: str | None) -> None:
    assert known_as(PEOPLE, said) == person
