"""Grafana's old flat webhook (8 and older), and bodies in which a custom template left nothing but text.

One body is one rule. Its recovery does not say which series recovered, so the series are annotations and the rule
is the identity.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pager.core.alert import Alert, Status
from pager.core.report import Fault, Malformed, Parsed
from pager.sources.wire import Faults, fewer, labels_of, shown, text_of, told, word

_STATES: Mapping[str, Status] = {"alerting": "firing", "no_data": "firing", "ok": "resolved"}
_QUIET = ("paused", "pending")
_MOST_SERIES = 20
_LONGEST_TITLE = 200


def speaks(body: Mapping[str, Any]) -> bool:
    """Whether `body` is one of the forms read here: it names a rule, or is only a text."""
    return _names_rule(body) or bool(body.get("text"))


def parse_legacy(body: Mapping[str, Any], now: datetime, source: str) -> Parsed:
    """One alert for a rule that fires, has no data or is well again; none, and a note, for paused and pending.

    The identity is organisation and rule, by number, or by name where the number is 0 (the test button). A missing
    or unknown state fires, with a fault. Labels are the rule's tags with the rule's name as alertname. Raises
    Malformed when nothing names the rule.
    """
    faults: Faults = []
    if not _names_rule(body):
        return _only_text(body, now, source, faults)
    identity, name = _who(body, faults)
    state = word(body, "state", "", faults).strip().casefold()
    if state in _QUIET:
        return Parsed((), tuple(faults), note=f"Grafana rule {shown(name)} is {state}")
    status = _status(state, faults)
    alert = Alert(
        source=source,
        status=status,
        labels=_labels(body, name, faults),
        starts_at=now,
        annotations=_annotations(body, state, faults),
        ends_at=now if status == "resolved" else None,
        identity=identity,
        generator_url=word(body, "ruleUrl", "", faults),
    )
    return Parsed((alert,), told(faults))


def _names_rule(body: Mapping[str, Any]) -> bool:
    return any(name in body for name in ("ruleId", "ruleName", "evalMatches"))


def _who(body: Mapping[str, Any], faults: Faults) -> tuple[str, str]:
    """The rule's identity and its name. A rule known by name only is never one known by number."""
    number = _number(body, "ruleId")
    name = word(body, "ruleName", "", faults) or word(body, "title", "", faults)
    if not number and not name:
        raise Malformed("ruleName", "missing, as are title and ruleId: nothing says what this is about")
    rule = f"rule {number}" if number else f"rule named {name}"
    return f"org {_number(body, 'orgId') or '1'} {rule}", name or rule


def _only_text(body: Mapping[str, Any], now: datetime, source: str, faults: Faults) -> Parsed:
    text = word(body, "text", "", faults).strip()
    if not text:
        raise Malformed("text", "empty or no text, and no alerts")
    faults.append(Fault("alerts", "missing; a custom template left only a text, which cannot be resolved"))
    labels = {"alertname": text.splitlines()[0][:_LONGEST_TITLE]}
    return Parsed((Alert(source, "firing", labels, now, {"summary": text}),), tuple(faults))


def _number(body: Mapping[str, Any], name: str) -> str:
    """A number's digits, at most 40; "" for none, 0, null and everything that is no short scalar."""
    value = body.get(name)
    text = "" if isinstance(value, dict | list | bool) or value is None else text_of(value).strip()
    return "" if text == "0" or len(text) > 40 else text


def _status(state: str, faults: Faults) -> Status:
    if state not in _STATES:
        faults.append(Fault("state", f"{f'unknown: {shown(state)}' if state else 'missing'}; taken as alerting"))
    return _STATES.get(state, "firing")


def _labels(body: Mapping[str, Any], name: str, faults: Faults) -> dict[str, str]:
    tags = body.get("tags") or {}  # the test button sends ""
    try:
        labels = labels_of(tags, "tags", faults)
    except Malformed as error:
        faults.append(Fault(error.path, error.what))
        labels = {}
    return fewer(labels | {"alertname": name}, "tags", faults)[0]


def _annotations(body: Mapping[str, Any], state: str, faults: Faults) -> dict[str, str]:
    fields = {"summary": "title", "description": "message", "image_url": "imageUrl"}
    texts = {ours: word(body, theirs, "", faults) for ours, theirs in fields.items()}
    texts |= {"state": state, "series": _series(body.get("evalMatches"))}
    return {name: text for name, text in texts.items() if text}


def _series(matches: Any) -> str:
    """The series that made the rule fire, one a line: `user = 97.007606`."""
    if not isinstance(matches, list):
        return ""
    lines = [
        f"{shown(match.get('metric', '')).strip(chr(39))} = {shown(match.get('value'))}"
        for match in matches[:_MOST_SERIES]
        if isinstance(match, dict)
    ]
    return "\n".join([*lines, "…"] if len(matches) > _MOST_SERIES else lines)
