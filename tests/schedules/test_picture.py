"""The picture of a schedule: it shows what paging does, and the pictures in the repository are still true."""

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from pager.cli.main import pagerctl
from pager.core.lanes import lanes_of, weeks_from
from pager.core.oncall import Schedule, on_call
from pager.core.picture import colours_of, picture
from pager.core.schedule import Override
from tests.schedules.strategies import looks
from tests.support import ROOT

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = datetime(2026, 6, 22, 8, tzinfo=UTC)
ROTA: dict[str, Any] = {
    "schedule": "payments",
    "timezone": "Europe/Berlin",
    "rotation": [{"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo", "chi"]}],
}
SWAP = {"from": "2026-06-24 08:00", "to": "2026-06-24 20:00", "who": ["chi"], "why": "<game> day"}


def drawn(now: datetime | None = None, **keys: Any) -> ElementTree.Element:
    return ElementTree.fromstring(picture(Schedule.model_validate({**ROTA, **keys}), MONDAY, 2, now))


def kinds(svg: ElementTree.Element) -> set[str]:
    return {element.get("class", "") for element in svg.iter()}


def titles(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}title")]


@pytest.mark.parametrize(
    ("keys", "kind", "there"),
    [
        pytest.param({"until": "2026-06-30"}, "gap", True, id="nobody is red"),
        pytest.param({}, "gap", False, id="and only nobody is"),
        pytest.param({"until": "2026-06-30", "gaps": "ok"}, "gap", False, id="a gap that is meant is not red"),
        pytest.param({"until": "2026-06-30", "gaps": "ok"}, "meant", True, id="but it is there"),
        pytest.param({"overrides": [SWAP]}, "thin", True, id="beside an override the rotation has a lane"),
        pytest.param({}, "thin", False, id="a lane that says the same again is left out"),
    ],
)
def test_what_is_drawn(keys: dict[str, Any], kind: str, there: bool) -> None:
    assert (kind in kinds(drawn(**keys))) is there


def test_what_an_override_changes_is_hatched_and_says_why() -> None:
    svg = drawn(overrides=[SWAP])
    hatched = [one for one in svg.iter(f"{SVG}g") for part in one if part.get("fill") == "url(#hatch)"]

    assert [titles(one) for one in hatched] == [
        ["on call: chi, Wed 24 Jun 08:00 to Wed 24 Jun 20:00 (override: <game> day)"]
    ]


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        pytest.param(MONDAY + timedelta(days=2), 1, id="now is in the picture"),
        pytest.param(MONDAY + timedelta(days=20), 0, id="now is later"),
        pytest.param(None, 0, id="nobody asked"),
    ],
)
def test_the_line_for_now(now: datetime | None, lines: int) -> None:
    assert sum(one.get("class") == "now" for one in drawn(now).iter(f"{SVG}line")) == lines


def test_an_appended_person_changes_nobodys_colour() -> None:
    longer = {**ROTA, "rotation": [*ROTA["rotation"], {"from": "2026-07-06", "people": ["dee", "ana", "bo", "chi"]}]}
    before, after = (colours_of(Schedule.model_validate(doc)) for doc in (ROTA, longer))

    assert {name: after[name] for name in before} == before
    assert len(set(after.values())) == 4


@settings(max_examples=60)
@given(looks())
def test_the_picture_shows_whom_paging_pages(look: tuple[dict[str, Any], datetime]) -> None:
    doc, day = look
    schedule = Schedule.model_validate(doc)
    weeks = weeks_from(day, 1, schedule.timezone)
    lane = lanes_of(schedule, weeks[0].edges[0], weeks[0].edges[-1])[-1]

    assert (lane.bars[0].start, lane.bars[-1].end) == (weeks[0].edges[0], weeks[0].edges[-1])
    for bar, following in zip(lane.bars, (*lane.bars[1:], None), strict=True):
        assert following is None or bar.end == following.start
        for at in (bar.start, bar.end - timedelta(minutes=1)):
            assert on_call(schedule, at).people == bar.people
    ElementTree.fromstring(picture(schedule, day, 1, day))


def test_somebody_from_outside_has_a_colour_and_takes_nobodys() -> None:
    schedule = Schedule.model_validate(ROTA)
    swap = Override.model_validate({**SWAP, "who": ["zoe"]})
    drawn = ElementTree.fromstring(picture(schedule, MONDAY, 2, None, [swap]))

    assert any(": zoe, " in title for title in titles(drawn))
    assert colours_of(schedule, [swap]).items() > colours_of(schedule).items()


PICTURES = {
    "payments": ("2026-06-22", "2026-06-25 11:41"),
    "platform": ("2026-03-02", "2026-03-12 09:41"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_example_are_as_they_would_be_drawn_today(name: str) -> None:
    start, now = PICTURES[name]
    command = ["--config", str(ROOT), "schedule", "svg", name, "--from", start, "--now", now, "--weeks", "3"]
    ran = CliRunner().invoke(pagerctl, command)

    assert ran.output == (ROOT / "schedules" / f"{name}.svg").read_text(encoding="utf-8")
