"""Subjects: what they say of whether it goes on, and what stays the same whichever they say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pager.sources.states import KINDS, said_in

PAIRS = """
** PROBLEM Service Alert: web1/HTTP is CRITICAL ** | ** RECOVERY Service Alert: web1/HTTP is OK **
** PROBLEM Host Alert: web1 is DOWN **             | ** RECOVERY Host Alert: web1 is UP **
[PROBLEM] HTTP on web1 is CRITICAL!                | [RECOVERY] HTTP on web1 is OK!
[FIRING:2] InstanceDown (host job)                 | [RESOLVED] InstanceDown (host job)
[FIRING:1] DiskFull (eu-1 critical)                | [RESOLVED] DiskFull (eu-1 critical)
Disk of db1 (CRITICAL)                             | Disk of db1 [ok]
[FIRING:1, RESOLVED:1] InstanceDown                | [RESOLVED:2] InstanceDown
[prod] [FIRING] Disk full                          | [prod] [RESOLVED] Disk full
[CRITICAL] Disk full                               | [RESOLVED] [CRITICAL] Disk full
Problem: High CPU utilization                      | Resolved in 4m 0s: High CPU utilization
Updated problem in 2m 3s: High CPU utilization     | OK: High CPU utilization
ALARM: "cpu" in EU (Ireland)                       | OK: "cpu" in EU (Ireland)
Monitor is DOWN: web1                              | Monitor is UP: web1
web1 is down                                       | web1 is back up
Checkmk: web1/HTTP OK -> CRIT                      | Checkmk: web1/HTTP CRIT -> OK
Backup of db1 failed                               | Backup of db1 succeeded
vzdump status (pve1): backup failed                | vzdump status (pve1): backup successful
Backup of db1: FAILED                              | Re: Backup of db1: OK
Power supply 2 is not OK                           | Power supply 2 is OK
Alert triggered: disk on db1                       | Alert resolved: disk on db1
🔴 Down: web1                                       | ✅ Resolved: web1
host db1 DOWN                                      | host db1 UP
"""


def rows() -> list[tuple[str, str]]:
    pairs = [line.partition("|") for line in PAIRS.strip().splitlines()]
    return [(on.strip(), over.strip()) for on, _, over in pairs]


@pytest.mark.parametrize(("on", "over"), [pytest.param(*row, id=row[0]) for row in rows()])
def test_what_ends_is_what_began(on: str, over: str) -> None:
    began, ended = said_in(on), said_in(over)

    assert (began.state, ended.state) == ("firing", "resolved")
    assert began.about == ended.about != ""


@pytest.mark.parametrize(
    "subject",
    [
        "Error rate is up",
        "Disk filling up",
        "NOT OK: web1",
        "Cron <root@web1> run-parts /etc/cron.daily",
        "OK to proceed with the deploy",
        "UPS1 ON BATTERY, LINE NOT UP",
        "WARNING: the backup reports OK",
        "Critical: db1 is OK",
        "Unresolved: web1",
        "Resolution of web1",
        "Service isn't OK",
        "A closed door",
        "the success of all",
    ],
)
def test_in_doubt_it_goes_on(subject: str) -> None:
    assert said_in(subject).state in ("firing", "")


def test_a_severity_among_other_words_is_a_part_of_it() -> None:
    assert said_in("[FIRING:1] DiskFull (eu-1 critical)").about == "DiskFull (eu-1 critical)"


def test_an_acknowledgement_is_no_alert() -> None:
    assert said_in("** ACKNOWLEDGEMENT Service Alert: web1/HTTP is CRITICAL **").state == "quiet"


@pytest.mark.parametrize(
    ("subject", "state", "about"),
    [
        pytest.param("UPS: power restored on ups1", "resolved", "UPS: on ups1", id="over"),
        pytest.param("UPS: Power  Failure on ups1", "firing", "UPS: on ups1", id="in other letters"),
        pytest.param("power failure, power restored", "firing", "", id="both"),
        pytest.param("UPS: empowered", "", "UPS: empowered", id="a part of a word"),
    ],
)
def test_a_source_has_words_of_its_own(subject: str, state: str, about: str) -> None:
    said = said_in(subject, ["power restored", "power"], ["power failure"])

    assert said.state == state
    assert said.about == about


words = st.sampled_from(
    [*KINDS, "OK", "UP", "DOWN", "is", "->", "[", "]", ":", "-", "not", "web1", "**", "RE:", "(", "\t"]
)


@settings(max_examples=60)
@given(st.lists(words, max_size=30).map(" ".join) | st.text(max_size=400))
def test_any_line_says_something_or_nothing(line: str) -> None:
    said = said_in(line)

    assert said.state in ("firing", "resolved", "quiet", "")
    assert "\n" not in said.about
