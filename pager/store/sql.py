"""Statements and rows: SQL is written once, with `:name` parameters, for SQLite and PostgreSQL alike."""

import re
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

Engine = Literal["sqlite", "postgres"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHUNK = 400
_MICROSECOND = timedelta(microseconds=1)
_LISTS = (list, tuple, set, frozenset)
_KINDS = frozenset(_LISTS)

# What is quoted, commented or cast holds no parameter; a `%` means something to psycopg wherever it stands.
# On SQLite there is one writer, and no word for locking a row.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: | :(?P<name>[A-Za-z_]\w*) | %
    | (?P<lock>\sFOR\s+UPDATE(?:\s+SKIP\s+LOCKED)?)\b""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def micros(at: datetime) -> int:
    """An aware instant as the database keeps it: microseconds since the epoch. ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"not an instant: {at.isoformat()} has no time zone; write {at.isoformat()}+00:00")
    return (at - EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def instant(value: int) -> datetime:
    """The aware UTC instant of so many microseconds since the epoch: what `micros` made."""
    return EPOCH + timedelta(microseconds=value)


class Row(tuple[Any, ...]):
    """One row: `row.state`, `row["state"]`, `row[0]`, and it unpacks as a tuple does.

    Each list of columns has its own class (`row_kind`). A column that is no Python name, such as `from`, is
    reached by `row["from"]`. An unknown column is an AttributeError or a KeyError.
    """

    __slots__ = ()
    _at: ClassVar[Mapping[str, int]] = {}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self._at[key] if isinstance(key, str) else key)

    def asdict(self) -> dict[str, Any]:
        """Column name to value, in the order of the columns."""
        return dict(zip(self._at, self, strict=True))


@lru_cache(maxsize=1024)
def row_kind(columns: tuple[str, ...]) -> type[Row]:
    """The class of rows with these columns; call it with a tuple of values."""
    # namedtuple gives attribute access at C speed; `rename` makes room for names like `from` and `count(*)`.
    fields = namedtuple("Row", columns, rename=True)  # type: ignore[misc]
    body = {"__slots__": (), "__new__": tuple.__new__, "_at": {name: at for at, name in enumerate(columns)}}
    return type("Row", (Row, fields), body)


def kind_of(description: Sequence[Sequence[Any]]) -> type[Row]:
    """The class of the rows that a DB-API cursor describes."""
    return row_kind(tuple([column[0] for column in description]))


def rows_of(description: Sequence[Sequence[Any]] | None, values: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows of what a DB-API cursor described and fetched; without a description (no result) there are none."""
    if description is None or not values:
        return []
    return list(map(kind_of(description), values))


def chunks(values: Iterable[int]) -> Iterator[list[int]]:
    """These numbers for `IN (:numbers)`, each once, rising, as many at a time as any engine takes."""
    every = sorted(set(values))
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def prepare(engine: Engine, sql: str, args: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """The statement in the engine's own spelling, and its arguments.

    A list, tuple or set given for `:keys` becomes one placeholder a value, for `IN (:keys)`; an empty one becomes
    `NULL`, so that `IN` is never true (and neither is `NOT IN`: ask before with no values). Each length is a
    statement of its own, and engines have a limit (32,766 and 65,535 values): chunking is the caller's business.
    """
    # What is quick first: this is asked for every statement.
    if " IN (:" not in sql or _KINDS.isdisjoint(map(type, args.values())):
        return spelled(engine, sql), args
    lists = tuple([(name, len(value)) for name, value in args.items() if isinstance(value, _LISTS)])
    flat: dict[str, object] = {}
    for name, value in args.items():
        if isinstance(value, _LISTS):
            flat.update((_nth(name, at), each) for at, each in enumerate(value))
        else:
            flat[name] = value
    return spelled(engine, sql, lists), flat


@lru_cache(maxsize=2048)
def spelled(engine: Engine, sql: str, lists: tuple[tuple[str, int], ...] = ()) -> str:
    """`sql` as the engine's driver wants it: `:name` and no FOR UPDATE for sqlite3, `%(name)s` and `%%` for psycopg."""
    lengths = dict(lists)
    return _TOKEN.sub(lambda token: _token(engine, token, lengths), sql)


def _token(engine: Engine, token: re.Match[str], lengths: Mapping[str, int]) -> str:
    name = token["name"]
    if name is None and engine == "postgres":
        return token[0].replace("%", "%%")
    if name is None:
        return "" if token["lock"] else token[0]
    if name not in lengths:
        return _placeholder(engine, name)
    return ", ".join(_placeholder(engine, _nth(name, at)) for at in range(lengths[name])) or "NULL"


def _placeholder(engine: Engine, name: str) -> str:
    return f":{name}" if engine == "sqlite" else f"%({name})s"


def _nth(name: str, at: int) -> str:
    return f"{name}__{at}"
