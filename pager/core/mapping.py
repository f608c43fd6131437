"""Mappings: where in a sender's body an alert's parts stand, as people write it below `map:`.

A path is `a.b.0.c`; it looks into JSON that stands in a text, too. `path ~ regex` takes what the first group found. Of
several paths the first that says something counts, but for `id`, which takes them all; there `a | b` is a or else b.
"""

from functools import lru_cache
from typing import Annotated, Any

import re2
from pydantic import BeforeValidator, Field, ValidationError

from pager.core.model import Model

MOST_PATHS = 20
LONGEST_PATH = 300


def _paths(written: Any) -> Any:
    paths = (written,) if isinstance(written, str) else written
    if isinstance(paths, list | tuple) and all(isinstance(path, str) for path in paths):
        for path in (each for written in paths for each in written.split(" | ")):
            compiled(split_path(path)[1])
        return tuple(paths)
    raise ValueError("write a path such as data.host, or a list of paths")


def split_path(path: str) -> tuple[str, str]:
    """A path's place, and the pattern that takes a part of what stands there, or ""."""
    place, _, pattern = path.partition(" ~ ")
    return place.strip(), pattern.strip()


@lru_cache(maxsize=1000)
def compiled(pattern: str) -> Any:
    """The pattern, ready to be used. Raises ValueError when it is none."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"not a pattern: {pattern!r}: {error}") from None


Path = Annotated[str, Field(max_length=LONGEST_PATH)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths), Field(max_length=MOST_PATHS)]
Words = Annotated[tuple[str, ...], BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)]


class StateMap(Model):
    """Which words mean that it is over, and which mean that there is no alert in it. Any other word fires.

    Where `firing` is written, a word that stands nowhere is told.
    """

    path: Paths
    resolved: Words = ()
    firing: Words = ()
    ignore: Words = ()


class SeverityMap(Model):
    """The sender's words for severity, and what they are called here; a word that is not listed stays as it is."""

    path: Paths = ()
    words: dict[str, str] = Field(default_factory=dict)
    otherwise: str = ""


class Mapping(Model):
    """One shape of body. `when`: paths that all must say something, else the body has another shape.

    `items` is the path of a list, each of which is an alert; "": the body is one alert, or a list of them.
    `labels` None: all that is short and stands at the top of it.
    """

    when: Paths = ()
    items: str = ""
    id: Paths = ()
    title: Paths = ()
    summary: Paths = ()
    description: Paths = ()
    url: Paths = ()
    starts: Paths = ()
    ends: Paths = ()
    state: StateMap | None = None
    severity: SeverityMap | None = None
    labels: dict[str, Paths] | None = None


def read_mapping(written: Any) -> Mapping:
    """A mapping as it was written. Raises ValueError that names what is wrong."""
    try:
        return Mapping.model_validate(written)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"map{'.' + place if place else ''}: {first['msg']}") from None
