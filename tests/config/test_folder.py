"""Reading the config folder: which files count, what a link may do, and what hostile ones cannot."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pager.files import config_folder, example_folder, load_catalog, read_folder
from tests.config.folders import NOW, load, told, write_folder


def test_all_yaml_below_the_two_folders_is_read_and_nothing_else(tmp_path: Path) -> None:
    more = ("rules/team/b.yml", "schedules/x/y/z.yaml", "rules/notes.txt", "rules/.hidden.yaml", "rules/.git/c.yaml")
    folder = read_folder(write_folder(tmp_path, dict.fromkeys((*more, "other/d.yaml", "runbooks/a/b.md"), "# text\n")))

    assert list(folder.texts) == [
        "rules/a.yaml",
        "rules/team/b.yml",
        "schedules/people.yaml",
        "schedules/shop.yaml",
        "schedules/x/y/z.yaml",
    ]
    assert folder.runbooks == {"runbooks/a/b.md"}


def test_the_hash_follows_names_and_contents(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    hashes = [read_folder(path).hash, read_folder(path).hash]
    (path / "rules" / "a.yaml").rename(path / "rules" / "b.yaml")
    hashes.append(read_folder(path).hash)
    (path / "rules" / "b.yaml").write_text("rules: []\n")
    hashes.append(read_folder(path).hash)

    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_a_link_inside_the_folder_is_followed_and_one_out_of_it_is_not(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "config", {"rules/real.yaml": "defaults: {unmatched: SEV-3}\n"})
    (tmp_path / "secret.yaml").write_text("password: hunter2\n")
    (path / "rules" / "in.yaml").symlink_to(path / "rules" / "real.yaml")
    (path / "rules" / "real.yaml").rename(path / "real.yaml")
    (path / "rules" / "real.yaml").symlink_to("../real.yaml")
    (path / "rules" / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    (path / "schedules" / "away").symlink_to(tmp_path)
    (path / "rules" / "loop").symlink_to(path / "rules")

    folder = read_folder(path)

    assert "rules/real.yaml" in folder.texts
    assert not any("hunter2" in text for text in folder.texts.values())
    assert sorted((p.file, p.code) for p in folder.problems) == [("rules/out.yaml", "E006"), ("schedules/away", "E006")]


def test_a_folder_mounted_from_a_config_map_is_read_once(tmp_path: Path) -> None:
    rules = write_folder(tmp_path) / "rules"
    (rules / "..2026_01").mkdir()
    (rules / "a.yaml").rename(rules / "..2026_01" / "a.yaml")
    (rules / "..data").symlink_to("..2026_01")
    (rules / "a.yaml").symlink_to("..data/a.yaml")

    assert told(load_catalog(tmp_path, NOW)) == []


LAUGHS = b"a: &a [1,1]\n" + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 8)) for c in b"bcdefgh")
HOSTILE = [
    pytest.param(b"\xff\xfea\x00", "E003", id="UTF-16"),
    pytest.param(b"rules: \x00", "E004", id="NUL"),
    pytest.param(b"a: &a [*a]", "E014", id="an alias inside itself"),
    pytest.param(b"[" * 5000, "E016", id="nested deeper than the stack"),
    pytest.param(LAUGHS, "E015", id="a billion laughs"),
    pytest.param(b"x: !!python/object/apply:os.system ['id']", "E012", id="a tag that would run something"),
    pytest.param(b"rules: {a: b, a: c}", "E011", id="a duplicate key"),
    pytest.param(b"rules:\n  - {name: x, match: ['a =~ \"(\"']}", "E024", id="a broken expression"),
    pytest.param(b"? {a: b}\n: c\n", "E017", id="a mapping as a key"),
    pytest.param(b"{{ template }}: x\n", "E017", id="a template where a key should be"),
    pytest.param("policies: {\"\u202eevil\": {steps: [{page: [everyone]}]}}".encode(), "E024", id="a turned name"),
]  # fmt: skip


@pytest.mark.parametrize("place", ["rules", "schedules"])
@pytest.mark.parametrize(("content", "code"), HOSTILE)
def test_a_hostile_file_is_a_problem_and_no_more(tmp_path: Path, place: str, content: bytes, code: str) -> None:
    path = write_folder(tmp_path)
    (path / place / "x.yaml").write_bytes(content)

    loaded = load_catalog(path, NOW)

    assert loaded.catalog is None
    assert [problem.file for problem in loaded.problems if problem.level == "error"]
    assert place == "schedules" or code in {problem.code for problem in loaded.problems}


def test_a_file_that_is_none_and_a_name_that_is_no_text_are_problems(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    os.mkfifo(path / "rules" / "pipe.yaml")
    (path / "rules" / "gone.yaml").symlink_to("nowhere.yaml")
    Path(os.fsdecode(os.fsencode(path) + b"/rules/\xff.yaml")).write_text("rulez: []\n")

    assert [line.split(" (")[0] for line in told(load_catalog(path, NOW))] == [
        "rules/\\xff.yaml:1:1 E020 unknown key \"rulez\"",
        "rules/gone.yaml:1:1 E001 cannot be read: No such file or directory",
        "rules/pipe.yaml:1:1 E001 not a plain file",
    ]  # fmt: skip


scalars = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["shop", "ana", "5m", "SEV-1"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("rules", "policies", "severities", "defaults", "match", "sources", "people", "teams", "roles", "schedule",
        "rotation", "layers", "away", "overrides", "slos", "heartbeats", "tests", "channels")  # fmt: skip
INNER = (
    "name",
    "match",
    "severity",
    "steps",
    "page",
    "wait",
    "people",
    "contacts",
    "from",
    "handoff",
    "timezone",
    "who",
)
nested = st.dictionaries(st.sampled_from(INNER), values, max_size=3)
named = st.dictionaries(st.text(max_size=4), nested, max_size=2)
documents = st.dictionaries(st.sampled_from(KEYS), values | nested | st.lists(nested, max_size=2) | named, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(documents, st.sampled_from(["rules", "schedules"]))
def test_nothing_that_can_be_written_makes_the_check_fall_over(
    tmp_path: Path, document: dict[str, object], place: str
) -> None:
    import json

    path = write_folder(tmp_path, {f"{place}/x.yaml": json.dumps(document)})
    loaded = load_catalog(path, NOW)

    assert (loaded.catalog is None) == any(problem.level == "error" for problem in loaded.problems)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in loaded.problems)


def test_the_config_folder_is_the_flag_then_the_variable_then_here_then_etc(tmp_path: Path) -> None:
    flag, named = Path("flag"), {"PAGER_CONFIG": "named", "PAGER": "less"}
    here, elsewhere = write_folder(tmp_path / "here"), tmp_path

    assert config_folder(flag, named, here) == flag
    assert config_folder(None, named, here) == Path("named")
    assert config_folder(None, {"PAGER": "less"}, here) == here
    assert config_folder(None, {}, elsewhere) == Path("/etc/pager")


def test_the_example_is_clean_but_for_what_is_not_done_yet() -> None:
    loaded = load_catalog(example_folder(), NOW)

    assert [
        line for line in told(loaded) if "is read, not acted on yet" not in line and "nothing yet" not in line
    ] == []
    assert loaded.catalog is not None
    assert len(loaded.catalog.people) == 6
    assert {person.timezone for person in loaded.catalog.people.values()} == {
        "Europe/Berlin",
        "Europe/Lisbon",
        "America/New_York",
    }


def test_the_example_needs_no_secret_and_always_has_somebody_on_call() -> None:
    catalog = load_catalog(example_folder(), NOW).catalog

    assert catalog is not None
    urls = [url for person in catalog.people.values() for url in person.contacts.values()]
    assert {*urls, *catalog.channels.values()} == {"console://"}
    assert all(catalog.on_call(name, NOW).people for name in catalog.schedules)


def test_a_broken_folder_keeps_its_texts_for_the_lines_that_are_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"rules/b.yaml": "polices: {}\n"})

    assert loaded.texts["rules/b.yaml"] == "polices: {}\n"
    assert loaded.counts == {"rules": 1, "schedules": 1, "people": 2}
