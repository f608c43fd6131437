"""A small house for the tests of the core: four people, three rotations, and what a test changes of it."""

from datetime import UTC, datetime
from typing import Any

from pager.core.catalog import Catalog
from pager.core.duration import parse_duration
from pager.core.people import Person, Role, Team
from pager.core.policy import Policy
from pager.core.rule import Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.core.schedule import Schedule
from pager.core.severity import SHIPPED, Level, Severity

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
"""A Wednesday, in working hours; ana is on call for payments, then bo, then chi."""

STEPS: tuple[dict[str, Any], ...] = (
    {"page": ["payments"], "wait": "5m"},
    {"page": [{"schedule": "payments", "rank": 2}], "wait": "10m"},
    {"page": ["team:payments", "channel:ops-chat"], "wait": "15m"},
)


def at(after: str) -> datetime:
    """The instant `after` NOON: `1h30m`; `-5m` lies before it."""
    return NOON - parse_duration(after[1:]) if after.startswith("-") else NOON + parse_duration(after)


def rotation(name: str, *people: str, timezone: str = "UTC", hours: Any = None) -> Schedule:
    """Weekly turns from the Monday before NOON; without people nobody is on call."""
    turns = [{"from": "2026-06-08", "handoff": "0 0 * * MON", "people": list(people or ("nobody",))}]
    written = {"schedule": name, "timezone": timezone, "rotation": turns} | ({"hours": hours} if hours else {})
    return Schedule.model_validate(written)


def policy(*steps: dict[str, Any], **more: Any) -> Policy:
    """A policy as the files write it; without steps the three of payments."""
    return Policy.model_validate({"steps": list(steps or STEPS), **more})


def severity(level: Level, **changes: Any) -> dict[Level, Severity]:
    """The shipped severities, one of them changed."""
    written = SHIPPED[level].model_dump() | changes
    return {**SHIPPED, level: Severity.model_validate(written)}


def person(name: str, **more: Any) -> Person:
    return Person.model_validate({"contacts": {"push": f"ntfys://example.org/{name}"}, **more})


def rules(file: str, *written: dict[str, Any]) -> RuleFile:
    """A file of rules; a rule without a name is called by its number."""
    named = [{"name": f"rule {number}", **rule} for number, rule in enumerate(written, 1)]
    placed = [PlacedRule(Rule.model_validate(rule), f"{file}:{number}") for number, rule in enumerate(named, 1)]
    return RuleFile(file, tuple(placed))


PEOPLE = {name: person(name) for name in ("ana", "bo", "chi", "dee")}


def world(**changes: Any) -> Catalog:
    """A catalog: payments (ana, bo, chi) with three steps, once more; `ops` (dee); what is named is replaced."""
    whole: dict[str, Any] = {
        "people": PEOPLE,
        "teams": {"payments": Team(people=("ana", "bo", "chi")), "ops": Team(people=("dee",))},
        "schedules": {
            "payments": rotation("payments", "ana", "bo", "chi"),
            "commanders": rotation("commanders", "dee"),
            "empty": rotation("empty"),
        },
        "channels": {"ops-chat": "json://example.org/ops", "issues": "json://example.org/issues"},
        "policies": {"payments": policy(repeat=1), "default": policy({"page": ["commanders"]})},
    }
    return Catalog(**(whole | changes))


def with_policy(*steps: dict[str, Any], **more: Any) -> Catalog:
    """The house with another policy `payments`: its severities, people, ... by `more`, the rest goes to the policy."""
    of_policy = {key: more.pop(key) for key in ("repeat", "then", "team") if key in more}
    return world(
        policies={"payments": policy(*steps, **of_policy), "default": policy({"page": ["commanders"]})}, **more
    )


COMMANDED = world(roles={"commander": Role(schedule="commanders")})
"""The house with a commander: dee, who is not of the team."""
