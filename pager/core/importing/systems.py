"""The systems that can be left, by the name that the command takes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pager.core.importing import goalert, grafana_oncall, opsgenie, pagerduty
from pager.core.importing.folder import Folder, folder_of
from pager.core.importing.model import Export
from pager.core.importing.reading import Sections, Unreadable, sections

SYSTEMS: Mapping[str, Callable[[Sections, datetime], Export]] = {
    "goalert": goalert.read,
    "grafana-oncall": grafana_oncall.read,
    "opsgenie": opsgenie.read,
    "pagerduty": pagerduty.read,
}


def imported(system: str, files: Mapping[str, Any], now: datetime) -> Folder:
    """The folder that the parsed JSON `files`, by their names, become as of `now`.

    Raises Unreadable with the place of what does not have the documented shape, and when nobody is in it.
    """
    found = sections(files)
    export = SYSTEMS[system](found, now)
    if not export.people:
        there = ", ".join(found.found) or "nothing"
        raise Unreadable(", ".join(files) or "no file", f"no users in it; found: {there}. See `pagerctl help import`")
    return folder_of(export, now)
