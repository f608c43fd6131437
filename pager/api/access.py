"""Access: what a request needs, by its method and its path. What is not named here needs most."""

from pager.core.scope import Scope

SAFE = ("GET", "HEAD", "OPTIONS")
HEALTH = ("/-/healthy", "/-/ready", "/livez", "/readyz", "/healthz")
OPEN = (*HEALTH, "/metrics", "/status", "/login", "/api/v1/openapi.json")
"""Answered without a token. Nothing here tells of alerts or people but what `status_page:` makes public."""
OPEN_BELOW = ("/p/", "/static/", "/status/", "/enrol/", "/login/")
"""A page link is its own token, and so is the link by which somebody sets a password."""
RELOADS = ("/system",)
INGEST = ("/webhook/", "/v2/", "/ping/", "/integrations/")
ARRIVALS = ("/api/v1/alerts", "/api/v2/alerts")
IN_QUERY = ("/api/v2/generic/incoming", "/api/v2/grafana/incoming", "/api/v2/prometheusalertmanager/incoming")
"""GoAlert's: the token stands in the query, as on /webhook/."""
IN_PATH = ("/ping/", "/integrations/")
"""A part of the address is the token; `-` stands for none."""
KEYED = ("/v2/enqueue", "/v2/change/enqueue", "/generic/2010-04-15/create_event.json")
"""PagerDuty's: the token may be in the body, so that the handler asks for it when it has read that."""
CALENDARS = ("/schedules/", "/people/")
OWN = ("/me",)
"""About whoever asks, and nobody else."""
ADMIN = (
    "/-/",
    "/api/v1/tokens",
    "/api/v1/backups",
    "/api/v1/doctor",
    "/api/v1/users",
    "/api/v1/audit",
    "/api/v1/requests",
    "/api/v1/webhooks/",
    "/audit",
)


def needed(method: str, path: str) -> Scope | None:
    """The scope that this needs, None: it is open to all. `path` as its route declares it, without queries."""
    if path.startswith(OPEN_BELOW) or path.rstrip("/") in OPEN:
        return None
    if takes_alerts(method, path):
        return "ingest"
    if is_calendar(path):
        return "calendar"
    if path.startswith(ADMIN):
        return "admin"
    if method in SAFE or path in OWN:
        return "read"
    return "admin" if path in RELOADS else "respond"


def takes_key(method: str, path: str) -> bool:
    """Whether a request may show an Idempotency-Key: people's POSTs; what senders say is safe to repeat anyway."""
    return method == "POST" and path.startswith("/api/v1/") and not takes_alerts(method, path)


def is_calendar(path: str) -> bool:
    """Whether this is a feed that a calendar asks for; all that it can show is its address."""
    return path.startswith(CALENDARS) and path.endswith(".ics")


def takes_alerts(method: str, path: str) -> bool:
    """Whether this is for senders, who show the token of a source."""
    if path.startswith(INGEST) or is_keyed(path):
        return True
    return method == "POST" and path.rstrip("/") in ARRIVALS + IN_QUERY


def is_keyed(path: str) -> bool:
    """Whether a sender may show its token in the body."""
    return path.rstrip("/") in KEYED
