"""Private incidents in messages, on both databases: whoever is paged reads all, everybody else that there is one."""

from datetime import timedelta

import pytest

from pager.core.bundle import FREE
from pager.core.code import code_of
from pager.core.incident import Incident, MadePrivate, MadePublic, Noted, Resolved
from pager.core.last_words import last_words
from pager.core.notices import Beginning, hand_over
from pager.core.policy import Policy
from pager.core.privacy import Reader, may_see
from pager.core.rule import Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.core.severity import SHIPPED
from pager.digests import Digests
from pager.feed import Feed
from pager.hands import CannotMerge, Private
from pager.publishing import Publisher
from pager.store import incidents, notices
from tests.engine.house import DELIVERED, House, alert, catalog
from tests.engine.test_bundles import Phone
from tests.support import covers

CANARY = "canary"
RULE = {"name": "insider", "match": ['team = "security"'], "severity": "SEV-2", "private": True}
RULES = (RuleFile("rules/a.yaml", (PlacedRule(Rule.model_validate(RULE), "rules/a.yaml:2"),)),)
STEPS = [{"page": ["person:ana", "channel:issues"], "wait": "5m"}]
SECRET = alert("canary-name", team="security", host="canary-host") | {"annotations": {"summary": "canary-words"}}
ALSO = {**SHIPPED, "SEV-2": SHIPPED["SEV-2"].model_copy(update={"also": ("everyone",)})}


def office(house: House) -> Phone:
    """ana and a channel are paged, everybody along with them; what the phones hear."""
    policies = {"default": Policy.model_validate({"steps": STEPS, "team": "all"})}
    house.engine.catalog = catalog(rules=RULES, policies=policies, severities=ALSO)
    return Phone(DELIVERED)


async def test_whoever_is_paged_to_act_reads_all_and_a_channel_or_the_team_that_there_is_one(house: House) -> None:
    phone = office(house)

    await house.say(SECRET)
    await house.send(phone)

    heard = {to: f"{title}\n{body}" for to, title, body in phone.heard}
    assert {to: CANARY in said for to, said in heard.items()} == {
        "ana": True,
        "channel:issues": False,
        "bo": False,
        "chi": False,
    }
    for to in ("channel:issues", "bo"):
        assert "SEV-2 Private incident" in heard[to]
        assert "/i/" in heard[to]
        assert ("/p/" in heard[to], "Runbook" in heard[to], "insider" in heard[to]) == (False, False, False)
    incident = await house.incident()
    assert [may_see(Reader(who), incident, {}) for who in ("ana", "bo", "channel:issues")] == [True, False, False]


async def test_that_it_is_over_is_told_without_a_word_of_it(house: House) -> None:
    phone = office(house)
    await house.say(SECRET)
    await house.send(phone)
    phone.heard.clear()

    await house.act(Resolved("ana"))
    await house.send(phone)

    assert {to for to, _, _ in phone.heard} == {"channel:issues", "bo", "chi"}
    assert not any(CANARY in f"{title}{body}" or "ana" in f"{title}{body}" for _, title, body in phone.heard)


async def test_what_waits_is_sent_as_it_stands_when_it_is_sent(house: House) -> None:
    phone = office(house)
    await house.say(alert("canary-public"))
    await house.act(MadePrivate("chi"))

    await house.send(phone)

    assert {to: CANARY in f"{title}{body}" for to, title, body in phone.heard}["bo"] is False


async def test_the_top_of_a_bundle_is_named_to_who_may_read_it(house: House) -> None:
    phone = office(house)
    await house.say(*(alert(f"Down {number}") for number in range(FREE)))
    await house.send(phone)
    phone.heard.clear()

    await house.say(SECRET, alert("canary-more", team="security"))
    await house.send(phone)
    house.clock.at += timedelta(minutes=2)
    await house.send(phone)

    told = {to: f"{title}\n{body}" for to, title, body in phone.heard}
    assert ("canary" in told["ana"], "canary" in told["bo"]) == (True, False)
    assert "Private incident" in told["bo"]


async def test_hand_overs_digests_and_last_words_name_none(house: House) -> None:
    phone = office(house)
    await house.say(SECRET)
    found, last_day = await house.database.read(notices.standing)
    files, now = house.engine.catalog, house.clock.at

    told = {
        who: hand_over(Beginning("payments", who, now, None), found, last_day, files, now).body for who in ("ana", "bo")
    }
    assert {who: CANARY in said for who, said in told.items()} == {"ana": True, "bo": False}
    words = last_words([await house.incident()], "https://pager.example.org")
    assert CANARY not in words.title + words.body
    # Nor does a digest, which goes to a room or a whole step.
    quiet = Rule.model_validate({**RULE, "severity": "SEV-5"})
    house.engine.catalog = catalog(rules=(RuleFile("rules/a.yaml", (PlacedRule(quiet, "rules/a.yaml:2"),)),))
    await house.say(alert("canary-quiet", team="security"))
    house.clock.at += timedelta(days=7)
    await Digests(house.engine).look()
    await house.send(phone)
    assert ("Private incident" in phone.heard[-1][2], CANARY in phone.heard[-1][2]) == (True, False)


@covers("R21")
async def test_what_goes_on_after_a_persons_resolve_is_as_private(house: House) -> None:
    office(house)
    await house.say(alert("canary-open"))
    await house.act(MadePrivate("chi", ("team:all",)))
    await house.act(Resolved("ana"))

    await house.later(timedelta(hours=2))

    follower = (await house.all())[-1]
    assert (follower.follows, follower.private, follower.named) == (1, True, ("chi", "team:all"))


@covers("R27")
async def test_what_others_see_is_merged_with_it_only_when_that_is_asked_for(house: House) -> None:
    office(house)
    await house.say(SECRET)
    await house.say(alert("Public"))

    with pytest.raises(CannotMerge, match="not seen by the same people"):
        await house.engine.merge(1, 2, "ana")
    with pytest.raises(Private, match="is private"):
        await house.engine.merge(1, 2, "bo", reader=Reader("bo"), to_private=True)
    whole = await house.engine.merge(2, 1, "ana", reader=Reader("ana"), to_private=True)

    assert (whole.number, whole.private, whole.firing) == (1, True, 2)
    # What was said to the public one goes to the private one now: not by everybody.
    with pytest.raises(Private):
        await house.engine.act(2, Noted("bo", "hello"), reader=Reader("bo"))


async def test_whoever_is_paged_by_hand_by_one_who_sees_it_sees_it_too(house: House) -> None:
    office(house)
    await house.say(SECRET)
    code = code_of(1)
    await house.engine.page("bo", "zoe", f"look at {code}", reader=Reader("zoe"))
    assert (await house.incident()).named == ()
    await house.engine.page("bo", "ana", f"look at {code}", reader=Reader("ana"))

    assert (await house.incident()).named == ("bo",)


@covers("F60")
async def test_a_node_of_before_leaves_it_private(house: House) -> None:
    """It writes bodies that do not say so, and leaves the column as it is."""
    office(house)
    await house.say(alert("canary-open"))
    await house.act(MadePrivate("chi", ("bo",)))
    before = await house.incident()
    public: Incident = before.changed(private=False, named=())

    await house.change("UPDATE incidents SET body = :body", body=incidents.encode(public))

    assert ((await house.incident()).private, (await house.incident()).named) == (True, ("chi", "bo"))
    await house.act(MadePublic("chi"))
    assert not (await house.incident()).private


@covers("R27")
async def test_what_was_merged_is_hidden_by_itself(house: House) -> None:
    office(house)
    await house.say(alert("Public"))
    await house.say(alert("canary-merged"))
    await house.engine.merge(1, 2, "ana")

    await house.act(MadePrivate("chi"), number=2)

    assert [one.private for one in await house.all()] == [False, True]


async def test_a_late_reader_of_events_is_told_of_them_as_they_are_now(house: House) -> None:
    office(house)
    publisher, feed = Publisher(house.database, lambda: house.engine.catalog), Feed(house.database)
    early = feed.read(None, lasts=20)
    assert (await anext(early)).told == ()
    await house.say(alert("canary-open"))
    while await publisher.publish():
        pass
    (first,) = (await anext(early)).told
    assert CANARY in str(first.data)

    await house.act(MadePrivate("chi"))
    late = feed.read(first.position - 1, lasts=20)
    await anext(late)
    (again,) = (await anext(late)).told
    feed.end()
    await early.aclose()
    await late.aclose()

    assert (again.position, CANARY in str(again.data)) == (first.position, False)
