"""Runbooks as pages: Markdown below runbooks/, made into HTML that can do nothing but be read."""

from pathlib import Path

import nh3
from markdown_it import MarkdownIt

LARGEST = 512 * 1024
_TEXT = {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a", "ul", "ol", "li"}
_TAGS = _TEXT | {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def read_runbook(folder: Path, path: str) -> str | None:
    """The text of `runbooks/NAME.md` in the config folder; None when it is not there, or not below runbooks/.

    A link that leads out of runbooks/ is not followed; what is no UTF-8 is shown as far as it can be read.
    """
    root = (folder / "runbooks").resolve()
    try:
        found = (folder / path).resolve()
        if not found.is_relative_to(root) or found.suffix != ".md" or not found.is_file():
            return None
        with found.open("rb") as file:
            return file.read(LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError):  # ValueError: a NUL in the path.
        return None


def as_html(text: str) -> str:
    """Markdown as HTML without scripts, images, styles or forms; links are http(s), mailto, or to this page."""
    return nh3.clean(
        _markdown.render(text),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
