"""Overrides made at run time are those of files: laid over a schedule, or printed and pasted, they do the same."""

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pager.cli.override import as_yaml_lines
from pager.core.catalog import Catalog
from pager.core.oncall import Schedule, Segment, timeline
from pager.core.override import RunOverride, Wanted, layered
from pager.core.people import Person
from pager.core.schedule import Override
from pager.core.wall import datetime_of
from pager.documents import read_documents
from tests.schedules.strategies import PEOPLE, looks, overrides

Doc = dict[str, Any]
KNOWN = {name: Person() for name in PEOPLE}


def wanted(doc: Doc, zone: str) -> Wanted | None:
    """The same as it is kept; None where the clocks skip all of it."""
    written = Override.model_validate(doc)
    start, end = map(datetime_of, written.span(zone))
    kind = next(key for key in ("who", "replace", "add", "remove") if key in doc)
    names = tuple(doc["with" if kind == "replace" else kind])
    return Wanted("any", start, end, kind, names, doc.get("replace", "")) if start < end else None


@st.composite
def changed(draw: st.DrawFn) -> tuple[Doc, datetime, list[Doc], list[Wanted]]:
    """A schedule, its day, and overrides as a file says them and as they are kept."""
    doc, day = draw(looks())
    laid = [(one, kept) for one in draw(st.lists(overrides(day), max_size=4)) if (kept := wanted(one, doc["timezone"]))]
    return doc, day, [one for one, _ in laid], [kept for _, kept in laid]


def around(schedule: Schedule, day: datetime, *laid: Override) -> tuple[Segment, ...]:
    return timeline(schedule, day - timedelta(days=4), day + timedelta(days=4), laid)


@settings(max_examples=60)
@given(changed())
def test_an_override_does_the_same_wherever_it_is_kept(made: tuple[Doc, datetime, list[Doc], list[Wanted]]) -> None:
    doc, day, written, kept = made
    schedule = Schedule.model_validate(doc)
    files = Catalog(schedules={"any": schedule}, people=KNOWN)
    over = layered(files, [RunOverride(number, one, day) for number, one in enumerate(kept)])

    in_the_file = Schedule.model_validate({**doc, "overrides": [*doc["overrides"], *written]})

    assert around(schedule, day, *over.overrides.get("any", ())) == around(in_the_file, day)


@settings(max_examples=25)
@given(changed())
def test_what_is_printed_can_be_pasted(made: tuple[Doc, datetime, list[Doc], list[Wanted]]) -> None:
    doc, day, _, kept = made
    bare = {key: value for key, value in doc.items() if key != "overrides"}
    told = [
        {"schedule": "any", "from": one.start.isoformat(), "to": one.end.isoformat(), **one.body, "why": "a: #b"}
        for one in kept
    ]
    text = "\n".join([*(f"{key}: {json.dumps(value)}" for key, value in bare.items()), *as_yaml_lines(told)])

    reading = read_documents("schedules/any.yaml", text)
    [pasted] = [part.content for part in reading.parts if isinstance(part.content, Schedule)]

    assert reading.problems == []
    assert around(pasted, day) == around(Schedule.model_validate(bare), day, *(one.override() for one in kept))
