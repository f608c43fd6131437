"""Rules 3 and 23: what one report changes of an alert, and when ups and downs are flapping."""

import pytest

from pager.core.alert import Alert, Status
from pager.core.merge import AlertState, merge, settle
from tests.core.catalogs import NOON, at
from tests.support import covers


def report(status: Status, starts: str = "0m", ends: str | None = None, text: str = "", **labels: str) -> Alert:
    return Alert(
        "prom",
        status,
        {"alertname": "Down", **labels},
        at(starts),
        annotations={"summary": text} if text else {},
        ends_at=at(ends) if ends else None,
        identity="one",
    )


FIRES = report("firing")
ENDS = report("resolved", ends="5m")


def tell(*reports: tuple[str, Alert]) -> tuple[AlertState, list[str]]:
    """The alert after reports at these instants, and what each changed."""
    known: AlertState | None = None
    changes: list[str] = []
    for after, one in reports:
        known, change = merge(known, one, at(after))
        changes.append(change)
    assert known is not None
    return known, changes


@pytest.mark.parametrize(
    ("reports", "changes", "status"),
    [
        pytest.param([("0m", FIRES)], ["new"], "firing", id="the first report"),
        pytest.param([("0m", ENDS)], ["resolved"], "resolved", id="an end that nobody saw begin"),
        pytest.param([("0m", FIRES), ("1m", FIRES)], ["new", "repeat"], "firing", id="what is known is a repeat"),
        pytest.param(
            [("0m", FIRES), ("1m", report("firing", "1m"))],
            ["new", "repeat"],
            "firing",
            id="a new start alone is a repeat",
        ),
        pytest.param(
            [("0m", FIRES), ("1m", report("firing", text="worse"))],
            ["new", "updated"],
            "firing",
            id="a changed text is not",
        ),
        pytest.param(
            [("0m", FIRES), ("1m", report("firing", env="prod"))],
            ["new", "updated"],
            "firing",
            id="nor are changed labels",
        ),
        pytest.param([("0m", FIRES), ("5m", ENDS)], ["new", "resolved"], "resolved", id="it ends"),
        pytest.param(
            [("0m", FIRES), ("5m", ENDS), ("6m", ENDS)], ["new", "resolved", "repeat"], "resolved", id="it ends once"
        ),
        pytest.param(
            [("9m", report("firing", "8m")), ("9m", report("resolved", "0m", "5m"))],
            ["new", "old"],
            "firing",
            id="an end that lies before the start is old news",
        ),
        pytest.param(
            [("9m", report("firing", "5m")), ("9m", report("resolved", "0m", "5m"))],
            ["new", "resolved"],
            "resolved",
            id="an end at the start is none",
        ),
        pytest.param(
            [("0m", FIRES), ("2m", report("firing", "2m")), ("3m", report("resolved", "0m", "1m"))],
            ["new", "repeat", "resolved"],
            "resolved",
            id="its start is the one it began with",
        ),
        pytest.param(
            [("0m", FIRES), ("5m", ENDS), ("6m", FIRES)],
            ["new", "resolved", "again"],
            "firing",
            id="firing, resolved, firing with one start fires",
        ),
        pytest.param(
            [("0m", FIRES), ("5m", report("resolved"))], ["new", "resolved"], "resolved", id="an end without a time"
        ),
    ],
)
@covers("R3")
def test_merge(reports: list[tuple[str, Alert]], changes: list[str], status: Status) -> None:
    known, found = tell(*reports)

    assert (found, known.status) == (changes, status)


UP_AND_DOWN = [("0m", FIRES), ("1m", ENDS), ("2m", FIRES), ("3m", ENDS), ("4m", FIRES)]


@pytest.mark.parametrize(
    ("reports", "last", "flaps", "settles"),
    [
        pytest.param(UP_AND_DOWN[:3], "again", False, None, id="two firings are not"),
        pytest.param(UP_AND_DOWN, "flapping", True, "19m", id="three in 15 minutes are"),
        pytest.param([*UP_AND_DOWN[:4], ("15m", FIRES)], "again", False, None, id="three in more are not"),
        pytest.param([*UP_AND_DOWN[:4], ("14m59s", FIRES)], "flapping", True, "29m59s", id="in just less they are"),
        pytest.param([*UP_AND_DOWN, ("5m", ENDS)], "settling", True, "20m", id="its downs page nobody"),
        pytest.param([*UP_AND_DOWN, ("5m", ENDS), ("6m", FIRES)], "settling", True, "21m", id="nor its ups"),
        pytest.param([*UP_AND_DOWN, ("5m", FIRES)], "repeat", True, "19m", id="a repeat is neither"),
        pytest.param(
            [*UP_AND_DOWN, ("5m", report("firing", text="x"))], "updated", True, "19m", id="nor is a new text"
        ),
    ],
)
@covers("R23")
def test_flapping(reports: list[tuple[str, Alert]], last: str, flaps: bool, settles: str | None) -> None:
    known, changes = tell(*reports)

    assert (changes[-1], known.flapping, known.settles_at) == (last, flaps, at(settles) if settles else None)
    assert known.counts_as_firing is (flaps or known.status == "firing")


@pytest.mark.parametrize(
    ("reports", "when", "change", "firing"),
    [
        pytest.param([*UP_AND_DOWN, ("5m", ENDS)], "19m59s", "repeat", True, id="not before its time"),
        pytest.param([*UP_AND_DOWN, ("5m", ENDS)], "20m", "resolved", False, id="quiet and down: it has ended"),
        pytest.param(UP_AND_DOWN, "19m", "updated", True, id="quiet and up: it fires"),
        pytest.param([("0m", FIRES)], "9h", "repeat", True, id="what does not flap need not settle"),
    ],
)
@covers("R23")
def test_settling(reports: list[tuple[str, Alert]], when: str, change: str, firing: bool) -> None:
    known, _ = tell(*reports)
    settled, found = settle(known, at(when))

    assert (found, settled.counts_as_firing) == (change, firing)
    assert settle(settled, at(when)) == (settled, "repeat")


def test_what_has_settled_may_flap_again_from_the_start() -> None:
    known, _ = tell(*UP_AND_DOWN, ("5m", ENDS))
    settled, _ = settle(known, at("20m"))

    assert merge(settled, FIRES, at("20m"))[1] == "again"


@covers("R2", "R3")
def test_two_sources_never_share_an_alert() -> None:
    keys = {Alert(source, "firing", {"alertname": "Down"}, NOON).key for source in ("prom-eu", "prom-us")}

    assert len(keys) == 2


@covers("R3")
def test_an_identity_counts_before_labels() -> None:
    def key(identity: str, **labels: str) -> int:
        return Alert("prom", "firing", labels, NOON, identity=identity).key

    assert key("one", a="b") == key("one", a="c") != key("two", a="b")
    assert key("", a="b") != key("", a="c")
    assert key("", a="b", c="d") == key("", c="d", a="b"), "in any order"
