"""Merging (lifecycle rule 27) as scripts and people do it: the API, the page of an incident, the links of its pages."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.house import House
from tests.api.test_link import pressed as pressed_link
from tests.api.test_link import shown
from tests.support import covers
from tests.web.test_pages import pressed, seen


async def two_of(house: House) -> tuple[str, str]:
    """The codes of two incidents, the older first."""
    return await house.fires("CheckoutDown"), await house.fires("CheckoutSlow")


async def stands(house: House, code: str) -> Any:
    return await house.get(f"/api/v1/incidents/{code}")


@pytest.mark.parametrize("names", ["the younger first", "the older first"])
@covers("R27")
async def test_two_are_one_by_the_api_whoever_is_named_first(house: House, names: str) -> None:
    older, younger = await two_of(house)
    one, other = (younger, older) if names == "the younger first" else (older, younger)

    for _ in range(2):
        status, whole = await house.post(f"/api/v1/incidents/{one}/merge", {"by": "chi", "into": other.lower()})
        assert (status, whole["code"], whole["merged"], whole["firing"]) == (200, older, [younger], 2)

    gone = await stands(house, younger)
    assert (gone["state"], gone["merged_into"], gone["resolved_by"]) == ("resolved", older, "chi")


@pytest.mark.parametrize(
    ("into", "status", "said"),
    [
        pytest.param("", 400, "write the code", id="no code"),
        pytest.param("0!", 400, "write the code", id="what is no code"),
        pytest.param("ZZZ", 404, "no incident", id="a code of nothing"),
        pytest.param("{itself}", 409, "into itself", id="itself"),
        pytest.param("{over}", 409, "is resolved", id="what is over"),
    ],
)
@covers("R27")
async def test_what_cannot_be_merged_is_told_at_its_place(house: House, into: str, status: int, said: str) -> None:
    itself, over = await two_of(house)
    await house.post(f"/api/v1/incidents/{over}/resolve", {"by": "ana"})

    body = {"by": "chi", "into": into.format(itself=itself, over=over)}
    answered, problem = await house.post(f"/api/v1/incidents/{itself}/merge", body)

    assert (answered, said in problem["detail"]) == (status, True)
    assert (await stands(house, itself))["merged"] == []


@covers("R27")
async def test_an_ack_of_what_was_merged_is_one_of_the_whole_and_its_end_ends_nothing(house: House) -> None:
    older, younger = await two_of(house)
    await house.post(f"/api/v1/incidents/{younger}/merge", {"by": "chi", "into": older})

    _, acked = await house.post(f"/api/v1/incidents/{younger}/ack", {"by": "bo"})
    _, ended = await house.post(f"/api/v1/incidents/{younger}/resolve", {"by": "bo"})
    seen_before, _ = await house.post(f"/api/v1/incidents/{younger}/ack", {"by": "bo", "version": 1})

    assert (acked["code"], acked["state"], acked["acked_by"]) == (older, "acknowledged", "bo")
    assert (ended["code"], ended["merged_into"], (await stands(house, older))["state"]) == (
        younger,
        older,
        "acknowledged",
    )
    assert seen_before == 409


@covers("R27")
async def test_the_link_of_a_page_about_the_merged_one_shows_and_acts_on_the_whole(house: House) -> None:
    older, younger = await two_of(house)
    link = await house.link("bo", 2)
    await house.post(f"/api/v1/incidents/{younger}/merge", {"by": "chi", "into": older})

    house.clock.now += timedelta(hours=25)  # The link ends with the whole, and not with what was merged.
    words = await shown(house, link)
    assert f"{older} " in words
    assert f"Your link was about {younger}, which was merged into this one." in words

    status, words = await pressed_link(house, link, action="resolve")
    assert (status, "Read it, then press again" in words) == (409, True), "the page was older than the merge"
    status, _ = await pressed_link(house, link, action="ack")
    assert (status, (await stands(house, older))["acked_by"]) == (200, "bo")
    status, _ = await pressed_link(house, link, action="resolve", of=older)
    assert (status, (await stands(house, older))["state"]) == (200, "resolved")


@covers("R27")
async def test_two_are_one_by_a_form_without_scripts(house: House) -> None:
    older, younger = await two_of(house)
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})
    assert f'<option value="{older}">' in await seen(house, f"/i/{younger}")

    status, words = await pressed(house, f"/i/{younger}", action="merge", into=older.lower())

    assert (status, "Merged: this one has the alerts of both." in words, f"{older} " in words) == (200, True, True)
    assert f"Merged {younger}" in words
    gone = await seen(house, f"/i/{younger}")
    assert (f"Merged into {older} by Bo Berg" in gone, f'href="/i/{older}"' in gone) == (True, True)


@pytest.mark.parametrize("into", ["", "ZZZ", "nothing"])
@covers("R27")
async def test_a_code_of_nothing_is_said_on_the_page(house: House, into: str) -> None:
    _, younger = await two_of(house)
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})

    status, words = await pressed(house, f"/i/{younger}", action="merge", into=into)

    assert (status, "Write the code of the incident that it is one with" in words) == (400, True)


@covers("R27")
async def test_an_incident_is_handed_over_by_a_form(house: House) -> None:
    code = await house.fires("CheckoutDown")
    house.http.cookie_jar.update_cookies({"pager_by": "ana"})

    status, words = await pressed(house, f"/i/{code}", action="reassign", to="bo")
    assert (status, "Bo Berg has it" in words, (await stands(house, code))["acked_by"]) == (200, True, "bo")

    status, words = await pressed(house, f"/i/{code}", action="reassign", to="zoe")
    assert (status, "Choose who has it from now on." in words) == (400, True)


@covers("R27")
async def test_somebody_is_paged_by_a_form_and_the_incident_notes_it(house: House) -> None:
    code = await house.fires("CheckoutDown")
    house.http.cookie_jar.update_cookies({"pager_by": "ana"})

    status, words = await pressed(house, f"/i/{code}", action="page", to="bo", text="need you")
    assert (status, f"paged bo: need you ({code})" in words) == (200, True)
    for fields in ({"to": "zoe", "text": "help"}, {"to": "bo", "text": " "}, {"to": "bo", "text": "x" * 401}):
        assert (await pressed(house, f"/i/{code}", action="page", **fields))[0] == 400


@covers("R27")
async def test_a_page_by_hand_that_names_the_merged_one_is_noted_in_the_whole(house: House) -> None:
    older, younger = await two_of(house)
    await house.post(f"/api/v1/incidents/{younger}/merge", {"by": "chi", "into": older})

    status, _ = await house.post("/api/v1/people/bo/page", {"by": "ana", "text": f"need you on {younger}"})

    said = (await house.get(f"/api/v1/incidents/{older}/timeline"))["timeline"]
    assert (status, said[-1]["text"]) == (202, f"paged bo: need you on {younger}")
