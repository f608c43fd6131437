"""`templates:` as people write them: a fault is told with its file and line, before it could stand in for a page."""

import re
from importlib import resources
from pathlib import Path

import pytest

from pager.core.template import SAMPLE, values_of
from pager.files import load_catalog
from tests.config.folders import NOW, load, told, write_folder


def loaded(path: Path, text: str) -> list[str]:
    return told(load(path, {"rules/t.yaml": f"templates:\n{text}"}))


def test_a_template_that_never_fails_is_no_problem(tmp_path: Path) -> None:
    text = """\
          sms: "PAGE {{ code }} {{ severity }} {{ labels.team | default('') }}"
          chat: {title: "{{ title }}", body: "{% for a in alerts %}{{ a.labels | length }}{% endfor %}"}
        """
    folder = load(tmp_path, {"rules/t.yaml": "        templates:\n" + text})

    assert told(folder) == [] and folder.catalog is not None
    assert {kind: bool(one.title) for kind, one in folder.catalog.templates.items()} == {"sms": False, "chat": True}


def test_what_help_says_is_true(tmp_path: Path) -> None:
    text = resources.files("pager").joinpath("help/templates.md").read_text(encoding="utf-8")
    example = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    (write_folder(tmp_path) / "rules/t.yaml").write_text(example + "\n", encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text.partition("What it can name:")[2].partition("A name that")[0]))

    assert told(load_catalog(tmp_path, NOW)) == []
    assert named == set(values_of(SAMPLE))


def test_where_no_process_can_be_had_the_files_are_taken_untried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    folder = load(tmp_path, {"rules/t.yaml": 'templates: {sms: "{{ code }} untried"}\n'})

    assert told(folder) == ["rules/t.yaml:1:18 W212 the templates could not be tried: No such file or directory"]
    assert folder.catalog is not None


@pytest.mark.parametrize("rounds", ["{% for i in range(1000) %}" * 3 + "{% endfor %}" * 3])
def test_every_fault_has_its_line(tmp_path: Path, rounds: str) -> None:
    text = "\n".join(
        (
            "templates:",
            '  sms: "{{ labels.team }}"',
            "  chat:",
            '    title: "{{ shout | louder }}"',
            "    body: |",
            "      {{ title }}",
            "      {{ oops }}",
            "  mail: |",
            "    {{ code",
            f'  voice: "{rounds}"',
            "  pusch: hi",
            "",
        )
    )
    (write_folder(tmp_path) / "rules/t.yaml").write_text(text, encoding="utf-8")
    found = load_catalog(tmp_path, NOW)

    assert [line.partition(";")[0] for line in told(found)] == [
        "rules/t.yaml:2:8 W211 the template for sms fails for some alerts: 'dict object' has no attribute 'team'",
        "rules/t.yaml:4:12 E131 the template for chat fails: No filter named 'louder'.",
        "rules/t.yaml:7:7 E131 the template for chat fails: 'oops' is undefined",
        "rules/t.yaml:9:5 E131 the template for mail fails: unexpected end of template, "
        "expected 'end of print statement'.",
        "rules/t.yaml:10:10 E131 the template for voice fails: it works for more than 0.5 s",
        *[line for line in told(found) if "pusch" in line],
    ]
    assert any('did you mean "push"?' in line for line in told(found))
    assert found.catalog is None
