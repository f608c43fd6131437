"""Words: ages, countdowns and tables as a terminal shows them, and nothing that a sender wrote can move its cursor."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from pager.core.hygiene import cut

_COLOURS = {
    "SEV-1": "red",
    "SEV-2": "yellow",
    "SEV-3": "cyan",
    "triggered": "red",
    "acknowledged": "green",
    "ok": "green",
    "stalled": "red",
}


def plain(text: str) -> str:
    """`text` on one line, without controls."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def paint(text: str, word: str, colour: bool) -> str:
    """`text` in the colour of `word`, where colours are wanted and it has one."""
    return click.style(text, fg=_COLOURS[word]) if colour and word in _COLOURS else text


def instant_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def rough(length: timedelta) -> str:
    """Two units at most: `8s`, `4m10s`, `2h5m`, `3d2h`; what is negative is `now`."""
    seconds = length // timedelta(seconds=1)
    if seconds < 0:
        return "now"
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    first = next((at for at, (count, _) in enumerate(parts) if count), 3)
    return "".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count) or "0s"


def age(since: str, now: datetime) -> str:
    """How long ago the instant `since` was."""
    return rough(max(now - instant_of(since), timedelta()))


def who(incident: dict[str, Any]) -> str:
    """Who has it, or who was paged last: `ana`, `-> bo +2`."""
    if incident.get("veiled"):
        return "-"
    if incident["acked_by"]:
        return str(incident["acked_by"])
    if incident["state"] == "resolved":
        return str(incident["resolved_by"] or "")
    paged = incident["paged"]
    return f"-> {paged[-1]}" + (f" +{len(paged) - 1}" if len(paged) > 1 else "") if paged else "nobody"


def following(incident: dict[str, Any], now: datetime) -> str:
    """What happens next by itself, and in how long: `in 4m10s`, `held`, `-`."""
    if incident["state"] == "resolved":
        return "-"
    if incident["hold"] and incident["state"] == "triggered":
        return "held"
    return f"in {rough(instant_of(incident['due_at']) - now)}" if incident["due_at"] else "-"


def print_rows(heads: Sequence[str], rows: Iterable[Sequence[str]], colour: bool) -> None:
    """Columns as wide as their widest word; on a terminal the last one is cut to its width. Levels are coloured."""
    table = [tuple(heads), *(tuple(plain(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    room = shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
    for row in table:
        *cells, last = row
        shown = [paint(cell.ljust(width), cell, colour) for cell, width in zip(cells, widths, strict=False)]
        click.echo("  ".join((*shown, cut(last, max(10, room)) if sys.stdout.isatty() else last)).rstrip())


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Names on the left, what they are on the right; what is empty is left out."""
    for name, fact in facts:
        if fact:
            click.echo(f"  {name:<10} {plain(fact)}")
