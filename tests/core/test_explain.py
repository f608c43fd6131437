"""Explanations: each decision with why, and the place in the files that says so."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.explain import Explained, Line, Sent, explain
from pager.core.incident import Incident
from tests.core.catalogs import COMMANDED, NOON, PEOPLE, person
from tests.core.story import opened

PLACES = {
    ("policies", "payments"): "rules/p.yaml:20",
    ("policies", "payments", "steps", 1): "rules/p.yaml:24",
    ("policies", "payments", "then"): "rules/p.yaml:27",
    ("schedules", "payments"): "schedules/payments.yaml:1",
    ("roles", "commander"): "schedules/people.yaml:30",
    ("teams", "payments"): "schedules/people.yaml:20",
    ("people", "bo"): "schedules/people.yaml:9",
    ("severities", "SEV-2"): "rules/s.yaml:5",
    ("channels", "ops-chat"): "schedules/people.yaml:25",
}
FILES = replace(
    COMMANDED,
    places=PLACES,
    hash="beef",
    people={**PEOPLE, "bo": person("bo", quiet="11:00-13:00")},
)
INCIDENT = opened("SEV-2", FILES).changed(place="rules/p.yaml:3", why='rule "down"; rules/z.yaml:7 says SEV-4')


def line(text: str, at: datetime = NOON, by: str = "", config: str = "beef") -> Line:
    return Line(at, text, by, config)


def sent(to: str, target: str, why: str = "step 1", kind: str = "page", state: str = "delivered", *tried: str) -> Sent:
    return Sent(NOON, to, target, why, kind, state, tried)


def told(incident: Incident = INCIDENT, *about: Line | Sent, catalog: Catalog = FILES) -> list[Explained]:
    lines = [one for one in about if isinstance(one, Line)]
    return explain(incident, lines, [one for one in about if isinstance(one, Sent)], catalog)


def test_it_begins_with_severity_the_opinions_that_lost_policy_and_runbook() -> None:
    found = told(INCIDENT, line("opened as SEV-2: ..."))

    assert [(one.what, one.text, one.place) for one in found[:4]] == [
        ("severity", 'SEV-2: rule "down"', "rules/p.yaml:3"),
        ("lost", "said SEV-4: another file is of a more severe opinion, or comes first", "rules/z.yaml:7"),
        ("policy", "payments, team payments", "rules/p.yaml:20"),
        ("runbook", "runbooks/down.md", "rules/p.yaml:3"),
    ]


def test_the_severity_is_the_one_that_it_was_opened_with() -> None:
    risen = INCIDENT.changed(severity="SEV-1")

    assert told(risen, line('opened as SEV-2: rule "down"'))[0].text == 'SEV-2: rule "down"'


def test_without_a_rule_no_opinion_lost() -> None:
    unmatched = INCIDENT.changed(why='no rule matched; the sender says "critical"', place="")

    assert [one.what for one in told(unmatched)] == ["severity", "policy", "runbook"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('opened as SEV-2: rule "down"', "rules/p.yaml:3"),
        ("step 2 pages bo (payments)", "rules/p.yaml:24"),
        ("nobody to page in step 2 (empty): the next one begins at once", "rules/p.yaml:24"),
        ("step 3 pages chi (payments)", "rules/p.yaml:20"),
        ("nobody has it: ana, bo paged", "rules/p.yaml:27"),
        ("nobody commands: rank 2 of commanders is paged (eli)", "schedules/people.yaml:30"),
        ("held until the working hours begin: mon-fri 09:00-17:00 UTC", "rules/s.yaml:5"),
        ("ana's acknowledgement ran out", "rules/s.yaml:5"),
        ("severity rises from SEV-2 to SEV-1: 20 alerts", "rules/p.yaml:3"),
        ("severity rises from SEV-2 to SEV-1: by hand", ""),
        ("acknowledged", ""),
        ("held: silence 3 by ana: deploy", ""),
    ],
)
def test_a_line_of_the_timeline_has_the_place_that_made_it_so(text: str, place: str) -> None:
    found = told(INCIDENT, line(text, by="ana"))[-1]

    assert (found.what, found.text, found.by, found.place, found.config) == ("decision", text, "ana", place, "beef")


@pytest.mark.parametrize(
    ("page", "text", "place"),
    [
        pytest.param(
            sent("ana", "payments", "step 1", "page", "delivered", "push refused", "call delivered"),
            "ana is paged: step 1, on call in payments; push refused, call delivered",
            "schedules/payments.yaml:1",
            id="who is on call",
        ),
        pytest.param(
            sent("dee", "commander", "role commander", "page", "due"),
            "dee is paged: role commander, on call in commanders; waits to be sent",
            "schedules/people.yaml:30",
            id="who has a role",
        ),
        pytest.param(
            sent("chi", "team:payments", "step 3", "page", "withdrawn"),
            "chi is paged: step 3, as team:payments; not sent: it was withdrawn before",
            "schedules/people.yaml:20",
            id="who is of a team",
        ),
        pytest.param(
            sent("chi", "everyone", "also", "page", "due"),
            "chi is paged: also, as everyone; waits to be sent",
            "rules/s.yaml:5",
            id="who goes along because the level says so",
        ),
        pytest.param(
            sent("chi", "everyone", "nobody has it", "page", "due"),
            "chi is paged: nobody has it, as everyone; waits to be sent",
            "rules/p.yaml:27",
            id="who is paged at the end",
        ),
        pytest.param(
            sent("channel:ops-chat", "channel:ops-chat", "step 3", "page", "carried"),
            "channel:ops-chat is paged: step 3; told in a bundle",
            "schedules/people.yaml:25",
            id="a channel",
        ),
        pytest.param(
            sent("ana", "", "joined", "notice", "failed"),
            "ana is told: joined; not sent: no contact",
            "",
            id="a notice",
        ),
    ],
)
def test_a_page_says_why_this_person_and_what_became_of_it(page: Sent, text: str, place: str) -> None:
    found = next(one for one in told(INCIDENT, page) if one.what == "page")

    assert (found.text, found.place) == (text, place)


def test_who_is_quiet_is_named_once_as_not_paged() -> None:
    pages = [sent("ana", "team:payments"), sent("chi", "team:payments")]
    found = [one for one in told(INCIDENT, *pages) if one.what == "not paged"]

    assert [(one.text, one.place) for one in found] == [
        ("bo is left out of team:payments: quiet 11:00-13:00 UTC", "schedules/people.yaml:9")
    ]


def test_all_is_in_the_order_of_the_clock_and_each_knows_its_files() -> None:
    later = NOON + timedelta(minutes=5)
    found = told(
        INCIDENT,
        line("step 1 pages ana (payments)", config="old"),
        sent("ana", "payments"),
        line("acknowledged", later),
    )

    assert [one.at for one in found] == sorted(one.at for one in found)
    assert [(one.what, one.config) for one in found[-3:]] == [
        ("decision", "old"),
        ("page", "old"),
        ("decision", "beef"),
    ]
