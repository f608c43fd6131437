"""Explanations: why an incident is as severe as it is, why these people were paged and others not, and what held it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from pager.core.catalog import CHANNEL, Catalog, Place
from pager.core.incident import Incident
from pager.core.policy import parse_target

What = Literal["severity", "lost", "policy", "runbook", "decision", "page", "not paged"]
_LOST = re.compile(r"(\S+:\d+) says (SEV-[1-5])")
_OPENED = re.compile(r"opened as (SEV-[1-5])")
_STEP = re.compile(r"(?:nobody to page in )?step (\d+)\b")
_TEMPLATE = re.compile(r"the template for (\w+) failed")
_BY_SEVERITY = re.compile(r"held until the working hours|a ticket goes|no ticket|the ticket|.*acknowledgement ran out")
_PROMOTED = re.compile(r"severity rises .*: (\d+ alerts|nobody has it for too long)$")


class Line(Struct, frozen=True):
    """One entry of a timeline, and the hash of the files that were in force."""

    at: datetime
    text: str
    by: str
    config: str


class Sent(Struct, frozen=True):
    """A page, how far it got (`delivered`, `withdrawn`, ...), and what each attempt came to."""

    at: datetime
    to: str
    target: str
    why: str
    kind: str
    state: str
    tried: tuple[str, ...] = ()


class Explained(Struct, frozen=True):
    """One decision: when, what, why, who by; the place in the files that says so, "" if none does.

    `config` is the hash of the files that decided. The place is that of the files in force now, but for the rule's.
    """

    at: datetime
    what: What
    text: str
    by: str = ""
    place: str = ""
    config: str = ""


def explain(incident: Incident, lines: Sequence[Line], pages: Iterable[Sent], catalog: Catalog) -> list[Explained]:
    """Every decision about `incident`, oldest first; at one instant the pages follow what decided on them."""
    decided = [*_opening(incident, lines, catalog), *(_of_line(incident, line, catalog) for line in lines if line.text)]
    paged = list(_of_pages(incident, list(pages), lines, catalog))
    return sorted([*decided, *paged], key=lambda one: one.at)


def _opening(incident: Incident, lines: Sequence[Line], catalog: Catalog) -> Iterator[Explained]:
    """Severity, the opinions that lost, policy and runbook, as they were decided when it was opened."""
    at, config = incident.opened_at, lines[0].config if lines else ""
    why, *lost = incident.why.split("; ") if not incident.why.startswith("no rule matched") else (incident.why,)
    if incident.why:
        opened = next((shape[1] for line in lines if (shape := _OPENED.match(line.text))), incident.severity)
        yield Explained(at, "severity", f"{opened}: {why}", "", incident.place, config)
    for said in lost:
        shape = _LOST.fullmatch(said)
        text = f"said {shape[2]}: another file is of a more severe opinion, or comes first" if shape else said
        yield Explained(at, "lost", text, "", shape[1] if shape else "", config)
    where = catalog.places.get(("policies", incident.policy), "")
    team = catalog.team_of(incident.policy)
    yield Explained(at, "policy", incident.policy + (f", team {team}" if team else ""), "", where, config)
    if incident.runbook:
        yield Explained(at, "runbook", incident.runbook, "", incident.place, config)


def _of_line(incident: Incident, line: Line, catalog: Catalog) -> Explained:
    return Explained(line.at, "decision", line.text, line.by, _place_of(incident, line.text, catalog), line.config)


def _place_of(incident: Incident, text: str, catalog: Catalog) -> str:
    """Where the files say what this line did."""
    path: Place = ()
    step = _STEP.match(text)
    if step is not None:
        path = ("policies", incident.policy, "steps", int(step[1]) - 1)
    elif text.startswith("nobody has it"):
        path = ("policies", incident.policy, "then")
    elif (template := _TEMPLATE.match(text)) is not None:
        path = ("templates", template[1])
    elif text.startswith("nobody commands"):
        path = ("roles", "commander")
    elif _BY_SEVERITY.match(text):
        path = ("severities", incident.severity)
    elif text.startswith("opened as") or _PROMOTED.match(text):
        return incident.place
    return _at(catalog, path)


def _at(catalog: Catalog, path: Place) -> str:
    """The place of `path`, else of what it is a part of."""
    for length in range(len(path), 1, -1):
        if path[:length] in catalog.places:
            return catalog.places[path[:length]]
    return ""


def _of_pages(
    incident: Incident, pages: Sequence[Sent], lines: Sequence[Line], catalog: Catalog
) -> Iterator[Explained]:
    """Why each was paged, what became of it; and who of a group was left out."""
    told: set[tuple[datetime, str]] = set()
    for page in pages:
        config = next((line.config for line in lines if line.at == page.at), catalog.hash)
        if page.kind == "notice":
            yield Explained(page.at, "page", f"{page.to} is told: {page.why}; {_fate(page)}", "", "", config)
            continue
        why, place = _why(incident, page, catalog)
        yield Explained(page.at, "page", f"{page.to} is paged: {why}; {_fate(page)}", "", place, config)
        if (page.at, page.target) not in told:
            told.add((page.at, page.target))
            paged = {other.to for other in pages if other.at == page.at}
            yield from _left_out(incident, page, paged, catalog, config)


def _why(incident: Incident, page: Sent, catalog: Catalog) -> tuple[str, str]:
    """Why this recipient, and the place that says so."""
    if page.why.startswith("role "):
        schedule = catalog.roles[page.target].schedule if page.target in catalog.roles else page.target
        return f"{page.why}, on call in {schedule}", _at(catalog, ("roles", page.target))
    if page.kind == "ticket" or page.to.startswith(CHANNEL):
        return page.why, _at(catalog, ("channels", page.to.removeprefix(CHANNEL)))
    if page.target in catalog.schedules:
        return f"{page.why}, on call in {page.target}", _at(catalog, ("schedules", page.target))
    kind, _, name = page.target.partition(":")
    section = {"team": "teams", "person": "people"}.get(kind, "")
    place = _at(catalog, (section, name)) if section else _of_group(incident, page.why, catalog)
    return f"{page.why}, as {page.target}", place


def _of_group(incident: Incident, why: str, catalog: Catalog) -> str:
    """Where everyone was asked for: by the level's `also`, by a step, or by `then`."""
    if why == "also" or why.startswith("raised to"):
        return _at(catalog, ("severities", incident.severity))
    return _place_of(incident, why, catalog)


def _fate(page: Sent) -> str:
    """What became of a page, in words."""
    if page.tried:
        return ", ".join(page.tried)
    words = {
        "withdrawn": "not sent: it was withdrawn before",
        "held": "waits for a bundle",
        "carried": "told in a bundle",
        "due": "waits to be sent",
        "failed": "not sent: no contact",
    }
    return words.get(page.state, page.state)


def _left_out(incident: Incident, page: Sent, paged: set[str], catalog: Catalog, config: str) -> Iterator[Explained]:
    """Those of a team or of everyone who were not paged with the others, and why."""
    if page.target != "everyone" and not page.target.startswith("team:"):
        return
    target, team = parse_target(page.target), catalog.team_of(incident.policy)
    members = catalog.everyone(team) if target.kind == "everyone" else catalog.everyone(target.name)
    for name in members:
        if name in catalog.people and name not in paged and catalog.is_quiet(name, page.at, incident.severity):
            quiet = catalog.people[name]
            text = f"{name} is left out of {page.target}: quiet {quiet.quiet} {quiet.timezone}"
            yield Explained(page.at, "not paged", text, "", _at(catalog, ("people", name)), config)
