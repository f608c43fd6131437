"""Scopes: what each token may do, and nothing more."""

import pytest

from pager.api.access import needed
from pager.core.scope import SCOPES, Scope, allows
from tests.support import covers


@covers("T1", "T33")
@pytest.mark.parametrize(
    ("held", "may"),
    [
        pytest.param("ingest", {"ingest"}, id="a sender sends, and sees nothing"),
        pytest.param("calendar", {"calendar"}, id="a calendar asks for feeds, and nothing else"),
        pytest.param("read", {"calendar", "read"}, id="a reader looks"),
        pytest.param("respond", {"calendar", "read", "respond"}, id="a responder looks and acts, and makes no tokens"),
        pytest.param("admin", {"ingest", "calendar", "read", "respond", "admin"}, id="an admin may do all"),
        pytest.param("page", set(), id="a page link is no token"),
        pytest.param("", set(), id="nobody"),
    ],
)
def test_t33_a_scope_opens_what_it_names(held: str, may: set[Scope]) -> None:
    assert {wanted for wanted in SCOPES if allows(held, wanted)} == may


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("POST", "/anything", "respond", id="a new route that acts"),
        pytest.param("GET", "/anything", "read", id="a new route that shows"),
        pytest.param("GET", "/-/anything", "admin", id="a new one for admins"),
        pytest.param("GET", "/metrics-of-people", "read", id="what begins like an open one"),
        pytest.param("GET", "/status/feed", None, id="below the status page"),
        pytest.param("GET", "/statusx", "read", id="beside it"),
        pytest.param("GET", "/api/v1/alerts", "read", id="alerts are read"),
        pytest.param("POST", "/api/v1/alerts/", "ingest", id="and sent by the same name"),
        pytest.param("GET", "/people/{name}.ics", "calendar", id="a feed"),
        pytest.param("GET", "/people/{name}", "read", id="a page beside it"),
    ],
)
def test_what_is_not_named_is_not_open(method: str, path: str, expected: Scope | None) -> None:
    assert needed(method, path) == expected
