"""What `pagerctl check` finds: each row is a folder with one thing wrong, and the one line that says so."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.assemble import Part, assemble
from pager.core.documents import RulesFile
from pager.core.findings import Finding
from pager.files import load_catalog
from tests.config.folders import NOW, load, told, write_folder
from tests.support import covers


def policy(target: str) -> dict[str, str]:
    return {"rules/b.yaml": f"policies:\n  extra:\n    steps:\n      - page: [{target}]\n"}


def rules(*written: str) -> dict[str, str]:
    return {"rules/b.yaml": "rules:\n" + "".join(f"  - {rule}\n" for rule in written)}


def people(text: str) -> dict[str, str]:
    return {"schedules/more.yaml": text}


def schedule(text: str) -> dict[str, str]:
    head = 'schedule: extra\nrotation: [{from: 2026-01-05, handoff: "0 9 * * *", people: [ana, bo]}]\n'
    return {"schedules/extra.yaml": head + text}


def private(names: str) -> dict[str, str]:
    return {"rules/b.yaml": f"rules:\n  - name: insider\n    private: [{names}]\n"}


PERSON = 'contacts: {push: "console://"}'

REFERENCES = [
    pytest.param(
        policy("shopp"),
        'rules/b.yaml:4:16 E103 unknown schedule "shopp" (did you mean "shop"?)',
        id="a policy pages a schedule that nobody has",
    ),
    pytest.param(
        policy('shop, "person:anna"'),
        'rules/b.yaml:4:22 E101 unknown person "anna" (did you mean "ana"?)',
        id="a policy pages a person that nobody is",
    ),
    pytest.param(
        policy("ana"),
        'rules/b.yaml:4:16 E103 unknown schedule "ana" (did you mean "person:ana"?)',
        id="a bare name of a person is taken for a schedule and the prefix is offered",
    ),
    pytest.param(
        policy('shop, "team:shpo"'),
        'rules/b.yaml:4:22 E102 unknown team "shpo" (did you mean "shop"?)',
        id="a policy pages an unknown team",
    ),
    pytest.param(
        private("annna"),
        'rules/b.yaml:3:15 E101 unknown person "annna" (did you mean "ana"?)',
        id="a private rule names a person that nobody is",
    ),
    pytest.param(
        private("shop"),
        'rules/b.yaml:3:15 E101 unknown person "shop" (did you mean "team:shop"?)',
        id="a bare name of a team is taken for a person and the prefix is offered",
    ),
    pytest.param(
        private('ana, "team:shpo"'),
        'rules/b.yaml:3:20 E102 unknown team "shpo" (did you mean "shop"?)',
        id="a private rule names an unknown team",
    ),
    pytest.param(
        policy('shop, "channel:chatt"'),
        'rules/b.yaml:4:22 E104 unknown channel "chatt" (did you mean "chat"?)',
        id="a policy pages an unknown channel",
    ),
    pytest.param(
        policy("{schedule: shoop, rank: 2}"),
        'rules/b.yaml:4:16 E103 unknown schedule "shoop" (did you mean "shop"?)',
        id="a rank of an unknown schedule",
    ),
    pytest.param(
        {"rules/b.yaml": "policies:\n  extra:\n    steps: [{page: [shop]}]\n    then: [everyone, shopp]\n"},
        'rules/b.yaml:4:22 E103 unknown schedule "shopp" (did you mean "shop"?)',
        id="then names an unknown schedule",
    ),
    pytest.param(
        {"rules/b.yaml": "policies:\n  extra:\n    team: shpo\n    steps: [{page: [shop]}]\n"},
        'rules/b.yaml:3:11 E102 unknown team "shpo" (did you mean "shop"?)',
        id="a policy belongs to an unknown team",
    ),
    pytest.param(
        rules("{name: x, match: [a = b], policy: shopp}"),
        'rules/b.yaml:2:39 E105 unknown policy "shopp" (did you mean "shop"?)',
        id="a rule asks for an unknown policy",
    ),
    pytest.param(
        {"rules/b.yaml": "defaults:\n  policy: shopp\n"},
        'rules/b.yaml:2:11 E105 unknown policy "shopp" (did you mean "shop"?)',
        id="the default policy is unknown",
    ),
    pytest.param(
        {"rules/b.yaml": "sources:\n  - {name: eu, dialect: alertmanager, policy: shopp}\n"},
        'rules/b.yaml:2:47 E105 unknown policy "shopp" (did you mean "shop"?)',
        id="a source asks for an unknown policy",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  SEV-3: {name: x, means: x, respond: page, also: ['team:x']}\n"},
        'rules/b.yaml:2:52 E102 unknown team "x"',
        id="a written severity also pages an unknown team",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  SEV-3: {name: x, means: x, respond: page, roles: [comander]}\n"},
        'rules/b.yaml:2:53 E106 unknown role "comander" (did you mean "commander"?)',
        id="a written severity asks for an unknown role",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  SEV-3: {name: x, means: x, respond: page, tell: [suport]}\n"},
        'rules/b.yaml:2:52 E107 unknown group of stakeholders "suport"',
        id="a written severity tells unknown stakeholders",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  SEV-3: {name: x, means: x, respond: ticket, ticket: isues}\n"},
        'rules/b.yaml:2:55 E104 unknown channel "isues" (did you mean "issues"?)',
        id="tickets go to an unknown channel",
    ),
    pytest.param(
        people("teams:\n  night: {people: [ana, boo], channel: chta}\n"),
        'schedules/more.yaml:2:25 E101 unknown person "boo" (did you mean "bo"?)',
        id="a team has an unknown person",
    ),
    pytest.param(
        people("roles:\n  scribe: {schedule: shpo}\n"),
        'schedules/more.yaml:2:22 E103 unknown schedule "shpo" (did you mean "shop"?)',
        id="a role has an unknown schedule",
    ),
    pytest.param(
        {"schedules/x.yaml": "schedule: x\nrotation:\n  - {from: 2026-01-05, people: [[ana, boo]]}\n"},
        'schedules/x.yaml:3:39 E101 unknown person "boo" (did you mean "bo"?)',
        id="an unknown person in a group of a rotation",
    ),
    pytest.param(
        schedule("away: [{who: ana, from: 2026-07-01, through: 2026-07-02, cover: boo}]\n"),
        'schedules/extra.yaml:3:65 E101 unknown person "boo" (did you mean "bo"?)',
        id="an unknown person covers",
    ),
    pytest.param(
        schedule("overrides: [{who: boo, from: 2026-07-01, to: 2026-07-02}]\n"),
        'schedules/extra.yaml:3:19 E101 unknown person "boo" (did you mean "bo"?)',
        id="an override names an unknown person without a list",
    ),
    pytest.param(
        schedule("overrides: [{replace: ana, with: [boo], from: 2026-07-01, to: 2026-07-02}]\n"),
        'schedules/extra.yaml:3:35 E101 unknown person "boo" (did you mean "bo"?)',
        id="an override puts an unknown person in place of another",
    ),
]


@pytest.mark.parametrize(("change", "expected"), REFERENCES)
def test_a_name_that_nobody_has_is_an_error_where_it_stands(
    tmp_path: Path, change: dict[str, str], expected: str
) -> None:
    loaded = load(tmp_path, change)

    assert expected in told(loaded)
    assert loaded.catalog is None


ERRORS = [
    pytest.param(
        {"rules/b.yaml": "policies:\n  shop: {steps: [{page: [shop]}]}\n"},
        'rules/b.yaml:2:3 E110 a second policy "shop"; the first is rules/a.yaml:8',
        id="a policy twice",
    ),
    pytest.param(
        people(f"people:\n  ana: {{{PERSON}}}\n"),
        'schedules/people.yaml:2:3 E110 a second person "ana"; the first is schedules/more.yaml:2',
        id="a person twice",
    ),
    pytest.param(
        people(f"people:\n  dee: {{{PERSON}, login: A@x.org}}\n  eli: {{{PERSON}, login: a@X.org}}\n"),
        'schedules/more.yaml:3:48 E110 a second login "a@x.org"; the first is schedules/more.yaml:2',
        id="a login twice",
    ),
    pytest.param(
        {"schedules/z.yaml": "schedule: shop\nrotation: [{from: 2026-01-05, people: [ana]}]\n"},
        'schedules/z.yaml:1:11 E110 a second schedule "shop"; the first is schedules/shop.yaml:1',
        id="a schedule twice",
    ),
    pytest.param(
        {"rules/b.yaml": "defaults: {unmatched: SEV-2}\n", "rules/c.yaml": "defaults: {unmatched: SEV-3}\n"},
        'rules/c.yaml:1:12 E110 a second default "unmatched"; the first is rules/b.yaml:1',
        id="a default twice",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  SEV-2: {name: x, means: x, respond: page}\n"},
        'rules/b.yaml:2:3 E110 a second severity "SEV-2"; the first is rules/a.yaml:3',
        id="a severity twice",
    ),
    pytest.param(
        {"rules/b.yaml": "sources: [{name: eu, dialect: x}, {name: eu, dialect: y}]\n"},
        'rules/b.yaml:1:42 E110 a second source "eu"; the first is rules/b.yaml:1',
        id="a source twice in one file",
    ),
    pytest.param(
        {"rules/b.yaml": "policies:\n  quiet: {steps: [{page: ['channel:chat']}], then: ['channel:chat']}\n"},
        'rules/b.yaml:2:3 E111 policy "quiet" reaches no human: none of its targets has anybody with contacts',
        id="a policy that only writes to a channel",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  SEV-3: {name: x, means: x, respond: page, also: ['tem:x']}\n"},
        "rules/b.yaml:2:52 E108 not a target: 'tem:x'; write a schedule's name, {schedule: payments, rank: 2}, "
        "person:ana, team:payments, channel:ops-chat or everyone",
        id="also has something that is no target",
    ),
    pytest.param(
        {"schedules/e.yaml": "schedule: everyone\nrotation: [{from: 2026-01-05, people: [ana]}]\n"},
        "schedules/e.yaml:1:11 E109 not a name: 'everyone'; write 64 letters, digits, - and _ at most",
        id="a schedule that no target could name",
    ),
    pytest.param(
        {"rules/b.yaml": "polcies: {}\n"},
        'rules/b.yaml:1:1 E020 unknown key "polcies" (did you mean "policies"?)',
        id="an unknown key",
    ),
    pytest.param(
        {"rules/b.yaml": "teams: {}\n"},
        'rules/b.yaml:1:1 E020 unknown key "teams" (it belongs into a file below schedules/)',
        id="a key of the other folder",
    ),
    pytest.param(
        {"schedules/b.yaml": "policies: {}\n"},
        'schedules/b.yaml:1:1 E020 unknown key "policies" (it belongs into a file below rules/)',
        id="and the other way round",
    ),
    pytest.param(
        {"schedules/b.yaml": "schedul: x\nrotation: [{from: 2026-01-05, people: [ana]}]\n"},
        'schedules/b.yaml:1:1 E020 unknown key "schedul" (did you mean "schedule"?)',
        id="a schedule whose name is misspelt",
    ),
    pytest.param(
        {"rules/b.yaml": "severities:\n  sev1: {name: x, means: x, respond: page}\n"},
        'rules/b.yaml:2:3 E023 "sev1" should be "SEV-1", "SEV-2", "SEV-3", "SEV-4" or "SEV-5", not "sev1" '
        '(did you mean "SEV-1"?)',
        id="severities are written as SEV-1",
    ),
    pytest.param(
        people("people:\n  a:b: {}\n"),
        "schedules/more.yaml:2:3 E024 not a name: 'a:b'; write 64 letters, digits, - and _ at most",
        id="a name that no target could say",
    ),
    pytest.param(
        rules("{name: x, match: ['a == b']}", "{name: y, match: ['a ~ b'], severity: SEV-9}"),
        "rules/b.yaml:3:43 E024 not a severity: 'SEV-9'; write SEV-1 (worst) to SEV-5",
        id="a severity that there is not",
    ),
    pytest.param(
        {"rules/b.yaml": "[]\n"}, "rules/b.yaml:1:1 E022 the document should be a mapping, not a list", id="a list"
    ),
]


@pytest.mark.parametrize(("change", "expected"), ERRORS)
def test_what_cannot_be_meant_is_an_error(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    loaded = load(tmp_path, change)

    assert expected in told(loaded)
    assert loaded.catalog is None


WARNINGS = [
    pytest.param(
        rules("{name: x, match: [a = b]}", "{name: y, match: [c = d, a = b]}"),
        'rules/b.yaml:3:5 W201 never reached: "x" (rules/b.yaml:2) catches the same alerts first',
        id="an earlier rule asks for less",
    ),
    pytest.param(
        rules("{name: x}", "{name: y, match: [c = d]}"),
        'rules/b.yaml:3:5 W201 never reached: "x" (rules/b.yaml:2) catches the same alerts first',
        id="an earlier rule asks for nothing",
    ),
    pytest.param(
        rules("{name: all, match: ['alertname =~ \".+\"'], severity: SEV-1}"),
        'rules/b.yaml:2:5 W202 "all" makes every alert of every team SEV-1: give the file a top-level match:',
        id="one team's catch-all over all teams",
    ),
    pytest.param(
        rules("{name: shop down, match: [a = b]}"),
        'rules/b.yaml:2:12 W203 a second rule "shop down" beside rules/a.yaml:6: their alerts join the same incidents',
        id="two rules of one name",
    ),
    pytest.param(
        {"rules/b.yaml": "policies:\n  fast: {steps: [{page: [shop], wait: 20s}]}\n"},
        "rules/b.yaml:2:39 W204 wait: 20s is short: nobody answers a page in less than 30s",
        id="a wait that nobody can keep",
    ),
    pytest.param(
        {"rules/b.yaml": "rules: [{name: x, runbook: runbooks/diskful.md}]\n", "runbooks/diskfull.md": "# Disk\n"},
        'rules/b.yaml:1:28 W205 no file "runbooks/diskful.md" (did you mean "runbooks/diskfull.md"?)',
        id="a runbook that is not written",
    ),
    pytest.param(
        {"rules/b.yaml": "heartbeats: [{name: x, every: 1h, runbook: runbooks/diskful.md}]\n"},
        'rules/b.yaml:1:44 W205 no file "runbooks/diskful.md"',
        id="a heartbeat's runbook that is not written",
    ),
    pytest.param(
        policy("{schedule: shop, rank: 3}"),
        'rules/b.yaml:4:16 W208 "shop" never has a rank 3: its longest list has 2',
        id="a rank beyond the ring",
    ),
    pytest.param(
        people("people:\n  cy: {}\n"),
        'schedules/more.yaml:2:3 W301 "cy" has no contacts: no page can reach them',
        id="a person without contacts",
    ),
    pytest.param(
        people("teams:\n  none: {people: []}\n"),
        'schedules/more.yaml:2:3 W302 team "none" has nobody in it',
        id="an empty team",
    ),
    pytest.param(
        {"rules/b.yaml": "reach: [{severity: SEV-1, within: 15m}]\n"},
        "rules/b.yaml:1:1 W907 reach: is read, not acted on yet",
        id="a promise that this version does not check",
    ),
    pytest.param(
        {"schedules/x.yaml": "schedule: x\ntimezone: Europe/Berlin\nuntil: 2026-03-30 08:00\n"
         "rotation: [{from: 2026-01-05, people: [ana]}]\n"},
        "schedules/x.yaml:1:11 W310 nobody on call 2026-03-30 08:00 - 2026-04-01 14:00 (2 d 6 h) Europe/Berlin",
        id="a schedule that ends within 30 days",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), WARNINGS)
def test_what_is_hardly_meant_is_a_finding_and_loads(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    loaded = load(tmp_path, change)

    assert expected in told(loaded)
    assert loaded.catalog is not None


FINE = [
    pytest.param({}, id="the folder of these tests"),
    pytest.param({"rules/b.yaml": "", "schedules/b.yml": "# nothing\n"}, id="empty files"),
    pytest.param(rules("{name: x, match: [c = d, a = b]}", "{name: y, match: [a = b]}"), id="the special rule first"),
    pytest.param(
        {"rules/b.yaml": "match: [team = x]\nrules: [{name: all, severity: SEV-1}]\n"},
        id="a catch-all in a file that says whose alerts are meant",
    ),
    pytest.param({"rules/b.yaml": "defaults: {unmatched: SEV-2}\n---\ndefaults: {policy: shop}\n"}, id="two halves"),
    pytest.param(
        {"schedules/x.yaml": "schedule: x\nhours: mon-fri 09:00-17:00\ngaps: ok\n"
         "rotation: [{from: 2026-01-05, people: [ana]}]\n"},
        id="gaps that are meant",
    ),
    pytest.param(
        {"schedules/x.yaml": "schedule: x\nrotation: [{from: 2026-01-05, people: [cy]}]\n"
         f"people: {{cy: {{{PERSON}}}}}\n"},
        id="a schedule and its people in one document",
    ),
    pytest.param({"rules/b.yaml": "rules: [{name: x, policy: default}]\n"}, id="the default policy by its name"),
]  # fmt: skip


@pytest.mark.parametrize("change", FINE)
def test_what_is_fine_has_no_findings(tmp_path: Path, change: dict[str, str]) -> None:
    loaded = load(tmp_path, change)

    assert told(loaded) == []
    assert loaded.catalog is not None


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "rules/b.yaml": "rules:\n  - {name: x, polcy: shop}\n---\nrules: [{name: x}\n",
            "rules/c.yaml": "polices: {}\nrules:\n  - {name: x, polcy: shop}\n"
            "  - {name: y, policy: shopp}\n  - {nme: z}\n",
            "schedules/x.yaml": "schedule: x\nrotation: [{from: 2026-01-05, people: [cy]}]\n---\npeple: {}\n",
        },
    )

    assert [line.split(" (")[0] for line in told(loaded)] == [
        'rules/b.yaml:2:15 E020 unknown key "polcy"',
        "rules/b.yaml:4:8 E010 this list is not closed, or lacks a comma",
        'rules/c.yaml:1:1 E020 unknown key "polices"',
        'rules/c.yaml:3:15 E020 unknown key "polcy"',
        'rules/c.yaml:4:23 E105 unknown policy "shopp"',
        'rules/c.yaml:5:6 E020 unknown key "nme"',
        'schedules/x.yaml:2:40 E101 unknown person "cy"',
        'schedules/x.yaml:4:1 E020 unknown key "peple"',
    ]


def test_whoever_refers_to_what_could_not_be_read_is_not_blamed(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "schedules/people.yaml": "people:\n  ana: {contacts: {push: 'nosuch://x'}}\n  bo: {contacts: {c: 'console://'}}\n"
            "teams: {shop: {peple: [bo]}}\nchannels: {chat: 'console://', issues: 'x'}\nroles: {commander: {}}\n",
            "schedules/shop.yaml": "schedule: shop\nrotation: []\n",
        },
    )

    assert {line.split()[1][:3] for line in told(loaded)} == {"E02"}


@covers("R41")
def test_a_folder_without_policies_gets_the_one_that_ships_and_is_told_so(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"rules/a.yaml": "rules: [{name: x, severity: SEV-2}]\n"})

    assert [line.split(" ", 1)[1] for line in told(loaded)] == [
        "W206 no policies: the built-in one pages everyone, three times more every 10m",
        'W207 no group of stakeholders "leadership": SEV-1 would use it by default, and skip it',
        'W207 no group of stakeholders "support": SEV-1 and SEV-2 would use it by default, and skip it',
    ]
    assert loaded.catalog is not None
    assert loaded.catalog.policy("shop")[0] == "default"


@covers("R41")
def test_a_written_severity_replaces_the_shipped_one_whole(tmp_path: Path) -> None:
    catalog = load(tmp_path).catalog

    assert catalog is not None
    assert catalog.severities["SEV-1"].ack_expires is None
    assert catalog.severities["SEV-5"].respond == "backlog"


def test_the_match_of_a_file_is_added_to_each_of_its_rules(tmp_path: Path) -> None:
    catalog = load(
        tmp_path, {"rules/b.yaml": "match: [team = x]\nrules: [{name: r, match: [a = b]}, {name: s}]\n"}
    ).catalog

    assert catalog is not None
    assert [[str(matcher) for matcher in placed.rule.match] for placed in catalog.rules[1].rules] == [
        ["team = x", "a = b"],
        ["team = x"],
    ]


def test_a_rule_knows_its_line_also_behind_broken_ones(tmp_path: Path) -> None:
    text = "rules:\n  - {name: x, policy: [1]}\n  - {name: y, policy: nosuch}\n"

    assert 'rules/b.yaml:3:23 E105 unknown policy "nosuch"' in told(load(tmp_path, {"rules/b.yaml": text}))


def test_many_gaps_are_told_in_few_lines(tmp_path: Path) -> None:
    text = "schedule: x\nhours: mon-fri 09:00-17:00\nrotation: [{from: 2026-01-05, people: [ana]}]\n"
    found = told(load(tmp_path, {"schedules/x.yaml": text}))

    assert found[0].endswith("nobody on call 2026-03-02 17:00 - 2026-03-03 09:00 (16 h) UTC")
    assert len(found) == 4
    assert "more stretches of the next 30 days" in found[-1]


def test_a_folder_that_is_not_there_is_one_clear_problem_for_each_half(tmp_path: Path) -> None:
    (tmp_path / "schedules").mkdir()

    assert told(load_catalog(tmp_path, NOW))[0] == (
        f"rules:1:1 E005 no folder rules/ in {tmp_path} (name another folder with --config)"
    )
    assert told(load_catalog(tmp_path / "no", NOW))[0].startswith(f"rules:1:1 E005 no folder {tmp_path / 'no'}")


def test_schedules_alone_are_enough_to_say_who_is_on_call(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    for name in ("rules/a.yaml", "schedules/people.yaml"):
        (folder / name).unlink()
    (folder / "rules").rmdir()

    catalog = load_catalog(folder, NOW, schedules_only=True).catalog

    assert catalog is not None
    assert catalog.on_call("shop", NOW).people == ("ana",)


@given(st.integers(0, 10**6))
def test_gaps_are_looked_for_from_any_now_on(minutes: int) -> None:
    from pager.core.lint import gaps
    from pager.core.schedule import Schedule

    written = {"schedule": "x", "hours": "mon-fri 08:00-18:00", "rotation": [{"from": "2026-01-05", "people": ["ana"]}]}
    now = datetime(2026, 1, 5, tzinfo=NOW.tzinfo) + timedelta(minutes=minutes)
    found = gaps([Part("schedules/x.yaml", 0, Schedule.model_validate(written))], now)

    assert len(found) == 4
    assert all(finding.level == "warn" for finding in found)


def test_thousands_of_rules_of_one_label_hide_nothing_from_each_other() -> None:
    written = [{"name": f"r{n}", "match": [f"alertname = A{n}", "env = prod"]} for n in range(3000)]
    part = Part("rules/a.yaml", 0, RulesFile.model_validate({"rules": written}))

    _, findings = assemble([part])

    assert [finding for finding in findings if finding.code == "W201"] == []
    assert isinstance(findings[0], Finding)
