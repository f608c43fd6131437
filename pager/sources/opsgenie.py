"""Opsgenie's Alert API: alerts that are created and closed, and what people do to them there.

The alias is the identity. What is asked for by path comes as one object: `{"action", "alias", "body"}`; a body without
an action creates. Priorities become words of severity, and are kept as the label `priority`, so that a rule can call
P1 a SEV-1. Details are labels, as far as they are short.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pager.core.alert import alert_key
from pager.core.incident import Acked, Noted, Snoozed, Unacked
from pager.core.incident import Event as Told
from pager.core.report import Act, Edit, Fault, Malformed, Parsed, Source
from pager.sources.event import Event, details, digest_of, mapping, moment, one_line, scalar, short
from pager.sources.event import parsed as parsed_event
from pager.sources.wire import Faults, decode_object, shown, text_of, told

LONGEST_ALIAS = 512
LONGEST_NOTE = 25_000
PRIORITIES: Mapping[str, str] = {"P1": "critical", "P2": "high", "P3": "medium", "P4": "low", "P5": "info"}
USUAL = "P3"
_SNOOZE = timedelta(hours=1)


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """One alert for a create and a close, one act for what people do. Raises Malformed, naming the field."""
    body = decode_object(payload)
    action = scalar(body.get("action")) if isinstance(body.get("body"), dict) else "create"
    said = mapping(body.get("body")) if isinstance(body.get("body"), dict) else body
    if action == "create":
        return _created(said, scalar(said.get("alias")) or scalar(body.get("alias")), payload, now, source)
    alias = scalar(body.get("alias"))
    if not alias:
        raise Malformed("alias", "missing; it says which alert")
    if action == "close":
        return _closed(said, alias, now, source)
    faults: Faults = []
    event = _ACTS.get(action, _noted(action))(said, by(said, source), now, faults)
    return Parsed((), told(faults), note=action, acts=(Act(alert_key(source, short(alias), {}), event),))


def wrong_with(body: Mapping[str, Any]) -> dict[str, str]:
    """What Opsgenie would refuse a create for, by field; empty when it takes it.

    It also refuses a long message and an odd priority. An alert is worth more than that.
    """
    wrong = {}
    if not scalar(body.get("message")):
        wrong["message"] = "Message can not be empty."
    alias = body.get("alias")
    if alias is not None and not (isinstance(alias, str) and len(alias) <= LONGEST_ALIAS):
        wrong["alias"] = f"Alias is text of at most {LONGEST_ALIAS} characters."
    return wrong


def by(body: Mapping[str, Any], source: str) -> str:
    """Who did it: the user that the sender names, who is nobody that pager has let in, and the source."""
    user = one_line(scalar(body.get("user")))[:60]
    return f"{user} by {source}" if user else source


def _created(body: Mapping[str, Any], alias: str, payload: bytes, now: datetime, source: str) -> Parsed:
    for name, what in wrong_with(body).items():
        raise Malformed(name, what)
    faults: Faults = []
    identity = alias or digest_of(now.isoformat(), payload.decode("utf-8", "replace"))
    message = scalar(body.get("message"))
    labels, texts = details(body.get("details"))
    priority = _priority(body.get("priority"), "priority", faults)
    event = Event(
        status="firing",
        title=labels.get("alertname") or message,
        identity=identity,
        labels={"severity": PRIORITIES[priority or USUAL], **labels, **_of_priority(priority), **_fields(body)},
        annotations={**texts, "summary": message, "description": scalar(body.get("description"))},
        url=_link(scalar(body.get("source"))),
    )
    note = scalar(body.get("note"))[:LONGEST_NOTE]
    alert = event.alert(source, now, faults)
    return Parsed((alert,), told(faults), acts=(Act(alert.key, Noted(by(body, source), note)),) if note else ())


def _closed(body: Mapping[str, Any], alias: str, now: datetime, source: str) -> Parsed:
    event = Event("resolved", "", alias)
    note = scalar(body.get("note"))[:LONGEST_NOTE]
    closed = parsed_event(event, source, now, [])
    acts = (Act(closed.alerts[0].key, Noted(by(body, source), note)),) if note else ()
    return Parsed(closed.alerts, acts=acts)


def _fields(body: Mapping[str, Any]) -> dict[str, str]:
    tags = body.get("tags")
    written = ",".join(filter(None, map(scalar, tags))) if isinstance(tags, list) else scalar(tags)
    responders = body.get("responders") or body.get("teams")
    named = [mapping(each) for each in responders] if isinstance(responders, list) else []
    teams = ",".join(scalar(each.get("name")) for each in named if scalar(each.get("type")) in ("team", ""))
    return {"entity": scalar(body.get("entity")), "tags": written, "responders": teams}


def _link(text: str) -> str:
    return text if text.startswith(("http://", "https://")) else ""


def _priority(value: Any, path: str, faults: Faults) -> str:
    """P1 to P5, or "" where none is said; what is no priority is the usual one, with a fault."""
    word = scalar(value).upper()
    if not word or word in PRIORITIES:
        return word
    faults.append(Fault(path, f"not a priority: {shown(value)}; taken as {USUAL}"))
    return USUAL


def _of_priority(priority: str) -> dict[str, str]:
    return {"priority": priority, "severity": PRIORITIES[priority]} if priority else {}


# What people do.

_Make = Callable[[Mapping[str, Any], str, datetime, Faults], Told | Edit]


def _snoozed(body: Mapping[str, Any], who: str, now: datetime, faults: Faults) -> Told:
    until = moment(body.get("endTime"), "endTime", now, faults)
    if until is None:
        faults.append(Fault("endTime", "no time; taken as an hour"))
    return Snoozed(who, until or now + _SNOOZE)


def _note(body: Mapping[str, Any], who: str, now: datetime, faults: Faults) -> Told:
    return Noted(who, scalar(body.get("note"))[:LONGEST_NOTE] or "(no words)")


def _prioritized(body: Mapping[str, Any], who: str, now: datetime, faults: Faults) -> Edit:
    return Edit(labels=_of_priority(_priority(body.get("priority"), "priority", faults)))


def _detailed(body: Mapping[str, Any], who: str, now: datetime, faults: Faults) -> Edit:
    labels, annotations = details(body.get("details"))
    return Edit(labels, annotations)


def _texted(field: str, annotation: str) -> _Make:
    def make(body: Mapping[str, Any], who: str, now: datetime, faults: Faults) -> Edit:
        text = scalar(body.get(field))
        return Edit(annotations={annotation: text} if text else {})

    return make


def _noted(action: str) -> _Make:
    """What has no counterpart here stands on the timeline."""

    def make(body: Mapping[str, Any], who: str, now: datetime, faults: Faults) -> Told:
        said = {name: each for name, each in body.items() if name not in ("user", "source")}
        return Noted(who, f"asks to {one_line(action)}: {text_of(said)[:1000]}")

    return make


_ACTS: Mapping[str, _Make] = {
    "acknowledge": lambda body, who, now, faults: Acked(who),
    "unacknowledge": lambda body, who, now, faults: Unacked(who),
    "snooze": _snoozed,
    "notes": _note,
    "priority": _prioritized,
    "details": _detailed,
    "message": _texted("message", "summary"),
    "description": _texted("description", "description"),
}

SOURCE = Source("opsgenie", parse)
