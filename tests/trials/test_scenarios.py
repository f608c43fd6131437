"""Rules 42 and 43: every verb and every expectation of the users' own tests, in their own words."""

from pathlib import Path

import pytest

from pager.many_trials import WORTH_IT, run_many
from tests.support import covers
from tests.trials.house import NIGHT, case, catalog_of, play, told

DOWN = "alerts: [{labels: {alertname: Down}}]"
SLOW = "alerts: [{labels: {alertname: Slow}}]"
ALL = '"0m ana", "5m bo", "5m channel:chat", "15m team:shop"'


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(f'{SLOW}\nexpect: {{pages: [{ALL}, "30m everyone"]}}', id="without then: until `then` was paged"),
        pytest.param(
            f"{DOWN}\nthen: [{{after: 4m, wait: true}}]\n"
            "expect: {severity: SEV-1, rule: down, policy: shop, state: triggered,\n"
            '  runbook: "https://runbooks.example.org/down", pages: ["0m everyone", "0m commander", "0m ana"]}',
            id="a role as written, everyone where it adds somebody, the order of one instant does not matter",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 300s, wait: true}}]\nexpect: {{pages: [0s ana, 5m bo, '5m channel:chat']}}",
            id="durations are compared as time, and the last instant counts",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 5m, ack: bo}}]\nexpect: {{pages: [0m ana], state: acknowledged}}",
            id="ack: what people say comes before clocks",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, ack: bo}}, {{after: 62m, wait: true}}]\n"
            "expect: {state: triggered, pages: [0m ana, 62m ana, 62m bo]}",
            id="an ack that ran out pages step 1 and the former acker",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, ack: bo}}, {{after: 150s, undo: bo}}, {{after: 6m, wait: true}}]\n"
            "expect: {state: triggered, pages: [0m ana, 5m bo, '5m channel:chat']}",
            id="undo: the clocks are as before",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, ack: bo}}, {{after: 50m, note: bo}}, {{after: 63m, wait: true}}]\n"
            "expect: {state: acknowledged, pages: [0m ana]}",
            id="note: an act restarts the expiry",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, mitigate: bo}}, {{after: 10h, wait: true}}]\n"
            "expect: {state: mitigated, pages: [0m ana]}",
            id="mitigate: no steps",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, escalate: ana}}]\nexpect: {{pages: [0m ana, 2m bo, '2m channel:chat']}}",
            id="escalate: the next step now",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Each, n: 1}}, {labels: {alertname: Each, n: 2}}]\n"
            "then: [{after: 1m, merge: {from: 2, into: 1}}, {after: 3m, resolve: true}, {after: 9m, wait: true}]\n"
            "expect: {incidents: [{state: resolved, pages: [0m ana], told: [5m ana resolved]},\n"
            "  {state: resolved, pages: [0m ana], told: [1m ana merged]}]}",
            id="merge: the younger goes into the older, and who was paged for it is told",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, snooze: {{by: ana, for: 3h}}}}, {{after: 181m, wait: true}}]\n"
            "expect: {pages: [0m ana, 181m ana]}",
            id="snooze: an ack with a chosen end",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, severity: {{to: SEV-1, by: ana}}}}]\n"
            "expect: {severity: SEV-1, pages: [0m ana, 1m everyone, 1m commander]}",
            id="severity: also and the roles now",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: true}}, {{after: 3m, wait: true}}]\n"
            "expect: {state: resolved, pages: [0m ana], told: [3m ana resolved]}",
            id="resolve: true is the source, and who was paged is told two minutes later",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: true}}]\nexpect: {{state: resolved, told: []}}",
            id="the clock stops with the last entry",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: chi}}]\nexpect: {{state: resolved, told: [1m ana]}}",
            id="resolve: chi is a person, and told may leave out why",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: chi}}, {{after: 61m, wait: true}}]\n"
            "expect: {incidents: [{state: resolved, pages: [0m ana]}, {state: triggered, pages: [61m ana]}]}",
            id="what fires on after a person's resolve opens a second incident",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, alert: {{labels: {{alertname: Slow}}, status: resolved}}}}]\n"
            "expect: {state: resolved}",
            id="alert: with a status, it may be a resolve",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, ack: ana}}, {{after: 2m, alert: {{labels: {{alertname: Slow}}}}}}]\n"
            "expect: {told: []}",
            id="alert: an equal one is a repeat",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, ack: ana}}, {{after: 2m, alert: {{labels: {{alertname: Slow, n: 2}}}}}}]\n"
            "expect: {told: [2m ana joined], pages: [0m ana]}",
            id="alert: another of its group joins, and the acker is told; numbers are texts",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Many, n: 1}}, {labels: {alertname: Many, n: 2}}]\n"
            "then: [{after: 1m, ack: ana}, {after: 2m, alert: {labels: {alertname: Many, n: 3}}}]\n"
            "expect: {severity: SEV-1, told: [2m ana joined, 2m ana raised],\n"
            "  pages: [0m ana, 2m everyone, 2m commander]}",
            id="promote by count: told and not paged is the acker",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Slow}, source: one}, {labels: {alertname: Slow}, source: two}]\n"
            "then: [{after: 1m, alert: {labels: {alertname: Slow}, source: one, status: resolved}}]\n"
            "expect: {state: triggered}",
            id="each source has its own alert",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: true}}, {{after: 5m, alert: {{labels: {{alertname: Slow}}}}}}]\n"
            "expect: {state: triggered, pages: [0m ana, 5m ana], told: [3m ana resolved], incidents: [{rule: slow}]}",
            id="a re-fire within 15 minutes is the same incident",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: true}}, {{after: 17m, alert: {{labels: {{alertname: Slow}}}}}}]\n"
            "expect: {incidents: [{state: resolved}, {pages: [17m ana]}]}",
            id="later it is another one",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Each, n: 1}}, {labels: {alertname: Each, n: 2}}]\n"
            "then: [{after: 1m, ack: ana}, {after: 2m, ack: bo, incident: 1}, {after: 6m, wait: true}]\n"
            "expect: {incidents: [{state: acknowledged, pages: [0m ana]}, {state: acknowledged, pages: [0m ana]}]}",
            id="the newest open one is meant, and incident: names another",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Each, n: 1}}, {labels: {alertname: Each, n: 2}}]\n"
            "then: [{after: 1m, resolve: true, incident: 1}]\n"
            "expect: {incidents: [{state: resolved}, {state: triggered}]}",
            id="the source resolves one incident",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, away: bo}}, {{after: 5m, wait: true}}]\n"
            "expect: {pages: [0m ana, 5m chi, '5m channel:chat']}",
            id="away: from then on the next of the ring stands in",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Chat}}]\nthen: [{after: 0m, dead: chat}, {after: 5m, wait: true}]\n"
            "expect: {pages: ['0m channel:chat', 5m person:dee]}",
            id="dead from then on: what was sent before arrived",
        ),
        pytest.param(
            "then: [{after: 0m, dead: chat}, {after: 1m, alert: {labels: {alertname: Chat}}}]\n"
            "expect: {pages: ['1m channel:chat', 1m person:dee]}",
            id="dead: a channel fails, which counts, and the next is paged at once",
        ),
        pytest.param(
            "then: [{after: 0m, dead: ana.push}, {after: 1m, alert: {labels: {alertname: Slow}}}]\n"
            "expect: {pages: [1m ana]}",
            id="dead: with one contact left she is reached",
        ),
        pytest.param(
            "then: [{after: 0m, dead: ntfys}, {after: 0m, dead: ana.call},\n"
            "  {after: 1m, alert: {labels: {alertname: Slow}}}]\n"
            "expect: {pages: [1m ana, 1m bo, '1m channel:chat', 1m team:shop, 1m all people]}",
            id="dead: a provider, and everybody behind it",
        ),
        pytest.param(
            "then: [{after: 0m, dead: chat}, {after: 1m, alive: chat},\n"
            "  {after: 2m, alert: {labels: {alertname: Chat}}}]\n"
            "expect: {pages: ['2m channel:chat']}",
            id="alive again",
        ),
        pytest.param(
            f"{NIGHT}\nalerts: [{{labels: {{alertname: Late}}}}]\nthen: [{{after: 29m, wait: true}}]\n"
            "expect: {held: hours, pages: [], severity: SEV-3}",
            id="held: hours",
        ),
        pytest.param(
            f"{NIGHT}\nalerts: [{{labels: {{alertname: Late}}}}]\nthen: [{{after: 35m, wait: true}}]\n"
            "expect: {held: hours, severity: SEV-2, pages: [30m ana, 35m bo, '35m channel:chat']}",
            id="promote by time ends it",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Waits}}]\nthen: [{after: 3m, wait: true}]\n"
            "expect: {held: group_wait, pages: [3m ana]}",
            id="held: group_wait, and then not any more",
        ),
        pytest.param(f"{SLOW}\nexpect: {{held: none}}", id="held: none"),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, silence: {{match: [alertname = Slow], for: 1h, by: ana, why: known}}}},\n"
            "  {after: 50m, wait: true}]\nexpect: {held: silence, pages: [0m ana]}",
            id="silence: the steps stop",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, silence: {{match: [alertname = Slow], for: 1h, by: ana, why: known}}}},\n"
            "  {after: 61m, wait: true}]\nexpect: {pages: [0m ana, 61m ana]}",
            id="silence: at its end a new run",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, silence: {{match: [alertname = Slow], for: 1h, by: ana, why: known}}}},\n"
            "  {after: 20m, unsilence: true}]\nexpect: {pages: [0m ana, 20m ana]}",
            id="unsilence: one that ends early pages at once",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, ack: ana}}, {{after: 20m, stale: true}}]\n"
            "expect: {pages: [0m ana], state: resolved, told: []}",
            id="stale: what somebody has closes as not heard of",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, stale: true}}, {{after: 5m, wait: true}}]\n"
            "expect: {pages: [0m ana, 5m bo, '5m channel:chat'], state: triggered}",
            id="stale: what nobody has pages on",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, stale: true}}, {{after: 3m, ack: ana}}]\nexpect: {{state: resolved}}",
            id="stale: and closes once somebody has it",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, ack: ana}}, {{after: 3m, stale: true}},\n"
            "  {after: 30m, alert: {labels: {alertname: Slow}}}]\n"
            "expect: {incidents: [{state: resolved}, {state: triggered, pages: [30m ana]}]}",
            id="stale: to be heard of again is new",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Slow}}, {labels: {alertname: Small}}]\n"
            "then: [{after: 1m, stale: true, incident: 2}]\n"
            "expect: {incidents: [{state: triggered}, {state: resolved}]}",
            id="stale: one of several",
        ),
        pytest.param(
            "then: [{after: 0m, silence: {match: [env = prod], for: 2h, by: ana, why: deploy}},\n"
            "  {after: 1m, alert: {labels: {alertname: Slow, env: prod}}}, {after: 1h, wait: true}]\n"
            "expect: {held: silence, pages: []}",
            id="silence before the alert: nobody is paged",
        ),
        pytest.param(
            "at: 2026-01-06 23:00 Europe/Berlin\nalerts: [{labels: {alertname: Slow, env: staging}}]\n"
            "then: [{after: 4h, wait: true}]\nexpect: {held: maintenance,\n"
            "  pages: [3h ana, 185m bo, '185m channel:chat',\n"
            "  195m team:shop, 210m everyone, 4h everyone]}",
            id="maintenance of the files, and a new run at its end",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Down}}, {labels: {alertname: Slow}}]\nthen: [{after: 4m, wait: true}]\n"
            "expect: {incidents: [{rule: down}, {rule: slow, held: inhibition, pages: []}]}",
            id="held: inhibition",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Slow}}, {labels: {alertname: Down}}]\n"
            "expect: {incidents: [{rule: slow, held: inhibition, pages: []}, {rule: down, state: triggered}]}",
            id="what is held for good is not waited for",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Small}}]\nexpect: {pages: ['0m channel:issues'], severity: SEV-4}",
            id="a ticket is shown as its channel",
        ),
        pytest.param("alerts: [{labels: {alertname: Small}}]\nexpect: {pages: [0m issues]}", id="or by its name alone"),
        pytest.param("alerts: [{labels: {alertname: Nothing}}]\nexpect: {pages: [], told: []}", id="the backlog"),
        pytest.param(
            "alerts: [{labels: {alertname: Nothing}}]\nthen: [{after: 7d, wait: true}]\n"
            "expect: {severity: SEV-5, pages: [], told: [141h ana digest]}",
            id="which stands in Monday's digest, at nine of whom step 1 pages",
        ),
        pytest.param("alerts: [{labels: {alertname: Watchdog}}]\nexpect: {incidents: []}", id="no incident at all"),
        pytest.param(
            "alerts: [{labels: {alertname: Each, n: 1}}, {labels: {alertname: Each, n: 2}},\n"
            "  {labels: {alertname: Each, n: 3}}, {labels: {alertname: Each, n: 4}},\n"
            "  {labels: {alertname: Each, n: 5}}]\n"
            "then: [{after: 4m, wait: true}]\n"
            "expect: {pages: [0m ana, 0m ana, 0m ana], told: [2m ana bundle]}",
            id="a page that went into a bundle is told, and not listed at its instant",
        ),
        pytest.param("alerts: [{labels: {alertname: X}}]\nexpect: {rule: ''}", id="no rule matched"),
    ],
)
@covers("R42", "R43")
def test_a_case_passes(tmp_path: Path, written: str) -> None:
    assert told(play(tmp_path, written)) == []


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        pytest.param(
            f"{SLOW}\nthen: [{{after: 4m, wait: true}}]\nexpect: {{pages: [0m ana, 0m bo]}}",
            ["pages: 0m bo | -"],
            id="a page that did not go out",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 4m, wait: true}}]\nexpect: {{pages: []}}",
            ["pages: - | 0m ana"],
            id="one that should not have",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 4m, wait: true}}]\nexpect: {{pages: [1m ana]}}",
            ["pages: - | 0m ana", "pages: 1m ana | -"],
            id="one at another time",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 4m, wait: true}}]\nexpect: {{pages: [0m ana, 0m ana]}}",
            ["pages: 0m ana | -"],
            id="once is not twice",
        ),
        pytest.param(
            f"{SLOW}\nexpect: {{severity: SEV-1, rule: down, policy: chat, state: resolved, runbook: x, held: hours}}",
            [
                "severity: SEV-1 | SEV-2",
                "rule: down | slow",
                "policy: chat | shop",
                "runbook: x | https://runbooks.example.org/Slow",
                "state: resolved | triggered",
                "held: hours | none",
            ],
            id="facts",
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, ack: ana}}]\nexpect: {{told: [1m ana, 1m bo joined]}}",
            ["told: 1m ana | -", "told: 1m bo joined | -"],
            id="told",
        ),
        pytest.param(
            "alerts: [{labels: {alertname: Watchdog}}]\nexpect: {severity: SEV-1}",
            ["severity: SEV-1 | no incident"],
            id="no incident",
        ),
        pytest.param(
            f"{SLOW}\nexpect: {{incidents: [{{severity: SEV-2}}, {{}}]}}",
            ["incidents: 2 | 1: SEV-2 Slow"],
            id="how many",
        ),
        pytest.param(
            f"{SLOW}\nexpect: {{incidents: [{{severity: SEV-3}}]}}",
            ["incident 1: severity: SEV-3 | SEV-2"],
            id="which of them",
        ),
        pytest.param(
            "then: [{after: 1m, ack: ana}]", ["it 1: ack: no incident at 1m; there is none"], id="nothing to ack"
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 2m, ack: ana, incident: 3}}]",
            ["it 1: ack: no incident 3 at 2m; there are 1"],
            id="not so many incidents",
        ),
        pytest.param(
            "then: [{after: 1m, unsilence: true}]", ["it 1: unsilence at 1m: there is no silence"], id="no silence"
        ),
        pytest.param(
            f"{SLOW}\nthen: [{{after: 1m, resolve: true}}, {{after: 2m, stale: true}}]",
            ["it 1: stale at 2m: no alert fires that could become stale"],
            id="nothing that fires",
        ),
        pytest.param(
            "then: [{after: 1m, silence: {match: ['a =~ \".*\"'], for: 1h, by: ana, why: x}}]",
            ["silence at 1m: hides everything"],
            id="a silence that the daemon would refuse",
        ),
    ],
)
@covers("R43")
def test_a_case_fails_and_says_how(tmp_path: Path, written: str, wrong: list[str]) -> None:
    found = told(play(tmp_path, written))

    assert len(found) == len(wrong)
    assert all(part in line for part, line in zip(wrong, found, strict=True)), found


def test_cases_know_nothing_of_each_other(tmp_path: Path) -> None:
    silenced = (
        "then: [{after: 0m, silence: {match: [alertname = Slow], for: 24h, by: ana, why: x}}, {after: 0m, dead: chat}]"
    )
    away = "then: [{after: 0m, away: ana}]"
    plain = (
        f"{SLOW}\nthen: [{{after: 5m, wait: true}}]\nexpect: {{held: none, pages: [0m ana, 5m bo, '5m channel:chat']}}"
    )

    assert told(play(tmp_path, silenced, plain, away, plain)) == []


def test_a_case_runs_the_same_every_time(tmp_path: Path) -> None:
    case = f"{DOWN}\nthen: [{{after: 0m, dead: ntfys}}, {{after: 10m, wait: true}}]"
    first, second = play(tmp_path, case, case)

    assert first.stories[0].pages == second.stories[0].pages
    assert first.stories[0].incident.number == second.stories[0].incident.number == 1


def test_many_cases_are_shared_out_and_come_back_in_their_order(tmp_path: Path) -> None:
    few = [f"then: [{{after: {number}m, wait: true}}]\nexpect: {{incidents: []}}" for number in range(WORTH_IT)]
    fails = f"{SLOW}\nthen: [{{after: 1m, wait: true}}]\nexpect: {{pages: []}}"
    catalog = catalog_of(tmp_path, *(case(text, f"it {number}") for number, text in enumerate([*few, fails])))
    results = run_many(catalog, catalog.tests)

    assert [(result.case.name, result.place) for result in results] == [(p.case.name, p.place) for p in catalog.tests]
    assert told(results) == ["pages: - | 0m ana"]
    assert [entry.text for entry in results[-1].stories[0].timeline][-1] == "step 1 pages ana (shop)"
