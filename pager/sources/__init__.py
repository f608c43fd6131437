"""Sources: one small pure file a dialect, from the bytes of a body to alerts.

A new dialect is a file with a SOURCE and one line here, or a package of its own with an entry point in the group
`pager.sources`.
"""

from collections.abc import Mapping

from pager.core.report import Source
from pager.sources import alertmanager, generic, grafana, heartbeat, mail, opsgenie, pagerduty, prometheus, victorops

SOURCES: Mapping[str, Source] = {
    "alertmanager": alertmanager.SOURCE,
    "generic": generic.SOURCE,
    "grafana": grafana.SOURCE,
    "heartbeat": heartbeat.SOURCE,
    "mail": mail.SOURCE,
    "opsgenie": opsgenie.SOURCE,
    "pagerduty": pagerduty.SOURCE,
    "prometheus": prometheus.SOURCE,
    "victorops": victorops.SOURCE,
}
