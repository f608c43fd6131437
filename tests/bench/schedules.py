"""How long schedules take: to compile a year of many, to say who is on call, and to check a folder of them."""

import gc
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from croniter import croniter

from pager.core.oncall import Schedule, on_call, timeline
from pager.core.sweep import plan_of
from pager.core.wall import minute_of
from pager.files import load_catalog

YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
CRONS = ("0 9 * * MON", "0 9 * * *", "0 8,20 * * *", "0 9 * * MON-FRI", "0 10 * * MON,THU")
HOURS = ("mon-fri 09:00-17:00", "20:00-08:00")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC", "Asia/Kolkata")
PEOPLE = [f"p{number:02}" for number in range(20)]
ABSENCES, OVERRIDES = 40, 30
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)

Doc = dict[str, Any]


def documents(count: int) -> list[Doc]:
    """So many schedules of 20 people with hours, 40 absences and 30 overrides spread over the year; always the same."""
    random = Random(7)
    return [_document(number, random) for number in range(count)]


def write_folder(folder: Path, count: int) -> None:
    """A config folder with these schedules, one a file, and a policy that pages them."""
    (folder / "rules").mkdir()
    (folder / "schedules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(RULES)
    people = "".join(f'  {name}: {{contacts: {{console: "console://"}}}}\n' for name in PEOPLE)
    (folder / "schedules" / "people.yaml").write_text(f"people:\n{people}")
    for doc in documents(count):
        (folder / "schedules" / f"{doc['schedule']}.yaml").write_text("".join(_lines(doc)))


RULES = """policies:
  default: {steps: [{page: [everyone]}]}
rules:
  - {name: all, match: ['alertname =~ ".+"'], severity: SEV-3}
"""


def run(quick: bool) -> None:
    """Print the figures; `quick` takes fewer schedules and rounds."""
    count, rounds = (10, 1) if quick else (50, 15)
    documented = documents(count)
    each = f"{len(PEOPLE)} people, hours, {ABSENCES} absences and {OVERRIDES} overrides"
    print(f"a year of {count} schedules of {each} each, in processor time")
    compiled = min(_compiled(documented) for _ in range(rounds))
    shown, segments = min(_shown(documented) for _ in range(min(rounds, 5)))
    plain = min(_timed(lambda: [_fires(doc) for doc in documented]) for _ in range(1 if quick else 2))
    checked = min(_checked(count) for _ in range(min(rounds, 3)))
    who = _who(documented[0], 20_000 if quick else 200_000)
    print(f"  compiled, from nothing                      {compiled * 1e3:8.1f} ms")
    print(f"  the same as {segments:6} segments with all ranks {shown * 1e3:8.1f} ms")
    print(
        f"  croniter's get_next for the turns alone     {plain * 1e3:8.1f} ms, {plain / compiled:.1f} times the first"
    )
    print(f"  who is on call, asked again                 {who * 1e6:8.2f} us")
    print(f"  pagerctl check of the folder, in process    {checked * 1e3:8.1f} ms")


def main() -> None:
    run(quick=False)


def _document(number: int, random: Random) -> Doc:
    people = random.sample(PEOPLE, len(PEOPLE))
    version = {"from": "2025-12-01", "handoff": CRONS[number % len(CRONS)], "people": people}
    return {
        "schedule": f"s{number:02}",
        "timezone": ZONES[number % len(ZONES)],
        "hours": HOURS[number % len(HOURS)],
        "rotation": [version],
        "away": [{"who": random.choice(people), **_stretch(random, 14)} for _ in range(ABSENCES)],
        "overrides": [{"who": [random.choice(people)], **_stretch(random, 2)} for _ in range(OVERRIDES)],
    }


def _stretch(random: Random, longest_days: int) -> Doc:
    start = YEAR[0] + timedelta(hours=random.randrange(365 * 24))
    end = start + timedelta(hours=random.randrange(4, longest_days * 24))
    return {"from": f"{start:%Y-%m-%d %H:%M}", "to": f"{end:%Y-%m-%d %H:%M}"}


def _lines(doc: Doc) -> Iterator[str]:
    for key, value in doc.items():
        if isinstance(value, list):
            yield f"{key}:\n"
            yield from (f"  - {_flow(entry)}\n" for entry in value)
        else:
            yield f'{key}: "{value}"\n'


def _flow(entry: Doc) -> str:
    words = (f"{key}: {value if key in ('who', 'from', 'to') else _plain(value)}" for key, value in entry.items())
    return "{" + ", ".join(words).replace("'", "") + "}"


def _plain(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _compiled(documented: list[Doc]) -> float:
    """Seconds to compile the year of schedules that nobody has asked for yet: who has rank 1, from when to when."""
    schedules = [Schedule.model_validate(doc) for doc in documented]
    begin, end = (minute_of(at) for at in YEAR)
    return _timed(lambda: [deque(plan_of(schedule, ()).segments(begin, end), maxlen=0) for schedule in schedules])


def _shown(documented: list[Doc]) -> tuple[float, int]:
    """Seconds to make the year's segments, with every rank and as times; and how many they are."""
    schedules, found = [Schedule.model_validate(doc) for doc in documented], list[int]()
    seconds = _timed(lambda: found.extend(len(timeline(schedule, *YEAR)) for schedule in schedules))
    return seconds, sum(found)


def _fires(doc: Doc) -> int:
    """What a loop over croniter costs for the turns alone: no zones, no hours, no absences."""
    handoffs, count = croniter(doc["rotation"][0]["handoff"], datetime(2026, 1, 1)), 0  # noqa: DTZ001  wall time
    while handoffs.get_next(datetime).year == 2026:
        count += 1
    return count


def _who(doc: Doc, rounds: int) -> float:
    schedule = Schedule.model_validate(doc)
    on_call(schedule, NOW)
    return _timed(lambda: [on_call(schedule, NOW) for _ in range(rounds)]) / rounds


def _checked(count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), count)
        return _timed(lambda: load_catalog(Path(folder), NOW))


def _timed(work: Callable[[], object]) -> float:
    """Seconds of processor time, since the machine may have other work to do."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
