"""Schedules for properties: every kind of rule, in zones whose clocks are hard, around the days when they change."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

Doc = dict[str, Any]

HARD = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-04", "2026-10-03"],
    "Pacific/Apia": ["2011-12-30"],
    "America/Havana": ["2026-03-08", "2026-11-01"],
    "Asia/Kathmandu": ["2026-05-01"],
    "Pacific/Chatham": ["2026-04-04", "2026-09-26"],
    "America/Sao_Paulo": ["2018-11-04", "2019-02-17"],
    "Africa/Casablanca": ["2024-03-10", "2024-04-14"],
    "Asia/Pyongyang": ["2018-05-04"],
    "Antarctica/Troll": ["2024-03-31", "2024-10-27"],
    "Pacific/Kwajalein": ["1993-08-21"],
    "UTC": ["2026-12-31"],
    # Nothing happens to these clocks then, but a chunk of compiled time ends.
    "Pacific/Auckland": ["2026-01-27", "2026-04-28"],
    "America/Los_Angeles": ["2026-01-27", "2026-07-28"],
}
PEOPLE = ["ana", "bo", "chi", "dee", "eli"]
CRONS = [
    "0 9 * * *",
    "30 2 * * *",
    "15 1 * * *",
    "0 0 * * *",
    "0 * * * *",
    "0 */6 * * *",
    "45 23 * * *",
    "0 2 * * MON-FRI",
]
CRONS += ["0 9 * * SUN", "0 3 L * *", "30 1 * * SUN#1", "0 2 * * L0"]
HOURS = ["09:00-17:00", "20:00-08:00", "01:30-02:30", "02:30-01:30", "sat-mon 00:00-24:00", "sun 02:00-02:00"]

names = st.sampled_from(PEOPLE)
entries = st.one_of(names, st.lists(names, min_size=1, max_size=2, unique=True))
rings = st.lists(entries, min_size=1, max_size=4)


@st.composite
def moments(draw: st.DrawFn, day: datetime) -> str:
    """A time within three days of `day`, on a quarter, on the wall clock or with an offset."""
    at = day + timedelta(minutes=15 * draw(st.integers(-3 * 96, 3 * 96)))
    return f"{at:%Y-%m-%d %H:%M}" if draw(st.booleans()) else f"{at:%Y-%m-%dT%H:%M}+00:00"


@st.composite
def stretches(draw: st.DrawFn, day: datetime) -> Doc:
    """Of one kind of time only, since the order of two kinds depends on the zone."""
    ends = sorted(draw(st.lists(st.integers(-3 * 96, 3 * 96), min_size=2, max_size=2, unique=True)))
    start, end = (day + timedelta(minutes=15 * quarters) for quarters in ends)
    shape = draw(st.sampled_from(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M+00:00"]))
    return {"from": start.strftime(shape), "to": end.strftime(shape)}


@st.composite
def absences(draw: st.DrawFn, day: datetime) -> Doc:
    who = draw(names)
    cover = draw(st.none() | names.filter(lambda name: name != who))
    return {"who": who, **({"cover": cover} if cover else {}), **draw(stretches(day))}


@st.composite
def overrides(draw: st.DrawFn, day: datetime) -> Doc:
    some = st.lists(names, min_size=1, max_size=2, unique=True)
    key = draw(st.sampled_from(["who", "replace", "add", "remove"]))
    if key == "replace":
        what: Doc = {"replace": draw(names), "with": draw(some)}
    else:
        what = {key: draw(some | st.just([]) if key == "who" else some)}
    return {**what, **draw(stretches(day))}


@st.composite
def layers(draw: st.DrawFn, day: datetime) -> Doc:
    versions = [
        {"from": f"{day - timedelta(days=40):%Y-%m-%d}", "handoff": draw(st.sampled_from(CRONS)), "people": draw(rings)}
    ]
    if draw(st.booleans()):
        versions.append({"from": draw(moments(day)), **draw(version_keys)})
    layer: Doc = {"rotation": versions, "when_away": draw(st.sampled_from(["next", "gap"]))}
    if draw(st.booleans()):
        layer["hours"] = draw(st.lists(st.sampled_from(HOURS), min_size=1, max_size=2))
    if draw(st.integers(0, 4)) == 0:
        layer["until"] = draw(moments(day))
    return layer


version_keys: st.SearchStrategy[Doc] = st.fixed_dictionaries(
    {}, optional={"people": rings, "handoff": st.sampled_from(CRONS), "every": st.integers(1, 3)}
)


@st.composite
def looks(draw: st.DrawFn) -> tuple[Doc, datetime]:
    """A schedule, and the UTC midnight of the day around which something happens."""
    zone = draw(st.sampled_from(sorted(HARD)))
    day = datetime.fromisoformat(draw(st.sampled_from(HARD[zone]))).replace(tzinfo=UTC)
    stack = draw(st.lists(layers(day), min_size=1, max_size=2))
    doc: Doc = {"schedule": "any", "timezone": zone}
    if len(stack) == 1:
        doc |= stack[0]
    else:
        own = draw(st.sampled_from(sorted(HARD)))
        doc["layers"] = [{"name": "low", **stack[0]}, {"name": "top", "timezone": own, **stack[1]}]
    doc["away"] = draw(st.lists(absences(day), max_size=3))
    doc["overrides"] = draw(st.lists(overrides(day), max_size=3))
    return doc, day
