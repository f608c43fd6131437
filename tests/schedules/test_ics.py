"""The calendar feed: it says what paging does, any calendar can read it, and its events keep their names."""

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
from click.testing import CliRunner
from hypothesis import given, settings

from pager.cli.main import pagerctl
from pager.core.catalog import Catalog
from pager.core.ics import Event, ics, person_events, schedule_events
from pager.core.oncall import Schedule
from tests.schedules.strategies import PEOPLE, looks
from tests.support import ROOT

START = datetime(2026, 1, 7, tzinfo=UTC)
END = START + timedelta(weeks=8)
ROTA: dict[str, Any] = {
    "schedule": "payments",
    "timezone": "Europe/Berlin",
    "rotation": [{"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo"]}],
}


def catalog_of(doc: dict[str, Any]) -> Catalog:
    schedule = Schedule.model_validate(doc)
    return Catalog(schedules={schedule.name: schedule})


def read(text: str) -> list[Any]:
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


def uids(doc: dict[str, Any]) -> dict[str, int]:
    events = schedule_events(catalog_of(doc), "payments", START, END)
    return {str(event["UID"]): int(event["SEQUENCE"]) for event in read(ics("payments", events, START))}


@settings(max_examples=60)
@given(looks())
def test_the_feed_says_whom_paging_pages(look: tuple[dict[str, Any], datetime]) -> None:
    doc, day = look
    catalog = catalog_of(doc)
    begin, end = day - timedelta(days=2), day + timedelta(days=2)
    feeds = {name: read(ics(name, person_events(catalog, name, begin, end), day)) for name in PEOPLE}
    every = read(ics("all", schedule_events(catalog, "any", begin, end), day))

    assert len({str(event["UID"]) for event in every}) == len(every)
    for minutes in range(0, 4 * 1440, 195):
        at = begin + timedelta(minutes=minutes)
        paged = catalog.on_call("any", at).people
        shown = {name for name, events in feeds.items() if any(running(event, at) for event in events)}
        assert shown == set(paged)
        assert any(running(event, at) for event in every) is bool(paged)


def running(event: Any, at: datetime) -> bool:
    return bool(event["DTSTART"].dt <= at < event["DTEND"].dt)


def test_a_turn_keeps_its_uid_when_something_else_changes() -> None:
    swap = {"from": "2026-02-10 08:00", "to": "2026-02-10 20:00", "who": ["zoe"]}
    before, after = uids(ROTA), uids({**ROTA, "overrides": [swap]})

    assert before.keys() <= after.keys()
    assert len(after.keys() - before.keys()) == 2
    assert sum(before[uid] != after[uid] for uid in before) == 1


def test_a_turn_that_runs_is_the_same_whenever_it_is_asked_for() -> None:
    catalog = catalog_of(ROTA)
    early, late = (schedule_events(catalog, "payments", START + timedelta(days=days), END)[0] for days in (0, 3))

    assert early == late
    assert early.start == datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_whatever_is_in_a_name_stays_in_its_line() -> None:
    text = ics("a;b,c\\\nEND:VCALENDAR", [Event("pläne" * 30, START, END, ("ana", "bo"), "UTC")], START)

    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    assert str(read(text)[0]["SUMMARY"]) == f"ana, bo on call: {'pläne' * 30}"


def test_the_feed_of_a_person_is_printed() -> None:
    ran = CliRunner().invoke(pagerctl, ["--config", str(ROOT), "schedule", "ics", "--person", "ana"])

    assert ran.exit_code == 0
    assert {str(event["SUMMARY"]) for event in read(ran.output)} == {"ana on call: payments"}
