"""Which test keeps which fault (F) and threat (T) from coming back: read from the `covers` marks of the tests.

`python -m tests.faults` writes the table, tests/FAULTS.md.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support import ROOT

TABLE = ROOT / "tests" / "FAULTS.md"
FAULTS = (*range(1, 38), *range(41, 49), *range(51, 56), 60, 62)
THREATS = (1, 2, 3, 6, 7, 8, *range(11, 30), 32, 34, 35, 36)
WANTED = (*(f"F{number}" for number in FAULTS), *(f"T{number}" for number in THREATS))


def covered() -> dict[str, list[str]]:
    """Each id and the tests that are marked with it: `tests/e2e/test_x.py::test_y`."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, marks in _tests(path):
            for mark in marks:
                found.setdefault(mark, []).append(f"{path.relative_to(ROOT)}::{name}")
    return found


def written() -> str:
    """The table as it should stand in the file."""
    rows = covered()
    lines = ["# What would fail if it came back", "", "Made by `python -m tests.faults` from the marks of the tests."]
    lines += ["", "| id | tests |", "|---|---|"]
    for wanted in WANTED:
        tests = "<br>".join(f"`{test}`" for test in rows.get(wanted, []))
        lines.append(f"| {wanted} | {tests} |")
    return "\n".join(lines) + "\n"


def _tests(path: Path) -> Iterator[tuple[str, list[str]]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    shared = [mark for node in tree.body if isinstance(node, ast.Assign) for mark in _of_module(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node.name, [*shared, *(mark for one in node.decorator_list for mark in _marks(one))]


def _of_module(node: ast.Assign) -> Iterator[str]:
    if any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets):
        for part in ast.walk(node.value):
            yield from _marks(part)


def _marks(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "covers":
        for argument in node.args:
            if isinstance(argument, ast.Constant):
                yield str(argument.value)


if __name__ == "__main__":
    TABLE.write_text(written(), encoding="utf-8")
