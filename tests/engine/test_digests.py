"""The digest on both databases: SEV-5 pages nobody and stands in Monday's digest, once."""

from datetime import timedelta

from pager.core.people import Person, Team
from pager.digests import Digests
from tests.engine.house import DELIVERED, House, alert, catalog
from tests.engine.test_bundles import Phone

WEEK = timedelta(days=7)


async def test_sev_5_stands_in_mondays_digest(house: House) -> None:
    contacts = {"push": "console://", "mail": "mailto://u:p@example.org"}
    house.engine.catalog = catalog(people={"ana": Person.model_validate({"contacts": contacts})})
    phone, digests = Phone(DELIVERED), Digests(house.engine)
    await house.say(
        alert("Typo", severity="info"), alert("Misaligned", severity="info"), alert("Gone", severity="info")
    )
    await house.say(alert("Gone", "resolved", at=house.clock.at, severity="info"))
    assert await house.send(phone) == []
    assert await digests.look() == 0  # Monday at noon: at nine there was nothing to tell

    house.clock.at += WEEK
    assert await digests.look() == 1
    assert await Digests(house.engine).look() == 0  # another node, or after a restart
    assert await house.send(phone) == ["ana mail"]
    ((_, title, body),) = phone.heard
    assert title == "SEV-5 digest of default: 2 open, 2 new"
    assert {line.split(" ", 1)[1] for line in body.splitlines()[:2]} == {"Misaligned", "Typo"}
    assert "1 came and went" in body

    house.clock.at += WEEK
    assert await digests.look() == 1
    await house.send(phone)
    assert phone.heard[-1][1] == "SEV-5 digest of default: 2 open, 0 new"


async def test_a_team_with_a_channel_reads_it_there(house: House) -> None:
    teams = {"all": Team(people=("ana",), channel="issues")}
    house.engine.catalog = catalog(teams=teams)
    house.clock.at -= timedelta(hours=4)  # and the digest is told late
    await house.say(alert("Typo", severity="info"))
    house.clock.at += timedelta(hours=4)

    assert await Digests(house.engine).look() == 1
    assert await house.send() == ["channel:issues channel"]
