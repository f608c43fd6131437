"""Appending a version to a rotation in the text of a YAML file: all that was written stays as it is, byte by byte.

ruamel.yaml says where the list ends and how its entries look, and spells the new one; comments, order and spacing of
the rest are never written anew.
"""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode


def append_version(
    text: str, document: int, path: Sequence[str | int], start: str, people: Sequence[str | list[str]]
) -> str:
    """`text` with one more entry in the list at `path` of document number `document`, which has at least one.

    Raises ValueError where the list is not written out there, as behind an alias.
    """
    written = [node for node in YAML().compose_all(text) if node is not None and node.value not in ("", "~", "null")]
    node = _at(written[document], path)
    if not isinstance(node, SequenceNode) or not node.value:
        raise ValueError("the rotation is not a list that is written out here; write the version by hand")
    last = node.value[-1]
    if len(node.value) > 1 and last.start_mark.index <= node.value[-2].start_mark.index:
        raise ValueError("the last version is an alias; write the new one by hand")
    if node.flow_style:
        end = last.end_mark.index
        return f"{text[:end]}, {_spelled(start, people, flow=True)}{text[end:]}"
    column, flow = int(node.start_mark.column), bool(getattr(last, "flow_style", False))
    return _after_line(text, _end(last), column, _entry(start, people, column, flow=flow))


def _at(node: Node, path: Sequence[str | int]) -> Node:
    for part in path:
        if isinstance(part, int):
            node = node.value[part]
        else:
            key, node = next((key, value) for key, value in node.value if key.value == part)
            if node.start_mark.index < key.end_mark.index:
                raise ValueError(f"{part}: is an alias; write the version by hand")
    return node


def _end(node: Node) -> int:
    """Where the last thing that is written of `node` ends; a block's own end mark lies behind comments."""
    if not node.value or isinstance(node.value, str) or getattr(node, "flow_style", False):
        return int(node.end_mark.index)
    if isinstance(node, MappingNode):
        key, value = node.value[-1]
        return max(int(key.end_mark.index), _end(value))
    return max(int(node.start_mark.index), _end(node.value[-1]))


def _after_line(text: str, index: int, column: int, lines: Sequence[str]) -> str:
    """`lines` behind the line of `index`, and behind the comments below it that are indented like its entry."""
    newline = "\r\n" if "\r\n" in text else "\n"
    written = [line for line in re.split(r"(?<=\n)", text) if line]
    at = text.count("\n", 0, index) + 1
    while at < len(written) and (comment := written[at].lstrip(" ")).startswith("#"):
        if len(written[at]) - len(comment) <= column:
            break
        at += 1
    if not written[at - 1].endswith("\n"):
        written[at - 1] += newline
    return "".join([*written[:at], *(line + newline for line in lines), *written[at:]])


def _entry(start: str, people: Sequence[str | list[str]], column: int, *, flow: bool) -> list[str]:
    spelled = [_spelled(start, people, flow=True)] if flow else _spelled(start, people, flow=False).splitlines()
    return [" " * column + ("  " if number else "- ") + line for number, line in enumerate(spelled)]


def _spelled(start: str, people: Sequence[str | list[str]], *, flow: bool) -> str:
    """The version as YAML: in one line, or a key a line."""
    names = CommentedSeq([_flow(CommentedSeq(entry)) if isinstance(entry, list) else entry for entry in people])
    version = CommentedMap({"from": start, "people": _flow(names)})
    writer, out = YAML(), StringIO()
    writer.width = 1 << 16
    writer.dump(_flow(version) if flow else version, out)
    return out.getvalue().replace(f"'{start}'", start).strip()


def _flow(node: Any) -> Any:
    node.fa.set_flow_style()
    return node
