"""Reading JSON of others: each value knows where it stands, so that a complaint names the place."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from pager.core.wall import FIRST_YEAR, LAST_YEAR, check_zone, minute_of, wall_of

_ENVELOPES = ("data", "results", "nodes")
_ABOUT_PAGES = frozenset(
    [
        "took",
        "requestId",
        "paging",
        "limit",
        "offset",
        "more",
        "total",
        "count",
        "next",
        "previous",
        "pageInfo",
        "errors",
    ]
)
_MOST = 10**9
_KINDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


class Unreadable(ValueError):
    """An export that does not have the shape its system documents; the message begins with the place."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")


class Node(Struct, frozen=True):
    """A JSON object, and its place such as `schedules.json: schedules[0].schedule_layers[1]`.

    The readers raise Unreadable where a value is missing or of another kind; an optional one may be null.
    """

    value: Mapping[str, Any]
    path: str
    subject: str = ""
    """What the file's name says beside its section: `P12` of overrides-P12.json."""

    def text(self, key: str, default: str | None = None) -> str:
        """Text, with a space for what cannot be printed."""
        return "".join(sign if sign.isprintable() else " " for sign in self._get(key, str, default)).strip()

    def number(self, key: str, default: int | None = None, least: int = -_MOST, most: int = _MOST) -> int:
        """A whole number from `least` to `most`, both included."""
        found = int(self._get(key, int, default))
        if not least <= found <= most:
            raise Unreadable(f"{self.path}.{key}", f"not from {least} to {most}: {found}")
        return found

    def flag(self, key: str, default: bool | None = None) -> bool:
        return bool(self._get(key, bool, default))

    def key(self, name: str = "id", default: str | None = None) -> str:
        """An identifier: text, or a number as text."""
        found = self.value.get(name)
        return str(found) if isinstance(found, int) and not isinstance(found, bool) else self.text(name, default)

    def at(self, key: str) -> "Node":
        return Node(self._get(key, dict, None), f"{self.path}.{key}", self.subject)

    def maybe(self, key: str) -> "Node | None":
        return None if self.value.get(key) is None else self.at(key)

    def each(self, key: str, *, needed: bool = False) -> "list[Node]":
        """The objects of a list; none where it is null or missing, unless it is `needed`."""
        return list(nodes(self._get(key, list, None if needed else []), f"{self.path}.{key}", self.subject))

    def texts(self, key: str, *, needed: bool = False) -> list[str]:
        found = self._get(key, list, None if needed else [])
        for at, one in enumerate(found):
            _check(one, str, f"{self.path}.{key}[{at}]")
        return list(found)

    def moment(self, key: str, zone: str = "UTC") -> datetime:
        """An instant in UTC; one without an offset is what the clock in `zone` reads."""
        return moment(self.text(key), f"{self.path}.{key}", zone)

    def minutes(self, key: str, zone: str) -> int:
        """An instant as a minute on the wall clock of `zone`; seconds are dropped."""
        return wall_of(minute_of(self.moment(key, zone)), zone)

    def zone(self, key: str, default: str = "UTC") -> str:
        name = self.text(key, default) or default
        try:
            return check_zone(name)
        except ValueError as error:
            raise Unreadable(f"{self.path}.{key}", str(error)) from None

    def refuse(self, key: str, why: str) -> Unreadable:
        return Unreadable(f"{self.path}.{key}", why)

    def _get(self, key: str, kind: type, default: Any) -> Any:
        found = self.value.get(key)
        if found is None:
            if default is None:
                raise Unreadable(f"{self.path}.{key}", f"missing; it should be {_KINDS[kind]}")
            return default
        _check(found, kind, f"{self.path}.{key}")
        return found


def nodes(found: Any, path: str, subject: str = "") -> Iterator[Node]:
    """The objects of a list, each with its place."""
    _check(found, list, path)
    for at, one in enumerate(found):
        _check(one, dict, f"{path}[{at}]")
        yield Node(one, f"{path}[{at}]", subject)


def moment(text: str, path: str, zone: str = "UTC") -> datetime:
    """An instant in UTC. Raises Unreadable with the place."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(path, f"not a time: {text!r}; it should be like 2026-03-02T09:00:00Z") from None
    if not FIRST_YEAR <= at.year < LAST_YEAR:
        raise Unreadable(path, f"too far away: {text!r}")
    return at.replace(tzinfo=at.tzinfo or ZoneInfo(zone)).astimezone(UTC)


def _check(found: Any, kind: type, path: str) -> None:
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise Unreadable(path, f"not {_KINDS[kind]}: {str(found)[:60]!r}")


class Sections(Struct):
    """The objects of all files by what they are, such as `users`; `cut` are files that say that more pages follow."""

    found: dict[str, list[Node]] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)

    def of(self, *names: str) -> list[Node]:
        """The objects of the sections of these names, each once by its id."""
        every = [node for name in names for node in self.found.get(name, ())]
        seen: dict[Any, Node] = {}
        for at, node in enumerate(every):
            identity = node.value.get("id")
            seen.setdefault(at if identity is None or node.subject else (str(identity),), node)
        return list(seen.values())


def sections(files: Mapping[str, Any]) -> Sections:
    """The parts of an export: answers of an API in files named after what they hold, or one object of all of them.

    `users.json`, `users-2.json` and the key `users` are one section. Raises Unreadable for what is no JSON object or
    list.
    """
    into = Sections()
    for name, content in files.items():
        stem, _, subject = name.rpartition("/")[2].removesuffix(".json").partition("-")
        _section(into, name, content, stem, subject)
    return into


def _section(into: Sections, path: str, content: Any, name: str, subject: str) -> None:
    if isinstance(content, list):
        into.found.setdefault(_plural(name), []).extend(nodes(content, path, subject))
        return
    _check(content, dict, path)
    if _more_to_come(content):
        into.cut.append(path.partition(":")[0])
    known = [key for key in _ENVELOPES if key in content] or [key for key in content if key not in _ABOUT_PAGES]
    parts = {key: content[key] for key in known if isinstance(content[key], list | dict)}
    if not parts or "id" in content or "_parent" in content:
        into.found.setdefault(_plural(name), []).append(Node(content, path, subject))
    for key, value in parts.items() if "id" not in content and "_parent" not in content else ():
        inner = f"{path}.{key}" if ":" in path else f"{path}: {key}"
        _section(into, inner, value, name if key in _ENVELOPES else key, subject)


def _plural(name: str) -> str:
    """`schedule` and `schedules` are one section, and so are on-call-shifts and onCallShifts."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain if plain.endswith("s") else f"{plain[:-1]}ies" if plain.endswith("y") else f"{plain}s"


def _more_to_come(content: Mapping[str, Any]) -> bool:
    pages, info = content.get("paging"), content.get("pageInfo")
    return bool(
        content.get("more") is True
        or (isinstance(content.get("next"), str) and content["next"])
        or (isinstance(pages, dict) and pages.get("next"))
        or (isinstance(info, dict) and info.get("hasNextPage"))
    )


class Names:
    """Keys for what has a name elsewhere: short, plain, each once."""

    def __init__(self, taken: Iterable[str] = ("everyone", "nobody")) -> None:
        self._taken = set(taken)

    def key(self, *wishes: str) -> str:
        """The first wish that leaves letters or digits, made plain: `Ana Lima` is `ana-lima`, a second `ana-lima-2`."""
        plain = next(filter(None, map(slug, wishes)), "unnamed")
        key, number = plain, 2
        while key in self._taken:
            key, number = f"{plain}-{number}", number + 1
        self._taken.add(key)
        return key


def slug(text: str) -> str:
    """Lower-case letters, digits and single dashes, at most 50; empty where the text has none."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower())[:50].strip("-")


def secret(*parts: str) -> str:
    """The name of a secret: `PAYMENTS_KEY`."""
    name = "_".join(slug(part).replace("-", "_").upper() for part in parts)
    return f"_{name}" if name[:1].isdigit() else name
