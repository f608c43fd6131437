"""Problems in what people wrote: where, what, and what was probably meant; told to people, scripts and CI alike.

Codes: E001-E004 the file, E010-E018 its YAML, E020-E024 its shape (from pydantic); E1xx and W belong to the checks.
"""

import difflib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import asdict, replace

if TYPE_CHECKING:  # yaml12 needs Problem, and pydantic is loaded by whoever has one of its errors
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails
    from yaml import MarkedYAMLError

    from pager.yaml12 import Document

Route = tuple[str | int, ...]
"""Where a value is in a document: keys and, from 0, numbers of items."""

_WIDEST: Final = 160
LINE_END: Final = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,\[\]{}]+|\S")
_LEVELS: Final = {"error": "error", "warn": "warning"}
_STYLES: Final = {"error": "31", "warn": "33", "place": "1", "code": "2"}


class Problem(Struct, frozen=True):
    """One thing wrong at one place. Line and column count from 1, in characters.

    `snippet` is the text at that place that is wrong, as written: so long are the carets. `hint` says how to mend it.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    level: Literal["error", "warn"] = "error"
    snippet: str = ""
    hint: str = ""

    @property
    def text(self) -> str:
        """Message and hint in one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean "payments"?` for the name in `known` that is most like `word`, or nothing when none is."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold()[:100], by_folded, n=1)
    return f'did you mean "{by_folded[close[0]]}"?' if close else ""


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file, line and column, each once: a bad value behind an anchor is found wherever it is used."""
    return sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.code, p.message))


def render(problems: Iterable[Problem], texts: Mapping[str, str], colour: bool = False) -> str:
    """What `pagerctl check` prints: a line each and, for errors, the place in the text with the line before it.

    `texts` has the text of each file; a file that is not in it is named without its lines.
    """
    ordered = in_order(problems)
    lines = {file: LINE_END.split(texts[file]) for file in {p.file for p in ordered} & texts.keys()}
    width = max((len(_place(p)) for p in ordered), default=0)
    paint = (lambda text, style: f"\x1b[{_STYLES[style]}m{text}\x1b[0m") if colour else (lambda text, _style: text)
    return "\n".join(line for p in ordered for line in _rendered(p, lines.get(p.file, []), width, paint))


def _place(problem: Problem) -> str:
    return f"{_shown(problem.file)}:{problem.line}:{problem.column}"


def _rendered(problem: Problem, lines: Sequence[str], width: int, paint: Callable[[str, str], str]) -> Iterator[str]:
    place, level = _place(problem).ljust(width), problem.level.ljust(5)
    yield f"{paint(place, 'place')} {paint(level, problem.level)}  {paint(problem.code, 'code')} {_shown(problem.text)}"
    if problem.level == "warn" or not 1 <= problem.line <= len(lines):
        return
    line, at = lines[problem.line - 1], problem.column - 1
    start = max(0, at - _WIDEST // 2) if len(line) > _WIDEST else 0
    if problem.line > 1:
        yield _numbered(problem.line - 1, lines[problem.line - 2][start:])
    yield _numbered(problem.line, line[start:])
    word = _TOKEN.match(line, at)  # what the carets mark when the problem does not say
    wrong = problem.snippet if problem.snippet and line.startswith(problem.snippet, at) else word[0] if word else ""
    before, wrong = _shown(line[start:at]), _shown(wrong[: _WIDEST // 2])
    carets = "^" * max(1, _columns(wrong))
    yield f"{'':5} | {' ' * _columns(before)}{paint(carets, problem.level)}"


def _numbered(number: int, line: str) -> str:
    return f"{number:5} | {_shown(line[:_WIDEST])}".rstrip()


def _shown(text: str) -> str:
    """The text as a terminal may have it: tabs as spaces, and nothing that moves the cursor or turns the writing."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else f"\\u{ord(c):04x}" for c in text)


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def as_json(problems: Iterable[Problem]) -> str:
    """`{"problems": [{"file", "line", "column", "code", "message", "level", "snippet", "hint"}]}`."""
    return json.dumps({"problems": [asdict(p) for p in in_order(problems)]}, indent=2, ensure_ascii=False)


def as_github(problems: Iterable[Problem]) -> str:
    """Workflow commands, a line each: GitHub shows them on the lines of the pull request."""
    told = []
    for p in in_order(problems):
        where = f"file={_property(p.file)},line={p.line},col={p.column},title={p.code}"
        told.append(f"::{_LEVELS[p.level]} {where}::{_command(p.text)}")
    return "\n".join(told)


def _command(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command(text).replace(":", "%3A").replace(",", "%2C")


def as_gitlab(problems: Iterable[Problem]) -> str:
    """A code quality report. Fingerprints leave the line out: a problem that only moved is no new one."""
    seen: Counter[tuple[str, ...]] = Counter()
    entries = []
    for p in in_order(problems):
        what = (p.file, p.code, p.message)
        seen[what] += 1
        digest = blake2b("\0".join((*what, str(seen[what]))).encode(errors="replace"), digest_size=16).hexdigest()
        where = {"path": p.file, "lines": {"begin": p.line}}
        what_and_where = {"description": p.text, "check_name": p.code, "fingerprint": digest, "location": where}
        entries.append({**what_and_where, "severity": "major" if p.level == "error" else "minor"})
    return json.dumps(entries, indent=2)


def as_sarif(problems: Iterable[Problem]) -> str:
    """SARIF 2.1.0, one run."""
    results: list[dict[str, Any]] = []
    for p in in_order(problems):
        region = {"startLine": p.line, "startColumn": p.column}
        place = {"physicalLocation": {"artifactLocation": {"uri": quote(p.file)}, "region": region}}
        about = {"ruleId": p.code, "level": _LEVELS[p.level], "message": {"text": p.text}}
        results.append({**about, "locations": [place]})
    driver = {"name": "pagerctl check", "rules": [{"id": code} for code in sorted({r["ruleId"] for r in results})]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def as_junit(problems: Iterable[Problem], files: Iterable[str] = ()) -> str:
    """JUnit XML: a test case a file, of `files` and of the problems; errors fail it, warnings are its output."""
    from xml.etree import ElementTree as Xml  # loaded only where it is wanted: `check` must start fast

    ordered = in_order(problems)
    suite = Xml.Element("testsuite", name="pagerctl check")
    for file in sorted({*files, *(p.file for p in ordered)}):
        case = Xml.SubElement(suite, "testcase", classname="check", name=_shown(file), file=_shown(file))
        for level, element in (("error", "failure"), ("warn", "system-out")):
            told = [f"{_place(p)} {p.code} {_shown(p.text)}" for p in ordered if (p.file, p.level) == (file, level)]
            if told:
                Xml.SubElement(case, element, {"message": told[0]} if level == "error" else {}).text = "\n".join(told)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True)


# How a person would put what either parser says: its words on the context and on the problem, our code, whether the
# context is the place to look at, message and hint. The first row that fits is used; {words} are filled in.
_SYNTAX: Final = (
    ("scanning an alias", "", "E010", True, "a text that starts with * must stand in quotes", "{quote}"),
    ("quoted scalar", "end of stream|document indicator", "E010", True, "this quote is never closed", ""),
    ("quoted scalar", "escape", "E010", False, "unknown escape in double quotes", r"write \\ or use single quotes"),
    ("next token", "cannot start any token", "E010", False, "{first}", "{quote}"),
    ("", "mapping values are not allowed", "E010", False, 'unexpected ":"', 'put a text with ": " in quotes'),
    ("", "sequence entries are not allowed", "E010", False, 'unexpected "-"', "begin the list on a line of its own"),
    ("flow sequence", "", "E010", True, "this list is not closed, or lacks a comma", "a list is [a, b]"),
    ("flow mapping", "", "E010", True, "this mapping is not closed, or lacks a comma", "a mapping is {a: 1, b: 2}"),
    ("block (mapping|collection|sequence)", "", "E010", False, "{stray}", "{align}"),
    ("simple key", "", "E010", True, 'no ":" after this key', 'write "key: value"'),
    ("", "undefined tag handle", "E012", False, "tags are not allowed here", "leave the tag out"),
    ("", "expected .*node content", "E010", False, "{first}", "{quote}"),
    ("", "expected .*document start", "E010", False, "nothing can follow the end of a document", "begin it with ---"),
)


def from_syntax(error: "MarkedYAMLError", file: str, text: str, first_line: int = 0) -> Problem:
    """What the parser stumbled over, in words for whoever wrote it. The text it read began at line `first_line` + 1."""
    context, problem, lines = error.context or "", error.problem or "not YAML", LINE_END.split(text)
    for in_context, in_problem, code, at_context, message, hint in _SYNTAX:
        if re.search(in_context, context) and re.search(in_problem, problem):
            mark = (at_context and error.context_mark) or error.problem_mark
            line, column = _at(mark, lines, first_line)
            words = _words(lines[line - 1][: column - 1], lines[line - 1][column - 1 :])
            snippet = words["{text}"] if hint == "{quote}" else ""
            message, hint = words.get(message, message), words.get(hint, hint)
            return Problem(file, line, column, code, message, snippet=snippet, hint=hint)
    return Problem(file, *_at(error.problem_mark or error.context_mark, lines, first_line), "E010", problem)


def _at(mark: Any, lines: Sequence[str], first_line: int) -> tuple[int, int]:
    """Line and column of a parser's mark; the parsers put some a line past the last one."""
    if mark is None or (line := first_line + mark.line + 1) > len(lines):
        return len(lines), len(lines[-1]) + 1
    return line, mark.column + 1


def _words(before: str, rest: str) -> dict[str, str]:
    """What the rows above may say of the line that holds `before` and, from the error on, `rest`."""
    text, stray = re.split(r"\s+#|\s*$", rest, maxsplit=1)[0], before.strip(" -")
    cron = len(text.split()) == 5 and re.fullmatch(r"[-*/,\w\s]+", text)
    mark = "'" if '"' in text else '"'
    quote = f"quote {'the cron' if cron else 'it'}: {mark}{text}{mark}" if text else ""
    return {
        "{text}": text,
        "{first}": f"a text cannot start with {'a tab' if rest[:1] == chr(9) else rest[:1] or 'the end of a line'}",
        "{quote}": "indent with spaces" if rest[:1] == "\t" else quote,
        "{stray}": "unexpected text after the value" if stray else "this line does not fit the lines around it",
        "{align}": "put the whole value in quotes" if stray else "begin it in the column of its neighbours",
    }


_KINDS: Final = (  # the begin of pydantic's error types, and the words of somebody who writes YAML
    (("string_type", "string_sub_type", "url_type"), "a text"),
    (("int_",), "a whole number"),
    (("float_", "decimal_"), "a number"),
    (("bool_",), "true or false"),
    (("list_", "tuple_", "set_", "frozen_set_", "iterable_"), "a list"),
    (("dict_type", "model_type", "model_attributes_type", "dataclass_type", "mapping_type"), "a mapping"),
    (("none_",), "left out"),
    (("date_from", "date_type", "date_parsing"), "a date such as 2026-03-02"),
    (("datetime_", "timezone_"), "a time such as 2026-03-02 09:00"),
)


class _Fault(Struct, frozen=True):
    """One of pydantic's errors, the path of its value in the document, and the kinds of value that would have done.

    `members` are those of unions on the way there: the length of the path at which each was tried, and its name.
    """

    type: str
    entry: "ErrorDetails"
    path: Route
    members: tuple[tuple[int, str], ...]
    kinds: tuple[str, ...]


def from_validation(
    error: "ValidationError", document: "Document", file: str, text: str, *, at: Route = (), model: Any = None
) -> list[Problem]:
    """One problem for each error: at the key if that is unknown, at the mapping if a key is missing, else at the value.

    `at` is the path of what was validated within the document. `model`, the type it was validated against, gives
    the names for `did you mean`; without it only keys that are missing beside the unknown one are suggested.
    What the members of a union say is told once, by the member that was meant; so is a key missing as it is misspelt.
    """
    lines = LINE_END.split(text)
    faults = _without_unions([_fault(entry, document, at) for entry in error.errors(include_url=False)])
    missing = {(*f.path, str(f.entry["loc"][-1])) for f in faults if f.type == "missing"}
    problems, misspelt = list[tuple[Route, Problem]](), set[Route]()
    for fault in faults:
        loc, path = fault.entry["loc"], fault.path
        at_key = fault.type == "extra_forbidden" or loc[-1:] == ("[key]",)
        mark = (at_key and document.key_marks.get(path)) or document.marks[path]
        snippet = lines[mark.line - 1][mark.column - 1 :][: mark.width]
        beside = {str(route[-1]) for route in missing if route[:-1] == path[:-1]}
        code, message, hint = _explained(fault, beside | _keys_of(model, loc[:-1]))
        misspelt |= {(*path[:-1], key) for key in beside if hint == suggest(key, [key])}
        absent = (*path, str(loc[-1])) if fault.type == "missing" else ()
        problems.append((absent, Problem(file, mark.line, mark.column, code, message, snippet=snippet, hint=hint)))
    return in_order(problem for absent, problem in problems if absent not in misspelt)


def _fault(entry: "ErrorDetails", document: "Document", at: Route) -> _Fault:
    """The entry with its location split into what is in the document and what only pydantic knows."""
    place = document.data
    for part in at:
        place = place[part]
    path, members, loc = list(at), [], entry["loc"]
    for number, part in enumerate(loc):
        if _holds(place, part):
            place = place[part]
            path.append(part)
        elif not (number == len(loc) - 1 and entry["type"] == "missing") and part != "[key]":
            members.append((len(path), str(part)))
    kinds = tuple(word for starts, word in _KINDS if entry["type"].startswith(starts))
    return _Fault(entry["type"], entry, tuple(path), tuple(members), kinds)


def _holds(place: Any, part: str | int) -> bool:
    if isinstance(place, list):
        return isinstance(part, int) and 0 <= part < len(place)
    return isinstance(place, dict) and part in place


def _without_unions(faults: list[_Fault]) -> list[_Fault]:
    """The faults with each union spoken for by one of its members."""
    told = [fault for fault in faults if not fault.members]
    unions: dict[Route, dict[str, list[_Fault]]] = {}
    for fault in faults:
        if fault.members:
            (length, member), *rest = fault.members
            said = unions.setdefault(fault.path[:length], {}).setdefault(member, [])
            said.append(replace(fault, members=tuple(rest)))
    for point, members in unions.items():
        told += _without_unions(_meant(point, list(members.values())))
    return told


def _meant(point: Route, members: list[list[_Fault]]) -> list[_Fault]:
    """What the member says that fits the value best; where all want another kind of value, all of it at once."""
    fitting = [faults for faults in members if not any(f.kinds and f.path == point for f in faults)]
    if fitting:  # who looked inside the value knows more of it than who compared it as a whole
        inside = [faults for faults in fitting if any(f.path != point or f.type == "missing" for f in faults)]
        return min(inside or fitting, key=len)
    kinds = dict.fromkeys(kind for faults in members for fault in faults for kind in fault.kinds)
    return [replace(members[0][0], members=(), kinds=tuple(kinds))]


def _explained(fault: _Fault, known: set[str]) -> tuple[str, str, str]:
    """Code, message and hint."""
    entry, about = fault.entry, fault.entry.get("ctx", {})
    name, subject, given = "".join(map(str, entry["loc"][-1:])), _subject(fault.path), _given(entry["input"])
    if fault.type == "extra_forbidden":
        return "E020", f'unknown key "{name}"', suggest(name, known)
    if fault.type == "missing":
        return "E021", f'missing key "{name}"', ""
    if fault.kinds:
        wanted = " or ".join(filter(None, (", ".join(fault.kinds[:-1]), fault.kinds[-1])))
        quotable = "a text" in fault.kinds and isinstance(entry["input"], bool | int | float)
        return "E022", f"{subject} should be {wanted}, not {given}", "put it in quotes" if quotable else ""
    if "expected" in about:
        expected = str(about["expected"]).replace("'", '"')
        hint = suggest(str(entry["input"]), re.findall('"([^"]*)"', expected))
        return "E023", f"{subject} should be {expected}, not {given}", hint
    said = str(about["error"]) if "error" in about else re.sub(r"^\w+ should ", f"{subject} should ", entry["msg"])
    return "E024", said.replace(" after validation", ""), ""


def _subject(path: Route) -> str:
    if not path or isinstance(path[-1], str):
        return f'"{path[-1]}"' if path else "the document"
    return f"item {path[-1] + 1}" + (f" of {_subject(path[:-1])}" if len(path) > 1 else "")


def _given(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "empty"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else f"the number {value}"
    return text if len(text) <= 60 else f'{text[:58]}…"'


def _keys_of(model: Any, loc: Sequence[str | int]) -> set[str]:
    """The keys that the models at `loc` within `model` know."""
    kinds = _kinds_in(model)
    for part in loc:
        kinds = [k for k in kinds if getattr(k, "__name__", "") == part] or _inside(kinds, part) or kinds
    return {field.alias or name for k in kinds for name, field in getattr(k, "__pydantic_fields__", {}).items()}


def _kinds_in(annotation: Any) -> list[Any]:
    """The types that an annotation allows, with unions, aliases and Annotated taken apart."""
    if get_origin(annotation) is Annotated or hasattr(annotation, "__value__"):
        return _kinds_in(getattr(annotation, "__value__", None) or get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for member in get_args(annotation) for kind in _kinds_in(member)]
    return [annotation]


def _inside(kinds: list[Any], part: str | int) -> list[Any]:
    """The types of what stands under `part`: a field of a model, an item of a list, a value of a mapping."""
    inside = []
    for kind in kinds:
        fields = getattr(kind, "__pydantic_fields__", {})
        inside += [field.annotation for name, field in fields.items() if part in (name, field.alias)]
        inside += [arg for arg in get_args(kind) if arg is not Ellipsis][-1:]
    return [kind for annotation in inside for kind in _kinds_in(annotation)]
