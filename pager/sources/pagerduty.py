"""PagerDuty's Events API: v2 and v1 events, and change events, which are noted and page nobody.

A key names an alert of the token that it came with. Whoever sends no key begins a new alert each time. The severity
words of v2 are four; any other word is kept, and means what `defaults.words` says. What `custom_details` has in short
fields are labels, so that rules can match them; its long fields, and what is nested, are annotations.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from pager.core.alert import alert_key
from pager.core.incident import Acked
from pager.core.report import Act, Fault, Malformed, Parsed, Source
from pager.sources.event import Event, details, digest_of, first, mapping, moment, scalar, short
from pager.sources.event import parsed as parsed_event
from pager.sources.wire import Faults, decode_object, shown, text_of, told

LONGEST_KEY = 255
LONGEST_SUMMARY = 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
KEYS = ("routing_key", "service_key")
"""Where the token of a source stands in a body."""


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """One alert for a trigger and a resolve, one act for an acknowledgement, none for a change. Raises Malformed."""
    body = decode_object(payload)
    if "event_action" not in body and "event_type" in body:
        return _event(_as_v2(body), payload, now, source)
    if "event_action" not in body and "payload" in body:
        return _change(body)
    return _event(body, payload, now, source)


def check(body: Mapping[str, Any]) -> list[str]:
    """What PagerDuty would refuse a v2 event for, in words; empty when it takes it.

    It refuses more: a severity that is none of its words, and a missing source. An alert is worth more than that.
    """
    wrong = []
    action, key = body.get("event_action"), body.get("dedup_key")
    if action not in ACTIONS:
        wrong.append(f"event_action: {shown(action)}; write trigger, acknowledge or resolve")
    if key is not None and not (isinstance(key, str) and len(key) <= LONGEST_KEY):
        wrong.append(f"dedup_key: not text of at most {LONGEST_KEY} characters")
    if action in ACTIONS[1:] and not key:
        wrong.append(f"dedup_key: missing; it says what to {action}")
    if action == "trigger" and not isinstance(body.get("payload"), dict):
        wrong.append("payload: missing or no object")
    elif action == "trigger" and not _summary(body):
        wrong.append("payload.summary: missing; nothing says what this is about")
    return wrong


def check_v1(body: Mapping[str, Any]) -> list[str]:
    """As `check`, for v1, in its own words."""
    wrong = [
        fault.replace("event_action", "event_type").replace("dedup_key", "incident_key")
        for fault in check(_as_v2(body))
    ]
    return [fault.replace("payload.summary", "description") for fault in wrong]


def _event(body: Mapping[str, Any], payload: bytes, now: datetime, source: str) -> Parsed:
    if wrong := check(body):
        path, _, what = wrong[0].partition(": ")
        raise Malformed(path, what)
    # The same bytes read again at another time are another alert, but not when they are replayed.
    key = body.get("dedup_key") or digest_of(now.isoformat(), payload.decode("utf-8", "replace"))
    if body["event_action"] == "acknowledge":
        return Parsed((), acts=(Act(alert_key(source, short(key), {}), Acked(source)),), note="an acknowledgement")
    faults: Faults = []
    return parsed_event(_spoken(body, key, now, faults), source, now, faults)


def _spoken(body: Mapping[str, Any], key: str, now: datetime, faults: Faults) -> Event:
    said = mapping(body.get("payload"))
    summary = _summary(body)
    if len(summary) > LONGEST_SUMMARY:
        faults.append(Fault("payload.summary", f"{len(summary)} characters; cut at {LONGEST_SUMMARY}"))
    extra, texts = _details(said.get("custom_details"))
    severity = scalar(said.get("severity"))
    if severity not in SEVERITIES and body["event_action"] == "trigger" and "event_type" not in body:
        faults.append(Fault("payload.severity", f"{shown(severity)}; PagerDuty knows {', '.join(SEVERITIES)}"))
    own = {name: scalar(said.get(name)) for name in ("severity", "component", "group", "class")}
    resolved = body["event_action"] == "resolve"
    at = moment(said.get("timestamp"), "payload.timestamp", now, faults)
    return Event(
        status="resolved" if resolved else "firing",
        title=scalar(extra.get("alertname")) or own["class"] or summary,
        identity=key,
        labels={**extra, **own, "instance": scalar(said.get("source")), "client": scalar(body.get("client"))},
        annotations={**texts, "summary": summary[:LONGEST_SUMMARY], **_links(body)},
        # On a resolve it is the time of the trigger with some senders, of the end with others.
        starts_at=None if resolved else at,
        url=scalar(body.get("client_url")),
    )


def _summary(body: Mapping[str, Any]) -> str:
    return scalar(mapping(body.get("payload")).get("summary"))


def _details(value: Any) -> tuple[dict[str, str], dict[str, str]]:
    if isinstance(value, dict):
        return details(value)
    return {}, {"details": text_of(value)} if value not in (None, "", []) else {}


def _links(body: Mapping[str, Any]) -> dict[str, str]:
    """The first link and the first image; a link called runbook is the alert's runbook."""
    links = [mapping(each) for each in _list(body.get("links"))]
    runbook = next((scalar(each.get("href")) for each in links if "runbook" in scalar(each.get("text")).lower()), "")
    image = next((scalar(mapping(each).get("src")) for each in _list(body.get("images"))), "")
    link = next((scalar(each.get("href")) for each in links), "")
    return {"runbook_url": runbook, "link": link, "image_url": image}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _as_v2(body: Mapping[str, Any]) -> dict[str, Any]:
    """A v1 event in the form of v2. It has no severity and no source."""
    said = {"summary": body.get("description"), "custom_details": body.get("details")}
    event = {"event_action": body.get("event_type"), "dedup_key": body.get("incident_key"), "event_type": ""}
    links = [
        {"href": mapping(each).get("href"), "text": mapping(each).get("text")} for each in _list(body.get("contexts"))
    ]
    kept = {name: body.get(name) for name in ("client", "client_url")}
    return {**kept, **event, "payload": said, "links": links}


def _change(body: Mapping[str, Any]) -> Parsed:
    said = mapping(body.get("payload"))
    summary = first(said, "summary")
    if not summary:
        raise Malformed("payload.summary", "missing; nothing says what changed")
    return Parsed((), told([]), note=f"a change: {shown(summary)}")


def redact(payload: bytes) -> bytes:
    """The body without its key."""
    try:
        body = decode_object(payload)
    except Malformed:
        return payload
    if not any(name in body for name in KEYS):
        return payload
    return without_key(body)


def without_key(body: Mapping[str, Any], **more: Any) -> bytes:
    """The body as it is kept: without its key, and with what else is said."""
    return msgspec.json.encode({name: each for name, each in body.items() if name not in KEYS} | more)


SOURCE = Source("pagerduty", parse, redact)
