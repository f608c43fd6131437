"""What holds for every life of an incident, whatever sources, people, clocks and edits do to it, and in any order.

What must never happen is a function of its own, named in words; each was seen to fail once with the core broken.
"""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from pager.core.advance import advance
from pager.core.catalog import Catalog
from pager.core.incident import (
    Absorbed,
    Acked,
    Act,
    Effect,
    Entry,
    Escalated,
    Event,
    Held,
    Hold,
    Incident,
    LastResort,
    MadePrivate,
    MadePublic,
    MergedInto,
    Mitigated,
    Noted,
    Page,
    Reached,
    Reassigned,
    Released,
    Reported,
    Resolved,
    RoleTaken,
    SeveritySet,
    Snoozed,
    TimePassed,
    Unacked,
    Unreached,
)
from pager.core.reports import can_reopen
from pager.core.severity import LEVELS, Level
from pager.store.incidents import decode, decode_event, encode, encode_event
from tests.core.catalogs import COMMANDED, NOON, PEOPLE, STEPS, policy, rotation, severity, with_policy, world
from tests.core.story import opened

ROLES = COMMANDED.roles
QUIET_3 = {"SEV-3": severity("SEV-3", respond="page")["SEV-3"]}
CATALOGS = (
    COMMANDED,
    with_policy({"page": ["person:ana"], "wait": "4m"}, roles=ROLES, then=["empty"]),
    with_policy(
        {"page": ["empty"]}, *STEPS, {"page": ["channel:ops-chat"]}, roles=ROLES, repeat=1, then=["team:payments"]
    ),
    with_policy({"page": ["channel:ops-chat"], "wait": "7m"}, roles=ROLES, then=["person:bo"], channels={}),
    world(policies={"default": policy({"page": ["commanders", "person:ana"]}, repeat=2)}),
    replace(COMMANDED, severities={**severity("SEV-2", respond="hours", hours="mon-fri 09:00-17:00"), **QUIET_3}),
    world(
        people={name: person for name, person in PEOPLE.items() if name != "ana"},
        schedules={
            "payments": rotation("payments", "chi", "bo"),
            "commanders": rotation("commanders", "dee"),
            "empty": rotation("empty"),
        },
    ),
)
"""What the files may say; in some the policy is another one or gone, a level does something else, a person has left."""
PROMOTE = [{"to": "SEV-1", "after": "40m"}, {"to": "SEV-2", "after": "20m"}, {"to": "SEV-1", "when": "alerts >= 5"}]
REASONS = ("silence", "maintenance", "inhibition", "pause")

TAKES_IT = Acked | Mitigated | Snoozed | Reassigned
names = st.sampled_from(["ana", "bo", "chi", "dee", "script"])
people = st.sampled_from(["ana", "bo", "chi", "dee"])
levels = st.sampled_from(LEVELS)
spans = st.integers(1, 90 * 60).map(lambda seconds: timedelta(seconds=seconds))
long_spans = st.one_of(spans, st.integers(1, 60).map(lambda hours: timedelta(hours=hours)))


class Life(RuleBasedStateMachine):
    """One incident and everything it was ever told."""

    @initialize(
        level=levels, wait=st.sampled_from(["0s", "2m"]), rises=st.booleans(), hour=st.sampled_from([0, 4, 5, 12, 52])
    )
    def begin(self, level: Level, wait: str, rises: bool, hour: int) -> None:
        self.now = NOON + timedelta(hours=hour)
        self.files = 0
        self.merged = 100
        promote = PROMOTE if rises else ()
        self.first = self.incident = opened(level, self.catalog, group_wait=wait, promote=promote, start=self.now)
        self.record: list[tuple[bytes, datetime, int]] = []
        self.keys: set[tuple[object, ...]] = set()
        self.life: list[Page] = []
        self.tell(Reported(1, 1, 1, level))

    def teardown(self) -> None:
        if hasattr(self, "record"):
            self.replay()

    def replay(self) -> None:
        """What was recorded, told again, gives the same incident."""
        incident = decode(encode(self.first))
        for body, now, catalog in self.record:
            event = decode_event(body)
            assert isinstance(event, Event)
            incident = decode(encode(advance(incident, event, CATALOGS[catalog], now)[0]))
        assert incident == self.incident

    @property
    def catalog(self) -> Catalog:
        return CATALOGS[self.files]

    # Telling.

    def tell(self, event: Event) -> None:
        was = self.incident
        self.incident, effects = advance(was, event, self.catalog, self.now)
        self.record.append((encode_event(event), self.now, self.files))
        assert decode(encode(self.incident)) == self.incident
        assert advance(self.incident, event, self.catalog, self.now) == (self.incident, ()), "told twice"
        self.look_at(was, event, effects)
        if isinstance(event, TimePassed):
            assert self.incident.due_at is None or self.incident.due_at > self.now, "a clock was left behind"

    def look_at(self, was: Incident, event: Event, effects: tuple[Effect, ...]) -> None:
        pages = [effect for effect in effects if isinstance(effect, Page)]
        calls = [page for page in pages if page.kind == "page"]
        keys = [(page.run, page.round, page.step, page.kind, page.to) for page in pages]
        assert len({page.to for page in calls}) == len(calls), "a person twice at one instant"
        assert len(set(keys)) == len(keys) and not self.keys & set(keys), "a page twice in a life"
        self.keys |= set(keys)
        self.life += pages
        steps = {(page.run, page.round, page.step) for page in calls if page.step}
        assert len(steps) <= 1 or self.incident.then, "two steps at once"
        if (was.has_responder and self.incident.has_responder) or isinstance(event, TAKES_IT):
            assert not steps, "a step although somebody has it"
        if not self.incident.is_open:
            assert not calls, "a page although it is resolved"
        self.nobody_is_paged_while_it_is_held(calls)
        self.it_falls_by_a_person_alone(was, event)
        self.acts_move_an_ack_only_later(was, event)
        self.new_alerts_page_nobody_by_themselves(was, event, calls)
        self.an_end_of_peace_pages(was, event, [*calls, *(one for one in effects if isinstance(one, LastResort))])
        self.what_was_merged_rests(was, effects)

    def nobody_is_paged_while_it_is_held(self, calls: list[Page]) -> None:
        held = self.incident.hold
        if self.incident.state == "triggered" and held is not None and not held.is_own:
            assert not calls, "a page although it is held"

    def it_falls_by_a_person_alone(self, was: Incident, event: Event) -> None:
        if self.incident.severity > was.severity:
            assert isinstance(event, SeveritySet), "it became less severe by itself"
        if was.lowered and isinstance(event, TimePassed):
            assert self.incident.severity == was.severity, "it was lowered by hand, and rose by time"

    def acts_move_an_ack_only_later(self, was: Incident, event: Event) -> None:
        now = self.incident
        if isinstance(event, Acked | Noted | Snoozed | Mitigated | Reassigned | RoleTaken) and was.has_responder:
            assert was.clock_ack is None or (now.clock_ack is not None and now.clock_ack >= was.clock_ack)

    def new_alerts_page_nobody_by_themselves(self, was: Incident, event: Event, calls: list[Page]) -> None:
        """Also those that flap: a page comes by a rise, by the first alert, by a re-fire, and by what was mitigated."""
        open_before = was.state in ("triggered", "acknowledged") and was.alerts > 0
        if isinstance(event, Reported | Absorbed) and open_before and self.incident.severity == was.severity:
            assert not calls, "a page for an alert that joined"

    def an_end_of_peace_pages(self, was: Incident, event: Event, paging: list[object]) -> None:
        """A hold that ends, an ack that runs out, what was mitigated and fires: somebody is paged at once, or held.

        But for the firing by which it is known to flap: then its last end was none, and its steps go on.
        """
        now = self.incident
        fires = isinstance(event, Reported) and event.spells > was.spells
        over = isinstance(event, Released) and was.hold is not None and not was.hold.is_own and not was.has_responder
        ran_out = isinstance(event, TimePassed) and was.has_responder
        again = (fires or isinstance(event, Absorbed)) and was.state == "mitigated"
        flapped = isinstance(event, Reported) and event.flapping and was.before is not None and not was.is_open
        if now.state == "triggered" and (over or ran_out or again or (fires and not was.is_open and not flapped)):
            at_once = self.catalog.severities[now.severity].respond == "page" and now.hold is None
            assert paging or not at_once, "it should page again, and nobody was paged"

    def what_was_merged_rests(self, was: Incident, effects: tuple[Effect, ...]) -> None:
        """But for a note, which is kept, and for who sees it."""
        if was.merged_into is not None:
            may = {"last_act": "", "private": False, "named": (), "published": False}
            assert self.incident.changed(**may) == was.changed(**may)
            assert all(isinstance(effect, Entry) for effect in effects)

    # What sources say.

    def can_fire(self) -> bool:
        return self.incident.is_open or can_reopen(self.incident, self.now)

    @precondition(can_fire)
    @rule(count=st.integers(1, 3), level=levels, lasts=st.none() | long_spans)
    def joins(self, count: int, level: Level, lasts: timedelta | None) -> None:
        i, hold = self.incident, Hold("silence", self.now + lasts) if lasts else None
        self.tell(Reported(i.alerts + count, i.spells + count, i.firing + count, level, hold=hold))

    @precondition(lambda self: self.can_fire() and self.incident.firing < self.incident.alerts)
    @rule(level=levels, flaps=st.booleans(), held=st.booleans())
    def fires_again(self, level: Level, flaps: bool, held: bool) -> None:
        i, hold = self.incident, Hold("inhibition") if held else None
        self.tell(Reported(i.alerts, i.spells + 1, i.firing + 1, level, "Down" if flaps else "", hold=hold))

    @rule(level=levels)
    def repeats(self, level: Level) -> None:
        i = self.incident
        if i.firing:
            self.tell(Reported(i.alerts, i.spells, i.firing, level))

    @rule(all_of_them=st.booleans(), unheard=st.booleans())
    def ends(self, all_of_them: bool, unheard: bool) -> None:
        i = self.incident
        if i.firing:
            self.tell(Reported(i.alerts, i.spells, 0 if all_of_them else i.firing - 1, "SEV-5", unheard=unheard))

    # What people do.

    @rule(by=names, what=st.sampled_from([Acked, Acked, Unacked, Mitigated, Resolved, Escalated]))
    def acts(self, by: str, what: type[Act]) -> None:
        self.tell(what(by))  # type: ignore[call-arg]

    @rule(by=names, final=st.integers(1, 3))
    def ends_what_never_ends(self, by: str, final: int) -> None:
        self.tell(Resolved(by, final))

    @rule(by=names, to=people)
    def is_handed_on(self, by: str, to: str) -> None:
        self.tell(Reassigned(by, to))

    @rule(by=names, to=people)
    def somebody_commands(self, by: str, to: str) -> None:
        self.tell(RoleTaken(by, "commander", to))

    @rule(by=names, level=levels, alerts=st.integers(0, 3), paged=st.sets(people, max_size=2), held=st.booleans())
    def another_is_merged_into_it(self, by: str, level: Level, alerts: int, paged: set[str], held: bool) -> None:
        self.merged += 1
        hold = Hold("inhibition") if held and self.incident.hold else None
        self.tell(Absorbed(by, self.merged, level, alerts, alerts, alerts, paged=tuple(sorted(paged)), hold=hold))

    @precondition(lambda self: len(self.record) > 12)
    @rule(by=names)
    def it_is_merged_into_another(self, by: str) -> None:
        self.tell(MergedInto(by, 3))

    @precondition(lambda self: self.incident.merged_into is not None)
    @rule(level=levels)
    def it_is_told_of_what_is_anothers(self, level: Level) -> None:
        i = self.incident
        self.tell(Reported(i.alerts + 1, i.spells + 1, 1, level))

    @rule(by=names, lasts=long_spans)
    def snoozes(self, by: str, lasts: timedelta) -> None:
        self.tell(Snoozed(by, self.now + lasts))

    @rule(by=names)
    def notes(self, by: str) -> None:
        self.tell(Noted(by, "still looking"))

    @rule(by=names, to=levels)
    def says_how_bad_it_is(self, by: str, to: Level) -> None:
        self.tell(SeveritySet(by, to))

    # What else happens.

    @precondition(lambda self: self.incident.waiting)
    @rule(data=st.data())
    def cannot_be_reached(self, data: st.DataObject) -> None:
        i = self.incident
        self.tell(Unreached(i.run, i.round, i.step, data.draw(st.sampled_from(i.waiting))))

    @precondition(lambda self: self.life)
    @rule(data=st.data(), well=st.booleans())
    def an_older_page_ends(self, data: st.DataObject, well: bool) -> None:
        page = data.draw(st.sampled_from(self.life[-20:]))
        if well and page.kind == "ticket":
            self.tell(Reached(page.run, page.round, page.step, page.to))
        elif page.kind == "page":
            self.tell(Unreached(page.run, page.round, page.step, page.to))

    @rule(reason=st.sampled_from(REASONS), lasts=st.none() | long_spans)
    def is_held(self, reason: str, lasts: timedelta | None) -> None:
        self.tell(Held(Hold(reason, self.now + lasts if lasts else None)))  # type: ignore[arg-type]

    @rule(by=names, named=st.sets(names, max_size=2))
    def somebody_makes_it_private(self, by: str, named: set[str]) -> None:
        self.tell(MadePrivate(by, tuple(sorted(named))))

    @rule(by=names)
    def somebody_makes_it_public(self, by: str) -> None:
        self.tell(MadePublic(by))

    @rule()
    def is_released(self) -> None:
        self.tell(Released())

    @rule(number=st.integers(0, len(CATALOGS) - 1))
    def files_are_edited(self, number: int) -> None:
        self.files = number

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        end = self.now + span
        while self.incident.due_at is not None and self.incident.due_at <= end:
            self.now = max(self.now, self.incident.due_at)
            self.tell(TimePassed())
        self.now = end

    @rule(span=long_spans)
    def the_daemon_was_down(self, span: timedelta) -> None:
        self.now += span
        self.tell(TimePassed())

    # What holds at any time.

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """Whoever should be paged has a clock, or a hold that somebody else will end."""
        i = self.incident
        respond = self.catalog.severities[i.severity]
        if i.state == "triggered" and respond.pages:
            assert i.clock_step is not None or (i.hold is not None and i.hold.until is None)
        if i.state == "acknowledged" and respond.ack_lasts is not None:
            assert i.clock_ack is not None
        if i.state == "mitigated" and i.firing and respond.pages:
            assert i.clock_ack is not None
        if i.state == "triggered" and i.hold is not None and i.hold.until is not None and respond.pages:
            assert i.clock_step == i.hold.until

    @invariant()
    def who_has_it_fits_its_state(self) -> None:
        i = self.incident
        if i.has_responder:
            assert i.acked_by and i.clock_step is None and i.clock_promote is None
        if i.state == "triggered":
            assert not i.acked_by and not i.also_here and i.clock_ack is None and i.before is None
        if not i.is_open:
            assert (i.clock_step, i.clock_promote, i.hold) == (None, None, None)
            # Kept for a firing that tells that it flaps, by which it goes on as it was.
            assert i.before is None or (i.resolved_by == "source" and i.spells > i.alerts)
            assert i.resolved_at is not None


Life.TestCase.settings = settings(stateful_step_count=40)
TestLife = Life.TestCase
