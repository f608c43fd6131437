"""Tables for spreadsheets, as CSV of which no cell is run: a text that looks like a formula is told to be a text."""

from collections.abc import Iterable, Sequence

from pager.core.hygiene import one_line

_FORMULA = ("=", "+", "-", "@", "|", "%")


def csv_of(heads: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> str:
    """RFC 4180: lines end in CRLF and texts stand in quotes; numbers are written as they are."""
    return "".join(f"{','.join(map(_cell, row))}\r\n" for row in (heads, *rows))


def _cell(value: str | int | float) -> str:
    if not isinstance(value, str):
        return str(value)
    text = one_line(value)
    # Spreadsheets also look behind spaces and quotes, full-width signs count, and a tab or a break begins a new cell.
    bare = text.lstrip(" \t'\"`\u00a0\ufeff")
    safe = f"'{text}" if bare.startswith((*_FORMULA, "＝", "＋", "－", "＠")) else text
    return '"' + safe.replace('"', '""') + '"'
