"""Statements in each engine's own spelling, and rows."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.store.sql import prepare, row_kind, rows_of, spelled


@pytest.mark.parametrize(
    ("written", "for_psycopg"),
    [
        pytest.param("a = :a", "a = %(a)s", id="a parameter"),
        pytest.param("(:a,:b)", "(%(a)s,%(b)s)", id="two of them, close together"),
        pytest.param(":a::bigint", "%(a)s::bigint", id="a cast is none"),
        pytest.param("x::text", "x::text", id="a cast of a column is none"),
        pytest.param("':a'", "':a'", id="nor is text"),
        pytest.param("'it''s :a' || :b", "'it''s :a' || %(b)s", id="nor text with a quote in it"),
        pytest.param('":a"', '":a"', id="nor a quoted name"),
        pytest.param("1 -- :a\n + :b", "1 -- :a\n + %(b)s", id="nor a comment"),
        pytest.param("1 /* :a */ + :b", "1 /* :a */ + %(b)s", id="nor a long comment"),
        pytest.param(
            "a LIKE 'x%' AND b % 2 = :b", "a LIKE 'x%%' AND b %% 2 = %(b)s", id="percent is doubled, quoted or not"
        ),
        pytest.param("'12:30'", "'12:30'", id="a time of day"),
    ],
)
def test_a_statement_is_spelled_for_each_engine(written: str, for_psycopg: str) -> None:
    assert spelled("postgres", written) == for_psycopg
    assert spelled("sqlite", written) == written


@pytest.mark.parametrize(
    ("args", "text", "flat"),
    [
        pytest.param({"k": [1, 2], "x": 3}, "a IN (:k__0, :k__1) AND b = :x", {"k__0": 1, "k__1": 2, "x": 3}, id="two"),
        pytest.param({"k": [], "x": 3}, "a IN (NULL) AND b = :x", {"x": 3}, id="none: never true"),
        pytest.param({"k": "ab", "x": b"cd"}, "a IN (:k) AND b = :x", {"k": "ab", "x": b"cd"}, id="text is no list"),
    ],
)
def test_a_list_becomes_a_placeholder_a_value(
    args: Mapping[str, object], text: str, flat: Mapping[str, object]
) -> None:
    assert prepare("sqlite", "a IN (:k) AND b = :x", args) == (text, flat)


@pytest.mark.parametrize("lock", ["FOR UPDATE", "FOR UPDATE SKIP LOCKED", "FOR\n  UPDATE"])
def test_rows_are_locked_where_there_is_more_than_one_writer(lock: str) -> None:
    statement = f"TABLE b {lock}"

    assert spelled("sqlite", statement) == "TABLE b"
    assert spelled("postgres", statement) == statement
    assert spelled("sqlite", f"SELECT '{lock}'") == f"SELECT '{lock}'"


@given(st.lists(st.text(max_size=5), unique=True, max_size=5))
def test_any_column_is_found_by_its_name(columns: list[str]) -> None:
    row = row_kind(tuple(columns))(range(len(columns)))

    assert [row[name] for name in columns] == list(row) == list(range(len(columns)))
    assert row.asdict() == dict(zip(columns, range(len(columns)), strict=True))


def test_a_row_reads_by_attribute_key_and_place() -> None:
    (row,) = rows_of([("state", None), ("from", None), ("count", None)], [("firing", "prom", 3)])

    assert [row.state, row["from"], row["count"], row[0], row[-1]] == ["firing", "prom", 3, "firing", 3]
    state, source, many = row
    assert (state, source, many) == row[0:3]
    with pytest.raises(KeyError):
        row["other"]
    with pytest.raises(AttributeError):
        row.other  # noqa: B018
