"""Generic bodies: whatever people post, read by a mapping, or by a guess that says what it guessed.

What comes over HTTP is wrapped first as `{"pager": {"maps": [...]}, "body": ...}`, so that a body is read again by the
mapping that was in force when it came. Of several mappings the first whose `when` fits counts. Passwords are taken out
of a body before anything else is done with it.
"""

import re
from collections.abc import Mapping as Object
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from pager.core.alert import Alert, Status
from pager.core.mapping import Mapping, compiled, read_mapping, split_path
from pager.core.report import Fault, Malformed, Parsed, Source
from pager.sources.event import Event, at_path, details, first, mapping, moment, one_line, scalar
from pager.sources.webhook import parse_webhook
from pager.sources.wire import Faults, check_count, decode, shown, told

WRAP = "pager"
_OVER = """resolved resolve ok okay closed close recovered recovery up normal success cleared clear inactive deactivated
fixed healthy passed alert.resolved alert_recovery"""
_ON = """firing fired fire alerting alert alarm triggered trigger problem down critical error errors open opened active
activated failed failure fail failing warning warn unhealthy incident unknown no_data nodata missing"""
_ID_NAMES = """id alert_uid alert_id alertId dedup_key dedup alias incident_id incidentId fingerprint check_id entity_id
monitor_id uuid key"""
_TITLE_NAMES = """title alertname alert_name rule_name ruleName name subject check_name monitor.name summary message
text trigger event description msg output info"""
RESOLVED, FIRING = frozenset(_OVER.split()), frozenset(_ON.split())
IDS, TITLES = tuple(_ID_NAMES.split()), tuple(_TITLE_NAMES.split())
STATES = ("status", "state", "current_state", "alert_type", "event_type", "action", "type")
LEVELS = ("severity", "alert_severity", "level", "priority", "criticality", "importance")
TIMES = ("starts_at", "startsAt", "started_at", "timestamp", "time", "created_at")
URLS = ("url", "link", "alert_url", "link_to_upstream_details")
_SECRET = re.compile(r"pass(word|wd)?$|secret|token$|api_?key$", re.IGNORECASE)


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """The alerts of one body, bad ones left out with a fault. Raises Malformed when none can be read from it."""
    whole = decode(payload)
    wrap = whole.get(WRAP) if isinstance(whole, dict) and "body" in whole else None
    body = scrubbed(whole["body"] if isinstance(wrap, dict) else whole)
    written = wrap.get("maps") if isinstance(wrap, dict) else None
    try:
        maps = [read_mapping(_plain(each)) for each in written or ()]
    except ValueError as error:
        raise Malformed("map", str(error)) from None
    if maps:
        return mapped(body, maps, now, source)
    if (
        isinstance(body, dict)
        and isinstance(body.get("alerts"), list)
        and "labels" in mapping((body["alerts"] or [0])[0])
    ):
        return parse_webhook(msgspec.json.encode(body), now, source, grafana=False)
    return guessed(body, now, source)


def wrapped(body: Any, maps: Sequence[Mapping]) -> bytes:
    """A body with the mappings by which it is to be read, as it is kept."""
    written = [each.model_dump(exclude_defaults=True) for each in maps]
    return msgspec.json.encode({WRAP: {"maps": written}, "body": scrubbed(body)})


def scrubbed(value: Any) -> Any:
    """The body without what is named like a password."""
    if isinstance(value, list):
        return [scrubbed(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: "…" if _SECRET.search(name) and scalar(each) else scrubbed(each) for name, each in value.items()}


def mapped(body: Any, maps: Sequence[Mapping], now: datetime, source: str) -> Parsed:
    """The alerts of a body that has the shape of one of `maps`. Raises Malformed."""
    found = next((each for each in maps if all(dig(body, path) not in (None, "") for path in each.when)), None)
    if found is None:
        needs = " or ".join(" and ".join(each.when) for each in maps)
        return Parsed((), note=f"no alert: it has no {needs}")
    items = dig(body, found.items) if found.items else body
    if found.items and not isinstance(items, list):
        raise Malformed(found.items, f"not a list: {shown(items)}")
    items = items if isinstance(items, list) else [items]
    check_count(items, found.items or "body")
    return _each(items, found, now, source)


def _each(items: Sequence[Any], by: Mapping, now: datetime, source: str) -> Parsed:
    faults: Faults = []
    alerts: list[Alert] = []
    losses: list[Malformed] = []
    for at, item in enumerate(items):
        try:
            event = _event(item, by, now, faults)
            alerts += [event.alert(source, now, faults)] if event else []
        except Malformed as loss:
            losses.append(loss)
            faults.append(Fault(f"[{at}].{loss.path}", loss.what, lost=True))
    if losses and not alerts:
        raise losses[0]
    return Parsed(tuple(alerts), told(faults), note="" if alerts else "no alert in it")


def _event(item: Any, by: Mapping, now: datetime, faults: Faults) -> Event | None:
    """What one item says; None for one that is no alert."""
    if not isinstance(item, dict):
        raise Malformed("body", f"not an object: {shown(item)}")
    state = says(item, by.state.path) if by.state else ""
    if by.state and _is_one_of(state, by.state.ignore):
        return None
    if by.labels is None:
        labels, texts = details(item)
    else:
        labels, texts = {name: says(item, paths) for name, paths in by.labels.items()}, {}
    title = says(item, by.title)
    identity = " ".join(filter(None, (says(item, (path,)) for path in by.id)))
    return Event(
        status=_status(state, by, faults),
        title=title,
        identity=identity or title,
        labels=labels | {"severity": _severity(item, by)},
        annotations={**texts, "summary": says(item, by.summary) or title, "description": says(item, by.description)},
        starts_at=moment(says(item, by.starts), "starts", now, faults),
        ends_at=moment(says(item, by.ends), "ends", now, faults),
        url=says(item, by.url),
    )


def _status(state: str, by: Mapping, faults: Faults) -> Status:
    if by.state is None:
        return "firing"
    if _is_one_of(state, by.state.resolved) or (not by.state.resolved and state.casefold() in RESOLVED):
        return "resolved"
    if by.state.firing and not _is_one_of(state, by.state.firing):
        faults.append(Fault(" or ".join(by.state.path), f"unknown state {shown(state)}, taken as firing"))
    return "firing"


def _is_one_of(state: str, words: Sequence[str]) -> bool:
    return state.casefold() in {word.casefold() for word in words}


def _severity(item: Any, by: Mapping) -> str:
    if by.severity is None:
        return scalar(mapping(item).get("severity"))
    said = says(item, by.severity.path)
    words = {word.casefold(): level for word, level in by.severity.words.items()}
    return words.get(said.casefold(), said) or by.severity.otherwise


def says(item: Any, paths: Sequence[str]) -> str:
    """The first of these paths that says something."""
    return next((text for path in paths if (text := scalar(dig(item, path)))), "")


def dig(value: Any, path: str) -> Any:
    """What stands at `path`, JSON in texts read on the way, or what the pattern of the path takes of it; or None."""
    if " | " in path:
        return next((found for each in path.split(" | ") if (found := dig(value, each)) not in (None, "")), None)
    place, pattern = split_path(path)
    found = value if place in ("", ".") else at_path(_opened(value, place), place)
    if not pattern:
        return found
    match = compiled(pattern).search(scalar(found))
    return None if match is None else match.group(1) if match.groups() else match.group(0)


def _opened(value: Any, place: str) -> Any:
    """The value with the texts on the way to `place` read as JSON."""
    head, _, rest = place.partition(".")
    if not rest or not isinstance(value, dict) or place in value:
        return value
    inner = value.get(head)
    if isinstance(inner, str) and inner.lstrip()[:1] in ("{", "["):
        try:
            inner = decode(inner.encode("utf-8", "surrogatepass"))
        except Malformed:
            return value
    return {**value, head: _opened(inner, rest)} if isinstance(inner, dict) else {**value, head: inner}


def _plain(value: Any) -> Any:
    """Decoded values as pydantic reads them: numbers as texts."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | str) else scalar(value)


# Without a mapping.


def guess(body: Object[str, Any]) -> Mapping:
    """The mapping that is guessed for a body like this: fields by the names that most senders give them."""
    title, identity = _named(body, TITLES), _named(body, IDS)
    host, service = _named(body, ("host", "hostname", "host_name", "server")), _named(body, ("service", "service_name"))
    state, level = _state(body), next((name for name in LEVELS if _is_word(first(body, name))), "")
    ids = [identity] if identity else [name for name in (host, service) if name] if host and service else []
    found: dict[str, Any] = {
        "id": ids or [title],
        "title": title or identity or [name for name in (service, host) if name],
    }
    for name, place in (("starts", _named(body, TIMES)), ("url", _named(body, URLS))):
        found |= {name: place} if place else {}
    found |= {"state": {"path": state}} if state else {}
    found |= {"severity": {"path": level}} if level else {}
    summary = next(
        (name for name in ("message", "summary", "description", "text") if name != title and first(body, name)), ""
    )
    return read_mapping(found | ({"summary": summary} if summary else {}))


def guessed(body: Any, now: datetime, source: str) -> Parsed:
    """The alerts of a body by the mapping that is guessed for each, and what was guessed. Raises Malformed."""
    items = body if isinstance(body, list) else [body]
    check_count(items, "body")
    if not items:
        return Parsed((), note="no alerts in the body")
    by = guess(mapping(items[0]))
    if not by.title and all(isinstance(item, dict) and item for item in items):
        return _unnamed(items, now, source)
    parsed = _each(items, by, now, source)
    said = f"guessed: title from {_told(by.title)}, identity from {_told(by.id)}, "
    said += f"state from {_told(by.state.path)}" if by.state else "no state: it fires and never ends by itself"
    faults = [] if by.state is None else _unknown(items, by.state.path)
    return Parsed(parsed.alerts, told([*parsed.faults, *faults]), note=said)


def _unnamed(items: Sequence[Object[str, Any]], now: datetime, source: str) -> Parsed:
    """Something was said, and nobody can tell what: that is an alert, too, known by the fields that it has."""
    faults = [Fault("body", "nothing in it says what it is about; write a map: for it, see pagerctl source try")]
    alerts = []
    for item in items:
        labels, texts = details(item)
        fields = ", ".join(sorted(item)[:8])
        event = Event("firing", f"a body with {fields}", f"fields {fields}", labels, texts)
        alerts.append(event.alert(source, now, faults))
    return Parsed(tuple(alerts), told(faults), note="guessed: nothing; it fires and never ends by itself")


def _unknown(items: Sequence[Any], path: Sequence[str]) -> Faults:
    words = {says(item, path) for item in items}
    odd = sorted(word for word in words if word.casefold() not in RESOLVED | FIRING)
    return [Fault(path[0], f"unknown state {shown(word)}, taken as firing") for word in odd[:10]]


def _told(paths: Sequence[str]) -> str:
    return " and ".join(paths) or "nothing"


def _named(body: Object[str, Any], names: Sequence[str]) -> str:
    return next((name for name in names if first(body, name)), "")


def _state(body: Object[str, Any]) -> str:
    """The field that has a word for a state; else a field called so."""
    known = (name for name in STATES if first(body, name).casefold() in RESOLVED | FIRING)
    return next(known, "") or _named(body, ("status", "state", "current_state"))


def _is_word(text: str) -> bool:
    """Whether it may be a severity. Numbers are never guessed."""
    return bool(one_line(text)) and not text.replace(".", "").isdigit() and len(text) < 40


SOURCE = Source("generic", parse)
