"""Absences and overrides: timelines written by hand, held against two evaluators."""

from typing import Any

import pytest

from tests.schedules.show import check_timeline, ring, rota

Doc = dict[str, Any]

DAILY, JUNE = "0 9 * * *", "2026-06-01"
LOOK = "2026-06-01T09:00/2026-06-04"  # ana, from the 2nd at nine the next, from the 3rd the one after that


def away(who: str, start: str, through: str = "", cover: str = "", to: str = "") -> Doc:
    written = {"who": who, "from": start, "through": through, "to": to, "cover": cover}
    return {key: value for key, value in written.items() if value}


def team(people: str, *absences: Doc, **keys: Any) -> Doc:
    return rota("UTC", DAILY, people, JUNE, away=list(absences), **keys)


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02", "2026-06-03")),
            "ana, 02 09:00 chi",
            id="the next of the ring stands in, and nobody loses their own turn",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02 12:00", to="2026-06-02 15:00")),
            "ana, 02 09:00 bo, 02 12:00 chi, 02 15:00 bo, 03 09:00 chi",
            id="an absence in mid-shift splits it",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02T14:00+02:00", to="2026-06-02 15:00")),
            "ana, 02 09:00 bo, 02 12:00 chi, 02 15:00 bo, 03 09:00 chi",
            id="an absence with an offset is exact",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02", "2026-06-02", "dee")),
            "ana, 02 09:00 dee, 03 00:00 bo, 03 09:00 chi",
            id="a cover steps in through the last day",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02", to="2026-06-02 09:00")),
            "ana, 02 09:00 bo, 03 09:00 chi",
            id="to is exclusive",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02", "2026-06-03", "ana"), away("ana", "2026-06-02", "2026-06-03")),
            "ana, 02 00:00 chi",
            id="a cover who is away, too, does not step in",
        ),
        pytest.param(
            team(
                "ana bo", away("bo", "2026-06-02", "2026-06-03", "dee"), away("dee", "2026-06-02", "2026-06-03", "eli")
            ),
            "ana",
            id="a cover's cover does not either",
        ),
        pytest.param(
            team("ana bo chi dee", away("bo", "2026-06-02", "2026-06-03"), away("chi", "2026-06-02", "2026-06-02")),
            "ana, 02 09:00 dee, 03 00:00 chi",
            id="the one after next stands in for two",
        ),
        pytest.param(
            team("ana bo", away("ana", "2026-06-02", "2026-06-02"), away("bo", "2026-06-02 12:00", to="2026-06-03")),
            "ana, 02 00:00 bo, 02 12:00 -, 03 00:00 bo, 03 09:00 ana",
            id="all away is nobody",
        ),
        pytest.param(
            team("ana", away("ana", "2026-06-02", "2026-06-02")),
            "ana, 02 00:00 -, 03 00:00 ana",
            id="a ring of one has nobody to stand in",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02", "2026-06-03"), when_away="gap"),
            "ana, 02 09:00 -, 03 09:00 chi",
            id="nobody stands in where it says gap",
        ),
        pytest.param(
            team("ana bo chi", away("bo", "2026-06-02", "2026-06-03", "dee"), when_away="gap"),
            "ana, 02 09:00 dee, 03 09:00 chi",
            id="but a cover does",
        ),
        pytest.param(
            team("ana bo+chi dee", away("bo", "2026-06-02", "2026-06-02")),
            "ana, 02 09:00 chi, 03 00:00 bo+chi, 03 09:00 dee",
            id="the rest of a group stays",
        ),
        pytest.param(
            team("ana bo+chi dee", away("bo", "2026-06-02", "2026-06-02", "eli")),
            "ana, 02 09:00 eli+chi, 03 00:00 bo+chi, 03 09:00 dee",
            id="a cover takes the place in the group",
        ),
        pytest.param(
            team("ana bo+chi dee", away("bo", "2026-06-02", "2026-06-02", "chi")),
            "ana, 02 09:00 chi, 03 00:00 bo+chi, 03 09:00 dee",
            id="a cover from the same group is there once",
        ),
        pytest.param(
            team("ana bo", away("bo", "2026-06-02", "2026-06-02"), away("bo", "2026-06-02", "2026-06-02", "dee")),
            "ana, 02 09:00 dee, 03 00:00 bo, 03 09:00 ana",
            id="of two absences at once the one with a cover gives it",
        ),
        pytest.param(
            team(
                "ana bo", away("bo", "2026-06-02", "2026-06-02", "eli"), away("bo", "2026-06-02", "2026-06-02", "dee")
            ),
            "ana, 02 09:00 eli, 03 00:00 bo, 03 09:00 ana",
            id="of two covers the first in the file steps in",
        ),
        pytest.param(
            team(
                "ana bo",
                away("bo", "2026-06-02", "2026-06-02", "eli"),
                away("bo", "2026-06-02", "2026-06-02", "dee"),
                away("eli", "2026-06-02", to="2026-06-02 12:00"),
            ),
            "ana, 02 09:00 dee, 02 12:00 eli, 03 00:00 bo, 03 09:00 ana",
            id="or the second while the first is away",
        ),
        pytest.param(
            team("ana bo", away("bo", "2026-06-01", "2026-06-02"), away("bo", "2026-06-02", "2026-06-03")),
            "ana",
            id="absences may overlap",
        ),
        pytest.param(
            team("ana bo", away("zoe", "2026-06-01", "2026-06-03")),
            "ana, 02 09:00 bo, 03 09:00 ana",
            id="an absence of somebody else changes nothing",
        ),
    ],
)
def test_away(doc: Doc, expected: str) -> None:
    check_timeline(doc, LOOK, expected)


def changed(people: str, *overrides: Doc, **keys: Any) -> Doc:
    return rota("UTC", DAILY, people, JUNE, overrides=list(overrides), **keys)


def change(start: str, to: str, **what: Any) -> Doc:
    return {
        "from": f"2026-06-{start}",
        "to": f"2026-06-{to}",
        **{key.rstrip("_"): value for key, value in what.items()},
    }


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", who=["chi"])),
            "ana, 01 18:00 chi, 02 12:00 bo, 03 09:00 ana",
            id="who replaces whoever is on, over a hand-off",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", who=["chi", "bo"])),
            "ana, 01 18:00 chi+bo, 02 12:00 bo, 03 09:00 ana",
            id="who may be several",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", who=[])),
            "ana, 01 18:00 -, 02 12:00 bo, 03 09:00 ana",
            id="an empty who is nobody on purpose",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", replace="ana", with_="chi")),
            "ana, 01 18:00 chi, 02 09:00 bo, 03 09:00 ana",
            id="replace acts only while that person is on call",
        ),
        pytest.param(
            changed("ana bo", change("01 10:00", "03 12:00", replace="ana", with_="chi"), hours="09:00-17:00"),
            "ana, 01 10:00 chi, 01 17:00 -, 02 09:00 bo, 02 17:00 -, 03 09:00 chi, 03 12:00 ana, 03 17:00 -",
            id="replace keeps the gaps between shifts",
        ),
        pytest.param(
            changed("ana bo", change("01 16:00", "01 19:00", who=["chi"]), hours="09:00-17:00"),
            "ana, 01 16:00 chi, 01 19:00 -, 02 09:00 bo, 02 17:00 -, 03 09:00 ana, 03 17:00 -",
            id="who fills the gaps",
        ),
        pytest.param(
            changed("ana bo", change("01 10:00", "03", who=["chi"]), change("01 12:00", "01 18:00", who=["dee"])),
            "ana, 01 10:00 chi, 01 12:00 dee, 01 18:00 chi, 03 00:00 bo, 03 09:00 ana",
            id="an override on an override",
        ),
        pytest.param(
            changed("ana bo", change("01 12:00", "01 18:00", who=["dee"]), change("01 10:00", "03", who=["chi"])),
            "ana, 01 10:00 chi, 03 00:00 bo, 03 09:00 ana",
            id="the later in the file hides the earlier",
        ),
        pytest.param(
            changed(
                "ana bo",
                change("01 10:00", "01 18:00", replace="ana", with_="chi"),
                change("01 12:00", "03", replace="chi", with_="dee"),
            ),
            "ana, 01 10:00 chi, 01 12:00 dee, 01 18:00 ana, 02 09:00 bo, 03 09:00 ana",
            id="the one who took over is replaced in turn",
        ),
        pytest.param(
            changed(
                "ana bo",
                change("01 12:00", "03", replace="chi", with_="dee"),
                change("01 10:00", "01 18:00", replace="ana", with_="chi"),
            ),
            "ana, 01 10:00 chi, 01 18:00 ana, 02 09:00 bo, 03 09:00 ana",
            id="but not by an override that stands before",
        ),
        pytest.param(
            changed(
                "ana bo chi",
                change("01 09:00", "02 09:00", replace="ana", with_="bo"),
                change("02 09:00", "03 09:00", replace="bo", with_="ana"),
            ),
            "bo, 02 09:00 ana, 03 09:00 chi",
            id="a swap is two overrides",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", add=["chi"])),
            "ana, 01 18:00 ana+chi, 02 09:00 bo+chi, 02 12:00 bo, 03 09:00 ana",
            id="add stays over a hand-off",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", add=["ana"])),
            "ana, 02 09:00 bo+ana, 02 12:00 bo, 03 09:00 ana",
            id="whoever is on already is not added",
        ),
        pytest.param(
            changed("ana bo", change("01 16:00", "01 19:00", add="chi"), hours="09:00-17:00"),
            "ana, 01 16:00 ana+chi, 01 17:00 chi, 01 19:00 -, 02 09:00 bo, 02 17:00 -, 03 09:00 ana, 03 17:00 -",
            id="add fills a gap alone",
        ),
        pytest.param(
            changed("ana+bo chi", change("01 18:00", "02 12:00", remove=["bo"])),
            "ana+bo, 01 18:00 ana, 02 09:00 chi, 03 09:00 ana+bo",
            id="remove from a group",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02 12:00", remove="ana")),
            "ana, 01 18:00 -, 02 09:00 bo, 03 09:00 ana",
            id="remove the only one is nobody",
        ),
        pytest.param(
            changed("ana+bo chi", change("01 18:00", "02 12:00", replace="ana", with_="dee")),
            "ana+bo, 01 18:00 dee+bo, 02 09:00 chi, 03 09:00 ana+bo",
            id="a swap inside a group keeps the place",
        ),
        pytest.param(
            changed("ana+bo chi", change("01 18:00", "02 12:00", replace="ana", with_=["dee", "bo"])),
            "ana+bo, 01 18:00 dee+bo, 02 09:00 chi, 03 09:00 ana+bo",
            id="one who is in the group already is there once",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02", who=["bo"]), away=[away("bo", "2026-06-01", "2026-06-03")]),
            "ana, 01 18:00 bo, 02 00:00 ana",
            id="an override beats an absence",
        ),
        pytest.param(
            changed(
                "ana bo",
                change("01 18:00", "01 20:00", replace="ana", with_="chi"),
                change("01 18:00", "02", add="dee"),
            ),
            "ana, 01 18:00 chi+dee, 01 20:00 ana+dee, 02 00:00 ana, 02 09:00 bo, 03 09:00 ana",
            id="replace, then add",
        ),
        pytest.param(
            changed("ana bo", change("01 18:00", "02", who=[]), change("01 20:00", "01 22:00", add=["chi"])),
            "ana, 01 18:00 -, 01 20:00 chi, 01 22:00 -, 02 00:00 ana, 02 09:00 bo, 03 09:00 ana",
            id="nobody on purpose, but for two hours",
        ),
        pytest.param(
            changed("ana bo", {"from": "2026-06-01T20:00+02:00", "to": "2026-06-02 12:00", "who": ["chi"]}),
            "ana, 01 18:00 chi, 02 12:00 bo, 03 09:00 ana",
            id="an exact start and a wall-clock end",
        ),
        pytest.param(
            changed("ana bo", {"from": "2026-06-02", "through": "2026-06-02", "who": ["chi"]}),
            "ana, 02 00:00 chi, 03 00:00 bo, 03 09:00 ana",
            id="an override through a day",
        ),
    ],
)
def test_overrides(doc: Doc, expected: str) -> None:
    check_timeline(doc, LOOK, expected)


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            rota(
                BERLIN,
                DAILY,
                "ana bo",
                "2026-10-24",
                overrides=[{"from": "2026-10-25 02:00", "to": "2026-10-25 03:00", "who": ["chi"]}],
            ),
            "2026-10-24T12:00/2026-10-25T12:00",
            "ana, 25 00:00 chi, 25 02:00 ana, 25 08:00 bo",
            id="an hour's override over the fold lasts two",
        ),
        pytest.param(
            rota(
                BERLIN,
                DAILY,
                "ana bo",
                "2026-03-28",
                overrides=[{"from": "2026-03-29 02:00", "to": "2026-03-29 03:00", "who": ["chi"]}],
            ),
            "2026-03-28T12:00/2026-03-29T12:00",
            "ana, 29 07:00 bo",
            id="an override inside the gap does nothing",
        ),
        pytest.param(
            rota(BERLIN, DAILY, "ana bo", "2026-03-28", away=[away("ana", "2026-03-29 02:30", to="2026-03-29 04:00")]),
            "2026-03-28T12:00/2026-03-29T12:00",
            "ana, 29 01:00 bo, 29 02:00 ana, 29 07:00 bo",
            id="an absence from inside the gap starts at its end",
        ),
        pytest.param(
            rota("UTC", DAILY, "ana bo", "2026-06-02", overrides=[change("01 10:00", "01 12:00", who=["chi"])]),
            "2026-06-01/2026-06-03",
            "-, 01 10:00 chi, 01 12:00 -, 02 09:00 ana",
            id="an override before the first turn",
        ),
        pytest.param(
            {
                "schedule": "x",
                "timezone": "Asia/Kathmandu",
                "overrides": [change("02", "03", who=["chi"])],
                "layers": [{"name": "a", "timezone": "UTC", "rotation": [{"from": JUNE, "people": ring("ana")}]}],
            },
            "2026-06-01/2026-06-04",
            "ana, 01 18:15 chi, 02 18:15 ana",
            id="overrides are read in the schedule's zone, whatever the layer's",
        ),
    ],
)
def test_stretches_in_zones(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)
