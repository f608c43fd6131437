"""What a heartbeat is at an instant, what each ping makes of it, and what is told of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pager.core.alert import HEARTBEATS, Alert
from pager.core.classify import classify
from pager.core.heartbeat import Beat, Kind, Pulse, alarm, beats_of, belongs, follow, heard, look
from pager.core.rule import Heartbeat
from tests.engine.house import catalog

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BACKUP = Heartbeat(name="backup", every=DAY, grace=HOUR, severity="SEV-3", policy="default")
WATCHDOG = Heartbeat.model_validate(
    {"name": "prometheus", "every": "5m", "severity": "SEV-1", "watchdog": ["alertname = Watchdog"]}
)
NEW = Pulse("backup", NOON)


def said(*beats: tuple[timedelta, Kind], **more: str) -> Pulse:
    """What is known after these pings, each so long after noon."""
    pulse = NEW
    for after, kind in beats:
        pulse = heard(pulse, Beat("backup", kind, **more), NOON + after)  # type: ignore[arg-type]
    return pulse


@pytest.mark.parametrize(
    ("pulse", "after", "state"),
    [
        pytest.param(NEW, DAY, "new", id="never heard, within its first wait"),
        pytest.param(NEW, DAY + HOUR, "missing", id="never heard at all"),
        pytest.param(said((MINUTE, "ok")), DAY, "up", id="heard in time"),
        pytest.param(said((MINUTE, "ok")), DAY + MINUTE, "late", id="late to the minute"),
        pytest.param(said((MINUTE, "ok")), DAY + HOUR, "late", id="late within its grace"),
        pytest.param(said((MINUTE, "ok")), DAY + HOUR + MINUTE, "missing", id="missing after its grace"),
        pytest.param(said((MINUTE, "start")), HOUR, "started", id="it runs"),
        pytest.param(said((MINUTE, "start")), HOUR + MINUTE, "overrun", id="it runs for longer than its grace"),
        pytest.param(said((MINUTE, "start"), (HOUR, "ok")), 2 * HOUR, "up", id="it ended in time"),
        pytest.param(said((MINUTE, "start"), (3 * HOUR, "ok")), 4 * HOUR, "up", id="it ended too late, and well"),
        pytest.param(said((MINUTE, "fail")), 2 * MINUTE, "failed", id="it failed"),
        pytest.param(said((MINUTE, "fail")), 3 * DAY, "failed", id="what failed and fell silent still has failed"),
        pytest.param(said((MINUTE, "fail"), (HOUR, "start")), HOUR, "failed", id="the next run is no success yet"),
        pytest.param(said((MINUTE, "fail"), (HOUR, "ok")), HOUR, "up", id="the next run went well"),
        pytest.param(said((MINUTE, "start"), (HOUR, "fail")), 3 * HOUR, "failed", id="a run that failed does not hang"),
        pytest.param(said((HOUR, "log")), DAY + HOUR, "missing", id="a remark is no sign of life"),
        pytest.param(said((HOUR, "ok"), (MINUTE, "fail")), 2 * HOUR, "failed", id="the last to come counts"),
    ],
)  # fmt: skip
def test_what_it_is(pulse: Pulse, after: timedelta, state: str) -> None:
    assert look(pulse, BACKUP, NOON + after).state == state


def test_time_in_which_pager_was_down_does_not_count() -> None:
    down = [(NOON + 2 * HOUR, NOON + 12 * HOUR)]

    assert look(NEW, BACKUP, NOON + DAY + 10 * HOUR, down).state == "new"
    assert look(NEW, BACKUP, NOON + DAY + 11 * HOUR, down).state == "missing"


def test_without_grace_a_run_may_take_as_long_as_its_turn() -> None:
    hourly = Heartbeat(name="backup", every=HOUR)
    pulse = said((timedelta(), "ok"), (MINUTE, "start"))

    assert look(pulse, hourly, NOON + 59 * MINUTE).state == "started"
    assert look(heard(pulse, Beat("backup"), NOON + 50 * MINUTE), hourly, NOON + HOUR).state == "up"
    assert look(pulse, hourly, NOON + HOUR + MINUTE).state == "overrun"


def test_runs_with_a_name_are_told_apart() -> None:
    pulse = heard(NEW, Beat("backup", "start", run="a"), NOON)

    other = heard(pulse, Beat("backup", run="b"), NOON + MINUTE)
    assert (other.began_at, other.lasted) == (NOON, None)
    ended = heard(other, Beat("backup", run="a"), NOON + 2 * MINUTE)
    assert (ended.began_at, ended.lasted) == (None, 2 * MINUTE)
    unnamed = heard(pulse, Beat("backup"), NOON + MINUTE)
    assert (unnamed.began_at, unnamed.lasted) == (None, None)


def test_the_last_word_is_kept_until_the_next_run_ends() -> None:
    pulse = heard(NEW, Beat("backup", "fail", 3, word="disk full"), NOON)
    assert (pulse.word, pulse.exit_status) == ("disk full", 3)
    pulse = heard(pulse, Beat("backup", "start"), NOON + MINUTE)
    assert pulse.word == "disk full"
    pulse = heard(pulse, Beat("backup"), NOON + 2 * MINUTE)
    assert (pulse.word, pulse.exit_status) == ("", None)


@given(st.lists(st.tuples(st.sampled_from(["ok", "start", "fail", "log"]), st.integers(0, 2000)), max_size=8))
def test_a_ping_told_twice_is_a_ping_told_once(pings: list[tuple[Kind, int]]) -> None:
    once = twice = NEW
    for kind, minutes in sorted(pings, key=lambda ping: ping[1]):
        at = NOON + minutes * MINUTE
        once = heard(once, Beat("backup", kind), at)
        twice = heard(heard(twice, Beat("backup", kind), at), Beat("backup", kind), at)

    states = [look(pulse, BACKUP, NOON + 2 * DAY).state for pulse in (once, twice)]
    assert states[0] == states[1]


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_what_is_an_alarm_stays_one_until_something_is_heard(first: int, second: int) -> None:
    early, late = sorted((NOON + first * MINUTE, NOON + second * MINUTE))

    assert not look(NEW, BACKUP, early).is_alarm or look(NEW, BACKUP, late).is_alarm


# Watchdogs.


def watchdog(source: str = "prom", status: str = "firing", **labels: str) -> Alert:
    told = {"alertname": "Watchdog", "severity": "none", **labels}
    return Alert(source, "firing" if status == "firing" else "resolved", told, NOON)


def test_each_label_set_and_each_sender_is_an_instance() -> None:
    alerts = [watchdog(cluster="eu"), watchdog(cluster="us"), watchdog("other", cluster="eu"), watchdog(cluster="eu")]
    instances = [beat.instance for alert in alerts for beat in beats_of(alert, [WATCHDOG])]

    assert (len(instances), len(set(instances)), instances[0] == instances[3]) == (4, 3, True)


def test_a_watchdog_that_is_resolved_has_failed() -> None:
    assert [beat.kind for beat in beats_of(watchdog(status="resolved"), [WATCHDOG])] == ["fail"]


@pytest.mark.parametrize(
    ("alert", "respond", "level", "policy"),
    [
        pytest.param(watchdog(), "none", "SEV-1", "default", id="a watchdog that is expected pages nobody"),
        pytest.param(
            Alert(HEARTBEATS, "firing", {"alertname": "HeartbeatMissing", "heartbeat": "backup"}, NOON),
            *("", "SEV-3", "default"),
            id="what is missing is as severe as its heartbeat",
        ),
        pytest.param(
            Alert("prom", "firing", {"alertname": "Down", "heartbeat": "backup", "severity": "warning"}, NOON),
            *("", "SEV-3", "default"),
            id="which nobody else can say",
        ),
    ],
)  # fmt: skip
def test_the_files_say_what_becomes_of_it(alert: Alert, respond: str, level: str, policy: str) -> None:
    decision = classify(alert, catalog(heartbeats=(BACKUP, WATCHDOG)))

    assert (decision.respond, decision.severity, decision.policy) == (respond, level, policy)
    assert decision.rule.startswith("heartbeat ") == (alert.source == HEARTBEATS or respond == "none")


def test_an_alert_about_a_watchdog_is_no_sign_of_it() -> None:
    about = Alert(HEARTBEATS, "firing", {"alertname": "Watchdog", "heartbeat": "prometheus"}, NOON)

    assert list(beats_of(about, [WATCHDOG])) == []


# What is told.


@pytest.mark.parametrize(
    ("pulse", "written", "after", "title", "summary"),
    [
        pytest.param(
            *(NEW, BACKUP, 2 * DAY),
            "backup has never been heard, and should have been since 2026-03-02 12:00:00 UTC",
            "It should be heard every 1d, with 1h of grace.",
            id="never heard",
        ),
        pytest.param(
            *(said((MINUTE, "ok"), word="42 files\nall is well\n"), BACKUP, 2 * DAY),
            "backup has not been heard since 2026-03-02 12:01:00 UTC",
            "It should be heard every 1d, with 1h of grace. Its last word: all is well",
            id="missing",
        ),
        pytest.param(
            *(heard(NEW, Beat("backup", "fail", 3), NOON), BACKUP, MINUTE),
            "backup failed at 2026-03-02 12:00:00 UTC with exit status 3",
            "It should be heard every 1d, with 1h of grace.",
            id="failed",
        ),
        pytest.param(
            *(said((MINUTE, "start")), BACKUP, 2 * HOUR),
            "backup began at 2026-03-02 12:01:00 UTC and has not ended",
            "It should be heard every 1d, with 1h of grace.",
            id="hangs",
        ),
        pytest.param(
            *(Pulse("prometheus", NOON, "f00", {"cluster": "eu", "source": "prom"}, NOON), WATCHDOG, HOUR),
            "prometheus (cluster=eu) has not been heard since 2026-03-02 12:00:00 UTC",
            "It should be heard every 5m. By way of Alertmanager it needs a repeat_interval below that. "
            "If it is gone for good: pagerctl heartbeat forget prometheus f00",
            id="one instance of a watchdog",
        ),
        pytest.param(
            *(Pulse("prometheus", NOON, "f00", {"source": "prom"}, NOON, failed_at=NOON), WATCHDOG, HOUR),
            "prometheus (from prom) was resolved at 2026-03-02 12:00:00 UTC: it should always fire",
            "It should be heard every 5m. If it is gone for good: pagerctl heartbeat forget prometheus f00",
            id="a watchdog that was resolved",
        ),
    ],
)  # fmt: skip
def test_what_is_told(pulse: Pulse, written: Heartbeat, after: timedelta, title: str, summary: str) -> None:
    told = alarm(pulse, written, look(pulse, written, NOON + after))

    assert (told.annotations["title"], told.annotations["summary"]) == (title, summary)
    assert (told.source, told.labels["heartbeat"], told.labels.get("source")) == (HEARTBEATS, pulse.name, None)


def test_labels_however_long_leave_room_for_what_became_of_it() -> None:
    labels = {f"label-{number}-{'x' * 99}": "line\n" * 99 for number in range(9)} | {"source": "prom"}
    pulse = Pulse("prometheus", NOON, "f00", labels, NOON)
    title = alarm(pulse, WATCHDOG, look(pulse, WATCHDOG, NOON + HOUR)).annotations["title"]

    assert (len(title) < 200, title.endswith(") has not been heard since 2026-03-02 12:00:00 UTC"), "\n" in title) == (
        *(True, True, False),
    )


def test_labels_of_an_instance_go_along_but_for_those_that_say_what_it_is() -> None:
    labels = {"alertname": "Watchdog", "severity": "none", "cluster": "eu", "source": "prom"}
    pulse = Pulse("prometheus", NOON, "f00", labels, NOON)

    told = alarm(pulse, WATCHDOG, look(pulse, WATCHDOG, NOON + HOUR))
    assert told.labels == {
        "alertname": "HeartbeatMissing", "heartbeat": "prometheus", "cluster": "eu", "sender": "prom"
    }  # fmt: skip


# The files change.


def test_what_no_file_names_is_waited_for_anew_when_it_comes_back_much_later() -> None:
    gone = follow(NEW, False, NOON + HOUR)
    assert (gone.gone_at, follow(gone, False, NOON + DAY)) == (NOON + HOUR, gone)
    assert follow(gone, True, NOON + 2 * HOUR) == NEW
    assert follow(gone, True, NOON + 3 * DAY).since == NOON + 3 * DAY


def test_an_instance_belongs_while_its_labels_match() -> None:
    pulse = Pulse("prometheus", NOON, "f00", {"alertname": "Watchdog", "cluster": "eu", "source": "prom"})
    other = WATCHDOG.model_validate({**WATCHDOG.model_dump(), "watchdog": ["alertname = Watchdog", "cluster = us"]})

    assert [belongs(pulse, written) for written in (WATCHDOG, other, BACKUP, None)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param({"name": "nightly backup"}, "write up to 64 letters", id="a name that is no part of an address"),
        pytest.param({"every": "0s"}, "write 5m or 24h", id="no time at all"),
        pytest.param(
            {"watchdog": ["severity = critical"]}, "it names one alert", id="a watchdog that mutes what pages"
        ),
        pytest.param({"watchdog": ['alertname =~ ".*"']}, "it names one alert", id="a watchdog that mutes all"),
        pytest.param({"runbook": "wiki"}, "not a runbook", id="a runbook that is no link"),
    ],
)
def test_what_people_write_is_checked(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Heartbeat.model_validate({"name": "backup", "every": "24h", **wrong})
