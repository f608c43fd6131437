"""Reading YAML: what the values are, and that every error has its place."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pager import yaml12
from pager.yaml12 import DEEPEST, LARGEST_FILE, MOST_PROBLEMS, Mark, load_documents, read_text
from tests.support import covers


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers must say the same: which one there is depends on the build of PyYAML."""
    if request.param == "python":
        monkeypatch.setattr(yaml12, "_EventParser", yaml12._PureParser)


def value(text: str) -> Any:
    documents, problems = load_documents(f"v: {text}\n", "x.yaml")
    assert problems == []
    return documents[0].data["v"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("no", "no", id="Norway is a text"),
        pytest.param("yes", "yes", id="yes is a text"),
        pytest.param("on", "on", id="on is a text"),
        pytest.param("Off", "Off", id="off is a text"),
        pytest.param("y", "y", id="y is a text"),
        pytest.param("true", True, id="true is true"),
        pytest.param("False", False, id="False is false"),
        pytest.param("tRUE", "tRUE", id="odd spelling is a text"),
        pytest.param("null", None, id="null is nothing"),
        pytest.param("~", None, id="a tilde is nothing"),
        pytest.param("", None, id="left out is nothing"),
        pytest.param("22:30", "22:30", id="a time is a text"),
        pytest.param("20:00", "20:00", id="a time is no sexagesimal"),
        pytest.param("2026-01-05", "2026-01-05", id="a day is a text"),
        pytest.param("2026-04-03 09:00:00", "2026-04-03 09:00:00", id="an instant is a text"),
        pytest.param("010", 10, id="a leading zero is no octal"),
        pytest.param("0o10", 8, id="octal says so"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0b11", "0b11", id="binary is a text"),
        pytest.param("1_000", "1_000", id="underscores make a text"),
        pytest.param("-7", -7, id="a negative number"),
        pytest.param("+7", 7, id="a plus sign"),
        pytest.param("99.9", 99.9, id="a fraction"),
        pytest.param(".5", 0.5, id="a fraction without its zero"),
        pytest.param("5.", 5.0, id="a fraction without its end"),
        pytest.param("1e3", 1000.0, id="an exponent"),
        pytest.param("-.inf", -math.inf, id="infinity"),
        pytest.param("1.2.3", "1.2.3", id="a version is a text"),
        pytest.param("'5'", "5", id="quotes make a text"),
        pytest.param('"true"', "true", id="double quotes make a text"),
        pytest.param("!!str 5", "5", id="the tag of a text"),
        pytest.param("! 5", "5", id="the tag of no tag"),
        pytest.param('!!int "5"', 5, id="the tag of a number"),
        pytest.param("!!float 5", 5, id="a whole number is a number"),
        pytest.param("!!map {}", {}, id="the tag of a mapping"),
        pytest.param("٣", "٣", id="digits of another script are a text"),
        pytest.param("0 9 * * MON", "0 9 * * MON", id="a cron that starts with a digit"),
        pytest.param("|\n  a\n   b\n", "a\n b\n", id="a block text"),
        pytest.param("[a, {b: 1}]", ["a", {"b": 1}], id="flow style"),
        pytest.param("=", "=", id="an equals sign is a text"),
    ],
)
def test_a_value_is_what_yaml_1_2_says(text: str, meant: Any) -> None:
    assert value(text) == meant
    assert type(value(text)) is type(meant)


def test_not_a_number_is_read() -> None:
    assert math.isnan(value(".nan"))


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "- &a0 " + "[" * 40 + "]" * 40 + "\n" + "- " + "[" * 40 + "*a0" + "]" * 40 + "\n"
STAR = "a text that starts with * must stand in quotes"
STRAY = "this line does not fit the lines around it"


@covers("T15")
@pytest.mark.parametrize(
    ("text", "line", "column", "code", "message", "hint"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", 3, 1, "E011", 'duplicate key "a"; the first is on line 1', "", id="twice"),
        pytest.param(
            "a:\n  - {x: 1, 'x': 2}\n", 2, 12, "E011", 'duplicate key "x"; the first is on line 2', "", id="flow"
        ),
        pytest.param(
            "b: 1\n<<: {a: 1}\n", 2, 1, "E013", "merge keys (<<) are not read", "write the keys out", id="merge"
        ),
        pytest.param("a:\n  1: x\n", 2, 3, "E017", "a key must be a text, not 1", 'quote it: "1"', id="number key"),
        pytest.param("true: x\n", 1, 1, "E017", "a key must be a text, not true", 'quote it: "true"', id="true key"),
        pytest.param("?\n: x\n", 1, 2, "E017", "a key must be a text", "", id="empty key"),
        pytest.param(
            "a: {{ x }}\n", 1, 5, "E017", "a key must be a text", 'put a template in quotes: "{{ ... }}"', id="template"
        ),
        pytest.param(
            "a: !!python/object:os.system x\n",
            *(1, 4, "E012", "tag !!python/object:os.system is not allowed here", "leave the tag out"),
            id="python tag",
        ),
        pytest.param(
            "a: !secret x\n", 1, 4, "E012", "tag !secret is not allowed here", "leave the tag out", id="own tag"
        ),
        pytest.param(
            "a: !!int x\n", 1, 4, "E012", "tag !!int is not allowed here", "leave the tag out", id="wrong tag"
        ),
        pytest.param(
            "a: !!set {x}\n", 1, 4, "E012", "tag !!set is not allowed here", "leave the tag out", id="set tag"
        ),
        pytest.param(
            "a: !e!x y\n", 1, 4, "E012", "tags are not allowed here", "leave the tag out", id="unknown handle"
        ),
        pytest.param(
            "a: *x\n", 1, 4, "E014", 'unknown alias "*x"', "put a text that starts with * in quotes", id="alias"
        ),
        pytest.param("a: &a [*a]\n", 1, 8, "E014", 'alias "*a" stands inside what it names', "", id="endless alias"),
        pytest.param(BOMB, 5, 36, "E015", "aliases repeat more than 100,000 values", "write them out", id="alias bomb"),
        pytest.param("[" * 65, 1, 65, "E016", "nested more than 64 deep", "", id="too deep"),
        pytest.param(CHAIN, 2, 43, "E016", "nested more than 64 deep", "", id="too deep by alias"),
        pytest.param(
            f"a: {'9' * 65}\n",
            *(1, 4, "E018", "a number of more than 64 characters", "quote it if it is a text"),
            id="endless number",
        ),
        pytest.param("a: b\nc: x\0y\n", 2, 5, "E004", "character U+0000 is not allowed", "", id="NUL"),
        pytest.param('a: "x\\0y"\n', 1, 4, "E004", "NUL (\\0) is not allowed in a text", "", id="escaped NUL"),
        pytest.param("a: \x1b[31m\n", 1, 4, "E004", "character U+001B is not allowed", "", id="escape"),
        pytest.param("a: x\u2028y\n", 1, 5, "E004", "character U+2028 is not allowed", "", id="odd line end"),
        pytest.param("a: \ud800\n", 1, 4, "E004", "character U+D800 is not allowed", "", id="surrogate"),
        pytest.param("h: * * * * *\n", 1, 4, "E010", STAR, 'quote the cron: "* * * * *"', id="cron"),
        pytest.param("h: */5 * * * MON # x\n", 1, 4, "E010", STAR, 'quote the cron: "*/5 * * * MON"', id="step cron"),
        pytest.param("h: *.example.org\n", 1, 4, "E010", STAR, 'quote it: "*.example.org"', id="wildcard"),
        pytest.param("h: @daily\n", 1, 4, "E010", "a text cannot start with @", 'quote it: "@daily"', id="at sign"),
        pytest.param("h: `x`\n", 1, 4, "E010", "a text cannot start with `", 'quote it: "`x`"', id="backtick"),
        pytest.param('h: %a "b"\n', 1, 4, "E010", "a text cannot start with %", "quote it: '%a \"b\"'", id="percent"),
        pytest.param("a:\n\t- b\n", 2, 1, "E010", "a text cannot start with a tab", "indent with spaces", id="tab"),
        pytest.param("a: b: c\n", 1, 5, "E010", 'unexpected ":"', 'put a text with ": " in quotes', id="two colons"),
        pytest.param("x: 1\na: 'b\nc: d\n", 2, 4, "E010", "this quote is never closed", "", id="open quote"),
        pytest.param(
            "a: [b, c\nd: 1\n",
            *(1, 4, "E010", "this list is not closed, or lacks a comma", "a list is [a, b]"),
            id="open list",
        ),
        pytest.param(
            "a: {b: 1\n",
            *(1, 4, "E010", "this mapping is not closed, or lacks a comma", "a mapping is {a: 1, b: 2}"),
            id="open mapping",
        ),
        pytest.param(
            "a:\n  b: 1\n c: 2\n", 3, 2, "E010", STRAY, "begin it in the column of its neighbours", id="indentation"
        ),
        pytest.param(
            'a: "x" and y\n',
            *(1, 8, "E010", "unexpected text after the value", "put the whole value in quotes"),
            id="text after a quote",
        ),
        pytest.param("a: 1\nb\n", 2, 1, "E010", 'no ":" after this key', 'write "key: value"', id="no colon"),
        pytest.param(
            "a: 1\n...\nb: 1\n",
            3,
            1,
            "E010",
            "nothing can follow the end of a document",
            "begin it with ---",
            id="after end",
        ),
        pytest.param("é: '😀'\nü: [🙂, *x]\n", 2, 8, "E014", 'unknown alias "*x"', None, id="columns are characters"),
        pytest.param("a: 1\r\nb: 2\r\na: 3\r\n", 3, 1, "E011", None, None, id="lines end as on Windows"),
        pytest.param(
            "a: 1\n---\nb: 1\nb: 2\n", 4, 1, "E011", 'duplicate key "b"; the first is on line 3', "", id="second"
        ),
    ],
)
def test_an_error_names_its_place(text: str, line: int, column: int, code: str, message: str, hint: str) -> None:
    _, problems = load_documents(text, "x.yaml")

    (problem,) = problems
    assert (problem.file, problem.line, problem.column, problem.code) == ("x.yaml", line, column, code)
    assert problem.message == (problem.message if message is None else message)
    assert problem.hint == (problem.hint if hint is None else hint)


def test_a_backslash_in_double_quotes_is_explained() -> None:
    _, (problem,) = load_documents('match: "a =~ \\d+"\n', "x.yaml")

    assert (problem.line, problem.message) == (1, "unknown escape in double quotes")


def test_the_documents_of_a_file_are_read_one_by_one_and_empty_ones_left_out() -> None:
    documents, problems = load_documents("---\n# nothing\n---\na: 1\n---\n- b\n---\n", "x.yaml")

    assert [d.data for d in documents] == [{"a": 1}, ["b"]]
    assert [d.marks[()] for d in documents] == [Mark(4, 1), Mark(6, 1)]
    assert problems == []


def test_reading_goes_on_at_the_next_document_after_an_error() -> None:
    documents, problems = load_documents("a: [1\n---\nb: 1\n---\nc: *x\nd: *y\n---\n@\n--- \ne: 1\n", "x.yaml")

    assert [d.data for d in documents] == [{"b": 1}, {"e": 1}]
    assert [(p.line, p.column) for p in problems] == [(1, 4), (5, 4), (6, 4), (8, 1)]
    assert documents[1].key_marks["e",] == Mark(10, 1)


def test_what_can_still_be_understood_is_given_along_with_its_problems() -> None:
    documents, problems = load_documents("a: 1\na: 2\n7: x\n<<: {z: 1}\nb: 3\n", "x.yaml")

    assert [d.data for d in documents] == [{"a": 1, "b": 3}]
    assert [p.code for p in problems] == ["E011", "E017", "E013"]


@pytest.mark.parametrize(
    "text", ["a: *x\n", "a: !!python/name:os.system\n", 'a: "\\0"\n', f"a: {'1' * 99}\n", BOMB, "[" * 99 + "]" * 99]
)
def test_what_cannot_be_understood_is_not_given(text: str) -> None:
    documents, problems = load_documents(text, "x.yaml")

    assert documents == []
    assert problems


TEXT = """\
rules:
  - name: "checkout down"   # why
    match: ['a = b', {c: d}]
base: &base {wait: 5m}
steps: [*base, *base]
"""


def test_marks_say_where_values_and_keys_stand() -> None:
    (document,), _ = load_documents(TEXT, "x.yaml")
    marks, keys = document.marks, document.key_marks

    assert (marks[()], marks["rules",], marks["rules", 0]) == (Mark(1, 1), Mark(2, 3), Mark(2, 5))
    assert (marks["rules", 0, "name"], keys["rules", 0, "name"]) == (Mark(2, 11), Mark(2, 5))
    assert marks["rules", 0, "name"].width == len('"checkout down"')
    assert (marks["rules", 0, "match", 1, "c"], keys["rules", 0, "match", 1, "c"]) == (Mark(3, 26), Mark(3, 23))
    assert (keys["base",], keys["base",].width, marks["rules",].width) == (Mark(4, 1), 4, 0)


def test_what_came_through_an_alias_stands_where_it_was_anchored() -> None:
    (document,), _ = load_documents(TEXT, "x.yaml")

    assert document.data["steps"] == [{"wait": "5m"}, {"wait": "5m"}]
    assert document.marks["steps", 1] == Mark(5, 16)
    assert document.marks["steps", 1, "wait"] == document.marks["base", "wait"] == Mark(4, 20)
    assert document.key_marks["steps", 1, "wait"] == Mark(4, 14)


@pytest.mark.parametrize("route", [("rules", 7), ("no",), ("rules", "name"), ("rules", 0, "name", 0), ((),)])
def test_a_path_that_is_not_there_has_no_mark(route: Any) -> None:
    (document,), _ = load_documents(TEXT, "x.yaml")

    assert route not in document.marks
    assert route not in document.key_marks
    assert () not in document.key_marks


def paths(data: Any, route: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [route, *(below for part, inner in parts for below in paths(inner, (*route, part)))]


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text("ab:# é-*'\"\\"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc: é1", max_size=5), inner, max_size=4),
    max_leaves=12,
)


def written(data: Any) -> str:
    """YAML 1.2 for `data`, every text in quotes."""
    if isinstance(data, list):
        return f"[{', '.join(map(written, data))}]"
    if isinstance(data, dict):
        return "{" + ", ".join(f"{written(key)}: {written(inner)}" for key, inner in data.items()) + "}"
    if isinstance(data, str):
        return '"' + data.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(data, float) and math.isinf(data):
        return ".inf" if data > 0 else "-.inf"
    return "null" if data is None else str(data).lower()


@settings(deadline=None)
@given(plain_values)
def test_what_was_written_is_read_and_every_value_has_a_mark(data: Any) -> None:
    text = f"- {written(data)}\n"
    (document,), problems = load_documents(text, "x.yaml")

    assert (document.data, problems) == ([data], [])
    assert sorted(document.marks, key=repr) == sorted(paths(document.data), key=repr)
    assert set(document.key_marks) == {route for route in document.marks if route and isinstance(route[-1], str)}
    assert all(1 <= mark.column <= len(text) for mark in [*document.marks.values(), *document.key_marks.values()])


scraps = st.sampled_from(
    [
        "a",
        "b",
        "1",
        ":",
        ": ",
        "- ",
        "? ",
        "---",
        "...",
        "\n",
        "\n  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ",",
        " &a ",
        " *a",
        "<<",
        "'",
        '"',
        "|",
        ">",
        "%",
        "@",
        "`",
        " #",
        "\\",
        "\x00",
        "\r",
        "é",
        "\u2028",
        "\ufeff",
        "! ",
        "!!",
        "!<x> ",
        "!!str ",
    ]
)


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(scraps, max_size=40).map("".join))
@example("%YAML 3.0\n---\n")
@example("%TAG ! tag:x,2002:\n--- !a\n")
@example("\ufeff\ufeffa: 1")
@example("? [a]\n: b\n? {}\n:")
@example("*a : b")
@example("- &a\n- *a")
@example("---\n" * 300)
@example("@\n---\n" * 300)
def test_no_text_makes_it_raise(text: str) -> None:
    documents, problems = load_documents(text, "x.yaml")

    lines = len(text.splitlines()) + 1
    assert len(problems) <= MOST_PROBLEMS
    assert all(1 <= p.line <= lines and p.column >= 1 and p.message for p in problems)
    assert all(len(document.marks) >= 1 for document in documents)


def test_a_file_full_of_errors_is_not_read_to_its_end() -> None:
    _, problems = load_documents("a: 1\n" * 5000, "x.yaml")

    assert len(problems) == MOST_PROBLEMS


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{b: "])
def test_deep_nesting_is_refused_before_it_costs_anything(opening: str) -> None:
    started = time.process_time()
    documents, problems = load_documents(opening * 200_000, "x.yaml")

    assert (documents, problems[0].code) == ([], "E016")
    assert time.process_time() - started < 2


def test_nesting_up_to_the_limit_is_read() -> None:
    (document,), problems = load_documents("[" * DEEPEST + "]" * DEEPEST, "x.yaml")

    assert (problems, len(document.marks)) == ([], DEEPEST)


def test_six_thousand_lines_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the parser in Python is the slow one
    rule = (
        "  - name: r{}\n    match: ['a = b']\n    severity: SEV-1\n    policy: pay\n    runbook: x\n    group_by: [c]\n"
    )
    text = "rules:\n" + "".join(rule.format(number) for number in range(1000))
    best = math.inf
    for _ in range(5):
        started = time.process_time()
        load_documents(text, "x.yaml")
        best = min(best, time.process_time() - started)

    assert best < 0.25  # 0.06 s on a quiet machine; a busy one is no failure


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")

    text, problems = read_text(tmp_path / "a.yaml")

    assert (text, problems) == ("a: é\n", [])
    assert load_documents("\ufeffa: 1\n", "a.yaml")[0][0].key_marks["a",] == Mark(1, 1)


@pytest.mark.parametrize(
    ("raw", "line", "column", "message", "hint"),
    [
        pytest.param(b"a: 1\nb: \xff\n", 2, 4, "not UTF-8: byte 0xff", "save the file as UTF-8", id="Latin-1"),
        pytest.param(
            b"\xef\xbb\xbf\xc3\xa9 \xc3", 1, 3, "not UTF-8: byte 0xc3", "save the file as UTF-8", id="cut off"
        ),
        pytest.param("a: 1\n".encode("utf-16"), 1, 1, "not UTF-8: byte 0xff", "it looks like UTF-16", id="UTF-16"),
        pytest.param(b"a: \xed\xa0\x80", 1, 4, "not UTF-8: byte 0xed", "save the file as UTF-8", id="surrogate"),
    ],
)
def test_what_is_no_utf8_is_refused(
    tmp_path: Path, raw: bytes, line: int, column: int, message: str, hint: str
) -> None:
    (tmp_path / "a.yaml").write_bytes(raw)

    text, (problem,) = read_text(tmp_path / "a.yaml", "rules/a.yaml")

    assert text is None
    assert (problem.file, problem.line, problem.column) == ("rules/a.yaml", line, column)
    assert (problem.code, problem.message, problem.hint) == ("E003", message, hint)


def test_fifty_megabytes_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)

    assert read_text(tmp_path / "big.yaml") == (None, [problem := read_text(tmp_path / "big.yaml")[1][0]])
    assert (problem.code, problem.message) == ("E002", "larger than 8 MiB")


def test_eight_megabytes_are_still_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"#" * LARGEST_FILE)

    assert read_text(tmp_path / "a.yaml")[1] == []


def test_what_is_no_plain_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path, message in [
        (tmp_path / "pipe", "not a plain file"),
        (tmp_path, "not a plain file"),
        (tmp_path / "none.yaml", "cannot be read: No such file or directory"),
        (Path("a\0b"), "cannot be read: embedded null byte"),
    ]:
        text, (problem,) = read_text(path)
        assert (text, problem.code, problem.message) == (None, "E001", message)


def test_reading_needs_none_of_the_heavy_libraries() -> None:
    heavy = "{'aiohttp', 'apprise', 'pydantic_settings', 'sqlalchemy'}"
    code = f"import sys, pager.yaml12, pager.problems; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_c_parser_is_there() -> None:
    assert yaml.__with_libyaml__
