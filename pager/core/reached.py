"""Coverage: which rules and which steps of policies a set of tests reaches, and which none does."""

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.classify import classify
from pager.core.scenario import Case, Sent
from pager.core.showing import Story

_ANY = datetime(2026, 1, 1, tzinfo=UTC)


class Piece(Struct, frozen=True):
    """A rule, or a step of a policy, and where it stands."""

    name: str
    place: str


class Reached(Struct, frozen=True):
    """How many rules and steps there are, and those that no test reaches, in the order of the files."""

    rules: int
    steps: int
    missing_rules: tuple[Piece, ...]
    missing_steps: tuple[Piece, ...]


def reached(catalog: Catalog, played: Iterable[tuple[Case, Iterable[Story]]]) -> Reached:
    """What the cases reach, given what came of each.

    A rule is reached by an alert that it has an opinion on; a step, and `then`, by a page that went out in it.
    """
    rules: set[str] = set()
    steps: set[tuple[str, int]] = set()
    for case, stories in played:
        for sent in sent_in(case):
            decision = classify(Alert(sent.source, "firing", sent.labels, _ANY), catalog)
            rules.update((decision.place, *(other.place for other in decision.losers)))
        steps.update((story.incident.policy, step) for story in stories for step in story.steps)
    known = [Piece(placed.rule.name, placed.place) for file in catalog.rules for placed in file.rules]
    parts = [
        (policy, number) for policy, found in catalog.policies.items() for number in range(1, len(found.steps) + 2)
    ]
    return Reached(
        len(known),
        len(parts),
        tuple(piece for piece in known if piece.place not in rules),
        tuple(_step(catalog, *part) for part in parts if part not in steps),
    )


def sent_in(case: Case) -> list[Sent]:
    """Every alert that a case sends."""
    return [*case.alerts, *(then.alert for then in case.then if then.alert is not None)]


def _step(catalog: Catalog, policy: str, number: int) -> Piece:
    is_then = number > len(catalog.policies[policy].steps)
    path = ("policies", policy, "then") if is_then else ("policies", policy, "steps", number - 1)
    name = f"{policy}: " + ("then" if is_then else f"step {number}")
    return Piece(name, catalog.places.get(path, catalog.places.get(("policies", policy), "")))
