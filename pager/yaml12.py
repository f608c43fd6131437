"""YAML 1.2 core, read so that whatever is wrong with it has a file, a line and a column.

PyYAML's parser gives the events; what they mean is decided here, because its own resolver speaks YAML 1.1
(`no` is false, `22:30` is 1350). Nothing is built recursively and nesting is bounded before it is entered,
so no text can exhaust the stack or, through aliases, the memory.
"""

import re
import stat
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import NoneType
from typing import Any, Final

import yaml
from msgspec import Struct
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from pager.problems import LINE_END, Problem, Route, from_syntax

LARGEST_FILE: Final = 8 * 1024 * 1024
DEEPEST: Final = 64
MOST_ALIASED: Final = 100_000
MOST_PROBLEMS: Final = 100
LONGEST_NUMBER: Final = 64
Spot = tuple[int, int]
"""Where something begins and ends: characters from the begin of the text that the parser was given."""


class _PureParser(Reader, Scanner, Parser):
    """PyYAML's own parser in Python, for the rare build without libyaml."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


_EventParser: Any = yaml.cyaml.CParser if yaml.__with_libyaml__ else _PureParser  # type: ignore[attr-defined]
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"(?P<decimal>[-+]?[0-9]+)|(?P<prefixed>0o[0-7]+|0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<special>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_ODD_STARTS = frozenset(("", *"+-.0123456789~nNtTfF"))  # of what may be no text
_CORE_TAG = "tag:yaml.org,2002:"
_KINDS: Final[dict[str, Any]] = {"null": NoneType, "bool": bool, "int": int, "float": int | float}
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
# U+0085, U+2028 and U+2029 end a line for libyaml but not for editors: with them in, line numbers would lie.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TOO_DEEP: Final = f"nested more than {DEEPEST} deep"
_DROPPED: Final = "\0dropped"  # no key can be this: NUL is refused


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file: line and column from 1, in characters; `width` characters of that line belong to it."""

    line: int
    column: int
    width: int = field(default=0, compare=False)


class Document(Struct, frozen=True):
    """One YAML document as plain values, and where each of them stands.

    `marks` has where each value begins, by its path; `()` is the document. `key_marks` has where the key of the
    value at that path stands. What came through an alias stands where it was anchored, except for its top: the alias.
    """

    data: Any
    marks: Mapping[Route, Mark]
    key_marks: Mapping[Route, Mark]


def read_text(path: Path, file: str = "") -> tuple[str | None, list[Problem]]:
    """The text of the file at `path`, or None and why not; `file` is its name in problems (default: the path).

    Refused unread: what is no plain file, and more than 8 MiB. UTF-8 only; a byte order mark is left out.
    """
    name = file or str(path)
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return None, [Problem(name, 1, 1, "E001", "not a plain file")]
        with path.open("rb") as stream:  # read no more than it may be: it may have grown since
            raw = stream.read(LARGEST_FILE + 1) if about.st_size <= LARGEST_FILE else None
    except (OSError, ValueError) as error:  # ValueError: a path with NUL in it
        return None, [Problem(name, 1, 1, "E001", f"cannot be read: {getattr(error, 'strerror', None) or error}")]
    if raw is None or len(raw) > LARGEST_FILE:
        why = f"larger than {LARGEST_FILE // 1024 // 1024} MiB"
        return None, [Problem(name, 1, 1, "E002", why, hint="split it into several")]
    return _decoded(raw, name)


def load_documents(text: str, file: str) -> tuple[list[Document], list[Problem]]:
    """The documents in `text`, and every problem found; empty documents are left out. Never raises for bad input.

    A document with a duplicate key, a merge key or a key that is no text is still given (the first value of a
    duplicate counts), so that the checks after this one find the rest; one that cannot be understood is not. After
    a syntax error, reading goes on at the next `---`. At most 100 problems a file.
    """
    text = text.removeprefix("\ufeff")
    if bad := _FORBIDDEN.search(text):
        why = f"character U+{ord(bad[0]):04X} is not allowed"
        return [], [Problem(file, *_after(text[: bad.start()]), "E004", why, snippet=bad[0])]
    reading = _Reading(text, file)
    at: int | None = 0
    while at is not None and len(reading.problems) < MOST_PROBLEMS:
        at = reading.read_from(at)
    return reading.documents, reading.problems


def _decoded(raw: bytes, name: str) -> tuple[str | None, list[Problem]]:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff"), []
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8").removeprefix("\ufeff")
        hint = "it looks like UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "save the file as UTF-8"
        return None, [Problem(name, *_after(before), "E003", f"not UTF-8: byte 0x{raw[error.start]:02x}", hint=hint)]


def _after(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what comes right after `before`."""
    lines = LINE_END.split(before)
    return len(lines), len(lines[-1]) + 1


class _Open:
    """A list or a mapping: open while its events come, then kept as the place of the value.

    A scalar's place is just its spot. Events and marks are not kept: many
    thousands of live objects would cost more in garbage collection than all the rest.
    """

    __slots__ = ("anchor", "counted", "data", "height", "is_list", "key", "keys", "spot", "under")

    def __init__(self, spot: Spot, anchor: str | None, data: Any, under: Any, counted: int) -> None:
        self.spot, self.anchor, self.counted = spot, anchor, counted
        self.data, self.under, self.is_list = data, under, type(data) is list
        self.keys: dict[str, Spot] = {}
        self.key: str | None = None
        self.height = 1


class _Lines:
    """Turns spots into marks; the lines are counted when the first mark is wanted."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        return [0, *(end.end() for end in LINE_END.finditer(self.text))]

    def mark(self, spot: Spot, at: int) -> Mark:
        """The place of `spot` of the text that begins at character `at`; what goes over the line's end has no width."""
        begin, end = spot[0] + at, spot[1] + at
        line = bisect_right(self.starts, begin)
        ends_there = line == len(self.starts) or end < self.starts[line]
        return Mark(line, begin - self.starts[line - 1] + 1, end - begin if ends_there else 0)


class _Reading:
    """One file being read: events in, documents and problems out."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self.lines, self.at = _Lines(text), 0
        self.steps: dict[type, Callable[[Any], bool]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.SequenceStartEvent: partial(self.start, list),
            yaml.MappingStartEvent: partial(self.start, dict),
            yaml.SequenceEndEvent: self.end,
            yaml.MappingEndEvent: self.end,
            yaml.DocumentStartEvent: self.start_document,
            yaml.DocumentEndEvent: self.end_document,
        }

    def read_from(self, at: int) -> int | None:
        """Read from character `at` to the end (None) or to an error: where the document after it begins."""
        self.at = at
        self.start_document(None)
        try:
            stopped_at = self.read_events(_EventParser(self.text[at:]))
        except yaml.MarkedYAMLError as error:
            self.problems.append(from_syntax(error, self.file, self.text, self.lines.mark((0, 0), at).line - 1))
            mark = error.problem_mark or error.context_mark
            stopped_at = mark.index if mark else 0
        following = None if stopped_at is None else _NEXT_DOCUMENT.search(self.text, at + max(stopped_at, 1))
        return following.start() if following else None

    def read_events(self, parser: Any) -> int | None:
        """Work through the events; the index at which reading must stop, or None at the end of the text."""
        steps, next_event, last = self.steps, parser.get_event, yaml.StreamEndEvent
        while type(event := next_event()) is not last:
            step = steps.get(type(event))
            if step is not None and not step(event):
                return int(event.start_mark.index)
        return None

    def start_document(self, _event: Any) -> bool:
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Any, Any, int, int] | None] = {}
        self.root: tuple[Any, Any] | None = None
        self.readable = True
        self.counted = self.aliased = 0
        return len(self.problems) < MOST_PROBLEMS

    def end_document(self, _event: Any) -> bool:
        if self.readable and self.root is not None:
            data, place = self.root
            if data is not None or place[0] < place[1]:  # nothing between two --- is no document; a written null is one
                where = (place, self.lines, self.at)
                self.documents.append(Document(data, _Marks(*where), _KeyMarks(*where)))
        return len(self.problems) < MOST_PROBLEMS

    def scalar(self, event: Any) -> bool:
        self.counted += 1
        value = written = event.value
        tag, plain, spot = event.tag, event.implicit[0], (event.start_mark.index, event.end_mark.index)
        if tag is not None or (plain and written[:1] in _ODD_STARTS):
            value = self.resolved(written, tag, spot)
        elif "\0" in written:  # as an escape in double quotes
            self.lost("E004", "NUL (\\0) is not allowed in a text", spot)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, spot, 1, 0)
        return self.put(value, spot, written if plain else "")

    def resolved(self, text: str, tag: str | None, spot: Spot) -> Any:
        """The value of a scalar without quotes, or with a tag."""
        if tag in ("!", _CORE_TAG + "str") and "\0" not in text:
            return text
        value = _resolved(text)
        if value is _TOO_LONG:
            self.lost("E018", f"a number of more than {LONGEST_NUMBER} characters", spot, "quote it if it is a text")
        elif tag is not None and not isinstance(value, _KINDS.get(tag.removeprefix(_CORE_TAG), ())):
            self.refuse_tag(tag, spot)
        return value

    def refuse_tag(self, tag: str, spot: Spot) -> None:
        self.lost("E012", f"tag {tag.replace(_CORE_TAG, '!!')} is not allowed here", spot, "leave the tag out")

    def alias(self, event: Any) -> bool:
        name, spot = event.anchor, (event.start_mark.index, event.end_mark.index)
        target = self.anchors.get(name)
        if target is None:
            why = f'alias "*{name}" stands inside what it names' if name in self.anchors else f'unknown alias "*{name}"'
            self.lost("E014", why, spot, "" if name in self.anchors else "put a text that starts with * in quotes")
            return self.put(None, spot)
        value, place, size, height = target
        self.counted += size
        self.aliased += size
        if self.aliased > MOST_ALIASED:
            return self.lost("E015", f"aliases repeat more than {MOST_ALIASED:,} values", spot, "write them out")
        if len(self.open) + height > DEEPEST:
            return self.lost("E016", _TOO_DEEP, spot)
        if isinstance(place, _Open):  # the same content, standing where the alias stands
            place = copy(place)
            place.spot = spot
        return self.put(value, place if height else spot, height=height)

    def start(self, kind: type[list[Any]] | type[dict[str, Any]], event: Any) -> bool:
        spot = (event.start_mark.index, event.end_mark.index)
        if len(self.open) >= DEEPEST:
            return self.lost("E016", _TOO_DEEP, spot)
        if event.tag not in (None, "!", _CORE_TAG + ("seq" if kind is list else "map")):
            self.refuse_tag(event.tag, spot)
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # open: an alias to it from inside would never end
        self.open.append(_Open(spot, event.anchor, kind(), kind(), self.counted))
        self.counted += 1
        return True

    def end(self, event: Any) -> bool:
        done = self.open.pop()
        done.spot = (done.spot[0], event.end_mark.index)
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.data, done, self.counted - done.counted, done.height)
        return self.put(done.data, done, height=done.height)

    def put(self, value: Any, place: Any, plain_key: str = "", height: int = 0) -> bool:
        """Hand a finished value to the list or mapping it stands in, as an item, a value or a key. Always True."""
        if not self.open:
            self.root = (value, place)
            return True
        parent = self.open[-1]
        if height >= parent.height:
            parent.height = height + 1
        if parent.is_list:
            parent.data.append(value)
            parent.under.append(place)
        elif parent.key is None:
            parent.key = self.key(parent, value, place if type(place) is tuple else place.spot, plain_key)
        else:
            key, parent.key = parent.key, None
            if key is not _DROPPED:
                parent.data[key], parent.under[key] = value, place
        return True

    def key(self, parent: _Open, key: Any, spot: Spot, written: str) -> str:
        """The key to use, or `_DROPPED`; `written` is the key's text if it stands without quotes."""
        if type(key) is str and key not in parent.keys and written != "<<":
            parent.keys[key] = spot
            return key
        if type(key) is not str:
            hint = f'quote it: "{written}"' if written else 'put a template in quotes: "{{ ... }}"' if key else ""
            self.problem("E017", f"a key must be a text{', not ' * bool(written)}{written}", spot, hint)
        elif written == "<<":
            self.problem("E013", "merge keys (<<) are not read", spot, "write the keys out")
        else:
            first = self.lines.mark(parent.keys[key], self.at).line
            self.problem("E011", f'duplicate key "{key}"; the first is on line {first}', spot)
        return _DROPPED

    def lost(self, code: str, message: str, spot: Spot, hint: str = "") -> bool:
        """A problem after which the document means nothing sure: it is not given. False, for a step that ends so."""
        self.readable = False
        self.problem(code, message, spot, hint)
        return False

    def problem(self, code: str, message: str, spot: Spot, hint: str = "") -> None:
        if len(self.problems) < MOST_PROBLEMS:
            mark = self.lines.mark(spot, self.at)
            self.problems.append(Problem(self.file, mark.line, mark.column, code, message, hint=hint))


_TOO_LONG: Final = object()


def _resolved(text: str) -> Any:
    """What a plain scalar is in YAML 1.2 core: null, bool, int, float or else the text; `_TOO_LONG` for a number."""
    if text in _WORDS:
        return _WORDS[text]
    if (number := _NUMBER.fullmatch(text)) is None:
        return text
    if len(text) > LONGEST_NUMBER:
        return _TOO_LONG
    if number["special"]:
        return float(text.lower().replace(".", ""))
    return float(text) if number["float"] else int(text, 0 if number["prefixed"] else 10)


class _Marks(Mapping[Route, Mark]):
    """Where values begin, worked out only for whoever asks: a file without problems pays nothing for it."""

    def __init__(self, root: Any, lines: _Lines, at: int) -> None:
        self.root, self.lines, self.at = root, lines, at

    def __getitem__(self, route: Route) -> Mark:
        place = self.place_of(route)
        return self.lines.mark(place if isinstance(place, tuple) else place.spot, self.at)

    def __iter__(self) -> Iterator[Route]:
        waiting: list[tuple[Route, Any]] = [((), self.root)]
        while waiting:
            route, place = waiting.pop()
            yield route
            under = getattr(place, "under", ())
            parts = under.items() if isinstance(under, dict) else enumerate(under)
            waiting.extend(((*route, part), below) for part, below in parts)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def place_of(self, route: Route) -> Any:
        place = self.root
        for part in route:
            try:
                place = place.under[part]
            except (AttributeError, LookupError, TypeError):  # a scalar, no such part, a name in a list
                raise KeyError(route) from None
        return place


class _KeyMarks(_Marks):
    """Where keys stand; items of a list have none."""

    def __getitem__(self, route: Route) -> Mark:
        keys = getattr(self.place_of(route[:-1]), "keys", {})
        if not route or route[-1] not in keys:
            raise KeyError(route)
        return self.lines.mark(keys[route[-1]], self.at)

    def __iter__(self) -> Iterator[Route]:
        return (route for route in super().__iter__() if route and isinstance(route[-1], str))
