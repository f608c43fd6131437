"""What only a mail has: a line with the labels of its alerts, and HTML with the words of its text.

In that each line is escaped, links can be tapped, and nothing is from elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape

from pager.core.hygiene import cut, one_line

_LINE = re.compile(r"(?P<word>[^:\n]{1,60}): (?P<link>https?://[^\s\"'<>]+)")
_FONT = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_BUTTON = (
    "display:block;max-width:34em;padding:14px 16px;margin:8px 0;border-radius:8px;background:#0b5cad;color:#ffffff;"
    "font-weight:bold;text-decoration:none;word-break:break-all"
)

LONGEST_VALUE = 200
"""Characters of a label's value."""


def labels_line(alerts: Sequence[Mapping[str, str]]) -> str:
    """`Labels: env=prod, job=api; not the same: instance`, of the labels of alerts that fire; "" without any.

    It begins as no line that is made a button does, whatever the labels are called.
    """
    shared = common(alerts)
    others = sorted({name for labels in alerts for name in labels} - set(shared))
    told = ", ".join(f"{one_line(name)}={cut(one_line(shared[name]), LONGEST_VALUE)}" for name in sorted(shared))
    differ = f"not the same: {', '.join(map(one_line, others))}" if others else ""
    said = "; ".join(filter(None, (told, differ)))
    return f"Labels: {said}" if said else ""


def common(all_of: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What all say alike."""
    first, *others = all_of or ({},)
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def as_html(title: str, body: str) -> str:
    """`title` as a heading, then `body` line by line; a line that is `Word: https://...` is a link.

    The one that acknowledges is a button, and stands among the last lines, which are ours: a line of an alert is never
    made one. There are no images, styles or scripts from elsewhere, and no tag but ours, whatever the text holds.
    """
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    last = len(lines)
    while last and _LINE.fullmatch(lines[last - 1]):
        last -= 1
    told = "".join(_paragraph(line, is_ours=at >= last) for at, line in enumerate(lines))
    return (
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body style="font-family:{_FONT};font-size:16px;line-height:1.5;margin:8px">'
        f'<h1 style="font-size:20px;margin:0 0 8px">{escape(title.strip())}</h1>{told}</body></html>'
    )


def _paragraph(line: str, *, is_ours: bool) -> str:
    found = _LINE.fullmatch(line)
    if found is None:
        return f'<p style="margin:4px 0">{escape(line)}</p>'
    link, word = escape(found["link"]), escape(found["word"])
    # The address stands in the words, too: the text part is made of them.
    if is_ours and word.startswith("Acknowledge"):
        return f'<p style="margin:4px 0"><a href="{link}" rel="noreferrer" style="{_BUTTON}">{word}: {link}</a></p>'
    return f'<p style="margin:4px 0">{word}: <a href="{link}" rel="noreferrer">{link}</a></p>'
