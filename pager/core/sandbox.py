"""The sandbox that people's own templates run in: values in, a text out, and nothing else can be reached.

A template may still loop for long: whoever renders does so where it can be killed.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_TEXT = 16_000
"""Characters that a template may make."""
MOST_ROUNDS = 1000
_NUMBERS = (int, float)


class Fault(Exception):
    """A template has failed: why, and the line of the template, from 1; `undefined`: it asked for what is not there."""

    def __init__(self, why: str, line: int = 1, *, undefined: bool = False) -> None:
        super().__init__(why)
        self.why, self.line, self.undefined = why, line, undefined


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without what makes much out of little, and without files: there is no loader."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """A number by a number; a power, or a text so many times, could be of any size."""
        if operator == "**":
            raise SecurityError("there is no **")
        if not (isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS)):
            raise SecurityError(f"{operator} is for numbers only")
        return super().call_binop(context, operator, left, right)


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MOST_ROUNDS:
        raise SecurityError(f"range() of more than {MOST_ROUNDS}")
    return made


def _environment() -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=False, trim_blocks=True, lstrip_blocks=True)
    made.globals = {"range": _range}
    return made


_SANDBOX = _environment()


def render(source: str, values: Mapping[str, Any]) -> str:
    """The text that `source` makes of `values`. Raises Fault, whatever goes wrong; may run for long."""
    made, length = [], 0
    try:
        for piece in _compiled(source).generate(values):
            length += len(piece)
            if length > LONGEST_TEXT:
                raise Fault(f"it makes more than {LONGEST_TEXT} characters")
            made.append(piece)
    except Fault:
        raise  # too long, or stopped from outside
    except TemplateSyntaxError as error:
        raise Fault(error.message or "it cannot be read", error.lineno) from None
    except Exception as error:  # A fence: a template may raise what it likes, and MemoryError among it.
        raise _fault(error, source) from None
    return "".join(made)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return _SANDBOX.from_string(source)


def _fault(error: Exception, source: str) -> Fault:
    why = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
    return Fault(" ".join(why.split())[:200], _line(error, source), undefined=isinstance(error, UndefinedError))


def _line(error: Exception, source: str) -> int:
    """The line of the template in which `error` was raised: Jinja has rewritten the traceback to say so."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return min(max(line, 1), source.count("\n") + 1)
