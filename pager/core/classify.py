"""Classification: which rule decides about an alert, how severe it is, and why."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import reduce
from typing import Literal

import msgspec
from msgspec import Struct

from pager.core.alert import HEARTBEATS, Alert
from pager.core.catalog import Catalog
from pager.core.heartbeat import is_about
from pager.core.matcher import all_match
from pager.core.privacy import both
from pager.core.rule import Heartbeat, Promote, Recovery, Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.core.severity import WORDS, Level

WATCHDOGS = frozenset({"Watchdog", "DeadMansSwitch", "Heartbeat", "InfoInhibitor"})
"""Alerts whose arrival is the message: without a rule that names them they never page."""

_LINK = re.compile(r"https?://[^\s\x00-\x20]{1,2000}", re.IGNORECASE)
_FILE_SIGN = re.compile(r"[^\w.-]")
_key = msgspec.json.Encoder(order="sorted").encode


class Opinion(Struct, frozen=True):
    """One file's opinion of an alert."""

    severity: Level
    rule: str
    place: str


class Decision(Struct, frozen=True):
    """What happens to an alert, and why. `respond` is `none` for a heartbeat that nobody asked about.

    `private` is who sees it beside those who are paged, None for everybody: one file that says so is enough.
    """

    severity: Level
    policy: str
    runbook: str
    group: str
    group_wait: timedelta
    rule: str = ""
    place: str = ""
    why: str = ""
    promote: tuple[Promote, ...] = ()
    recovery: Recovery | None = None
    losers: tuple[Opinion, ...] = ()
    private: tuple[str, ...] | None = None
    respond: Literal["", "none"] = ""


def classify(alert: Alert, catalog: Catalog) -> Decision:
    """The decision about `alert`: in each file the first match is its opinion; the most severe opinion wins.

    Ties go to the file whose name comes first. No opinion: the sender's word for severity counts, and without
    one `defaults.unmatched`, since an alert is never dropped.
    """
    labels = {**alert.labels, "source": alert.source}
    watched = catalog.heartbeats if alert.source == HEARTBEATS else catalog.watchdogs
    written = next((one for one in watched if is_about(one, labels)), None)
    if written is not None:
        return _of_heartbeat(written, alert, labels, catalog)
    found = [(placed, *_level(placed, alert, catalog)) for placed in _opinions(labels, catalog.rules)]
    if not found:
        return _unmatched(alert, labels, catalog)
    found.sort(key=lambda entry: entry[1])  # stable: opinions come in the order of the files' names
    placed, level, why = found[0]
    rule = placed.rule
    return Decision(
        severity=level,
        policy=rule.policy or _default_policy(alert.source, catalog),
        runbook=_runbook(rule.runbook, alert, catalog),
        group=_group(rule.name, rule.group_by, alert, labels, catalog),
        group_wait=catalog.defaults.group_wait if rule.group_wait is None else rule.group_wait,
        rule=rule.name,
        place=placed.place,
        why=why,
        promote=rule.promote,
        recovery=rule.recovery,
        losers=tuple(Opinion(other, lost.rule.name, lost.place) for lost, other, _ in found[1:]),
        private=reduce(both, (placed.rule.private for placed, _, _ in found)),
    )


def _of_heartbeat(written: Heartbeat, alert: Alert, labels: Mapping[str, str], catalog: Catalog) -> Decision:
    """A sign of life pages nobody; what pager itself tells of a heartbeat is as severe as that is, in its own group."""
    missing = alert.source == HEARTBEATS
    return Decision(
        severity=written.severity,
        policy=written.policy or catalog.defaults.policy,
        runbook=_runbook(written.runbook, alert, catalog),
        group=_key(("heartbeat", alert.identity)).decode() if missing else _group("", None, alert, labels, catalog),
        group_wait=timedelta(),
        rule=f"heartbeat {written.name}",
        place=catalog.places.get(("heartbeats", written.name), ""),
        why=f'heartbeat "{written.name}"' if missing else f'a sign of life of heartbeat "{written.name}"',
        respond="" if missing else "none",
    )


def _level(placed: PlacedRule, alert: Alert, catalog: Catalog) -> tuple[Level, str]:
    if placed.rule.severity is not None:
        return placed.rule.severity, f'rule "{placed.rule.name}"'
    level, why = _word(alert, catalog)
    return level, f'rule "{placed.rule.name}" has no severity; {why}'


def _word(alert: Alert, catalog: Catalog) -> tuple[Level, str]:
    """The sender's own word, as the files or the shipped list read it."""
    word = (alert.labels.get("severity") or "").strip().lower()
    level = catalog.defaults.words.get(word) or WORDS.get(word)
    if level is not None:
        return level, f'the sender says "{word}"'
    said = f'unknown severity word "{word}"' if word else "no severity word"
    return catalog.defaults.unmatched, f"{said}: defaults.unmatched"


def _unmatched(alert: Alert, labels: Mapping[str, str], catalog: Catalog) -> Decision:
    source = catalog.sources.get(alert.source)
    level, why = _word(alert, catalog)
    if source and source.severity and "defaults.unmatched" in why:
        level, why = source.severity, f"sources: {source.name}"
    return Decision(
        severity=level,
        policy=_default_policy(alert.source, catalog),
        runbook=_runbook("", alert, catalog),
        group=_group("", None, alert, labels, catalog),
        group_wait=catalog.defaults.group_wait,
        why=f"no rule matched; {why}",
        respond="none" if alert.labels.get("alertname") in WATCHDOGS else "",
    )


def _default_policy(source: str, catalog: Catalog) -> str:
    known = catalog.sources.get(source)
    return (known.policy if known else "") or catalog.defaults.policy


def _runbook(written: str, alert: Alert, catalog: Catalog) -> str:
    """The rule's, else the alert's `runbook_url`, else runbooks/<alertname>.md, else `defaults.runbook`.

    An http(s) link or a path below runbooks/; only http(s) links are links. Never empty: where nothing is
    written, the path of the file that should be.
    """
    link = alert.annotations.get("runbook_url", "").strip()
    if written:
        return written
    if _LINK.fullmatch(link):
        return link
    own = f"runbooks/{_file_name(alert.name)}.md"
    if own in catalog.runbooks or not catalog.defaults.runbook:
        return own
    return catalog.defaults.runbook.replace("{alertname}", _file_name(alert.name))


def _file_name(name: str) -> str:
    return _FILE_SIGN.sub("-", name)[:120].lstrip(".") or "unnamed"


def _group(rule: str, by: Sequence[str] | None, alert: Alert, labels: Mapping[str, str], catalog: Catalog) -> str:
    """The key of the incident that an alert joins: the rule, and the values that it groups by."""
    names = by if by is not None else catalog.defaults.group_by
    if names is None:
        about = dict(alert.group) if alert.group is not None else alert.key
    else:
        about = alert.key if "..." in names else {name: labels.get(name, "") for name in names}
    return _key((rule, about)).decode()


def _opinions(labels: Mapping[str, str], files: tuple[RuleFile, ...]) -> list[PlacedRule]:
    """The opinion of each file that has one, in the order of the files' names."""
    first = _first_that_names if labels.get("alertname") in WATCHDOGS else _first
    found = [(file.file, placed) for file in files if (placed := first(file, labels)) is not None]
    return [placed for _, placed in sorted(found, key=lambda entry: entry[0])]


def _first(file: RuleFile, labels: Mapping[str, str]) -> PlacedRule | None:
    return file.index.first(labels)


def _first_that_names(file: RuleFile, labels: Mapping[str, str]) -> PlacedRule | None:
    """For a watchdog a rule for everything is no opinion: only one that names the alert makes it page."""
    return next(
        (placed for placed in file.rules if _names_alert(placed.rule) and all_match(placed.rule.match, labels)), None
    )


def _names_alert(rule: Rule) -> bool:
    return any(matcher.label == "alertname" and matcher.operator in ("=", "=~") for matcher in rule.match)
