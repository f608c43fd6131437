"""One YAML file of the config folder: its documents as models, and every problem with its line."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from pager.core.documents import PeopleFile, RulesFile
from pager.core.findings import Finding, Part
from pager.core.model import Model
from pager.core.schedule import Loc, Schedule
from pager.problems import LINE_END, Problem, from_validation
from pager.yaml12 import Document, Mark, load_documents

PEOPLE_KEYS = frozenset(PeopleFile.model_fields)
SCHEDULE_KEYS = frozenset(field.alias or name for name, field in Schedule.model_fields.items())
RULES_KEYS = frozenset(RulesFile.model_fields)

M = TypeVar("M", RulesFile, PeopleFile, Schedule)
Names = frozenset[tuple[str, str]]


class Reading(Struct, frozen=True):
    """A file as it was understood: what could be read of each document, and what could not."""

    file: str
    documents: list[Document]
    parts: list[Part]
    problems: list[Problem]

    def locate(self, finding: Finding, text: str) -> tuple[int, int, str]:
        """Line, column and what stands there."""
        if finding.document >= len(self.documents):
            return 1, 1, ""
        mark = _mark(self.documents[finding.document], finding.path, at_key=finding.at_key)
        lines = LINE_END.split(text)
        if finding.down is not None:
            # The text of a block begins on the line below its sign.
            down = finding.down + (lines[mark.line - 1][mark.column - 1 :][:1] in ("|", ">"))
            if 0 < down <= len(lines) - mark.line:
                line = lines[mark.line + down - 1]
                return mark.line + down, len(line) - len(line.lstrip()) + 1, line.strip()
        return mark.line, mark.column, lines[mark.line - 1][mark.column - 1 :][: mark.width]


def read_documents(file: str, text: str) -> Reading:
    """The documents of the file of that name: below schedules/ schedules and people, else rules."""
    documents, problems = load_documents(text, file)
    reading = Reading(file, documents, [], problems)
    for number, document in enumerate(documents):
        if not file.startswith("schedules/"):
            _read(RulesFile, document.data, number, reading, text)
            continue
        people, schedule = _split(document.data)
        if schedule is not None:
            _read(Schedule, schedule, number, reading, text)
        if people is not None:
            _read(PeopleFile, people, number, reading, text)
    return reading


def _split(data: Any) -> tuple[Any, Any]:
    """What a document below schedules/ says about people, and its schedule; None where it has nothing of the kind."""
    if not isinstance(data, dict) or not SCHEDULE_KEYS & data.keys():
        return data, None
    people = {key: value for key, value in data.items() if key in PEOPLE_KEYS}
    return people or None, {key: value for key, value in data.items() if key not in people}


def _read(model: type[M], data: Any, number: int, reading: Reading, text: str) -> None:
    """Validate; if something is wrong, tell it and go on with what is left without it."""
    document = reading.documents[number]
    line_of = partial(_line, document)
    try:
        reading.parts.append(Part(reading.file, number, model.model_validate(data), line_of))
        return
    except ValidationError as error:
        wrong = error
    reading.problems.extend(map(_misplaced, from_validation(wrong, document, reading.file, text, model=model)))
    left, kept, broken = _without(data, wrong)
    try:
        content = model.model_validate(left)
    except ValidationError:  # nothing of it makes sense, as in a schedule without a rotation
        content = _empty(model)
    reading.parts.append(Part(reading.file, number, content, line_of, broken, kept))


def _empty(model: type[Model]) -> Any:
    return PeopleFile() if model is not RulesFile else RulesFile()


def _without(data: Any, error: ValidationError) -> tuple[Any, Mapping[str, tuple[int, ...]], Names]:
    """The data without the entries that are wrong, the numbers of those kept of each list, and the names lost."""
    if not isinstance(data, dict):
        return {}, {}, frozenset()
    bad = {tuple(entry["loc"][:2]) for entry in error.errors(include_url=False, include_input=False)}
    left: dict[str, Any] = {}
    kept: dict[str, tuple[int, ...]] = {}
    broken: set[tuple[str, str]] = set()
    for key, value in data.items():
        if (key,) in bad:
            continue
        if isinstance(value, list):
            kept[key] = tuple(at for at in range(len(value)) if (key, at) not in bad)
            left[key] = [value[at] for at in kept[key]]
        elif isinstance(value, dict):
            left[key] = {name: entry for name, entry in value.items() if (key, name) not in bad}
            broken |= {(key, name) for name in value if (key, name) in bad}
        else:
            left[key] = value
    if isinstance(data.get("schedule"), str):
        broken.add(("schedules", data["schedule"]))
    return left, kept, frozenset(broken)


def _misplaced(problem: Problem) -> Problem:
    """Say where a key belongs that only the other folder knows."""
    if problem.code != "E020":
        return problem
    key = problem.message.split('"')[1]
    below, known = ("rules/", RULES_KEYS) if problem.file.startswith("schedules/") else ("schedules/", PEOPLE_KEYS)
    return replace(problem, hint=f"it belongs into a file below {below}") if key in known else problem


def _line(document: Document, path: Loc) -> int:
    return _mark(document, path, at_key=True).line


def _mark(document: Document, path: Loc, *, at_key: bool) -> Mark:
    """Where `path` stands, else the nearest around it: one name may be written without its list."""
    for length in range(len(path), 0, -1):
        places = (document.key_marks, document.marks) if at_key else (document.marks,)
        for marks in places:
            try:
                return marks[path[:length]]
            except KeyError:
                continue
    return document.marks[()]
