"""Inhibition: which alert mutes which, and how those are found without comparing each with all."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
from msgspec import Struct

from pager.core.matcher import all_match
from pager.core.rule import Inhibit
from pager.core.severity import Level

_encode = msgspec.json.Encoder().encode


class Party(Struct, frozen=True):
    """An alert as inhibition sees it; `labels` with its source, `since` the start of its firing spell.

    `level` is how severe it is when somebody would mute it, and `voice` when it would mute others: of the alert's own
    severity and its incident's the worse, and the milder. `speaks`: it fires and is heard of, its incident is open and
    pages, and no silence or maintenance holds it.
    """

    key: int
    name: str
    labels: Mapping[str, str]
    level: Level
    voice: Level
    since: datetime
    speaks: bool = True


def slots_of_inhibitor(labels: Mapping[str, str], rules: Sequence[Inhibit]) -> list[int]:
    """Where an alert with these labels is looked for by those whom it may mute: a signed 64-bit number a rule."""
    return [_slot(rule, labels) for rule in rules if all_match(rule.when, labels)]


def slots_of_muted(labels: Mapping[str, str], rules: Sequence[Inhibit]) -> list[int]:
    """Where an alert with these labels finds those that may mute it."""
    return [_slot(rule, labels) for rule in rules if all_match(rule.mute, labels)]


def muted_by(
    alert: Party, rules: Sequence[Inhibit], speakers: Mapping[int, Sequence[Party]], path: frozenset[int] = frozenset()
) -> Party | None:
    """The oldest alert that mutes `alert`, or None. `speakers` are those that may, by their slots; more do not matter.

    An alert mutes its own severity or lower, and only while it speaks and nobody mutes it. Of two that would mute
    each other the older speaks. In a longer circle nobody is muted by way of himself.
    """
    for other in sorted(_that_match(alert, rules, speakers), key=_age):
        if other.key in path or not other.speaks or other.voice > alert.level:
            continue
        if _age(alert) < _age(other) and alert.speaks and _would_mute(alert, other, rules):
            continue
        if muted_by(other, rules, speakers, path | {alert.key}) is None:
            return other
    return None


def _that_match(alert: Party, rules: Sequence[Inhibit], speakers: Mapping[int, Sequence[Party]]) -> Iterator[Party]:
    for rule in rules:
        if all_match(rule.mute, alert.labels):
            for other in speakers.get(_slot(rule, alert.labels), ()):
                # Its labels may have changed since it was put there.
                if other.key != alert.key and _mutes(rule, other, alert):
                    yield other


def _would_mute(one: Party, other: Party, rules: Sequence[Inhibit]) -> bool:
    return one.voice <= other.level and any(
        _mutes(rule, one, other) and all_match(rule.mute, other.labels) for rule in rules
    )


def _mutes(rule: Inhibit, one: Party, other: Party) -> bool:
    return all_match(rule.when, one.labels) and all(
        one.labels.get(name, "") == other.labels.get(name, "") for name in rule.equal
    )


def _age(party: Party) -> tuple[datetime, int]:
    return party.since, party.key


def _slot(rule: Inhibit, labels: Mapping[str, str]) -> int:
    values = [labels.get(name, "") for name in rule.equal]
    digest = hashlib.blake2b(_encode((_text(rule), values)), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=4096)
def _text(rule: Inhibit) -> str:
    return _encode([[*map(str, rule.when)], [*map(str, rule.mute)], rule.equal]).decode()
