"""Logs: one event with fields a line; logfmt for machines, colours on a terminal, JSON on request."""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

MOST_OFTEN = 20
SPARING_FOR = 10.0
LONGEST_TRACEBACK = 20_000
_PRIORITY = {"critical": "<2>", "error": "<3>", "warning": "<4>", "info": "<6>", "debug": "<7>"}


def configure(form: str = "auto", level: str = "info", *, journal: bool = False) -> None:
    """Write logs to stderr as `auto`, `logfmt`, `json` or `pretty`; under journald each line begins with its priority.

    Libraries' loggers stay at WARNING: theirs may hold addresses and keys.
    """
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    for handler in logging.root.handlers:
        handler.setFormatter(_OneLine("%(levelname)s %(name)s %(message)s"))
    pretty = form == "pretty" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else _lines(form, journal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            Sparing(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _one_line,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _lines(form: str, journal: bool) -> Any:
    if form == "json":
        return structlog.processors.JSONRenderer()
    logfmt = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
    if not journal:
        return logfmt

    def render(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        return _PRIORITY.get(str(event.get("level")), "<6>") + str(logfmt(logger, name, event))

    return render


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What came from outside cannot forge a line: control characters are escaped, and long values are cut."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _traceback(value) if name == "exception" else _escaped(value)
    return event


class _OneLine(logging.Formatter):
    """Libraries' records: a traceback and all, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        return _traceback(super().format(record)).replace("\n", "\\n")


class Sparing:
    """Of an event that is marked `often=True`, which strangers can cause at will, the first 20 in 10 s are logged.

    The others are counted, and the next one that is logged says how many there were.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if not event.pop("often", False):
            return event
        name, now = str(event["event"]), self._clock()
        began, count = self._seen.get(name, (now, 0))
        if now - began >= SPARING_FOR:
            event["unlogged"] = max(0, count - MOST_OFTEN)
            began, count = now, 0
        self._seen[name] = began, count + 1
        if count >= MOST_OFTEN:
            raise structlog.DropEvent
        return event


def _traceback(text: str) -> str:
    """Its lines stay; what else could move a cursor or begin a line is escaped."""
    lines = (line if line.isprintable() else line.encode("unicode_escape").decode("ascii") for line in text.split("\n"))
    return "\n".join(lines)[:LONGEST_TRACEBACK]


def _escaped(value: str) -> str:
    plain = value if value.isprintable() else value.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= 1000 else plain[:1000] + "..."
