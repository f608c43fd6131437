"""Rule 24, who holds what: silences, maintenance, the pause, and inhibition, judged for the alerts of one incident."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from pager.core.advance import advance, set_up
from pager.core.duration import parse_duration
from pager.core.holding import Mute, is_own, mutes_at, next_edge, verdict, verdict_without_alerts
from pager.core.incident import Acked, Escalated, Hold, Reported, TimePassed
from pager.core.inhibit import Party, muted_by, slots_of_inhibitor, slots_of_muted
from pager.core.maintenance import next_start, window_at
from pager.core.matcher import parse_matcher
from pager.core.rule import Inhibit, Maintenance
from pager.core.silence import Kind, Silence, Wanted, check
from tests.core.catalogs import NOON, at, world
from tests.core.story import Happening, Told, ends, held, opened, play
from tests.support import covers

DOWN = {"alertname": "Down", "env": "prod", "source": "prom"}


def wanted(*match: str, start: str = "0m", lasts: str = "1h", kind: Kind = "silence", **more: str) -> Wanted:
    begins = at(start)
    said = {"by": "ana", "why": "deploy", **more}
    return Wanted(kind, tuple(map(parse_matcher, match)), begins, begins + parse_duration(lasts), **said)


def silence(*match: str, number: int = 1, expired: str = "", **more: Any) -> Silence:
    return Silence(number, wanted(*match, **more), NOON, at(expired) if expired else None)


def maintenance(**more: Any) -> Maintenance:
    said = {
        "name": "patch night",
        "match": ["env = staging"],
        "starts": "0 22 * * TUE",
        "lasts": "4h",
        "why": "patching",
    }
    return Maintenance.model_validate(said | more)


# Silences.


@covers("T34", "R24")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param(wanted("env = prod"), "", id="a label and a value"),
        pytest.param(wanted("env =~ prod.*"), "", id="an expression that asks for something"),
        pytest.param(wanted("env != dev", "alertname = Down"), "", id="a wildcard beside one that names something"),
        pytest.param(wanted("affected_percent >= 0"), "", id="a number is something"),
        pytest.param(wanted(), "nothing to match", id="no matcher"),
        pytest.param(wanted("alertname =~ .*"), "hides everything", id="everything"),
        pytest.param(wanted('alertname =~ ".+"'), "hides everything", id="everything that has the label"),
        pytest.param(wanted('alertname != ""'), "hides everything", id="the same by its opposite"),
        pytest.param(wanted("env != prod"), "hides everything: env != prod", id="all but some"),
        pytest.param(wanted('env = ""'), "hides everything", id="whatever has no such label"),
        pytest.param(wanted("env = prod", by=" "), "who makes it?", id="nobody"),
        pytest.param(wanted("env = prod", why=""), "why?", id="no reason"),
        pytest.param(wanted("env = prod", lasts="0m"), "ends before it starts", id="no time"),
        pytest.param(wanted("env = prod", start="-2h", lasts="2h"), "over already", id="over"),
        pytest.param(wanted("env = prod", lasts="32d"), "31d at most", id="no end in sight"),
        pytest.param(wanted(kind="pause", lasts="24h"), "", id="a pause matches everything"),
        pytest.param(wanted(kind="pause", lasts="25h"), "1d at most", id="for a day at most"),
    ],
)
def test_t34_a_silence_is_about_something_and_has_an_author_a_reason_and_an_end(asked: Wanted, said: str) -> None:
    if not said:
        check(asked, NOON)
        return
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        check(asked, NOON)


@pytest.mark.parametrize(
    ("silences", "held_by", "until"),
    [
        pytest.param([silence("env = prod")], "silence", "1h", id="it matches"),
        pytest.param([silence("source = prom")], "silence", "1h", id="the source is a label too"),
        pytest.param([silence("env = dev")], "", "", id="it does not"),
        pytest.param([silence("env = prod", start="1s")], "", "", id="it has not begun"),
        pytest.param([silence("env = prod", start="-1h")], "", "", id="it has just ended"),
        pytest.param([silence("env = prod", expired="-1m")], "", "", id="somebody ended it"),
        pytest.param(
            [silence("env = prod"), silence("env = prod", lasts="2h", number=2)], "silence", "2h", id="the longer"
        ),
        pytest.param([silence(kind="pause", lasts="30m")], "pause", "30m", id="the pause"),
        pytest.param(
            [silence(kind="maintenance", name="rack"), silence("env = dev")], "maintenance", "1h", id="by hand"
        ),
    ],
)
def test_one_alert(silences: list[Silence], held_by: str, until: str) -> None:
    files = world(silences=tuple(silences))
    hold = verdict([DOWN], mutes_at(files, NOON), files).hold

    assert (hold.reason if hold else "", hold.until if hold else None) == (held_by, at(until) if until else None)


TWO = (
    Mute("silence", "1", at("1h"), (parse_matcher("env = prod"),)),
    Mute("silence", "2", at("2h"), (parse_matcher("env = dev"),)),
)


@pytest.mark.parametrize(
    ("firing", "until"),
    [
        pytest.param([DOWN, DOWN | {"env": "dev"}], "1h", id="until the first of them is free"),
        pytest.param([DOWN | {"env": "dev"}], "2h", id="one of them"),
        pytest.param([DOWN, DOWN | {"env": "test"}], "", id="while every alert is held, and not one less"),
        pytest.param([{"alertname": "Watchdog", "env": "prod"}], "", id="never Watchdog"),
    ],
)
@covers("R24")
def test_an_incident_is_held_while_every_firing_alert_is(firing: list[dict[str, str]], until: str) -> None:
    hold = verdict(firing, TWO, world()).hold

    assert (hold.until if hold else None) == (at(until) if until else None)


def test_without_alerts_the_pause_alone_holds_and_never_pagers_own() -> None:
    pause = mutes_at(world(silences=(silence(kind="pause"),)), NOON)

    assert verdict_without_alerts(TWO).hold is None
    assert verdict_without_alerts(pause).hold == Hold("pause", at("1h"), "by ana: deploy")
    assert is_own(set_up(1, '["pager","quiet","prom"]', "x", "SEV-2", "payments", NOON))
    assert not is_own(set_up(1, '["pager",{"alertname":"Down"}]', "a rule called pager", "SEV-2", "payments", NOON))


# Maintenance.


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "expected"),
    [
        pytest.param({}, "2026-06-09 21:59", None, id="before it starts"),
        pytest.param({}, "2026-06-09 22:00", ("2026-06-09 22:00", "2026-06-10 02:00"), id="from its start"),
        pytest.param({}, "2026-06-10 01:59", ("2026-06-09 22:00", "2026-06-10 02:00"), id="over midnight"),
        pytest.param({}, "2026-06-10 02:00", None, id="its end is out"),
        pytest.param(
            {"timezone": "Europe/Berlin"},
            "2026-06-09 20:00",
            ("2026-06-09 20:00", "2026-06-10 00:00"),
            id="in its zone",
        ),
        pytest.param(
            {"starts": "0 1 * * SUN", "timezone": "Europe/Berlin"},
            "2026-03-29 03:59",
            ("2026-03-29 00:00", "2026-03-29 04:00"),
            id="four hours are four hours when the clocks go forward",
        ),
        pytest.param(
            {"starts": "0 1 * * SUN", "timezone": "Europe/Berlin"},
            "2026-10-25 02:59",
            ("2026-10-24 23:00", "2026-10-25 03:00"),
            id="and when they go back",
        ),
        pytest.param(
            {"starts": "30 2 * * SUN", "timezone": "Europe/Berlin"},
            "2026-03-29 01:00",
            ("2026-03-29 01:00", "2026-03-29 05:00"),
            id="a start that is skipped is the first instant after it",
        ),
        pytest.param(
            {"starts": "30 2 * * SUN", "timezone": "Europe/Berlin"},
            "2026-10-25 00:30",
            ("2026-10-25 00:30", "2026-10-25 04:30"),
            id="one that comes twice is the first",
        ),
        pytest.param(
            {"starts": "0 */3 * * TUE"},
            "2026-06-09 12:00",
            ("2026-06-09 00:00", "2026-06-10 01:00"),
            id="overlaps are one",
        ),
        pytest.param(
            {"starts": "0 23 31 12 *", "lasts": "2h"},
            "2027-01-01 00:30",
            ("2026-12-31 23:00", "2027-01-01 01:00"),
            id="over the new year",
        ),
    ],
)
@covers("R24")
def test_windows(window: dict[str, str], now: str, expected: tuple[str, str] | None) -> None:
    found = window_at(maintenance(**window), utc(now))

    assert found == (tuple(map(utc, expected)) if expected else None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"starts": "0 22 * *"}, "not a start", id="no cron line"),
        pytest.param({"timezone": "Europe/Berlni"}, "write Europe/Berlin", id="no zone"),
        pytest.param({"match": ["env != prod"]}, "hides everything", id="everything"),
        pytest.param({"lasts": "0m"}, "31 days at most", id="no time"),
        pytest.param({"why": ""}, "at least 1", id="no reason"),
    ],
)
def test_maintenance_that_cannot_be_meant_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        maintenance(**wrong)


def test_the_next_edge_is_the_first_begin_or_end() -> None:
    window = maintenance(match=["env = prod"])  # NOON is a Wednesday
    files = world(maintenance=(window,), silences=(silence("env = prod"), silence("env = dev", start="2h", number=2)))

    assert next_start(window, NOON) == utc("2026-06-16 22:00")
    edges = [next_edge(files, NOON + timedelta(hours=hours)) for hours in (0, 1, 2, 3)]
    assert edges == [at("1h"), at("2h"), at("3h"), utc("2026-06-16 22:00")]
    assert [mute.name for mute in mutes_at(files, utc("2026-06-16 23:00"))] == ["patch night"]


# Inhibition.

CLUSTER = Inhibit.model_validate(
    {"when": ["alertname = ClusterDown"], "mute": ["alertname != ClusterDown"], "equal": ["cluster"]}
)
WORSE = Inhibit.model_validate(
    {"when": ["severity = critical"], "mute": ['severity =~ "critical|warning"'], "equal": ["ns"]}
)


def party(name: str, level: Any = "SEV-2", *, since: str = "0m", key: int | None = None, **more: Any) -> Party:
    labels = {"alertname": name, "cluster": "a", **more.pop("labels", {})}
    number = sum(map(ord, name)) if key is None else key
    return Party(number, name, labels, more.pop("as_muted", level), level, at(since), **more)


def speakers(*parties: Party, rules: tuple[Inhibit, ...]) -> dict[int, list[Party]]:
    found: dict[int, list[Party]] = {}
    for one in parties:
        for slot in slots_of_inhibitor(one.labels, rules):
            found.setdefault(slot, []).append(one)
    return found


@pytest.mark.parametrize(
    ("inhibitor", "alert", "muted"),
    [
        pytest.param(party("ClusterDown"), party("Disk"), True, id="its own severity"),
        pytest.param(party("ClusterDown"), party("Disk", "SEV-3"), True, id="a lower one"),
        pytest.param(party("ClusterDown"), party("Disk", "SEV-1"), False, id="never a higher one"),
        pytest.param(party("ClusterDown", "SEV-1"), party("Disk", "SEV-1"), True, id="SEV-1 by SEV-1"),
        pytest.param(
            party("ClusterDown"), party("Disk", "SEV-3", as_muted="SEV-1"), False, id="nor one whose incident has risen"
        ),
        pytest.param(party("ClusterDown", speaks=False), party("Disk"), False, id="only while it speaks"),
        pytest.param(party("ClusterDown", labels={"cluster": "b"}), party("Disk"), False, id="another cluster"),
        pytest.param(
            party("ClusterDown", labels={"cluster": ""}),
            Party(7, "Disk", {"alertname": "Disk"}, "SEV-2", "SEV-2", NOON),
            True,
            id="missing is empty",
        ),
        pytest.param(party("ClusterDown"), party("ClusterDown"), False, id="not itself"),
        pytest.param(party("Other"), party("Disk"), False, id="another alert"),
        pytest.param(party("ClusterDown", since="5m"), party("Disk"), True, id="a later one mutes an earlier"),
    ],
)
@covers("R24")
def test_an_alert_mutes_its_own_severity_or_lower(inhibitor: Party, alert: Party, muted: bool) -> None:
    rules = (CLUSTER,)
    found = muted_by(alert, rules, speakers(inhibitor, rules=rules))

    assert (found == inhibitor) is muted
    assert bool(slots_of_muted(alert.labels, rules)) is (alert.name != "ClusterDown")


def critical(name: str, since: str, **more: Any) -> Party:
    return party(name, since=since, labels={"severity": "critical"}, **more)


@pytest.mark.parametrize(
    ("parties", "free"),
    [
        pytest.param(
            [critical("A", "0m"), critical("B", "1m")], ["A"], id="of two that would mute each other the older"
        ),
        pytest.param([critical("B", "1m"), critical("A", "0m")], ["A"], id="in whichever order they are looked at"),
        pytest.param([critical("A", "0m"), critical("B", "1m"), critical("C", "2m")], ["A"], id="of three the oldest"),
        pytest.param(
            [critical("A", "0m", speaks=False), critical("B", "1m")], ["B"], id="an older one that does not speak"
        ),
    ],
)
@covers("R24")
def test_the_older_speaks(parties: list[Party], free: list[str]) -> None:
    known = speakers(*parties, rules=(WORSE,))

    assert sorted(one.name for one in parties if muted_by(one, (WORSE,), known) is None) == free


def chain(*names: str) -> tuple[Inhibit, ...]:
    """A mutes B, B mutes C, ..."""
    steps = pairwise(names)
    return tuple(
        Inhibit.model_validate({"when": [f"alertname = {one}"], "mute": [f"alertname = {other}"]})
        for one, other in steps
    )


@pytest.mark.parametrize(
    ("rules", "free"),
    [
        pytest.param(chain("A", "B", "C"), ["A", "C"], id="who is held mutes nobody"),
        pytest.param(chain("A", "B", "C", "D"), ["A", "C"], id="and so on"),
        pytest.param(chain("A", "B", "C", "A"), ["A", "B", "C"], id="a circle mutes nobody"),
    ],
)
def test_only_who_is_not_held_itself_mutes(rules: tuple[Inhibit, ...], free: list[str]) -> None:
    parties = [party(name, since=f"{at}m") for at, name in enumerate("ABCD") if any(name in str(r) for r in rules)]
    known = speakers(*parties, rules=rules)

    assert [one.name for one in parties if muted_by(one, rules, known) is None] == free


def test_inhibition_has_an_open_end_and_whatever_ends_first_counts() -> None:
    other = party("ClusterDown")
    muted = verdict([DOWN | {"env": "x"}], TWO, world(), lambda _: other)
    both = verdict([DOWN, DOWN | {"env": "x"}], TWO, world(), lambda _: other)

    assert (muted.hold, muted.inhibitors) == (Hold("inhibition", None, "ClusterDown"), frozenset({other.key}))
    assert (both.hold, both.inhibitors) == (Hold("silence", at("1h"), "1"), frozenset({other.key}))


# What an incident does with it.

HOLD = Hold("silence", at("1h"), "x")


def reports(hold: Hold | None, level: Any = "SEV-2") -> Happening:
    """A new alert, together with what holds the incident now."""
    return lambda told: Reported(
        told.incident.alerts + 1, told.incident.spells + 1, told.incident.firing + 1, level, hold=hold
    )


@pytest.mark.parametrize(
    ("story", "paged", "clocks"),
    [
        pytest.param([("0m", reports(HOLD))], [], {"step": "1h"}, id="a held alert never pages first"),
        pytest.param([("0m", reports(HOLD)), ("1h", TimePassed())], ["1h ana"], {"step": "1h5m"}, id="but at its end"),
        pytest.param([("0m", reports(HOLD, "SEV-1"))], [], {"step": "1h"}, id="whatever its severity"),
        pytest.param(
            [("0m", reports(None)), ("1m", ends), ("2m", reports(HOLD))],
            ["0m ana"],
            {"step": "1h"},
            id="a re-open under a hold pages nobody",
        ),
        pytest.param(
            [("0m", reports(None)), ("1m", Acked("ana")), ("2m", ends), ("3m", reports(HOLD)), ("1h", TimePassed())],
            ["0m ana", "1h ana"],
            {"step": "1h5m"},
            id="nor the former acker before it ends",
        ),
        pytest.param(
            [("0m", reports(HOLD)), ("1m", Escalated("bo")), ("2m", held(lasts="1h"))],
            ["1m ana"],
            {"step": "6m"},
            id="whom a person calls no hold sends back",
        ),
        pytest.param(
            [
                ("0m", reports(HOLD)),
                ("1m", Escalated("bo")),
                ("2m", Acked("ana")),
                ("3m", held(lasts="9h")),
                ("2h", TimePassed()),
            ],
            ["1m ana"],
            {"step": "9h3m"},
            id="until somebody has it",
        ),
    ],
)
def test_what_is_told_with_a_report(
    story: list[tuple[str, Happening]], paged: list[str], clocks: dict[str, str]
) -> None:
    told = play(*story, incident=opened(), alerts=0)

    assert (told.paged, told.clocks) == (paged, clocks)


def test_the_timeline_says_that_it_opened_and_what_holds_it() -> None:
    told = play(("0m", reports(HOLD)), incident=opened(group_wait="1m"), alerts=0)

    assert [line.split(":")[0] for line in told.said] == ["0m opened as SEV-2", "0m held"]


def test_a_report_with_its_hold_told_twice_is_told_once() -> None:
    told = Told(opened(), world())
    event = Reported(1, 1, 1, "SEV-2", hold=HOLD)
    once, _ = advance(told.incident, event, world(), NOON)

    assert advance(once, event, world(), NOON) == (once, ())
