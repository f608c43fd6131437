"""What a schedule may say: forms that are read, and refusals that point at the key and give the right form."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from pager.core.moment import parse_moment
from pager.core.oncall import Override, Schedule, named_people, schedule_people
from tests.schedules.show import rota

Doc = dict[str, Any]
FIRST: Doc = {"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo"]}
STRETCH: Doc = {"from": "2026-06-01", "to": "2026-06-02"}


def doc(**keys: Any) -> Doc:
    return {"schedule": "payments", "timezone": "Europe/Berlin", "rotation": [FIRST], **keys}


def with_layers(*layers: Doc, **keys: Any) -> Doc:
    return {"schedule": "payments", "timezone": "Europe/Berlin", "layers": list(layers), **keys}


@pytest.mark.parametrize(
    ("written", "loc", "message"),
    [
        pytest.param({"rotation": [FIRST]}, ("schedule",), "Field required", id="no name"),
        pytest.param({"schedule": "x"}, (), "write rotation: or layers:", id="nobody to take turns"),
        pytest.param(
            doc(layers=[{"name": "a", "rotation": [FIRST]}]), ("layers",), "together", id="rotation and layers"
        ),
        pytest.param(doc(rotaton=[FIRST]), ("rotaton",), "Extra inputs", id="an unknown key"),
        pytest.param(doc(timezone="Europe/Berln"), ("timezone",), "write Europe/Berlin", id="a zone misspelt"),
        pytest.param(doc(timezone="Europe"), ("timezone",), "not a time zone: 'Europe'", id="half a zone"),
        pytest.param(doc(timezone="../etc/passwd"), ("timezone",), "not a time zone", id="a path as a zone"),
        pytest.param(
            doc(rotation=[{**FIRST, "handoff": "0 10 * *"}]), ("rotation", 0, "handoff"), "4 fields", id="a bad cron"
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "people": "ana"}]), ("rotation", 0, "people"), "write [ana, bo]", id="no list"
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "people": []}]), ("rotation", 0, "people"), "write [ana, bo]", id="empty list"
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "people": ["ana", 7]}]),
            ("rotation", 0, "people", 1),
            "not a name: 7",
            id="a number",
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "people": [["ana", "ana"]]}]),
            ("rotation", 0, "people", 0),
            "twice",
            id="twice in a group",
        ),
        pytest.param(doc(rotation=[{**FIRST, "every": 0}]), ("rotation", 0, "every"), "greater", id="every zeroth"),
        pytest.param(doc(rotation=[{**FIRST, "every": True}]), ("rotation", 0, "every"), "integer", id="every true"),
        pytest.param(
            doc(rotation=[FIRST, {"from": "2026-01-05"}]),
            ("rotation", 1, "from"),
            "append versions",
            id="two of one from",
        ),
        pytest.param(
            with_layers({"name": "a", "rotation": [FIRST, {"from": "2025-12-01", "people": ["chi"]}]}),
            ("layers", 0, "rotation", 1, "from"),
            "2025-12-01 is not after 2026-01-05",
            id="versions out of order",
        ),
        pytest.param(
            doc(rotation=[{"from": "2026-01-05", "handoff": "0 9 * * *"}]),
            ("rotation", 0),
            "names nobody",
            id="no people",
        ),
        pytest.param(
            doc(rotation=[{"from": "2026-01-05", "people": ["ana", "bo"]}]),
            ("rotation", 0, "people"),
            "2 turns but no hand-off",
            id="turns without a hand-off",
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "from": "05.01.2026"}]), ("rotation", 0, "from"), "write 2026-03-02", id="a date"
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "from": "2026-01-05 09:00:30"}]), ("rotation", 0, "from"), "seconds", id="seconds"
        ),
        pytest.param(
            doc(rotation=[{**FIRST, "from": "2026-02-30"}]), ("rotation", 0, "from"), "no such time", id="30 Feb"
        ),
        pytest.param(doc(rotation=[{**FIRST, "from": 2026}]), ("rotation", 0, "from"), "not a time: 2026", id="a year"),
        pytest.param(doc(rotation=[{**FIRST, "from": "9999-12-31"}]), ("rotation", 0, "from"), "too far", id="9999"),
        pytest.param(doc(hours="9-17"), ("hours",), 'write "mon-fri 09:00-17:00"', id="hours without minutes"),
        pytest.param(doc(hours=1200), ("hours",), "not hours: 1200", id="hours as a number"),
        pytest.param(doc(hours=["mon 09:00-17:00", "mo 09:00-17:00"]), ("hours",), "no such weekday", id="a weekday"),
        pytest.param(doc(hours="24:00-08:00"), ("hours",), "24:00 can only be an end", id="24:00 as a start"),
        pytest.param(doc(hours="mon 09:00-25:00"), ("hours",), "no such time of day", id="25:00"),
        pytest.param(doc(when_away="skip"), ("when_away",), "'next' or 'gap'", id="another way to be away"),
        pytest.param(with_layers(), ("layers",), "at least one entry", id="no layer"),
        pytest.param(
            with_layers({"name": "a", "rotation": [FIRST]}, hours="09:00-17:00"),
            ("hours",),
            "in the layer",
            id="hours outside",
        ),
        pytest.param(
            with_layers({"name": "a", "rotation": [FIRST]}, {"name": "a", "rotation": [FIRST]}),
            ("layers", 1, "name"),
            "a second layer 'a'",
            id="two layers of one name",
        ),
        pytest.param(
            doc(away=[{"who": "ana", "from": "2026-06-01"}]), ("away", 0), "no end; write to:", id="away for ever"
        ),
        pytest.param(
            doc(away=[{"who": "ana", **STRETCH, "through": "2026-06-03"}]),
            ("away", 0, "through"),
            "two ends",
            id="two ends",
        ),
        pytest.param(
            doc(away=[{"who": "ana", "from": "2026-06-02", "to": "2026-06-02"}]),
            ("away", 0, "to"),
            "before",
            id="no time at all",
        ),
        pytest.param(
            doc(away=[{"who": "ana", "from": "2026-06-02", "through": "2026-06-01"}]),
            ("away", 0, "through"),
            "ends before it starts",
            id="through the day before",
        ),
        pytest.param(
            doc(away=[{"who": "ana", "from": "2026-06-02 12:00", "to": "2026-06-02T11:00+02:00"}]),
            ("away", 0, "to"),
            "in Europe/Berlin",
            id="an exact end before a start on the wall",
        ),
        pytest.param(
            doc(away=[{"who": "ana", "from": "2026-06-01", "through": "2026-06-02 12:00"}]),
            ("away", 0, "through"),
            "not a whole day",
            id="through with a time",
        ),
        pytest.param(
            doc(away=[{"who": "ana", "cover": "ana", **STRETCH}]), ("away", 0, "cover"), "cannot cover", id="cover"
        ),
        pytest.param(doc(overrides=[STRETCH]), ("overrides", 0), "nothing to do", id="an override without a change"),
        pytest.param(
            doc(overrides=[{**STRETCH, "who": ["ana"], "add": ["bo"]}]),
            ("overrides", 0, "add"),
            "together",
            id="two changes",
        ),
        pytest.param(
            doc(overrides=[{**STRETCH, "replace": "ana"}]), ("overrides", 0, "replace"), "write with:", id="by nobody"
        ),
        pytest.param(
            doc(overrides=[{**STRETCH, "add": ["ana"], "with": "bo"}]),
            ("overrides", 0, "with"),
            "belongs",
            id="with alone",
        ),
        pytest.param(doc(overrides=[{**STRETCH, "add": []}]), ("overrides", 0, "add"), "names nobody", id="add nobody"),
        pytest.param(
            doc(overrides=[{**STRETCH, "who": ["ana", "ana"]}]),
            ("overrides", 0, "who", 1),
            "twice",
            id="the same one twice",
        ),
        pytest.param(
            doc(shadows=[{"who": "new", **STRETCH}]), ("shadows", 0, "of"), "required", id="a shadow of nobody"
        ),
        pytest.param(doc(gaps=True), ("gaps",), "'ok'", id="gaps"),
        pytest.param(doc(lint={"gaps": "maybe"}), ("lint",), "write gaps: off", id="a switch half on"),
    ],
)
def test_refused(written: Doc, loc: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Schedule.model_validate(written)

    errors = {tuple(error["loc"][: len(loc)]): error["msg"] for error in refused.value.errors()}
    assert loc in errors
    assert message in errors[loc]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("2026-03-02", "2026-03-02", id="a day"),
        pytest.param("2026-03-02 09:00", "2026-03-02 09:00", id="a wall time"),
        pytest.param("2026-03-02T09:00", "2026-03-02 09:00", id="a wall time with a T"),
        pytest.param("2026-03-02 09:00:00", "2026-03-02 09:00", id="seconds that are zero"),
        pytest.param("2026-03-02T09:00+01:00", "2026-03-02T08:00Z", id="an offset"),
        pytest.param("2026-03-02t09:00:00.000z", "2026-03-02T09:00Z", id="RFC 3339 in small letters"),
        pytest.param(date(2026, 3, 2), "2026-03-02", id="a date"),
        pytest.param(datetime(2026, 3, 2, 9), "2026-03-02 09:00", id="a datetime"),  # noqa: DTZ001  wall time
        pytest.param(datetime(2026, 3, 2, 9, 0, 59, tzinfo=UTC), "2026-03-02T09:00Z", id="an instant, to the minute"),
    ],
)
def test_times_are_read_and_shown(written: object, shown: str) -> None:
    moment = parse_moment(written)

    assert str(moment) == shown
    assert parse_moment(shown) == moment


def test_everybody_named_is_found_with_the_place() -> None:
    schedule = Schedule.model_validate(
        with_layers(
            {"name": "low", "rotation": [{"from": "2026-01-05", "people": [["ana", "bo"]]}]},
            {"name": "top", "rotation": [FIRST, {"from": "2026-02-02", "people": ["chi", ["dee", "eli"]]}]},
            away=[{"who": "ana", "cover": "fay", **STRETCH}],
            overrides=[{**STRETCH, "who": ["gus"]}, {**STRETCH, "replace": "hal", "with": ["ida"]}],
            shadows=[{**STRETCH, "who": "jon", "of": "kim"}],
        )
    )

    assert named_people(schedule) == [
        (("layers", 0, "rotation", 0, "people", 0, 0), "ana"),
        (("layers", 0, "rotation", 0, "people", 0, 1), "bo"),
        (("layers", 1, "rotation", 0, "people", 0), "ana"),
        (("layers", 1, "rotation", 0, "people", 1), "bo"),
        (("layers", 1, "rotation", 1, "people", 0), "chi"),
        (("layers", 1, "rotation", 1, "people", 1, 0), "dee"),
        (("layers", 1, "rotation", 1, "people", 1, 1), "eli"),
        (("away", 0, "who"), "ana"),
        (("away", 0, "cover"), "fay"),
        (("overrides", 0, "who", 0), "gus"),
        (("overrides", 1, "replace"), "hal"),
        (("overrides", 1, "with", 0), "ida"),
        (("shadows", 0, "who"), "jon"),
        (("shadows", 0, "of"), "kim"),
    ]
    assert schedule_people(schedule) == {name for _, name in named_people(schedule)}


def test_a_person_may_be_called_no() -> None:
    assert schedule_people(Schedule.model_validate(rota("UTC", "0 9 * * *", "no on", "2026-01-05"))) == {"no", "on"}


def test_a_schedule_is_a_value_that_survives_writing() -> None:
    keys = {"hours": ["mon-fri 09:00-17:00"], "gaps": "ok", "lint": {"back-to-back": "off"}}
    schedule = Schedule.model_validate(doc(**keys, overrides=[{**STRETCH, "who": []}]))
    again = Schedule.model_validate(schedule.model_dump(by_alias=True, exclude_none=True))

    assert (again, hash(again)) == (schedule, hash(schedule))
    assert schedule.lint == ("back-to-back",)


def test_an_override_is_made_from_instants_too() -> None:
    start, end = datetime(2026, 6, 1, 8, tzinfo=UTC), datetime(2026, 6, 1, 9, tzinfo=UTC)

    assert Override(from_=start, to=end, who=("ana",)) == Override.model_validate(
        {"from": "2026-06-01T10:00+02:00", "to": "2026-06-01T11:00+02:00", "who": "ana"}
    )


def test_editors_get_a_json_schema() -> None:
    properties = Schedule.model_json_schema()["properties"]

    assert {"schedule", "timezone", "rotation", "layers", "away", "overrides", "shadows"} <= set(properties)
