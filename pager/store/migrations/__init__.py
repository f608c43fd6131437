"""Brings a database's schema up to date at start; Alembic is imported only when there is something to do."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pager.store import CorruptDatabase, NewerSchema
from pager.store.sql import Engine

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Engine as SqlEngine

HERE = Path(__file__).parent
VERSIONS = HERE / "versions"

# Any number that no other program on the same PostgreSQL is likely to lock.
_LOCK = 7_024_372_101


def known(versions: Path) -> list[str]:
    """The schema versions in this folder, oldest first: what stands before the `_` of `0001_first.py`."""
    return sorted(file.name.partition("_")[0] for file in versions.glob("[0-9]*_*.py"))


def needed(found: str | None, versions: Path) -> bool:
    """Whether a database at version `found` (None: an empty one) must be brought up to date.

    NewerSchema, naming both, for a version that this pager does not know.
    """
    mine = known(versions)
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


def upgrade(engine: Engine, connect: Callable[[], Any], versions: Path) -> None:
    """Run the migrations that are missing, all in one transaction, over a connection of their own.

    `connect` gives a new DB-API connection, which is closed afterwards. Nodes that start together wait for one
    another; the second finds nothing to do.
    """
    from alembic import command
    from alembic.config import Config
    from sqlalchemy.exc import DBAPIError

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    try:
        with _sqlalchemy(engine, connect).begin() as connection:
            if engine == "postgres":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                needed(_found(connection), versions)  # another node may have been newer
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        # The driver's own error says whether the disk is full; the callers know those only.
        raise (error.orig or error) from error


def _found(connection: "Connection") -> str | None:
    return found_in(lambda sql: list(connection.exec_driver_sql(sql)), "postgres")


def _sqlalchemy(engine: Engine, connect: Callable[[], Any]) -> "SqlEngine":
    from sqlalchemy import NullPool, create_engine, event

    address = "sqlite://" if engine == "sqlite" else "postgresql+psycopg://"
    made = create_engine(address, creator=connect, poolclass=NullPool)
    if engine == "sqlite":
        # The driver would begin too late: a half-made schema is worse than none.
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return made
