"""Problems: pydantic's errors at their place in the YAML, and the ways in which problems are told."""

import json
from typing import Annotated, Any, Literal
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from pager.core.duration import Duration
from pager.problems import (
    Problem,
    as_github,
    as_gitlab,
    as_json,
    as_junit,
    as_sarif,
    from_validation,
    in_order,
    render,
    suggest,
)
from pager.yaml12 import load_documents


class Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rank(Written):
    schedule: str
    rank: int = 1


class Step(Written):
    page: list[str | Rank] = Field(min_length=1)
    wait: Duration


class Policy(Written):
    team: str = ""
    steps: list[Step] = []
    then: Literal["everyone", "nobody"] = "everyone"
    repeat: Annotated[int, Field(ge=1)] = 1
    quiet: bool | Duration = False


def no_blank(name: str) -> str:
    if " " in name:
        raise ValueError(f"not a name: {name!r}; write it without blanks")
    return name


class Turn(Written):
    starts: str = Field(default="", alias="from")
    people: list[str | list[str]] = []
    every: int | None = None

    @model_validator(mode="after")
    def people_for_a_turn(self) -> "Turn":
        if self.starts and not self.people:
            raise ValueError("a turn needs people")
        return self


class Rules(Written):
    policies: dict[Annotated[str, AfterValidator(no_blank)], Policy] = {}
    turns: list[Turn] = []
    share: float = 0
    on: tuple[str, ...] = ()


def problems_in(text: str, model: Any = Rules) -> list[Problem]:
    (document,), problems = load_documents(text, "rules/x.yaml")
    assert problems == []
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(model).validate_python(document.data)
    return from_validation(caught.value, document, "rules/x.yaml", text, model=model)


@pytest.mark.parametrize(
    ("text", "place", "code", "message", "hint", "snippet"),
    [
        pytest.param(
            "policies:\n  pay:\n    taem: x\n",
            *((3, 5), "E020", 'unknown key "taem"', 'did you mean "team"?', "taem"),
            id="an unknown key, at the key",
        ),
        pytest.param(
            "polices: {}\n",
            *((1, 1), "E020", 'unknown key "polices"', 'did you mean "policies"?', "polices"),
            id="an unknown key at the top",
        ),
        pytest.param(
            "turns: [{form: x}]\n",
            *((1, 10), "E020", 'unknown key "form"', 'did you mean "from"?', "form"),
            id="the suggestion is the key as written, not the field",
        ),
        pytest.param(
            "policies: {p: {steps: [{page: [{schedule: x, rnak: 2}], wait: 5m}]}}\n",
            *((1, 46), "E020", 'unknown key "rnak"', 'did you mean "rank"?', "rnak"),
            id="an unknown key inside a union",
        ),
        pytest.param(
            "policies: {p: {zzz: 1}}\n",
            (1, 16),
            "E020",
            'unknown key "zzz"',
            "",
            "zzz",
            id="an unknown key like no other",
        ),
        pytest.param(
            "policies:\n  p:\n    steps:\n      - page: [a]\n",
            *((4, 9), "E021", 'missing key "wait"', "", ""),
            id="a missing key, at the mapping",
        ),
        pytest.param(
            "policies: {p: {steps: [{page: [{rank: 2}], wait: 5m}]}}\n",
            *((1, 32), "E021", 'missing key "schedule"', "", "{rank: 2}"),
            id="a missing key inside a union",
        ),
        pytest.param(
            "policies: {p: {team: 12}}\n",
            *((1, 22), "E022", '"team" should be a text, not the number 12', "put it in quotes", "12"),
            id="a number for a text",
        ),
        pytest.param(
            "policies: {p: {team: [a]}}\n",
            *((1, 22), "E022", '"team" should be a text, not a list', "", "[a]"),
            id="a list for a text",
        ),
        pytest.param(
            "policies: [p]\n",
            (1, 11),
            "E022",
            '"policies" should be a mapping, not a list',
            "",
            "[p]",
            id="a list for a map",
        ),
        pytest.param(
            "policies: {p: x}\n", (1, 15), "E022", '"p" should be a mapping, not "x"', "", "x", id="a text for a model"
        ),
        pytest.param(
            "turns:\n", (1, 7), "E022", '"turns" should be a list, not empty', "", "", id="nothing for a list"
        ),
        pytest.param(
            "share: a lot\n",
            (1, 8),
            "E022",
            '"share" should be a number, not "a lot"',
            "",
            "a lot",
            id="a text for a number",
        ),
        pytest.param(
            "policies: {p: {repeat: 1.5}}\n",
            *((1, 24), "E022", '"repeat" should be a whole number, not the number 1.5', "", "1.5"),
            id="a fraction for a count",
        ),
        pytest.param(
            "- a\n", (1, 1), "E022", "the document should be a mapping, not a list", "", "", id="the whole document"
        ),
        pytest.param(
            "on: [a, {}]\n",
            (1, 9),
            "E022",
            'item 2 of "on" should be a text, not a mapping',
            "",
            "{}",
            id="an item of a list",
        ),
        pytest.param(
            "policies: {p: {steps: [{page: [12], wait: 5m}]}}\n",
            *(
                (1, 32),
                "E022",
                'item 1 of "page" should be a text or a mapping, not the number 12',
                "put it in quotes",
                "12",
            ),
            id="no member of a union, told once",
        ),
        pytest.param(
            "turns: [{people: [a, {}]}]\n",
            *((1, 22), "E022", 'item 2 of "people" should be a text or a list, not a mapping', "", "{}"),
            id="no member of another union",
        ),
        pytest.param(
            "turns: [{people: [a, [b, 3]]}]\n",
            *(
                (1, 26),
                "E022",
                'item 2 of item 2 of "people" should be a text, not the number 3',
                "put it in quotes",
                "3",
            ),
            id="inside the member that fits",
        ),
        pytest.param(
            "policies: {p: {then: everyon}}\n",
            *(
                (1, 22),
                "E023",
                '"then" should be "everyone" or "nobody", not "everyon"',
                'did you mean "everyone"?',
                "everyon",
            ),
            id="a word that is not one of them",
        ),
        pytest.param(
            "policies: {p: {steps: [{page: [a], wait: '5 min'}]}}\n",
            *((1, 42), "E024", "not a duration: '5 min'; write 30s, 5m or 1h30m", "", "'5 min'"),
            id="a ValueError in its own words",
        ),
        pytest.param(
            "policies: {p: {quiet: 5 min}}\n",
            *((1, 23), "E024", "not a duration: '5 min'; write 30s, 5m or 1h30m", "", "5 min"),
            id="a ValueError from inside a union",
        ),
        pytest.param(
            "turns:\n  - every: 2\n    from: 2026-01-05\n",
            *((2, 5), "E024", "a turn needs people", "", ""),
            id="a ValueError about a whole mapping",
        ),
        pytest.param(
            "policies: {a b: {}}\n",
            *((1, 12), "E024", "not a name: 'a b'; write it without blanks", "", "a b"),
            id="a bad key, at the key",
        ),
        pytest.param(
            "policies: {p: {repeat: 0}}\n",
            *((1, 24), "E024", '"repeat" should be greater than or equal to 1', "", "0"),
            id="a number out of range",
        ),
        pytest.param(
            "policies: {p: {steps: [{page: [], wait: 5m}]}}\n",
            *((1, 31), "E024", '"page" should have at least 1 item, not 0', "", "[]"),
            id="too few",
        ),
    ],
)
def test_an_error_becomes_a_problem_at_its_place(
    text: str, place: tuple[int, int], code: str, message: str, hint: str, snippet: str
) -> None:
    (problem,) = problems_in(text)

    assert (problem.file, problem.line, problem.column) == ("rules/x.yaml", *place)
    assert (problem.code, problem.message, problem.hint) == (code, message, hint)
    assert (problem.level, problem.snippet) == ("error", snippet)


def test_every_error_is_told_in_the_order_of_the_file() -> None:
    text = "turns: [7]\npolicies:\n  p: {taem: x, repeat: no}\nshare: x\nzzz: 1\n"

    assert [(p.line, p.column, p.code) for p in problems_in(text)] == [
        (1, 9, "E022"),
        (3, 7, "E020"),
        (3, 24, "E022"),
        (4, 8, "E022"),
        (5, 1, "E020"),
    ]


def test_a_bad_value_behind_an_anchor_is_told_once() -> None:
    text = "policies:\n  a: &a {steps: [{page: [x], wait: soon}]}\n  b: *a\n  c: *a\n"

    assert [(p.line, p.column) for p in problems_in(text)] == [(2, 36)]


def test_a_part_of_a_document_is_found_within_the_whole() -> None:
    text = "tests: []\npolicies:\n  pay: {team: 1}\n"
    (document,), _ = load_documents(text, "x.yaml")
    with pytest.raises(ValidationError) as caught:
        Policy.model_validate(document.data["policies"]["pay"])

    (problem,) = from_validation(caught.value, document, "x.yaml", text, at=("policies", "pay"), model=Policy)

    assert (problem.line, problem.column) == (3, 15)


def test_without_the_model_the_missing_keys_are_what_may_have_been_meant() -> None:
    text = "pgae: [a]\nwait: 5m\n"
    (document,), _ = load_documents(text, "x.yaml")
    with pytest.raises(ValidationError) as caught:
        Step.model_validate(document.data)

    problems = from_validation(caught.value, document, "x.yaml", text)

    assert [p.text for p in problems] == ['unknown key "pgae" (did you mean "page"?)']


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "5m", "everyone"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["policies", "steps", "page", "wait", "turns", "people", "schedule"]), inner)
    ),
    max_leaves=15,
)


@settings(deadline=None)
@given(yaml_values)
def test_whatever_pydantic_says_has_a_place(data: Any) -> None:
    text = json.dumps({"policies": {"p": data}, "turns": data})
    (document,), _ = load_documents(text, "x.yaml")
    try:
        Rules.model_validate(document.data)
    except ValidationError as error:
        problems = from_validation(error, document, "x.yaml", text, model=Rules)
        assert 1 <= len(problems) <= error.error_count()
        assert all(p.line == 1 and text[p.column - 1 :].startswith(p.snippet) and p.message for p in problems)


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        pytest.param("paymets", ["payments", "search"], 'did you mean "payments"?', id="a letter left out"),
        pytest.param("Payments", ["payments"], 'did you mean "payments"?', id="another case"),
        pytest.param("sev-1", ["SEV-1", "SEV-2"], 'did you mean "SEV-1"?', id="as it is written there"),
        pytest.param("zebra", ["payments", "search"], "", id="nothing like it"),
        pytest.param("", ["a"], "", id="nothing"),
        pytest.param("a", [], "", id="nothing known"),
        pytest.param("x" * 100_000, ["payments"], "", id="a very long word"),
    ],
)
def test_suggest(word: str, known: list[str], hint: str) -> None:
    assert suggest(word, known) == hint


TEXTS = {
    "rules/20-checkout.yaml": "policies:\n  checkout:\n    steps:\n      - page: paymets-primary\n",
    "rules/30-infra.yaml": "\n" * 10,
}
UNKNOWN = Problem(
    "rules/20-checkout.yaml",
    4,
    15,
    "E103",
    'unknown schedule "paymets-primary"',
    "error",
    "",
    'did you mean "payments"?',
)
UNREACHED = Problem("rules/30-infra.yaml", 6, 5, "W201", "route is never reached", "warn")
NOBODY = Problem("schedules/sre.yaml", 1, 1, "W310", "nobody on call", "warn")


def test_problems_are_shown_with_their_lines() -> None:
    assert render([NOBODY, UNREACHED, UNKNOWN], TEXTS, colour=False) == (
        'rules/20-checkout.yaml:4:15 error  E103 unknown schedule "paymets-primary" (did you mean "payments"?)\n'
        "    3 |     steps:\n"
        "    4 |       - page: paymets-primary\n"
        "      |               ^^^^^^^^^^^^^^^\n"
        "rules/30-infra.yaml:6:5     warn   W201 route is never reached\n"
        "schedules/sre.yaml:1:1      warn   W310 nobody on call"
    )


def test_no_problems_are_no_lines() -> None:
    assert render([], {}) == ""


def shown(line: str, column: int, snippet: str = "") -> list[str]:
    problem = Problem("a", 1, column, "E1", "m", snippet=snippet)
    return render([problem], {"a": line}).splitlines()[1:]


@pytest.mark.parametrize(
    ("line", "column", "snippet", "lines"),
    [
        pytest.param("a: b c", 4, "b c", ["    1 | a: b c", "      |    ^^^"], id="the snippet is marked"),
        pytest.param("a: b c", 4, "other", ["    1 | a: b c", "      |    ^"], id="a snippet that is not there is not"),
        pytest.param("a: 'b c', d", 4, "", ["    1 | a: 'b c', d", "      |    ^^^^^"], id="a quoted word"),
        pytest.param("a: [b, c]", 5, "", ["    1 | a: [b, c]", "      |     ^"], id="a word in a list"),
        pytest.param("a:", 3, "", ["    1 | a:", "      |   ^"], id="the end of the line"),
        pytest.param("a", 40, "", ["    1 | a", "      |  ^"], id="past the end of the line"),
        pytest.param("\ta: b", 5, "", ["    1 |  a: b", "      |     ^"], id="a tab is one blank"),
        pytest.param("日本: b", 5, "", ["    1 | 日本: b", "      |       ^"], id="wide letters"),
        pytest.param(
            "a: \x1b[31m", 4, "\x1b", ["    1 | a: \\u001b[31m", "      |    ^^^^^^"], id="an escape is not obeyed"
        ),
        pytest.param("a: \u202eb", 4, "", ["    1 | a: \\u202eb", "      |    ^^^^^^^"], id="nor is turned writing"),
    ],
)
def test_carets_stand_under_what_is_wrong(line: str, column: int, snippet: str, lines: list[str]) -> None:
    assert shown(line, column, snippet) == lines


def test_a_long_line_is_cut_around_the_place() -> None:
    line, carets = shown("x" * 1000 + "wrong" + "y" * 1000, 1001, "wrong")

    assert len(line) <= 170
    assert line[carets.index("^") :].startswith("wrong")


def test_a_file_whose_text_is_not_at_hand_is_still_named() -> None:
    assert render([UNKNOWN], {}).count("\n") == 0
    assert render([Problem("a", 9, 1, "E1", "m")], {"a": "x"}) == "a:9:1 error  E1 m"


def test_a_message_stays_in_its_line() -> None:
    assert (
        render([Problem("a\nb", 1, 1, "E1", "m\n::error::x\x1b[2J")], {}) == "a b:1:1 error  E1 m ::error::x\\u001b[2J"
    )


def test_colour_adds_nothing_but_colour() -> None:
    painted = render([UNKNOWN, NOBODY], TEXTS, colour=True)

    assert "\x1b[31m^^^" in painted
    plain = painted
    for code in ("0", "1", "2", "31", "33"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == render([UNKNOWN, NOBODY], TEXTS)


def test_problems_are_told_once_and_by_place() -> None:
    first, second = Problem("a", 2, 9, "E1", "m"), Problem("a", 10, 1, "E1", "m")

    assert in_order([UNKNOWN, second, first, second]) == [first, second, UNKNOWN]


def test_json_says_everything() -> None:
    told = json.loads(as_json([NOBODY, UNKNOWN]))

    assert [Problem(**entry) for entry in told["problems"]] == [UNKNOWN, NOBODY]


def test_github_gets_a_command_for_each() -> None:
    odd = Problem("a,b:c.yaml", 1, 2, "E1", "100 %\n::stop", "error")

    assert as_github([odd, NOBODY]).splitlines() == [
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=E1::100 %25%0A::stop",
        "::warning file=schedules/sre.yaml,line=1,col=1,title=W310::nobody on call",
    ]


def test_gitlab_knows_a_problem_again_when_it_has_moved() -> None:
    twice = [Problem("a", 1, 1, "E1", "m"), Problem("a", 5, 1, "E1", "m"), NOBODY]
    entries = json.loads(as_gitlab(twice))
    moved = json.loads(as_gitlab([Problem("a", 3, 1, "E1", "m"), Problem("a", 7, 1, "E1", "m"), NOBODY]))

    assert entries[0]["location"] == {"path": "a", "lines": {"begin": 1}}
    assert [entry["severity"] for entry in entries] == ["major", "major", "minor"]
    assert len({entry["fingerprint"] for entry in entries}) == 3
    assert [entry["fingerprint"] for entry in entries] == [entry["fingerprint"] for entry in moved]


def test_sarif_has_a_result_for_each_and_a_rule_for_each_code() -> None:
    (run,) = json.loads(as_sarif([UNKNOWN, NOBODY]))["runs"]

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E103", "W310"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("E103", "error"),
        ("W310", "warning"),
    ]
    where = run["results"][0]["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "rules/20-checkout.yaml"
    assert where["region"] == {"startLine": 4, "startColumn": 15}


def test_junit_has_a_case_for_each_file_and_fails_those_with_errors() -> None:
    odd = Problem("a&<b>.yaml", 1, 1, "E1", "\x1b <&>")
    suite = ElementTree.fromstring(as_junit([UNKNOWN, NOBODY, odd], files=["rules/fine.yaml", NOBODY.file]))

    assert (suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuite", "4", "2")
    failed = {case.get("name"): case.find("failure") is not None for case in suite}
    assert failed == {
        "a&<b>.yaml": True,
        "rules/20-checkout.yaml": True,
        "rules/fine.yaml": False,
        "schedules/sre.yaml": False,
    }
    assert [output.text for output in suite.iter("system-out")] == ["schedules/sre.yaml:1:1 W310 nobody on call"]
