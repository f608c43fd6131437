"""Findings: what is wrong with what people wrote, named by its place in a document; and the parts it is found in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from pager.core.documents import PeopleFile, RulesFile
from pager.core.schedule import Loc, Schedule

Content = RulesFile | PeopleFile | Schedule


class Finding(Struct, frozen=True):
    """One thing wrong at `path` of document number `document` (from 0) of `file`; `at_key`: it is about the key.

    `word` is looked for in `known`, the names that could have been meant, for `did you mean`. `down` is how many
    lines below the first of a text it is; None: it is about the whole.
    """

    file: str
    document: int
    path: Loc
    code: str
    message: str
    level: Literal["error", "warn"] = "error"
    at_key: bool = False
    word: str = ""
    known: tuple[str, ...] = ()
    down: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One document, or the half of one, as its model.

    `broken` are names that were written, by their section, and could not be read: whoever refers to them is not to
    blame. `kept` has, for a list that lost entries so, the number that each of the others has in the file.
    `line_of` gives the line, from 1, of a place in the document.
    """

    file: str
    document: int
    content: Content
    line_of: Callable[[Loc], int] = field(default=lambda path: 1, repr=False)
    broken: frozenset[tuple[str, str]] = frozenset()
    kept: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def at(self, path: Loc) -> Loc:
        """The place in the file of what stands at `path` of the content."""
        if len(path) > 1 and isinstance(path[1], int) and path[0] in self.kept:
            return (path[0], self.kept[str(path[0])][path[1]], *path[2:])
        return path

    def place(self, path: Loc) -> str:
        """`rules/payments.yaml:12`."""
        return f"{self.file}:{self.line_of(self.at(path))}"

    def error(
        self, path: Loc, code: str, message: str, *, at_key: bool = False, word: str = "", known: tuple[str, ...] = ()
    ) -> Finding:
        return Finding(self.file, self.document, self.at(path), code, message, "error", at_key, word, known)

    def warning(
        self, path: Loc, code: str, message: str, *, at_key: bool = False, word: str = "", known: tuple[str, ...] = ()
    ) -> Finding:
        return Finding(self.file, self.document, self.at(path), code, message, "warn", at_key, word, known)
