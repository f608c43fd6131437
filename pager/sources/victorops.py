"""VictorOps, now Splunk On-Call: the body of its REST endpoint, one event about one entity.

The entity is the identity. What the sender adds in short fields are labels, so that rules can match them; an annotation
`vo_annotate.u.Runbook` is the alert's runbook. There an INFO opens no incident; here it is an alert like any other, and
`defaults.words` says what the word means.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pager.core.alert import alert_key
from pager.core.incident import Acked
from pager.core.report import Act, Fault, Malformed, Parsed, Source
from pager.sources.event import Event, details, digest_of, first, moment, one_line, parsed, scalar, short
from pager.sources.wire import Faults, decode_object, shown

LONGEST_ENTITY = 512
SEVERITIES = ("CRITICAL", "WARNING", "INFO")
ACKS = ("ACKNOWLEDGEMENT", "ACKNOWLEDGMENT", "ACK")
ENDS = ("RECOVERY", "OK")
_NAMES = (
    "message_type entity_id entity_display_name state_message state_start_time timestamp severity ack_author ack_msg"
)
_OWN = frozenset(_NAMES.split())
_ANNOTATION = "vo_annotate."


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """One alert, one act for an acknowledgement. Raises Malformed, naming the field."""
    body = decode_object(payload)
    for path, what in wrong_with(body).items():
        raise Malformed(path, what)
    # The same bytes read again at another time are another alert, but not when they are replayed.
    entity = scalar(body.get("entity_id")) or digest_of(now.isoformat(), payload.decode("utf-8", "replace"))
    kind = kind_of(body)
    if kind in ACKS:
        key = alert_key(source, short(entity), {})
        return Parsed((), acts=(Act(key, Acked(_by(body, source))),), note="an acknowledgement")
    if kind in ENDS:
        # Its title says no more than that it is over; what the alert was called before stands.
        return parsed(Event("resolved", "", entity), source, now, [])
    faults: Faults = []
    if kind not in SEVERITIES:
        faults.append(Fault("message_type", f"{shown(kind)}, taken as firing; there are {', '.join(SEVERITIES)}"))
    return parsed(_fired(body, kind, entity, now, faults), source, now, faults)


def wrong_with(body: Mapping[str, Any]) -> dict[str, str]:
    """What can never work, by field; empty when it can."""
    entity = body.get("entity_id")
    if entity is not None and not (isinstance(entity, str) and len(entity) <= LONGEST_ENTITY):
        return {"entity_id": f"not text of at most {LONGEST_ENTITY} characters"}
    if kind_of(body) in ACKS + ENDS and not scalar(entity):
        return {"entity_id": "missing; it says what is over or acknowledged"}
    if not first(body, "entity_display_name", "entity_id", "state_message"):
        return {"entity_id": "missing, as are entity_display_name and state_message: nothing says what this is about"}
    return {}


def kind_of(body: Mapping[str, Any]) -> str:
    """Its message type, in capitals; "" for none."""
    return scalar(body.get("message_type")).upper()


def _fired(body: Mapping[str, Any], kind: str, entity: str, now: datetime, faults: Faults) -> Event:
    said = {name: each for name, each in body.items() if name not in _OWN and not name.startswith(_ANNOTATION)}
    labels, texts = details(said)
    name, message = first(body, "entity_display_name", "entity_id", "state_message"), scalar(body.get("state_message"))
    instance = first(body, "host_name", "hostname", "host")
    return Event(
        status="firing",
        title=labels.get("alertname") or name,
        identity=entity,
        labels={"instance": instance, **labels, "severity": scalar(body.get("severity")) or kind.lower()},
        annotations={**texts, "summary": one_line(name), "description": message, **_annotated(body)},
        starts_at=moment(body.get("state_start_time") or body.get("timestamp"), "state_start_time", now, faults),
        url=first(body, "alert_url", "monitor_url"),
    )


def _annotated(body: Mapping[str, Any]) -> dict[str, str]:
    """`vo_annotate.u.Grafana` is a link, `.s.` a note, `.i.` a picture; the link that is called Runbook is one."""
    found = {name.split(".", 2)[-1]: scalar(each) for name, each in body.items() if name.startswith(_ANNOTATION)}
    runbook = next((text for name, text in found.items() if "runbook" in name.lower()), "")
    return {**found, **({"runbook_url": runbook} if runbook else {})}


def _by(body: Mapping[str, Any], source: str) -> str:
    author = one_line(scalar(body.get("ack_author")))[:60]
    return f"{author} by {source}" if author else source


SOURCE = Source("victorops", parse)
