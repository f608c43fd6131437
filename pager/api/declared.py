"""Declared: what a route takes and answers, said once, where its handler stands; the OpenAPI document is made of it.

Bodies are the structs that handlers read them with. Answers are typed dictionaries, which the type checker holds those
to who word them. Whatever follows from the address is added by the document: who may, and what every route refuses.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from msgspec import Struct

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
H = TypeVar("H", bound=Handler)


class Parameter(Struct, frozen=True):
    """Something that a query may say. `schema` is JSON Schema; with a `default` in it where that is not obvious."""

    name: str
    says: str
    schema: Mapping[str, Any]
    required: bool = False


class Media(Struct, frozen=True):
    """An answer that is no JSON of ours: its content type."""

    kind: str


class Declared(Struct, frozen=True):
    """What a route takes and answers.

    `answers`: by status, the type of the JSON, a Media, a tuple of these where callers choose, or None for no body.
    `refuses`: statuses of problems beside those that follow from the address. `located`: the answer says where the
    thing is that was made.
    """

    answers: Mapping[int, Any]
    body: Any = None
    query: tuple[Parameter, ...] = ()
    path: Mapping[str, Mapping[str, Any]] | None = None
    refuses: tuple[int, ...] = ()
    located: bool = False
    if_match: bool = False

    def kinds(self, status: int) -> tuple[Any, ...]:
        """All that an answer of this status may be."""
        kind = self.answers.get(status)
        return kind if isinstance(kind, tuple) else (kind,)


DECLARED: dict[Handler, Declared] = {}


def told(
    answer: Any,
    *query: Parameter,
    status: int = 200,
    also: Mapping[int, Any] | None = None,
    path: Mapping[str, Mapping[str, Any]] | None = None,
    **said: Any,
) -> Callable[[H], H]:
    """Declare a handler: `answer` with `status`, the parameters of its query, and what else `Declared` has.

    `also` are further answers by their status; `path` are JSON Schemas of parts of the path that take not just any
    text.
    """

    def declared(handler: H) -> H:
        DECLARED[handler] = Declared({status: answer, **(also or {})}, query=query, path=path, **said)
        return handler

    return declared
