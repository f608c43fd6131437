"""Grafana's webhook: unified alerting (8 and newer), the flat form before it, and the Test buttons of both.

The fingerprint as sent is the identity: Grafana takes it from labels that it then hides, so it cannot be computed
here. `DatasourceNoData` and `DatasourceError` are alerts like any other, with the rule in the label `rulename`.
`state` and `title` of the body are leftovers that can contradict `status`; they are not read.
"""

from datetime import datetime

from pager.core.report import Parsed, Source
from pager.sources.webhook import parse_webhook


def parse(payload: bytes, now: datetime, source: str) -> Parsed:
    """The alerts of one body, each grouped by the body's groupLabels, links as annotations. Raises Malformed."""
    return parse_webhook(payload, now, source, grafana=True)


SOURCE = Source("grafana", parse)
