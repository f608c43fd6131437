"""Dialects: the sources that ship and those that other installed packages offer."""

from importlib.metadata import entry_points

from pager.core.report import Source
from pager.sources import SOURCES

ENTRY_POINTS = "pager.sources"


def installed_sources() -> dict[str, Source]:
    """SOURCES and those that other installed packages offer; for the shell, at start, since it reads the disk.

    Raises ValueError, naming the entry point, when one cannot be loaded, gives no Source or has a name that is taken.
    """
    sources = dict(SOURCES)
    for entry in entry_points(group=ENTRY_POINTS):
        where = f"entry point {entry.name!r} ({entry.value})"
        try:
            source = entry.load()
        except (ImportError, AttributeError) as error:
            raise ValueError(f"{where} cannot be loaded: {error}") from error
        if not isinstance(source, Source):
            raise ValueError(f"{where} gives no pager.core.report.Source")
        if entry.name in sources:
            raise ValueError(f"{where}: there is a source of this name already")
        sources[entry.name] = source
    return sources
