"""Hand-offs and hours where clocks change: timelines written by hand, held against two evaluators."""

from typing import Any

import pytest

from tests.schedules.show import check_timeline, rota

Doc = dict[str, Any]

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
SPRING, AUTUMN = "2026-03-28/2026-03-31", "2026-10-24/2026-10-27"


def always(zone: str, hours: str | list[str], start: str = "2026-01-05") -> Doc:
    rotation = [{"from": start, "people": ["ana"]}]
    return {"schedule": "always", "timezone": zone, "hours": hours, "rotation": rotation}


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            rota(BERLIN, "30 2 * * *", "ana bo", "2026-03-28"),
            SPRING,
            "-, 28 01:30 ana, 29 01:00 bo, 30 00:30 ana",
            id="a hand-off in the gap comes at its end",
        ),
        pytest.param(
            rota(BERLIN, "0 2 * * *", "ana bo", "2026-03-28"),
            SPRING,
            "-, 28 01:00 ana, 29 01:00 bo, 30 00:00 ana",
            id="a hand-off where the gap starts comes at its end",
        ),
        pytest.param(
            rota(BERLIN, "0 3 * * *", "ana bo", "2026-03-28"),
            SPRING,
            "-, 28 02:00 ana, 29 01:00 bo, 30 01:00 ana",
            id="a hand-off where the gap ends comes then",
        ),
        pytest.param(
            rota(BERLIN, "30 2 * * *", "ana bo chi", "2026-10-24"),
            AUTUMN,
            "-, 24 00:30 ana, 25 00:30 bo, 26 01:30 chi",
            id="a hand-off in the fold comes in the first pass and once",
        ),
        pytest.param(
            rota(BERLIN, "0 2 * * *", "ana bo chi", "2026-10-24"),
            AUTUMN,
            "ana, 25 00:00 bo, 26 01:00 chi",
            id="a hand-off where the fold starts comes in the first pass",
        ),
        pytest.param(
            rota(BERLIN, "0 3 * * *", "ana bo chi", "2026-10-24"),
            AUTUMN,
            "-, 24 01:00 ana, 25 02:00 bo, 26 02:00 chi",
            id="a hand-off where the fold ends comes after the second pass",
        ),
        pytest.param(
            rota(BERLIN, "0 * * * *", "a b c d e", "2026-03-29"),
            "2026-03-28T23:00/2026-03-29T04:00",
            "a, 29 00:00 b, 29 01:00 d, 29 02:00 e, 29 03:00 a",
            id="an hourly turn that lies in the gap is lost",
        ),
        pytest.param(
            rota(BERLIN, "0 * * * *", "a b c d e", "2026-10-25"),
            "2026-10-24T22:00/2026-10-25T04:00",
            "a, 24 23:00 b, 25 00:00 c, 25 02:00 d, 25 03:00 e",
            id="an hourly turn in the fold lasts two hours",
        ),
        pytest.param(
            rota(BERLIN, "30 * * * *", "a b c d e", "2026-10-25"),
            "2026-10-24T22:00/2026-10-25T04:00",
            "-, 24 22:30 a, 24 23:30 b, 25 00:30 c, 25 02:30 d, 25 03:30 e",
            id="hourly at half past does the same",
        ),
        pytest.param(
            rota(NEW_YORK, "30 1 * * *", "ana bo", "2026-10-31"),
            "2026-10-31/2026-11-03",
            "-, 31 05:30 ana, 01 05:30 bo, 02 06:30 ana",
            id="New York's fold",
        ),
        pytest.param(
            rota(NEW_YORK, "15 2 * * *", "ana bo", "2026-03-07"),
            "2026-03-07/2026-03-10",
            "-, 07 07:15 ana, 08 07:00 bo, 09 06:15 ana",
            id="New York's gap",
        ),
        pytest.param(
            rota(BERLIN, "0 10 * * MON", "ana bo chi", "2026-03-16"),
            "2026-03-16/2026-04-01",
            "-, 16 09:00 ana, 23 09:00 bo, 30 08:00 chi",
            id="the spring week has 167 hours",
        ),
        pytest.param(
            rota(BERLIN, "0 10 * * MON", "ana bo chi", "2026-10-12"),
            "2026-10-12/2026-10-28",
            "-, 12 08:00 ana, 19 08:00 bo, 26 09:00 chi",
            id="the autumn week has 169 hours",
        ),
        pytest.param(
            rota(BERLIN, "0 0 * * *", "ana bo", "2026-03-28"),
            "2026-03-28/2026-03-30",
            "ana, 28 23:00 bo, 29 22:00 ana",
            id="the spring day has 23 hours",
        ),
        pytest.param(
            rota(BERLIN, "0 0 * * *", "ana bo", "2026-10-24"),
            "2026-10-24/2026-10-26",
            "ana, 24 22:00 bo, 25 23:00 ana",
            id="the autumn day has 25 hours",
        ),
        pytest.param(
            rota(LORD_HOWE, "15 2 * * *", "ana bo", "2026-10-03"),
            "2026-10-02/2026-10-05",
            "-, 02 15:45 ana, 03 15:30 bo, 04 15:15 ana",
            id="Lord Howe's gap of half an hour",
        ),
        pytest.param(
            rota(LORD_HOWE, "45 1 * * *", "ana bo", "2026-04-04"),
            "2026-04-03/2026-04-06",
            "-, 03 14:45 ana, 04 14:45 bo, 05 15:15 ana",
            id="Lord Howe's fold of half an hour",
        ),
        pytest.param(
            rota(LORD_HOWE, "0 * * * *", "a b c d", "2026-04-05"),
            "2026-04-04T13:00/2026-04-04T17:00",
            "a, 04 14:00 b, 04 15:30 c, 04 16:30 d",
            id="Lord Howe has an hourly turn of 90 minutes",
        ),
        pytest.param(
            rota(LORD_HOWE, "0 * * * *", "a b c d", "2026-10-04"),
            "2026-10-03T13:30/2026-10-03T17:00",
            "a, 03 14:30 b, 03 15:30 c, 03 16:00 d",
            id="and one of 30 minutes",
        ),
        pytest.param(
            rota("Pacific/Apia", "0 9 * * *", "a b c d", "2011-12-28"),
            "2011-12-28/2012-01-01",
            "-, 28 19:00 a, 29 19:00 b, 30 10:00 c, 30 19:00 d, 31 19:00 a",
            id="the day that Apia skipped still has its turn, short",
        ),
        pytest.param(
            rota("Pacific/Apia", "0 9 * * FRI", "ana bo", "2011-12-23"),
            "2011-12-23/2012-01-07",
            "-, 23 19:00 ana, 30 10:00 bo, 05 19:00 ana",
            id="a Friday hand-off on Apia's missing Friday comes on Saturday at once",
        ),
        pytest.param(
            always("Pacific/Apia", "fri 09:00-17:00", "2011-12-01"),
            "2011-12-23/2012-01-07",
            "-, 23 19:00 ana, 24 03:00 -, 05 19:00 ana, 06 03:00 -",
            id="hours on the missing Friday vanish",
        ),
        pytest.param(
            always("Pacific/Apia", "thu 20:00-08:00", "2011-12-01"),
            "2011-12-30/2011-12-31",
            "-, 30 06:00 ana, 30 10:00 -",
            id="a night into the missing Friday ends where the day is skipped",
        ),
        pytest.param(
            rota("Pacific/Kwajalein", "0 12 * * *", "a b c d", "1993-08-19"),
            "1993-08-20/1993-08-23",
            "a, 21 00:00 b, 21 12:00 c, 22 00:00 d",
            id="Kwajalein crosses the date line",
        ),
        pytest.param(
            rota("America/Havana", "0 0 * * *", "ana bo", "2026-10-31"),
            "2026-10-31/2026-11-03",
            "-, 31 04:00 ana, 01 04:00 bo, 02 05:00 ana",
            id="of Havana's two midnights the first counts",
        ),
        pytest.param(
            rota("America/Havana", "0 */6 * * *", "a b c", "2026-11-01"),
            "2026-11-01/2026-11-02",
            "-, 01 04:00 a, 01 11:00 b, 01 17:00 c, 01 23:00 a",
            id="Havana's six hours are seven once",
        ),
        pytest.param(
            rota("America/Havana", "0 0 * * *", "ana bo", "2026-03-07"),
            "2026-03-07/2026-03-10",
            "-, 07 05:00 ana, 08 05:00 bo, 09 04:00 ana",
            id="Havana has a day without a midnight",
        ),
        pytest.param(
            rota("America/Sao_Paulo", "0 0 * * *", "ana bo", "2018-11-03"),
            "2018-11-03/2018-11-06",
            "-, 03 03:00 ana, 04 03:00 bo, 05 02:00 ana",
            id="so had Sao Paulo",
        ),
        pytest.param(
            rota("America/Sao_Paulo", "30 23 * * *", "ana bo", "2019-02-15"),
            "2019-02-16/2019-02-19",
            "-, 16 01:30 ana, 17 01:30 bo, 18 02:30 ana",
            id="Sao Paulo repeats the hour before midnight",
        ),
        pytest.param(
            rota("Asia/Kathmandu", "0 9 * * *", "ana bo", "2026-05-01"),
            "2026-05-01/2026-05-03",
            "-, 01 03:15 ana, 02 03:15 bo",
            id="Kathmandu is a quarter off",
        ),
        pytest.param(
            rota("Pacific/Chatham", "15 3 * * *", "ana bo", "2026-04-04"),
            "2026-04-03/2026-04-06",
            "-, 03 13:30 ana, 04 13:30 bo, 05 14:30 ana",
            id="Chatham's fold is at quarter to four",
        ),
        pytest.param(
            rota("Pacific/Chatham", "0 3 * * *", "ana bo", "2026-09-26"),
            "2026-09-25/2026-09-28",
            "-, 25 14:15 ana, 26 14:00 bo, 27 13:15 ana",
            id="and its gap at quarter to three",
        ),
        pytest.param(
            rota("Australia/Adelaide", "30 2 * * *", "ana bo", "2026-04-04"),
            "2026-04-03/2026-04-06",
            "-, 03 16:00 ana, 04 16:00 bo, 05 17:00 ana",
            id="Adelaide's fold",
        ),
        pytest.param(
            rota("Asia/Pyongyang", "45 23 * * *", "ana bo", "2018-05-03"),
            "2018-05-03/2018-05-06",
            "-, 03 15:15 ana, 04 15:00 bo, 05 14:45 ana",
            id="Pyongyang's day without a quarter to midnight",
        ),
        pytest.param(
            rota("America/Caracas", "45 2 * * *", "ana bo", "2016-04-30"),
            "2016-04-30/2016-05-03",
            "-, 30 07:15 ana, 01 07:00 bo, 02 06:45 ana",
            id="Caracas moves by half an hour for good",
        ),
    ],
)
def test_handoffs(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)


@pytest.mark.parametrize(
    ("hours", "window", "expected"),
    [
        pytest.param(
            "20:00-08:00",
            "2026-03-28T12:00/2026-03-30T12:00",
            "-, 28 19:00 ana, 29 06:00 -, 29 18:00 ana, 30 06:00 -",
            id="the spring night has 11 hours",
        ),
        pytest.param(
            "20:00-08:00",
            "2026-10-24T12:00/2026-10-26T12:00",
            "-, 24 18:00 ana, 25 07:00 -, 25 19:00 ana, 26 07:00 -",
            id="the autumn night has 13 hours",
        ),
        pytest.param(
            "02:00-03:00",
            "2026-03-28/2026-03-31",
            "-, 28 01:00 ana, 28 02:00 -, 30 00:00 ana, 30 01:00 -",
            id="a window in the gap vanishes that day",
        ),
        pytest.param(
            "02:30-04:00",
            "2026-03-29/2026-03-30",
            "-, 29 01:00 ana, 29 02:00 -",
            id="a window that starts in the gap starts at its end",
        ),
        pytest.param(
            "01:00-02:30",
            "2026-03-29/2026-03-30",
            "ana, 29 01:00 -, 29 23:00 ana",
            id="a window that ends in the gap ends where it starts",
        ),
        pytest.param(
            "02:00-03:00",
            "2026-10-24/2026-10-26",
            "ana, 24 01:00 -, 25 00:00 ana, 25 02:00 -",
            id="a window over the fold lasts two hours",
        ),
        pytest.param(
            "00:00-02:30",
            "2026-10-24T12:00/2026-10-25T12:00",
            "-, 24 22:00 ana, 25 00:30 -",
            id="a window that ends in the fold ends in the first pass",
        ),
        pytest.param(
            "02:30-04:00",
            "2026-10-24T12:00/2026-10-25T12:00",
            "-, 25 00:30 ana, 25 03:00 -",
            id="a window that starts in the fold starts in the first pass",
        ),
        pytest.param(
            ["00:00-02:30", "02:30-06:00"],
            "2026-10-24T12:00/2026-10-25T12:00",
            "-, 24 22:00 ana, 25 05:00 -",
            id="windows that touch in the fold leave no hole",
        ),
        pytest.param(
            ["00:00-02:15", "02:45-06:00"],
            "2026-03-28T12:00/2026-03-29T12:00",
            "-, 28 23:00 ana, 29 04:00 -",
            id="windows that the gap pushes together leave no hole",
        ),
        pytest.param(
            "sat 08:00-08:00",
            "2026-03-28/2026-03-30",
            "-, 28 07:00 ana, 29 06:00 -",
            id="24 hours of wall time are 23 in spring",
        ),
        pytest.param(
            "sun 00:00-24:00",
            "2026-10-24/2026-10-27",
            "-, 24 22:00 ana, 25 23:00 -",
            id="and 25 in autumn",
        ),
    ],
)
def test_hours(hours: str | list[str], window: str, expected: str) -> None:
    check_timeline(always(BERLIN, hours), window, expected)
