"""Alertmanager's webhook: versions 3 and 4, and the bodies that people write by hand in its likeness.

An alert is its label set. Its fingerprint is kept as sent and not believed: two label sets under one fingerprint
stay two alerts. The status decides, not `endsAt`: a firing alert whose `endsAt` has passed still fires. Members that
are missing from a group's body are not resolved by that; Alertmanager leaves out what is muted.
"""

from datetime import datetime

from pager.core.report import Parsed, Source
from pager.sources.webhook import parse_webhook


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """The alerts of one body, each grouped by the body's groupLabels. Raises Malformed."""
    return parse_webhook(payload, now, source, grafana=False)


SOURCE = Source("alertmanager", parse)
