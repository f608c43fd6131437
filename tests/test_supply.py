"""What comes from elsewhere, and what is not there: packages by their hashes, no template of a stranger, no export."""

import ast
import re
from pathlib import Path

import pytest

from pager.web.render import page
from tests.support import ROOT, covers

PAGER = sorted((ROOT / "pager").rglob("*.py"))
LOCKS = ("requirements.lock", "requirements-dev.lock")


@covers("T35")
@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    packages = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    assert len(packages) > 20
    assert [line for line in packages if not re.search(r"==\S+.*--hash=sha256:[0-9a-f]{64}", line)] == []
    assert "://" not in text


@covers("T35")
def test_the_set_up_installs_by_hash_alone() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "install" in line and "$(PIP)" in line and "-r " in line]

    assert installs
    assert all("--require-hashes" in line for line in installs)


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


@covers("T12")
def test_templates_come_from_the_package_or_the_files_alone_and_run_in_a_sandbox() -> None:
    users = [path for path in PAGER if "jinja2" in _imports(path)]
    pages, own = (path.read_text(encoding="utf-8") for path in users[::-1])

    # Those of the files are rendered by children that can be killed, and by whoever checks them: by nobody else.
    assert users == [ROOT / "pager/core/sandbox.py", ROOT / "pager/web/render.py"]
    assert "ImmutableSandboxedEnvironment" in pages and "ImmutableSandboxedEnvironment" in own
    assert "from_string" not in pages and "loader" not in own.replace("there is no loader", "")
    askers = [path.name for path in PAGER if "from pager.core.sandbox import" in path.read_text(encoding="utf-8")]
    assert askers == ["rendering_child.py", "sender_child.py"]
    assert callable(page)


@covers("T22")
def test_every_table_is_written_where_no_cell_becomes_a_formula() -> None:
    tables = re.compile(r"text/csv|\.xlsx?\b", re.IGNORECASE)
    writers = [path for path in PAGER if tables.search(path.read_text(encoding="utf-8"))]

    assert [path for path in PAGER if "csv" in _imports(path)] == []
    assert writers == [ROOT / "pager/web/reports.py"]
    assert "csv_of" in writers[0].read_text(encoding="utf-8")


@covers("T8")
def test_no_route_takes_a_providers_word_for_an_answer() -> None:
    routes = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "pager/api").glob("*.py"))

    assert re.findall(r"twilio|slack|telegram|(?<!add_done_)callback|x-.*-signature", routes, re.IGNORECASE) == []
