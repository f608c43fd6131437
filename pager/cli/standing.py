"""Who is on call by the files, and where a pagerd is named, by the overrides that it keeps over them, too."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pager.cli.output import Session, load

if TYPE_CHECKING:
    from pager.core.catalog import Catalog
    from pager.core.override import RunOverride


def load_standing(session: Session) -> "Catalog":
    """The catalog of the session's folder, with the overrides of the pagerd that `--server` or PAGER_SERVER names.

    Without one it is what the files say: that needs no daemon. Ends the command as `load` and the client do.
    """
    catalog = load(session, schedules_only=True)
    if not session.server:
        return catalog
    from pager.cli.client import Client, places_of, token_of
    from pager.core.override import layered

    client = Client(places_of(session), token=token_of(session))
    return layered(catalog, [_read(row) for row in client.every("/api/v1/overrides", "overrides")])


def _read(row: dict[str, Any]) -> "RunOverride":
    from pager.core.override import RunOverride, Wanted

    kind = next(kind for kind in ("replace", "who", "add", "remove") if kind in row)
    names, replaced = (row["with"], row["replace"]) if kind == "replace" else (row[kind], "")
    wanted = Wanted(row["schedule"], _at(row["from"]), _at(row["to"]), kind, tuple(names), replaced)
    return RunOverride(row["id"], wanted, _at(row["created_at"]))


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written)
