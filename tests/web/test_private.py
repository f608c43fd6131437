"""Private incidents on the pages: declared, made private and public again, and merged, by forms."""

from tests.api.house import House
from tests.web.test_pages import pressed, seen


async def test_one_is_declared_private_and_shown_to_all_again(house: House) -> None:
    form = {"title": "payroll leak", "severity": "SEV-2", "by": "ana", "private": "yes", "named": "chi, team:payments"}
    status, words = await pressed(house, "/declare", **form)

    code = (await house.get("/api/v1/incidents"))["incidents"][0]["code"]
    assert (status, "Private Seen by Ana Lima, Chi Chan, team payments, those who are paged" in words) == (200, True)
    assert f'<b class="code">{code}</b> <span>private</span>' in await seen(house, "/")
    # On the wall it is a line, whoever sits before it.
    wall = await seen(house, "/wall")
    assert ("Private incident" in wall, "payroll" in wall) == (True, False)

    status, words = await pressed(house, f"/i/{code}", action="public")
    assert (status, "It is public" in words, "Seen by" in words) == (200, True, False)
    assert "payroll leak" in await seen(house, "/wall")


async def test_who_else_sees_it_is_somebody_of_the_files(house: House) -> None:
    code = await house.fires("CheckoutDown")

    for named, said in (("zoe", "nobody of the files is called"), ("payments", "write team:payments")):
        status, words = await pressed(house, f"/i/{code}", action="private", by="ana", named=named)
        assert (status, said in words) == (400, True)
    status, words = await pressed(house, f"/i/{code}", action="private", by="ana", named="bo")
    assert (status, "Seen by Ana Lima, Bo Berg, those who are paged" in words) == (200, True)
    status, words = await pressed(house, f"/i/{code}", action="private", named="chi")
    assert "Ana Lima, Bo Berg, Chi Chan" in words
    told = [entry["text"] for entry in (await house.get(f"/api/v1/incidents/{code}/timeline"))["timeline"]]
    assert [text for text in told if "see" in text] == [
        "makes it private: seen by ana, bo, those who are paged for it, admins",
        "lets chi see it",
    ]
    deeds = (await house.get("/api/v1/audit"))["audit"]
    assert (deeds[0]["act"], deeds[0]["detail"]["named"]) == ("private", "chi")
    assert deeds[1]["detail"]["now"] == {"private": "True"}


async def test_merging_it_with_a_public_one_is_asked_for(house: House) -> None:
    older, younger = await house.fires("CheckoutDown"), await house.fires("CheckoutSlow")
    await house.post(f"/api/v1/incidents/{younger}/private", {"by": "ana"})

    status, words = await pressed(house, f"/i/{older}", action="merge", by="ana", into=younger)
    assert (status, "they are not seen by the same people" in words) == (409, True)
    refused, problem = await house.post(f"/api/v1/incidents/{older}/merge", {"by": "ana", "into": younger})
    assert (refused, problem["path"]) == (409, "into")
    status, words = await pressed(house, f"/i/{older}", action="merge", by="ana", into=younger, private="yes")

    assert (status, "Seen by Ana Lima" in words) == (200, True)
