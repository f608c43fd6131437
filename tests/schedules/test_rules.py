"""Turns, versions, hours and layers: timelines written by hand, held against two evaluators."""

from typing import Any

import pytest

from tests.schedules.show import check_timeline, ring, rota

Doc = dict[str, Any]

BERLIN, WEEKLY, DAILY = "Europe/Berlin", "0 10 * * MON", "0 9 * * *"
JUNE = "2026-06-01"  # a Monday; Berlin is two hours ahead of UTC


def versions(*rotation: Doc, zone: str = BERLIN, **keys: Any) -> Doc:
    return {"schedule": "versions", "timezone": zone, "rotation": list(rotation), **keys}


def version(start: str, people: str = "", handoff: str = "", every: int = 0) -> Doc:
    written = {"from": start, "people": ring(people), "handoff": handoff, "every": every}
    return {key: value for key, value in written.items() if value}


def layers(*stack: Doc, zone: str = BERLIN, **keys: Any) -> Doc:
    return {"schedule": "layers", "timezone": zone, "layers": list(stack), **keys}


def layer(name: str, people: str, handoff: str = "", **keys: Any) -> Doc:
    return {"name": name, "rotation": [version(JUNE, people, handoff)], **keys}


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            rota(BERLIN, WEEKLY, "ana bo", "2026-06-02"),
            "2026-06-01/2026-06-16",
            "-, 08 08:00 ana, 15 08:00 bo",
            id="nobody before the first hand-off",
        ),
        pytest.param(
            rota(BERLIN, WEEKLY, "ana bo", "2026-06-01 10:00"),
            "2026-06-01/2026-06-09",
            "-, 01 08:00 ana, 08 08:00 bo",
            id="a hand-off exactly at from counts",
        ),
        pytest.param(
            rota(BERLIN, WEEKLY, "ana bo", "2026-06-01 10:01"),
            "2026-06-01/2026-06-09",
            "-, 08 08:00 ana",
            id="a hand-off just before from does not",
        ),
        pytest.param(
            rota(BERLIN, WEEKLY, "ana bo", "2026-06-01T08:00+00:00"),
            "2026-06-01/2026-06-09",
            "-, 01 08:00 ana, 08 08:00 bo",
            id="an exact from is the same instant in any zone",
        ),
        pytest.param(
            rota(BERLIN, "45 2 * * *", "ana bo", "2026-10-25T02:30+01:00"),
            "2026-10-25/2026-10-27",
            "-, 26 01:45 ana",
            id="an exact from in the second pass is after the hand-off in the first",
        ),
        pytest.param(
            versions(version("2026-06-03", "ana")),
            "2026-06-01/2026-06-05",
            "-, 02 22:00 ana",
            id="without a hand-off the one entry is on from from",
        ),
        pytest.param(
            versions(version("2026-06-03T12:00+09:00", "ana+bo")),
            "2026-06-01/2026-06-05",
            "-, 03 03:00 ana+bo",
            id="also a group, also exactly",
        ),
        pytest.param(
            versions(version("2026-06-01", "ana bo", WEEKLY, every=2)),
            "2026-06-01/2026-07-01",
            "-, 01 08:00 ana, 15 08:00 bo, 29 08:00 ana",
            id="every second hand-off",
        ),
        pytest.param(
            rota(BERLIN, WEEKLY, "ana ana bo", JUNE),
            "2026-06-01/2026-06-23",
            "-, 01 08:00 ana, 15 08:00 bo, 22 08:00 ana",
            id="two turns in a row are one run",
        ),
        pytest.param(
            rota(BERLIN, WEEKLY, "ana+bo chi+dee", JUNE),
            "2026-06-01/2026-06-16",
            "-, 01 08:00 ana+bo, 08 08:00 chi+dee, 15 08:00 ana+bo",
            id="groups rotate together",
        ),
        pytest.param(
            rota(BERLIN, WEEKLY, "ana+bo bo+chi", JUNE),
            "2026-06-01/2026-06-16",
            "-, 01 08:00 ana+bo, 08 08:00 bo+chi, 15 08:00 ana+bo",
            id="somebody in two groups is in rank 1 once",
        ),
        pytest.param(
            rota("UTC", "0 9 1 * *", "ana bo", "2026-06-02"),
            "2026-06-25/2026-08-10",
            "-, 01 09:00 ana, 01 09:00 bo",
            id="monthly",
        ),
        pytest.param(
            rota("UTC", "0 9 L * *", "ana bo", "2026-02-01"),
            "2026-02-25/2026-04-10",
            "-, 28 09:00 ana, 31 09:00 bo",
            id="on the last day of the month",
        ),
        pytest.param(
            rota("UTC", "0 9 * * MON#1", "ana bo", "2026-06-01"),
            "2026-06-01/2026-07-10",
            "-, 01 09:00 ana, 06 09:00 bo",
            id="on the first Monday",
        ),
        pytest.param(
            rota("UTC", "0 9 * * L5", "ana bo", "2026-06-01"),
            "2026-06-20/2026-08-02",
            "-, 26 09:00 ana, 31 09:00 bo",
            id="on the last Friday",
        ),
        pytest.param(
            rota("UTC", "0 0 29 2 *", "ana bo", "2024-01-01"),
            "2028-02-20/2028-03-05",
            "ana, 29 00:00 bo",
            id="on leap days only",
        ),
        pytest.param(
            rota(BERLIN, "0 9 * * MON-FRI", "ana bo chi", "2026-06-04"),
            "2026-06-04/2026-06-10",
            "-, 04 07:00 ana, 05 07:00 bo, 08 07:00 chi, 09 07:00 ana",
            id="only working days count",
        ),
        pytest.param(
            rota("UTC", "0 8,20 * * *", "ana bo chi", JUNE),
            "2026-06-01/2026-06-03",
            "-, 01 08:00 ana, 01 20:00 bo, 02 08:00 chi, 02 20:00 ana",
            id="twice a day",
        ),
    ],
)
def test_turns(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)


FIRST = version("2026-06-01", "ana bo chi", WEEKLY)


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            versions(FIRST, version("2026-06-08", "bo dee chi ana")),
            "2026-06-01/2026-07-01",
            "-, 01 08:00 ana, 08 08:00 bo, 15 08:00 dee, 22 08:00 chi, 29 08:00 ana",
            id="somebody joins and the running turn stays",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-10", "chi ana")),
            "2026-06-01/2026-07-01",
            "-, 01 08:00 ana, 08 08:00 bo, 15 08:00 chi, 22 08:00 ana, 29 08:00 chi",
            id="somebody leaves, and their last turn runs to its end",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-10", "bo ana chi")),
            "2026-06-01/2026-06-23",
            "-, 01 08:00 ana, 08 08:00 bo, 22 08:00 ana",
            id="the first listed takes the first turn, even twice in a row",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-08 10:01", "dee")),
            "2026-06-08/2026-06-23",
            "ana, 08 08:00 bo, 15 08:00 dee",
            id="a version a minute late waits for the next hand-off",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-03", handoff="0 9 * * *")),
            "2026-06-01/2026-06-06",
            "-, 01 08:00 ana, 04 07:00 bo, 05 07:00 chi",
            id="a new cron that fires inside the running turn cuts it and inherits the people",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-08", every=2)),
            "2026-06-01/2026-07-08",
            "-, 01 08:00 ana, 22 08:00 bo, 06 08:00 chi",
            id="two-week turns from the second Monday start the list again",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-10", "dee"), version("2026-06-17", "ana bo")),
            "2026-06-01/2026-07-01",
            "-, 01 08:00 ana, 08 08:00 bo, 15 08:00 dee, 22 08:00 ana, 29 08:00 bo",
            id="three versions, each from its own first hand-off",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-09", "dee"), version("2026-06-10", "eli fay")),
            "2026-06-01/2026-06-23",
            "-, 01 08:00 ana, 08 08:00 bo, 15 08:00 eli, 22 08:00 fay",
            id="a version overtaken before its first hand-off never runs",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-02", "dee", "0 9 20 * *"), version("2026-06-04", "eli", "0 9 8 * *")),
            "2026-06-01/2026-06-23",
            "-, 01 08:00 ana, 08 07:00 eli",
            id="a later version that starts earlier keeps the place",
        ),
        pytest.param(
            versions(version("2026-06-01", "ana"), version("2026-06-03 12:00", "bo")),
            "2026-06-01/2026-06-05",
            "ana, 03 10:00 bo",
            id="versions without hand-offs change at their from",
        ),
        pytest.param(
            versions(version("2026-06-01", "ana"), version("2026-06-03", "bo chi", DAILY)),
            "2026-06-01/2026-06-05",
            "ana, 03 07:00 bo, 04 07:00 chi",
            id="a rotation after a single person",
        ),
        pytest.param(
            versions(FIRST, until="2026-06-10 12:00"),
            "2026-06-08/2026-06-14",
            "ana, 08 08:00 bo, 10 10:00 -",
            id="nobody after until",
        ),
        pytest.param(
            versions(FIRST, version("2026-06-09", "dee"), until="2026-06-12"),
            "2026-06-08/2026-06-20",
            "ana, 08 08:00 bo, 11 22:00 -",
            id="until before the next version's first turn",
        ),
    ],
)
def test_versions(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)


def single(hours: str | list[str]) -> Doc:
    return versions(version("2026-05-01", "ana"), hours=hours)


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            single("mon-fri 09:00-17:00"),
            "2026-06-05/2026-06-09",
            "-, 05 07:00 ana, 05 15:00 -, 08 07:00 ana, 08 15:00 -",
            id="office hours leave the weekend open",
        ),
        pytest.param(
            single("fri 20:00-08:00"),
            "2026-06-04/2026-06-08",
            "-, 05 18:00 ana, 06 06:00 -",
            id="a night belongs to the day it starts",
        ),
        pytest.param(
            single("sun 20:00-08:00"),
            "2026-06-05/2026-06-09",
            "-, 07 18:00 ana, 08 06:00 -",
            id="over the end of the week, too",
        ),
        pytest.param(single("sat 08:00-08:00"), "2026-06-05/2026-06-09", "-, 06 06:00 ana, 07 06:00 -", id="24 hours"),
        pytest.param(
            single("mon 00:00-24:00"), "2026-06-05/2026-06-10", "-, 07 22:00 ana, 08 22:00 -", id="24:00 as an end"
        ),
        pytest.param(
            single(["mon 09:00-12:00", "mon 13:00-17:00"]),
            "2026-06-08/2026-06-09",
            "-, 08 07:00 ana, 08 10:00 -, 08 11:00 ana, 08 15:00 -",
            id="two windows leave lunch open",
        ),
        pytest.param(
            single(["mon 09:00-14:00", "mon 12:00-17:00", "mon 17:00-18:00"]),
            "2026-06-08/2026-06-09",
            "-, 08 07:00 ana, 08 16:00 -",
            id="windows that overlap or touch are one",
        ),
        pytest.param(
            single("fri-mon 10:00-11:00"),
            "2026-06-05/2026-06-10",
            "-, 05 08:00 ana, 05 09:00 -, 06 08:00 ana, 06 09:00 -, 07 08:00 ana, 07 09:00 -, 08 08:00 ana, 08 09:00 -",
            id="days may run over the weekend",
        ),
        pytest.param(
            single("wed,sat 10:00-11:00"),
            "2026-06-02/2026-06-08",
            "-, 03 08:00 ana, 03 09:00 -, 06 08:00 ana, 06 09:00 -",
            id="a list of days",
        ),
        pytest.param(
            versions(version("2026-01-01", "ana"), zone="Pacific/Auckland", hours="tue 09:00-08:00"),
            "2026-01-24/2026-01-30",
            "-, 26 20:00 ana, 27 19:00 -",
            id="hours over the end of a compiled chunk, far ahead of UTC",
        ),
        pytest.param(
            versions(version("2026-01-01", "ana"), zone="America/Los_Angeles", hours="sun 20:00-18:00"),
            "2026-01-24/2026-01-30",
            "-, 26 04:00 ana, 27 02:00 -",
            id="and far behind it",
        ),
        pytest.param(single("00:00-24:00"), "2026-06-02/2026-06-08", "ana", id="always open"),
        pytest.param(
            rota(BERLIN, DAILY, "ana bo chi", "2026-06-04", hours="mon-fri 09:00-17:00"),
            "2026-06-04/2026-06-09",
            "-, 04 07:00 ana, 04 15:00 -, 05 07:00 bo, 05 15:00 -, 08 07:00 bo, 08 15:00 -",
            id="closed days count as turns",
        ),
        pytest.param(
            rota(BERLIN, "0 2 * * *", "ana bo", "2026-06-02", hours="20:00-08:00"),
            "2026-06-02/2026-06-03T12:00",
            "ana, 02 06:00 -, 02 18:00 ana, 03 00:00 bo, 03 06:00 -",
            id="a hand-off inside a night",
        ),
    ],
)
def test_hours(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            layers(layer("all", "ana"), layer("day", "bo", hours="09:00-17:00")),
            "2026-06-01/2026-06-02",
            "ana, 01 07:00 bo, 01 15:00 ana",
            id="the later layer wins where it has somebody",
        ),
        pytest.param(
            layers(layer("day", "bo", hours="09:00-17:00"), layer("all", "ana")),
            "2026-06-01/2026-06-02",
            "ana",
            id="an always open layer hides those before it",
        ),
        pytest.param(
            layers(layer("all", "ana"), layer("tokyo", "bo", timezone="Asia/Tokyo", hours="09:00-17:00")),
            "2026-06-01/2026-06-03",
            "bo, 01 08:00 ana, 02 00:00 bo, 02 08:00 ana",
            id="a layer's own zone",
        ),
        pytest.param(
            layers(layer("all", "ana"), layer("tokyo", "bo", timezone="Asia/Tokyo", until="2026-06-02 17:00")),
            "2026-06-01/2026-06-03",
            "bo, 02 08:00 ana",
            id="until is read in it, too",
        ),
        pytest.param(
            layers(layer("a", "ana", hours="08:00-12:00"), layer("b", "bo", hours="10:00-14:00")),
            "2026-06-01/2026-06-02",
            "-, 01 06:00 ana, 01 08:00 bo, 01 12:00 -",
            id="nobody where no layer is open",
        ),
        pytest.param(
            layers(
                layer("fallback", "lena"),
                layer("top", "ana bo", "0 9 * * *", when_away="gap"),
                away=[{"who": "bo", "from": "2026-06-02", "through": "2026-06-02"}],
            ),
            "2026-06-01T12:00/2026-06-03T12:00",
            "ana, 02 07:00 lena, 02 22:00 bo, 03 07:00 ana",
            id="an absence opens a layer that says gap",
        ),
        pytest.param(
            layers(
                layer("fallback", "lena"),
                layer("top", "ana bo", "0 9 * * *"),
                away=[{"who": who, "from": "2026-06-02", "through": "2026-06-02"} for who in ("ana", "bo")],
            ),
            "2026-06-01T12:00/2026-06-03T12:00",
            "ana, 01 22:00 lena, 02 22:00 bo, 03 07:00 ana",
            id="a ring that is away as a whole shows the layer below",
        ),
        pytest.param(
            layers(
                layer("fallback", "lena"),
                layer("low", "ana bo", "0 9 * * *"),
                layer("top", "chi", hours="mon 12:00-14:00"),
            ),
            "2026-06-01/2026-06-02",
            "lena, 01 07:00 ana, 01 10:00 chi, 01 12:00 ana",
            id="three layers",
        ),
    ],
)
def test_layers(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)
