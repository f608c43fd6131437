"""Migrations: what a schema of a newer node may change, so that nodes of both versions run side by side."""

import re
import shutil
from pathlib import Path

import pytest

from pager.store import NewerSchema
from pager.store.database import open_database
from pager.store.migrations import VERSIONS, known, needed, works_with
from tests.store.things import NOON
from tests.support import covers

NEXT = '''
"""What a later version may add."""
from alembic import op
revision, down_revision = "9999", "{last}"
{works_with}
TABLES = ("inbox", "todo", "lanes", "failed", "incidents", "alerts", "timeline", "pages", "deliveries", "tokens",
          "sources", "nodes", "overrides")

def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN later TEXT NOT NULL DEFAULT 'x'")
    op.execute("CREATE TABLE later (name TEXT PRIMARY KEY)")
'''

# What a node of the version before would stumble over.
TAKES_AWAY = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|INDEX)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN|SET\s+NOT\s+NULL|ADD\s+CONSTRAINT)\b"
    r"|\bADD\s+COLUMN\s+\w+\s+(?:(?!DEFAULT)[^,\"])*NOT\s+NULL(?![^,\"]*DEFAULT)",
    re.IGNORECASE,
)


def later_schema(folder: Path, stated: str = "") -> Path:
    """Our migrations and one more, which adds to every table; `stated` is what it works with."""
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    says = f'works_with = "{stated}"' if stated else ""
    (folder / "9999_later.py").write_text(NEXT.format(last=known(VERSIONS)[-1], works_with=says), encoding="utf-8")
    return folder


def of_migration(file: Path) -> bool:
    return file.name > "0002"


@pytest.mark.parametrize("file", sorted(filter(of_migration, VERSIONS.glob("[0-9]*.py"))), ids=lambda file: file.stem)
@covers("F60")
def test_a_version_only_adds_or_says_whom_it_leaves_behind(file: Path) -> None:
    text, version = file.read_text(encoding="utf-8"), file.name.partition("_")[0]
    stated = re.search(r'^works_with = "(\d+)"$', text, re.MULTILINE)

    assert TAKES_AWAY.search(text) is None or (stated and stated[1] == version)


@pytest.mark.parametrize(
    ("statement", "takes_away"),
    [
        pytest.param("ALTER TABLE pages ADD COLUMN a BIGINT", False, id="a column that may be empty"),
        pytest.param("ALTER TABLE pages ADD COLUMN a BIGINT NOT NULL DEFAULT 0", False, id="a column with a default"),
        pytest.param("ALTER TABLE pages ADD COLUMN a BIGINT DEFAULT 0 NOT NULL", False, id="the same the other way"),
        pytest.param("ALTER TABLE pages ADD COLUMN a BIGINT NOT NULL", True, id="a column that old nodes must fill"),
        pytest.param("ALTER TABLE pages DROP COLUMN claim", True, id="a column that old nodes read"),
        pytest.param("ALTER TABLE pages RENAME COLUMN claim TO held", True, id="a column by another name"),
        pytest.param("ALTER TABLE pages ALTER COLUMN claim TYPE BIGINT", True, id="a column of another type"),
        pytest.param("DROP TABLE pages", True, id="a table"),
        pytest.param("CREATE TABLE a (name TEXT NOT NULL)", False, id="a new table"),
    ],
)
def test_the_rule_would_notice(statement: str, takes_away: bool) -> None:
    assert bool(TAKES_AWAY.search(f'"{statement}",')) is takes_away


@pytest.mark.parametrize(
    ("stated", "runs"),
    [
        pytest.param("", True, id="it adds"),
        pytest.param("0006", True, id="it says that ours works"),
        pytest.param("9999", False, id="it says that none before does"),
    ],
)
@covers("F60")
async def test_a_node_starts_on_the_schema_of_a_newer_one_unless_that_took_something_away(
    postgres: str, tmp_path: Path, stated: str, runs: bool
) -> None:
    newer = open_database(postgres, lambda: NOON, versions=later_schema(tmp_path / "versions", stated))
    await newer.open()
    ours = open_database(postgres, lambda: NOON)
    try:
        if runs:
            await ours.open()
            assert len(await ours.read(lambda tx: tx.all("SELECT lane FROM lanes"))) == 16
            assert ours.warnings == (
                f"the database has schema 9999, made by a newer node; this one knows {known(VERSIONS)[-1]}",
            )
        else:
            with pytest.raises(NewerSchema):
                await ours.open()
    finally:
        await ours.close()
        await newer.close()


def test_a_version_that_nobody_vouches_for_is_refused() -> None:
    with pytest.raises(NewerSchema):
        needed("9999", VERSIONS)


def test_what_runs_beside_the_newest() -> None:
    assert works_with(VERSIONS) <= known(VERSIONS)[-1]
