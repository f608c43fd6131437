"""What holds for all incidents together, whatever sources and people do to them: alerts, groups, merges, pages, replay.

The daemon's own engine on a database in memory, and a clock that jumps; `tests/core/test_incident_machine.py` lives
the life of one incident.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from pager.core.advance import advance
from pager.core.catalog import Catalog
from pager.core.incident import Acked, Act, Escalated, Incident, Mitigated, Noted, Resolved, SeveritySet, Unacked
from pager.core.matcher import parse_matcher
from pager.core.policy import Policy
from pager.core.scenario import Sent
from pager.core.severity import LEVELS, Level
from pager.core.silence import Wanted
from pager.engine import CannotMerge, Engine
from pager.sources import SOURCES
from pager.store import alerts, incidents, pages
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.store.memory import MemoryDatabase
from pager.store.pages import PageRow
from pager.virtual import Clock, VirtualHouse
from tests.engine.house import NOON, catalog

T = TypeVar("T")
SLOW = {"default": Policy.model_validate({"steps": [{"page": ["person:bo"], "wait": "20m"}], "repeat": 1})}
FILES: dict[str, Catalog] = {
    "one": replace(catalog(), hash="one"),
    "two": replace(catalog(policies=SLOW), hash="two"),
}
PEOPLE = st.sampled_from(["ana", "bo", "chi"])
NAMES = st.sampled_from(["Down", "Slow", "Disk"])
ACTS: dict[str, Callable[[str], Act]] = {
    "ack": Acked,
    "unack": Unacked,
    "mitigate": Mitigated,
    "resolve": Resolved,
    "escalate": Escalated,
    "note": lambda by: Noted(by, "still looking"),
}


class House(RuleBasedStateMachine):
    """Three groups of three alerts each, and everybody who does something to them."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.clock = Clock(NOON)
        self.database = MemoryDatabase(self.clock)
        self.run(self.database.open())
        self.house = VirtualHouse(Engine(self.database, FILES["one"], SOURCES), self.database, self.clock)
        self.say("Down", 1, "critical", "firing")
        self.say("Slow", 1, "warning", "firing")

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.replay()
            self.run(self.database.close())
            self.runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def read(self, work: Callable[[Tx], T]) -> T:
        return self.run(self.database.read(work))

    def do(self, work: Awaitable[object]) -> None:
        async def done() -> None:
            await work
            await self.house.settle()

        self.run(done())

    # What is there.

    def all(self) -> list[Incident]:
        return [kept.incident for kept in self.run(self.house.all())]

    def alerts(self) -> list[KnownAlert]:
        return self.read(lambda tx: alerts.page_of(tx, state="all", after=-(2**63), limit=1000))

    def pages(self) -> list[tuple[Incident, PageRow]]:
        found = self.all()
        return self.read(lambda tx: [(one, page) for one in found for page, _ in pages.of_incident(tx, one.number)])

    # What happens.

    @rule(name=NAMES, instance=st.integers(1, 3), word=st.sampled_from(["critical", "warning"]))
    def fires(self, name: str, instance: int, word: str) -> None:
        self.say(name, instance, word, "firing")

    @rule(name=NAMES, instance=st.integers(1, 3))
    def ends(self, name: str, instance: int) -> None:
        self.say(name, instance, "critical", "resolved")

    def say(self, name: str, instance: int, word: str, status: str) -> None:
        labels = {"alertname": name, "instance": str(instance)}
        sent = Sent(labels=labels, annotations={"word": word})
        self.do(self.house.take([(sent, status)]))

    @precondition(lambda self: self.all())
    @rule(data=st.data(), by=PEOPLE, what=st.sampled_from(sorted(ACTS)))
    def somebody_acts(self, data: st.DataObject, by: str, what: str) -> None:
        number = data.draw(st.sampled_from([incident.number for incident in self.all()]))
        self.do(self.house.engine.act(number, ACTS[what](by)))

    @precondition(lambda self: self.all())
    @rule(data=st.data(), by=PEOPLE, to=st.sampled_from(LEVELS))
    def somebody_says_how_bad_it_is(self, data: st.DataObject, by: str, to: Level) -> None:
        number = data.draw(st.sampled_from([incident.number for incident in self.all()]))
        self.do(self.house.engine.act(number, SeveritySet(by, to)))

    @rule(by=PEOPLE)
    def somebody_declares(self, by: str) -> None:
        self.do(self.house.engine.declare("checkout is slow", "SEV-2", "default", by))

    @precondition(lambda self: len(self.all()) > 1)
    @rule(data=st.data(), by=PEOPLE)
    def two_are_merged(self, data: st.DataObject, by: str) -> None:
        numbers = st.sampled_from([incident.number for incident in self.all()])
        one, other = data.draw(numbers), data.draw(numbers)

        async def merged() -> None:
            try:
                assert (await self.house.engine.merge(one, other, by)).number <= min(one, other)
            except CannotMerge:
                """One is over, or both are one."""

        self.do(merged())

    @rule(name=NAMES, minutes=st.integers(1, 90), by=PEOPLE)
    def something_is_silenced(self, name: str, minutes: int, by: str) -> None:
        now = self.clock.at
        about = (parse_matcher(f"alertname = {name}"),)
        wanted = Wanted("silence", about, now, now + timedelta(minutes=minutes), by, "patching")
        self.do(self.house.engine.holding.add(wanted))

    @rule()
    def silences_end(self) -> None:
        for silence in self.house.engine.holding.standing(self.clock.at):
            self.do(self.house.engine.holding.expire(silence.id, "silence", "ana"))

    @rule(name=st.sampled_from(sorted(FILES)))
    def files_are_edited(self, name: str) -> None:
        self.house.engine.catalog = FILES[name]

    @rule(minutes=st.integers(1, 10) | st.integers(1, 130))
    def time_passes(self, minutes: int) -> None:
        until = self.clock.at + timedelta(minutes=minutes)
        self.run(self.house.pass_until(until))
        self.clock.at = until
        self.run(self.house.settle())

    # What holds at any time.

    @invariant()
    def a_group_has_one_open_incident(self) -> None:
        groups = Counter(incident.group for incident in self.all() if incident.is_open)
        assert all(count == 1 for count in groups.values())

    @invariant()
    def an_alert_is_in_one_incident_which_counts_it(self) -> None:
        """The one that is not merged; what fires on after its end fires in what a person ended."""
        known, there = {incident.number: incident for incident in self.all()}, self.alerts()
        firing = Counter(alert.incident for alert in there if alert.state.counts_as_firing)
        assert None not in firing
        for number, incident in known.items():
            assert incident.firing == firing[number], f"{number} counts {incident.firing}, and {firing[number]} fire"
            if firing[number]:
                assert incident.is_open or incident.resolved_by in ("ana", "bo", "chi")
            if incident.merged_into is not None:
                assert not [alert for alert in there if alert.incident == number]

    @invariant()
    def what_was_merged_leads_to_an_older_one(self) -> None:
        for incident in self.all():
            number = incident.number
            if incident.merged_into is not None:
                end = self.read(lambda tx, number=number: incidents.after_merges(tx, number))  # type: ignore[misc]
                assert end <= incident.merged_into < incident.number
                assert not incident.is_open

    @invariant()
    def no_page_waits_where_nobody_should_be_paged(self) -> None:
        """`also` and roles (step 0) are paged for what somebody has, too; nobody is for what is over or held."""
        for incident, page in self.pages():
            if page.kind == "page" and page.state in ("due", "held"):
                words = f"{page.recipient} is yet to be paged for step {page.step}, and it is {incident.state}"
                assert incident.state == "triggered" or (incident.is_open and not page.step), words
                assert incident.state != "triggered" or incident.hold is None or incident.hold.is_own, words

    @invariant()
    def nothing_is_forgotten(self) -> None:
        for incident in self.all():
            respond = self.house.engine.catalog.severities[incident.severity]
            if incident.state == "triggered" and respond.pages:
                assert incident.due_at is not None or (incident.hold is not None and incident.hold.until is None)

    def replay(self) -> None:
        """What the timelines say, told again, gives the same incidents."""
        for incident in self.all():
            assert self.replayed(incident.number) == incident

    def replayed(self, number: int) -> Incident | None:
        stands: Incident | None = None
        for entry in self.read(lambda tx: incidents.timeline(tx, number)):
            files = replace(FILES[entry.config], silences=self.house.engine.catalog.silences)
            if entry.stands is not None:
                stands = entry.stands
            elif entry.event is not None and stands is not None:
                stands, _ = advance(stands, entry.event, files, entry.at)
        return stands


House.TestCase.settings = settings(stateful_step_count=25, max_examples=settings().max_examples // 5)
TestHouse = House.TestCase
