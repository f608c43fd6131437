"""Logs: one event with fields a line; logfmt for machines, colours on a terminal, JSON on request."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_PRIORITY = {"critical": "<2>", "error": "<3>", "warning": "<4>", "info": "<6>", "debug": "<7>"}


def configure(form: str = "auto", level: str = "info", *, journal: bool = False) -> None:
    """Write logs to stderr as `auto`, `logfmt`, `json` or `pretty`; under journald each line begins with its priority.

    Libraries' loggers stay at WARNING: theirs may hold addresses and keys.
    """
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    pretty = form == "pretty" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else _lines(form, journal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
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
        if isinstance(value, str) and name != "exception":
            event[name] = _escaped(value)
    return event


def _escaped(value: str) -> str:
    plain = value if value.isprintable() else value.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= 1000 else plain[:1000] + "..."
