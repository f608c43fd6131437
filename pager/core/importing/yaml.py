"""YAML as people would write it: short things on one line, long ones below each other, comments where they belong.

A key that begins with # is a comment, and its value the text of it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 110
_PLAIN = re.compile(
    r"[A-Za-z_./](?:[\w ./+-]*[\w./+-])?|\d{4}-\d\d-\d\d(?: \d\d:\d\d|T\d\d:\d\dZ)?|\d+[smhd]", re.ASCII
)
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def document(keys: Mapping[str, Any]) -> str:
    """A mapping as a YAML document."""
    return "".join(f"{line}\n" for line in _mapping(keys, 0))


def scalar(value: Any) -> str:
    """A number, a switch or a text, quoted where YAML would read it as something else."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def flow(value: Any) -> str:
    """Anything on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def comment(text: str) -> str:
    """`text` as one comment line, whatever is in it."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"# {' '.join(plain.split())}".rstrip()


def _mapping(keys: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key, value in keys.items():
        if key.startswith("#"):
            yield f"{pad}{comment(str(value))}"
        elif _fits(value, len(pad) + len(key)) and not (depth == 0 and _is_nested(value)):
            yield f"{pad}{scalar(key)}: {flow(value)}"
        elif isinstance(value, Mapping):
            yield f"{pad}{scalar(key)}:"
            yield from _mapping(value, depth + 1)
        elif isinstance(value, list | tuple):
            yield f"{pad}{scalar(key)}:"
            yield from _items(value, depth + 1)


def _items(values: list[Any] | tuple[Any, ...], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for value in values:
        if not isinstance(value, Mapping) or (_fits(value, len(pad)) and "layers" not in value and not _is_deep(value)):
            yield f"{pad}- {flow(value)}"
            continue
        lines = list(_mapping(value, depth + 1))
        yield f"{pad}- {lines[0].lstrip()}"
        yield from lines[1:]


def _fits(value: Any, before: int) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return True
    return not _has_comment(value) and before + len(flow(value)) <= _WIDTH


def _has_comment(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(key.startswith("#") or _has_comment(one) for key, one in value.items())
    return isinstance(value, list | tuple) and any(map(_has_comment, value))


def _is_nested(value: Any) -> bool:
    """A mapping, or a list of mappings: what stands at the top is written below its key."""
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value)
    )


def _is_deep(value: Mapping[str, Any]) -> bool:
    """A mapping with mappings inside lists: a layer with its rotation, a policy with its steps."""
    return any(
        isinstance(one, list | tuple) and any(isinstance(each, Mapping) for each in one) for one in value.values()
    )
