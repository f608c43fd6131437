"""The plan of the house, read from the imports: who may lean on whom, and what stays out of the pure rooms."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

PAGER = ROOT / "pager"
MODULES = sorted(PAGER.rglob("*.py"))
LONGEST = {"pager": 400, "tests": 700}

# What core and sources may use: pure code that reads no clock, file, socket or environment.
_PURE = """
    __future__ abc base64 binascii bisect calendar collections contextlib copy dataclasses datetime decimal difflib
    email enum fractions functools graphlib hashlib heapq hmac html ipaddress itertools json keyword math numbers
    operator re statistics string struct textwrap types typing unicodedata urllib.parse weakref zlib zoneinfo
    annotated_types croniter jinja2 msgspec pydantic pydantic_core re2 typing_extensions
"""
PURE = frozenset(_PURE.split())

# A room of the house is a name just below pager/. These may import the rooms named, and themselves; other rooms may
# import all but `cli` and `app`.
MAY_IMPORT = {
    "core": set(),
    "sources": {"core"},
    "store": {"core"},
    "judge": {"store", "core"},
    "desk": {"judge", "store", "core"},
    "heartbeats": {"store", "core", "sources"},
    "signs": {"heartbeats", "store", "core", "sources"},
    "worker": {"signs", "desk", "store", "core", "sources"},
    "settling": {"worker", "desk", "store", "core"},
    "unheard": {"desk", "store", "core"},
    "overrides": {"store", "core"},
    "holding": {"desk", "judge", "store", "core"},
    "hands": {"desk", "store", "core"},
    "engine": {"worker", "settling", "hands", "desk", "holding", "overrides", "store", "core", "sources", "metrics"},
    "bundling": {"store", "core"},
    "facts": {"store", "core"},
    "outbox": {"bundling", "facts", "desk", "store", "core"},
    "wording": {"sender", "core"},
    "notifier": {"outbox", "facts", "wording", "engine", "sender", "secrets", "store", "core"},
    "metrics": {"core"},
    "settings": {"core"},
    "notify_systemd": set(),
    "sender_apprise": {"core"},
    "sender_child": {"sender_apprise", "core"},
}
ROOMS_ON_TOP = {"cli", "app"}
SILENT = {"core", "sources", "store"}
"""What they find out they give back; their callers log it."""

# Who alone may import these, as paths below pager/.
KEPT_BY = {
    "apprise": "sender_apprise.py",
    "sqlite3": "store/",
    "psycopg": "store/",
    "psycopg_pool": "store/",
    "alembic": "store/",
    "sqlalchemy": "store/",
}

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|VIEW|TRIGGER)|PRAGMA)\s",
    re.DOTALL,
)
CLOCK = re.compile(r"\b(datetime|date)\.(now|utcnow|today)$|\btime\.(time|monotonic)(_ns)?$")
DOORS = {"open", "print", "input", "eval", "exec", "__import__", "breakpoint"}

# Heavy, and of no use to whoever only checks files.
HEAVY = {"sqlalchemy", "alembic", "psycopg", "apprise", "aiohttp", "pydantic_settings"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(PAGER).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    return imports_in(tree_of(path), path.relative_to(ROOT).parent.parts)


def imports_in(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of all that a module of `package` imports: `pager.core.alert.Alert`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names = (".".join((*base, *filter(None, [node.module]), alias.name)) for alias in node.names)
            yield from ((node.lineno, name) for name in names)


def is_pure(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in PURE for length in range(1, len(parts) + 1))


def is_kept_elsewhere(path: Path, name: str) -> bool:
    keeper = KEPT_BY.get(name.split(".")[0])
    return keeper is not None and not str(path.relative_to(PAGER)).startswith(keeper)


def room_named(name: str) -> str | None:
    """The room that `pager.engine.x` is in; None for what is not ours, and for the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "pager" and len(parts) > 1 and not parts[1].startswith("__") else None


def may_lean_on(room: str, other: str) -> bool:
    if other == "log":
        return room not in SILENT
    if room in MAY_IMPORT:
        return other == room or other in MAY_IMPORT[room]
    return room in ROOMS_ON_TOP or room == "__main__" or other not in ROOMS_ON_TOP


def strings_of(path: Path) -> Iterator[ast.Constant]:
    """The strings of `path` that the program uses: docstrings speak to people, and may speak of SQL."""
    spoken = {id(node.value) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            yield node


def test_arrows_point_one_way() -> None:
    assert [
        f"{name_of(path)}:{line} imports {name}"
        for path in MODULES
        for line, name in imports_of(path)
        if (other := room_named(name)) and not may_lean_on(room_of(path), other)
    ] == []


def test_core_and_sources_use_nothing_of_the_shell() -> None:
    assert [
        f"{name_of(path)}:{line} imports {name}"
        for path in MODULES
        if room_of(path) in ("core", "sources")
        for line, name in imports_of(path)
        if not name.startswith("pager.") and not is_pure(name)
    ] == []


def test_core_and_sources_read_no_clock_and_open_no_door() -> None:
    assert [
        f"{name_of(path)}:{node.lineno} calls {ast.unparse(node.func)}"
        for path in MODULES
        if room_of(path) in ("core", "sources")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        if (called := ast.unparse(node.func)) in DOORS or CLOCK.search(called)
    ] == []


def test_each_library_of_the_shell_has_one_keeper() -> None:
    assert [
        f"{name_of(path)}:{line} imports {name}, which is for pager/{KEPT_BY[name.split('.')[0]]}"
        for path in MODULES
        for line, name in imports_of(path)
        if is_kept_elsewhere(path, name)
    ] == []


def test_only_the_store_speaks_sql() -> None:
    assert [
        f"{name_of(path)}:{string.lineno}"
        for path in MODULES
        if room_of(path) != "store"
        for string in strings_of(path)
        if SQL.search(str(string.value))
    ] == []


def test_no_statement_selects_a_star() -> None:
    """What a row holds is known from its statement: an upgrade under a running node changes no columns of it."""
    assert [
        f"{name_of(path)}:{string.lineno}"
        for path in MODULES
        for string in strings_of(path)
        if re.search(r"\bSELECT\s+(\w+\.)?\*", str(string.value))
    ] == []


def test_every_module_says_what_it_is() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree_of(path))] == []


@pytest.mark.parametrize("folder", LONGEST)
def test_no_file_holds_two_things(folder: str) -> None:
    lengths = {name_of(path): path.read_text().count("\n") for path in sorted((ROOT / folder).rglob("*.py"))}

    assert {name: length for name, length in lengths.items() if length > LONGEST[folder]} == {}


CHECK_AND_TELL = """
import json, sys
from pager.cli.main import main
sys.argv = ["pagerctl", "--config", sys.argv[1], "check"]
try:
    main()
except SystemExit as end:
    print(json.dumps({"exit": end.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


@pytest.mark.skipif(not (PAGER / "cli" / "main.py").exists(), reason="there is no pagerctl yet")
def test_check_starts_without_a_database_a_web_server_or_apprise() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CHECK_AND_TELL, str(ROOT)], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    told = json.loads(ran.stderr.splitlines()[-1])

    assert told["exit"] in (0, None), ran.stdout + ran.stderr
    assert HEAVY & set(told["modules"]) == set()


# The rules above are only worth something if they would notice.


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        pytest.param(lambda: is_pure("urllib.parse.quote"), True, id="half a package is pure"),
        pytest.param(lambda: is_pure("urllib.request"), False, id="and the other half is not"),
        pytest.param(lambda: is_pure("os"), False, id="os is of the shell"),
        pytest.param(lambda: is_pure("asyncio.Lock"), False, id="asyncio is of the shell"),
        pytest.param(lambda: may_lean_on("core", "store"), False, id="core does not know the store"),
        pytest.param(lambda: may_lean_on("store", "engine"), False, id="the store does not know the engine"),
        pytest.param(lambda: may_lean_on("engine", "api"), False, id="the engine does not know who calls it"),
        pytest.param(lambda: may_lean_on("api", "engine"), True, id="the API calls the engine"),
        pytest.param(lambda: may_lean_on("web", "app"), False, id="a page does not know the wiring"),
        pytest.param(lambda: may_lean_on("cli", "app"), True, id="a command may start it all"),
        pytest.param(lambda: bool(CLOCK.search("datetime.datetime.now")), True, id="a clock by its long name"),
        pytest.param(lambda: bool(CLOCK.search("env.now")), False, id="a field called now is no clock"),
        pytest.param(lambda: bool(SQL.search("SELECT number\nFROM incidents WHERE x")), True, id="SQL on two lines"),
        pytest.param(lambda: bool(SQL.search("Select one from the list")), False, id="English is no SQL"),
        pytest.param(lambda: is_kept_elsewhere(PAGER / "sender.py", "apprise"), True, id="Apprise in the daemon"),
        pytest.param(lambda: is_kept_elsewhere(PAGER / "store" / "x.py", "sqlite3"), False, id="SQLite at home"),
    ],
)
def test_the_rules_would_notice(check: Callable[[], bool], expected: bool) -> None:
    assert check() is expected


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        pytest.param("import pager.core.alert", "pager.core.alert", id="a module"),
        pytest.param("from pager import engine", "pager.engine", id="a room"),
        pytest.param("from ..core.alert import Alert", "pager.core.alert.Alert", id="from the room next door"),
        pytest.param("from . import sqlite", "pager.store.sqlite", id="from the same room"),
        pytest.param("def later():\n    from pager import app", "pager.app", id="inside a function"),
    ],
)
def test_every_way_to_import_is_seen(statement: str, name: str) -> None:
    assert [seen for _, seen in imports_in(ast.parse(statement), ("pager", "store"))] == [name]
