"""Reading: bodies, queries and codes of requests, each refused with the name of the field that does not fit."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from pager.api.declared import Parameter
from pager.api.problems import Problem
from pager.core.code import number_of
from pager.core.hygiene import clean, clean_title
from pager.core.wall import FIRST_YEAR, LAST_YEAR

T = TypeVar("T", bound=msgspec.Struct)
MOST = 500
USUAL = 100
LONGEST_NAME = 100
Name = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": LONGEST_NAME})]
"""Who does it, as `name_in` reads it."""
Length = Annotated[str, msgspec.Meta(examples=["2h", "1h30m", "5d"])]
"""How long, as durations are written in the files."""
LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL})
_CURSORS = {"type": "string", "pattern": "^(-?[0-9]{1,19})?$"}
CURSOR = Parameter("cursor", "What `next` of the answer before said.", _CURSORS)
BY = Parameter("by", "Who does it.", {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME})
_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_FIELD = re.compile(r"field `(?P<path>[^`]+)`")


def up_to(longest: int, least: int = 0) -> msgspec.Meta:
    """So many characters, as `text_in` counts them."""
    return msgspec.Meta(extra_json_schema={"maxLength": longest, **({"minLength": least} if least else {})})


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The body as a `kind`. Problem 400, naming the field, when it does not fit; an empty body is `{}`."""
    body = await request.read()
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"not JSON: {error}", path="body") from None


def _misfit(text: str) -> Problem:
    place, field = _PLACE.search(text), _FIELD.search(text)
    path = place["path"] if place else field["path"] if field else "body"
    return Problem(400, _PLACE.sub("", text), path=path)


def name_in(text: str, path: str = "by") -> str:
    """Who does it, on one line. Problem 400 when it is empty or too long."""
    name = clean_title(text)
    if not 0 < len(name) <= LONGEST_NAME or len(text) > LONGEST_NAME:
        raise Problem(400, f'say who does it, as in "by": "ana"; at most {LONGEST_NAME} characters', path=path)
    return name


def text_in(text: str, path: str, longest: int) -> str:
    """Text that a person wrote, without controls. Problem 400 when it is empty or too long."""
    written = clean(text).strip()
    if not 0 < len(written) <= longest or len(text) > longest:
        raise Problem(400, f"write 1 to {longest} characters", path=path)
    return written


def number_in(request: web.Request) -> int:
    """The number of the incident whose code is in the path. Problem 404."""
    code = request.match_info["code"]
    number = number_of(code)
    if number is None:
        raise Problem(404, f"not an incident's code: {code[:20]!r}; write three letters such as 7KQ")
    return number


def limit_in(query: Mapping[str, str]) -> int:
    """`?limit=`: how many a list may have, 1 to 500."""
    return _number(query, "limit", USUAL, 1, MOST)


def cursor_in(query: Mapping[str, str], first: int) -> int:
    """`?cursor=`, as an earlier answer gave it in `next`; `first` without one."""
    return _number(query, "cursor", first, -(2**63), 2**63 - 1)


class Choice(Struct, frozen=True):
    """One of some words, which a query may say."""

    name: str
    usual: str
    choices: tuple[str, ...]
    says: str = ""

    @property
    def parameter(self) -> Parameter:
        """As it is declared."""
        return Parameter(self.name, self.says, {"enum": list(self.choices), "default": self.usual})

    def of(self, query: Mapping[str, str]) -> str:
        """What the query says. Problem 400 naming the choices."""
        return choice_in(query, self.name, self.usual, self.choices)


def moment(name: str, says: str) -> Parameter:
    """An instant with its offset, as `instant_in` reads it."""
    return Parameter(name, says, {"type": "string", "format": "date-time", "examples": ["2026-03-30T09:00:00+02:00"]})


def choice_in(query: Mapping[str, str], name: str, usual: str, choices: tuple[str, ...]) -> str:
    """One of `choices`. Problem 400 naming them."""
    chosen = query.get(name, usual)
    if chosen not in choices:
        raise Problem(400, f"not a {name}: {chosen[:50]!r}; write one of {', '.join(choices)}", path=name)
    return chosen


def instant_in(query: Mapping[str, str], name: str, usual: datetime) -> datetime:
    """An instant with its offset, in UTC. Problem 400 with the right form."""
    if name not in query:
        return usual
    # A plus sign that nobody escaped arrives as a space.
    written = re.sub(r" (\d\d:?\d\d)$", r"+\1", query[name])
    at: datetime | None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not FIRST_YEAR < at.year < LAST_YEAR:
        raise Problem(400, f"not an instant: {written[:50]!r}; write 2026-03-30T09:00+02:00", path=name)
    return at.astimezone(UTC)


def known_in(names: Mapping[str, Any], name: str, what: str, path: str) -> None:
    """Problem 400 when `name` is none of `names`."""
    if name not in names:
        raise Problem(400, f"no {what} {name[:50]!r}; there are: {', '.join(sorted(names)) or 'none'}", path=path)


def _number(query: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    written = query.get(name)
    if written is None or (written == "" and name != "limit"):
        return usual
    number = int(written) if re.fullmatch(r"-?\d{1,19}", written, re.ASCII) else None
    if number is None or not least <= number <= most:
        how = f"write {least} to {most}" if name == "limit" else "write what `next` said"
        raise Problem(400, f"not a {name}: {written[:50]!r}; {how}", path=name)
    return number
