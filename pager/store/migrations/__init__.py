"""Brings a database's schema up to date at start; Alembic is imported only when there is something to do."""

import random
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pager.store import CorruptDatabase, NewerSchema
from pager.store.sql import Engine

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy import Engine as SqlEngine

HERE = Path(__file__).parent
VERSIONS = HERE / "versions"

# Any number that no other program on the same PostgreSQL is likely to lock.
_LOCK = 7_024_372_101
TRIES = 20
_LOST = ("40P01", "55P03")
_WORKS_WITH = re.compile(r'^works_with = "(\d+)"$', re.MULTILINE)


def known(versions: Path) -> list[str]:
    """The schema versions in this folder, oldest first: what stands before the `_` of `0001_first.py`."""
    return sorted(file.name.partition("_")[0] for file in versions.glob("[0-9]*_*.py"))


def works_with(versions: Path) -> str:
    """The oldest schema version whose pager runs on the newest of this folder: the last `works_with = "0006"` of it.

    A version that only adds leaves it as it is, so nodes are upgraded one by one; one that takes away raises it.
    """
    stated = (_WORKS_WITH.search(file.read_text(encoding="utf-8")) for file in sorted(versions.glob("[0-9]*_*.py")))
    return max((found[1] for found in stated if found), default=known(versions)[-1])


def needed(found: str | None, versions: Path, works_with: str | None = None) -> bool:
    """Whether a database at version `found` (None: an empty one) must be brought up to date.

    NewerSchema, naming both, for a version that this pager does not know; unless whoever made it said that it
    `works_with` one that this pager knows.
    """
    mine = known(versions)
    if found is not None and found > mine[-1] and works_with is not None and works_with <= mine[-1]:
        return False
    if found is None or found in mine[:-1]:
        return True
    if found == mine[-1]:
        return False
    raise NewerSchema(
        f"the database has schema version {found}, and this pager knows versions up to {mine[-1]}: "
        "start the newer pager again, or restore the copy that was made before the upgrade"
    )


def found_in(all_rows: Callable[[str], list[Any]], engine: Engine) -> str | None:
    """The schema version of a database, by plain SQL; `all_rows` runs a statement and gives its rows."""
    present = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if engine == "sqlite"
        else "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
    )
    if not all_rows(present):
        return None
    versions = [str(row[0]) for row in all_rows("SELECT version_num FROM alembic_version")]
    if len(versions) > 1:
        raise CorruptDatabase(f"the database has several schema versions at once ({', '.join(sorted(versions))})")
    return versions[0] if versions else None


def works_with_in(all_rows: Callable[[str], list[Any]]) -> str | None:
    """Which version whoever upgraded this PostgreSQL last said that it works with."""
    if not all_rows("SELECT 1 WHERE to_regclass('meta') IS NOT NULL"):
        return None
    rows = all_rows("SELECT said FROM meta WHERE name = 'works_with'")
    return str(rows[0][0]) if rows else None


def upgrade(engine: Engine, connect: Callable[[], Any], versions: Path) -> None:
    """Run the migrations that are missing, all in one transaction, over a connection of their own.

    `connect` gives a new DB-API connection, which is closed afterwards. Nodes that start together wait for one
    another; the second finds nothing to do. Others may work meanwhile: whoever loses to them is repeated.
    """
    from alembic.config import Config
    from sqlalchemy.exc import DBAPIError

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    for left in reversed(range(TRIES)):
        try:
            return _upgrade(engine, connect, config, versions)
        except DBAPIError as error:
            # The driver's own error says whether the disk is full; the callers know those only.
            original = error.orig or error
            if not left or getattr(original, "sqlstate", None) not in _LOST:
                raise original from error
            time.sleep(random.uniform(0.1, 0.5))
    return None


def _upgrade(engine: Engine, connect: Callable[[], Any], config: "Config", versions: Path) -> None:
    """All in one transaction; a table is waited for no longer than those who work can wait behind it."""
    from alembic import command

    with _sqlalchemy(engine, connect).begin() as connection:
        if engine == "postgres":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
            rows = partial(_rows, connection)
            if not needed(found_in(rows, "postgres"), versions, works_with_in(rows)):
                return  # another node was faster, and may have been newer
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if engine == "postgres":
            _say_works_with(connection, versions)


def _rows(connection: "Connection", sql: str) -> list[Any]:
    return list(connection.exec_driver_sql(sql))


def _say_works_with(connection: "Connection", versions: Path) -> None:
    if _rows(connection, "SELECT 1 WHERE to_regclass('meta') IS NOT NULL"):
        connection.exec_driver_sql(
            "INSERT INTO meta (name, said) VALUES ('works_with', %(said)s) "
            "ON CONFLICT (name) DO UPDATE SET said = excluded.said",
            {"said": works_with(versions)},
        )


def _sqlalchemy(engine: Engine, connect: Callable[[], Any]) -> "SqlEngine":
    from sqlalchemy import NullPool, create_engine, event

    address = "sqlite://" if engine == "sqlite" else "postgresql+psycopg://"
    made = create_engine(address, creator=connect, poolclass=NullPool)
    if engine == "sqlite":
        # The driver would begin too late: a half-made schema is worse than none.
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return made
