"""`pagerctl page` and `pagerctl contacts` against a real pagerd."""

from tests.cli.house import House
from tests.support import covers


@covers("R27")
def test_a_person_is_paged_by_hand(house: House) -> None:
    ran = house.pagerctl("page", "bo", "need you here", "--by", "ana")

    assert (ran.code, ran.out) == (0, "bo is paged: need you here\n"), ran.err


def test_a_test_page_without_an_answer_says_so(house: House) -> None:
    ran = house.pagerctl("page", "test", "bo", "--wait", "3", "--by", "ana")

    assert ran.code == 5, ran.err
    row = ran.out.splitlines()[1].split()
    assert (row[0], row[2], row[-1]) == ("push", "s", "no")


def test_contacts_says_how_to_prove_them(house: House) -> None:
    ran = house.pagerctl("contacts", "--unproven")

    assert "never -> pagerctl page test ana" in ran.out
    assert {one["proven"] for one in house.pagerctl("contacts", "-o", "json").json["contacts"]} == {False}
