"""Which test keeps which fault (F) and threat (T) from coming back, and which holds which rule of the lifecycle (R).

Read from the `covers` marks of the tests.

`python -m tests.faults` writes the table, tests/FAULTS.md.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support import ROOT

TABLE = ROOT / "tests" / "FAULTS.md"
FAULTS = (*range(1, 38), *range(41, 49), *range(51, 56), 60, 62)
THREATS = (1, 2, 3, *range(6, 30), 32, 34, 35, 36)
WANTED = (*(f"F{number}" for number in FAULTS), *(f"T{number}" for number in THREATS))
RULES = {
    "R1": "Inbox",
    "R2": "Source",
    "R3": "Merging of reports",
    "R4": "Words",
    "R5": "Opinions",
    "R6": "Matchers",
    "R7": "Groups",
    "R8": "Stale",
    "R9": "Backlog",
    "R10": "Poison",
    "R11": "Keeping",
    "R12": "Clocks",
    "R13": "Steps",
    "R14": "Everyone, team",
    "R15": "also, roles, coordinate",
    "R16": "Ack, its expiry, undo",
    "R17": "Snooze",
    "R18": "Promotion",
    "R19": "A new alert joins",
    "R20": "Mitigated",
    "R21": "Resolved by the source, by a person",
    "R22": "Re-fire, group_wait",
    "R23": "Flap",
    "R24": "Holds, inhibition, silence, maintenance",
    "R25": "hours, ticket, backlog",
    "R26": "Edits",
    "R27": "By hand, merge",
    "R28": "Numbers and codes",
    "R29": "notify, quiet",
    "R30": "Claim, record",
    "R31": "Ack in flight",
    "R32": "Bundle",
    "R33": "Page tokens",
    "R34": "Incident first",
    "R35": "now",
    "R36": "Clock steps",
    "R37": "Wake-ups",
    "R38": "SQLite",
    "R39": "Doors",
    "R40": "Several configs",
    "R41": "Files that are not there",
    "R42": "Verbs of `tests:`",
    "R43": "Expectations of `tests:`",
}
"""The rules, each by its first words."""
NOT_BUILT = {
    "R20": "duties that outlive the incident",
}
"""What of a rule nothing does yet, and so no test holds."""


@cache
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
    lines += ["", "## Rules of the lifecycle", "", "| id | rule | tests |", "|---|---|---|"]
    for rule, title in RULES.items():
        tests = "<br>".join(f"`{test}`" for test in rows.get(rule, []))
        lines.append(f"| {rule} | {title} | {tests} |")
    lines += ["", "Not built yet:", "", *(f"- {rule}: {what}" for rule, what in NOT_BUILT.items())]
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
