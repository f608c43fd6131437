"""`pagerctl import pagerduty` and its like: files are written once, and the report says what is to be known."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml as pyyaml
from click.testing import CliRunner, Result

from pager.cli.help import topics
from pager.cli.main import pagerctl
from pager.core.importing import yaml
from pager.core.importing.reading import Names, Unreadable
from pager.core.importing.systems import SYSTEMS, imported
from pager.core.importing.turning import daily, weekly
from tests.importing import goalert, grafana_oncall, opsgenie, pagerduty
from tests.importing.org import NOW
from tests.importing.timeline import written

EXPORTS: dict[str, ModuleType] = {
    "goalert": goalert,
    "grafana-oncall": grafana_oncall,
    "opsgenie": opsgenie,
    "pagerduty": pagerduty,
}
ODD: tuple[Any, ...] = (
    None,
    0,
    -1,
    True,
    "",
    "x: 'y\" #{}\n",
    "\0",
    [],
    {},
    [[1]],
    [None],
    {"id": 1},
    10**19,
    1.5,
    "ü" * 99,
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(pagerctl, ["import", *arguments, "--at", "2026-02-23T00:00Z"])


def dump(folder: Path, system: str = "pagerduty") -> str:
    folder.mkdir()
    for name, content in EXPORTS[system].export().items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("system", SYSTEMS)
def test_files_are_written_that_check_passes(system: str, tmp_path: Path) -> None:
    ran = run(system, dump(tmp_path / "dump", system), "--to", str(tmp_path / "new"))

    assert (ran.exit_code, ran.stdout.partition(",")[0]) == (
        0,
        f"written to {tmp_path / 'new'}; pagerctl check: 0 errors",
    )
    assert "20 people" in ran.stderr
    assert (tmp_path / "new" / "schedules" / "people.yaml").is_file()


def test_no_file_that_is_there_is_changed(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    mine = tmp_path / "rules" / "policies.yaml"
    mine.write_text("policies: {}\n")
    ran = run("pagerduty", dump(tmp_path / "dump"), "--to", str(tmp_path))

    assert ran.exit_code == 1
    assert "has rules/policies.yaml already; nothing was written" in ran.stderr
    assert mine.read_text() == "policies: {}\n"
    assert not (tmp_path / "schedules").exists()


def test_without_a_folder_the_files_are_printed(tmp_path: Path) -> None:
    ran = run("pagerduty", dump(tmp_path / "dump"))

    assert ran.exit_code == 0
    assert "# schedules/people.yaml\n" in ran.stdout
    assert "turns of 12 h are counted on the wall clock of America/New_York" in ran.stderr


def test_the_report_as_json(tmp_path: Path) -> None:
    ran = run("pagerduty", dump(tmp_path / "dump"), "--to", str(tmp_path / "new"), "-o", "json")
    report = json.loads(ran.stdout)

    assert report["counts"] == {"people": 20, "teams": 5, "policies": 5, "schedules": 5}
    assert {"kind": "note", "where": "schedule Search on call", "said": "over, and left out: Old"} in report["remarks"]
    assert (report["folder"], report["errors"], report["compared"]) == (str(tmp_path / "new"), 0, [])


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        pytest.param({}, "no JSON files in it", id="an empty folder"),
        pytest.param({"users.json": "{"}, "users.json: no JSON: line 1", id="no JSON"),
        pytest.param({"users.json": "[" * 100_000}, "users.json: no JSON: ", id="nested too deep"),
        pytest.param({"users.json": "[]"}, "no users in it; found:", id="nobody"),
        pytest.param({"users.json": '{"users": [{"id": 3}]}'}, "users.json: users[0].name: missing", id="no name"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_file(files: dict[str, str], complaint: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ran = run("pagerduty", str(tmp_path), "--to", str(tmp_path / "new"))

    assert ran.exit_code == 1
    assert complaint in ran.stderr
    assert not (tmp_path / "new").exists()


def test_a_page_of_several_is_said() -> None:
    files = pagerduty.export()
    files["users.json"]["more"] = True

    assert any(
        one.where == "users.json" and "more pages" in one.said for one in imported("pagerduty", files, NOW).remarks
    )


def test_what_nothing_is_made_of_is_said() -> None:
    files = {**pagerduty.export(), "rulesets.json": {"rulesets": [{"id": "R1"}]}}

    assert any("1 of rulesets" in one.said for one in imported("pagerduty", files, NOW).remarks)


def test_overrides_of_no_schedule_and_rules_of_no_team_are_said_and_left_out() -> None:
    first, second = pagerduty.export(), opsgenie.export()
    first["overrides.json"] = first.pop("overrides-SPAY.json")
    second["routing_rules.json"] = second.pop("routing_rules-T001.json")
    overrides, routing = imported("pagerduty", first, NOW), imported("opsgenie", second, NOW)

    assert any(one.kind == "lost" and "1 of overrides belong to nothing" in one.said for one in overrides.remarks)
    assert any(one.kind == "lost" and "3 of routingrules belong to nothing" in one.said for one in routing.remarks)
    assert "Payments" not in routing.texts["rules/routing.yaml"]


def test_people_who_are_only_mentioned_come_over_by_name(tmp_path: Path) -> None:
    files = pagerduty.export()
    files["users.json"]["users"] = files["users.json"]["users"][1:]
    made = imported("pagerduty", files, NOW)

    assert "ana-lima" in written(made, tmp_path).people
    assert any(one.said.startswith("Ana Lima is not among the users") for one in made.remarks)


@pytest.mark.parametrize("system", SYSTEMS)
def test_help_names_every_file_of_an_export(system: str) -> None:
    text = dict(topics())["import"]

    for name in EXPORTS[system].export():
        stem, dash, _ = name.removesuffix(".json").partition("-")
        assert f"{stem}{dash and '-$id'}.json" in text.replace("$what", stem)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in entries:
        yield (*path, key)
        yield from places(one, (*path, key))


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_odd_value_anywhere_is_refused_or_makes_files_without_errors(system: str, tmp_path: Path) -> None:
    export = EXPORTS[system].export()
    chance = random.Random(system)
    every = list(places(export))
    for number in range(20):
        files = deepcopy(export)
        *path, last = chance.choice(every)
        inner: Any = files
        for step in path:
            inner = inner[step]
        inner[last] = chance.choice(ODD)
        try:
            made = imported(system, files, NOW)
        except Unreadable:
            continue
        if number % 5 == 0:
            written(made, tmp_path / str(number))


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        pytest.param(daily(540, 480), ("09:00-17:00",), id="days"),
        pytest.param(daily(1200, 720), ("20:00-08:00",), id="nights"),
        pytest.param(daily(0, 1440), (), id="always"),
        pytest.param(weekly([(0, 480, 1440)]), ("mon 08:00-08:00",), id="a day from eight to eight"),
        pytest.param(weekly([(5, 0, 2880)]), ("sat,sun 00:00-24:00",), id="a weekend"),
        pytest.param(weekly([(6, 1200, 600)]), ("sun 20:00-06:00",), id="over the end of the week"),
        pytest.param(weekly([(3, 60, 7 * 1440)]), (), id="a whole week"),
        pytest.param(weekly((day, 540, 60) for day in (0, 2, 4)), ("mon,wed,fri 09:00-10:00",), id="some days"),
    ],
)
def test_hours(hours: tuple[str, ...], says: tuple[str, ...]) -> None:
    assert hours == says


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "no",
        "22:30",
        "- a",
        "a: b",
        "#x",
        "${A}",
        "it's",
        'say "x"',
        "both ' and \"",
        "007",
        "1e3",
        "2026-01-05",
        "",
        " a",
        "ü",
    ],
)
def test_texts_are_read_back_as_they_were(text: str) -> None:
    keys = {"a": {"b": [text, {"k": text}]}, "c": text}

    assert pyyaml.load(yaml.document(keys), Loader=pyyaml.BaseLoader) == keys


def test_keys_are_plain_and_each_once() -> None:
    names = Names()

    assert [
        names.key(*wishes) for wishes in (("Ana Lima",), ("Ána Lima",), ("伊藤", "hal.ito"), ("everyone",), ("", "?"))
    ] == [
        "ana-lima",
        "ana-lima-2",
        "hal-ito",
        "everyone-2",
        "unnamed",
    ]
