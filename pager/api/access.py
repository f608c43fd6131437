"""Access: what a request needs, by its method and its path. What is not named here needs most."""

from pager.core.scope import Scope

SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = ("/-/healthy", "/-/ready", "/livez", "/readyz", "/healthz", "/metrics", "/status", "/login")
"""Answered without a token. Nothing here tells of alerts or people but what `status_page:` makes public."""
OPEN_BELOW = ("/p/", "/static/", "/status/")
"""A page link is its own token."""
INGEST = ("/webhook/", "/api/v2/alerts")
CALENDARS = ("/schedules/", "/people/")
OWN = ("/me",)
"""About whoever asks, and nobody else."""
ADMIN = ("/-/", "/api/v1/tokens", "/api/v1/backups", "/api/v1/doctor")


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
    return "read" if method in SAFE or path in OWN else "respond"


def is_calendar(path: str) -> bool:
    """Whether this is a feed that a calendar asks for; all that it can show is its address."""
    return path.startswith(CALENDARS) and path.endswith(".ics")


def takes_alerts(method: str, path: str) -> bool:
    """Whether this is for senders, who show the token of a source."""
    return path.startswith(INGEST) or (method == "POST" and path.rstrip("/") == "/api/v1/alerts")
