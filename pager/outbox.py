"""The notifier's transactions: pages claimed, attempts begun, outcomes recorded, each under the incident's lock."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache

from msgspec import Struct, field
from msgspec.structs import replace

from pager import bundling
from pager.core.bundle import bundled
from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.contact_url import channel_class, destination
from pager.core.incident import Entry, Incident, Reached, Unreached
from pager.core.outcome import Outcome
from pager.core.page import (
    Contact,
    Plan,
    at_rest,
    begun,
    due_contacts,
    ended,
    failure_words,
    is_reached,
    is_unreached,
    lost,
    next_due,
    plan_notice,
    plan_page,
    refresh,
)
from pager.core.privacy import Reader, is_veiled, seen_as
from pager.core.proven import TEST, trial_words
from pager.core.telling import link_to
from pager.core.template import MOST_ALERTS
from pager.core.text import Facts
from pager.desk import Desk, News
from pager.facts import contacts_of, facts_of, notice_of, ways_of
from pager.store import alerts, bundles, incidents, notices, pages, proofs, tokens
from pager.store.database import Tx
from pager.store.pages import LEASE, Begun, Ended, KeptPage, PageRow
from pager.store.tokens import PageLink

_NONE: Mapping[str, str] = {}
LETTERS = ("mail", "ticket")
"""Classes of channels whose messages list labels."""
NOWHERE = "/p/nowhere"
"""The link of a page that nobody is sent: of a trial, which has no address."""
TOLD_AT_ONCE = 50
"""Incidents of a bundle that are told in one transaction that it reached nobody."""


class Attempt(Struct, frozen=True):
    """One attempt that has begun: send `facts` to `url` (secrets not filled in yet), then record the outcome."""

    page: PageRow
    contact: str
    number: int
    url: str
    facts: Facts


class Turnout(Struct, frozen=True):
    """What follows from a record: attempts to make now, and when the page wants to be asked again; None: let go.

    `more`: not everybody was told yet what became of it; record again.
    """

    attempts: tuple[Attempt, ...]
    again_at: datetime | None
    news: News
    first: bool = False
    more: bool = False


class Taken(Struct, frozen=True):
    """A page that was claimed, the attempts that have begun, and when it wants to be asked again."""

    page: PageRow
    attempts: tuple[Attempt, ...]
    again_at: datetime | None


def claim(
    tx: Tx,
    catalog: Catalog,
    claim_id: str,
    limit: int,
    url: str,
    only: int | None = None,
    troubled: Collection[str] = (),
) -> list[Taken]:
    """Claim due pages, or the one page `only`, and begin the attempts that are due, in one transaction.

    `troubled` names contact URLs, as the files write them, and destinations: their contacts are tried last.
    Whoever is flooded gets some of their pages as one: those are let go again.
    """
    bundling.make_due(tx)
    going = bundling.sort(tx, pages.claim(tx, claim_id, limit, only))
    if not going and bundling.make_due(tx):
        # All that was due waits for a bundle, and that one may go.
        going = bundling.sort(tx, pages.claim(tx, claim_id, limit, only))
    known = incidents.read(tx, {page.incident for page in going if page.incident != notices.NO_INCIDENT})
    writes, claimed = _Writes(), []
    for page in going:
        plan = _planned(page, catalog)
        if page.attempt > 1:
            # Somebody had it before: what has no outcome may have been sent.
            plan = lost(plan, pages.lost(tx, page.id, tx.now()), tx.now())
        attempts, plan = _begin(tx, catalog, page, plan, known.get(page.incident), url, troubled, writes)
        first = page.is_fresh or page.kind == bundles.KIND
        writes.keep(page, plan, tx.now(), held_by=claim_id, sent_at=tx.now() if first else None)
        claimed.append(Taken(page, attempts, next_due(plan)))
    writes.flush(tx)
    return claimed


class _Writes(Struct):
    """What is to be written of pages, each kind in one go: a claim may begin 64 of them."""

    links: list[PageLink] = field(default_factory=list)
    begun: list[Begun] = field(default_factory=list)
    kept: list[KeptPage] = field(default_factory=list)
    made_way: bool = False
    """What was read of pages may be old: an incident was told something, and has perhaps withdrawn some."""

    def make_way(self, tx: Tx) -> None:
        """Write what there is: an incident is told something, and may withdraw pages as they stand."""
        self.flush(tx)
        self.made_way = True

    def flush(self, tx: Tx) -> None:
        if self.begun:
            if self.links:
                tokens.keep_page_tokens(tx, self.links)
            pages.begin(tx, self.begun)
        if self.kept:
            pages.keep(tx, self.kept)
        for written in (self.links, self.begun, self.kept):
            written.clear()

    def link(self, tx: Tx, page: PageRow, incident: Incident, url: str) -> str:
        if is_veiled(incident):
            # Whoever sees it shows who they are there.
            return link_to(code_of(incident.number), url)
        if not url:
            return NOWHERE
        token = tokens.new_page_token()
        self.links.append(PageLink(token, page.recipient, incident.number, tx.now()))
        return f"{url}/p/{token}"

    def keep(
        self,
        page: PageRow,
        plan: Plan,
        now: datetime,
        *,
        held_by: str | None,
        reported: bool | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        due_at = next_due(plan) if page.state == "due" else None
        state = page.state
        if state == "due" and due_at is None and held_by is None:
            state = "delivered" if is_reached(plan) else "failed"
            if page.kind == bundles.KIND and state == "failed" and not is_unreached(plan):
                state = "withdrawn"
        if held_by is not None and page.state == "due":
            # The index finds pages by due_at: a claimed one stays there, so that a lost lease is found again.
            due_at = min(due_at, page.due_at or page.issued_at) if due_at else page.due_at or page.issued_at
        told = page.reported if reported is None else reported
        until = now + LEASE if held_by else None
        self.kept.append(KeptPage(page.id, plan, due_at, state, told, held_by, until, sent_at))


class Landed(Struct, frozen=True):
    """Attempts at a page that have ended, and how many at it are still under way.

    `faults` are templates that failed, with the reason: the timeline says so.
    """

    page: int
    incident: int
    done: Sequence[tuple[Attempt, Outcome]]
    in_flight: int = 0
    faults: Mapping[str, str] = _NONE


def record(
    tx: Tx, catalog: Catalog, claim_id: str, landed: Sequence[Landed], url: str, troubled: Collection[str] = ()
) -> list[Turnout]:
    """Write what became of attempts and begin those that are due now; with nothing in flight a claim is let go.

    The pages are of one claim; what follows for each comes in their order, and the news are those of all.
    """
    desk, writes = Desk(tx, catalog), _Writes()
    desk.lock(one.incident for one in landed)
    held = pages.held(tx, [one.page for one in landed], claim_id)
    pages.end(tx, [_ended(one.page, *done, tx.now()) for one in landed for done in one.done])
    turnouts = []
    for one in landed:
        page = held.get(one.page)
        if page is None:
            # Another node has it: the outcomes are kept, and nothing else is ours.
            turnouts.append(Turnout((), None, desk.news))
            continue
        turnouts.append(_record(desk, page, claim_id, one, url, troubled, writes))
        if writes.made_way:
            held, writes.made_way = pages.held(tx, held, claim_id), False
    writes.flush(tx)
    return turnouts


def _ended(page: int, attempt: Attempt, outcome: Outcome, now: datetime) -> Ended:
    return Ended(page, attempt.contact, attempt.number, now, outcome.reason.value, outcome.detail)


def _record(
    desk: Desk, page: PageRow, claim_id: str, landed: Landed, url: str, troubled: Collection[str], writes: _Writes
) -> Turnout:
    catalog, now = desk.catalog, desk.now
    plan = _planned(page, catalog)
    was_reached = is_reached(plan)
    last, failed_before = _in_trouble(catalog, page.recipient, troubled), any(contact.failed for contact in plan)
    for attempt, outcome in landed.done:
        plan = ended(plan, attempt.contact, outcome, now, random.random(), last)
    _note_faults(desk, page, landed.faults)
    if not failed_before:
        failures = {each.contact: outcome for each, outcome in landed.done if not outcome.delivered}
        _note_failures(desk, page, plan, failures)
    page, told = _tell(desk, page, plan, writes)
    attempts: tuple[Attempt, ...] = ()
    if page.state == "due":
        attempts, plan = _begin(desk.tx, catalog, page, plan, desk.incident(page.incident), url, troubled, writes)
    more = page.kind == bundles.KIND and is_unreached(plan) and not told
    busy = bool(attempts) or landed.in_flight > 0 or more
    writes.keep(page, plan, now, held_by=claim_id if busy else None, reported=told)
    # A page that was withdrawn waits for what is being sent, and for nothing else.
    again_at = next_due(plan) if busy and page.state == "due" else None
    return Turnout(attempts, now if more else again_at, desk.news, is_reached(plan) and not was_reached, more)


def _note_failures(desk: Desk, page: PageRow, plan: Plan, failed: Mapping[str, Outcome]) -> None:
    """One line of the timeline for the first failure of a page: each retry is in `pages`, not here."""
    if failed and desk.incident(page.incident) is not None:
        desk.note(page.incident, Entry(failure_words(page.recipient, plan, failed, desk.now)))
        desk.save()


def _note_faults(desk: Desk, page: PageRow, faults: Mapping[str, str]) -> None:
    if faults and desk.incident(page.incident) is not None:
        for template, why in faults.items():
            desk.note(page.incident, Entry(f"the template for {template} failed, so the built-in text went out: {why}"))
        desk.save()


def _in_trouble(catalog: Catalog, recipient: str, troubled: Collection[str]) -> frozenset[str]:
    """The recipient's contacts that failed of late, by themselves or because their provider does."""
    if not troubled:
        return frozenset()
    contacts = contacts_of(catalog, recipient)
    return frozenset(name for name, url in contacts.items() if url in troubled or destination(url) in troubled)


def _tell(desk: Desk, page: PageRow, plan: Plan, writes: _Writes) -> tuple[PageRow, bool]:
    """Tell the incident, once, that this recipient was reached (tickets wait for it) or by no contact."""
    if page.reported:
        return page, True
    if page.kind == bundles.KIND:
        return page, is_unreached(plan) and _tell_carried(desk, page, writes)
    event: Reached | Unreached | None = None
    if page.kind == "ticket" and is_reached(plan):
        event = Reached(page.run, page.round, page.step, page.recipient)
    elif page.kind == "page" and is_unreached(plan) and page.state == "due":
        event = Unreached(page.run, page.round, page.step, page.recipient)
    if event is None or desk.incident(page.incident) is None:
        return page, page.reported
    writes.make_way(desk.tx)
    desk.tell(page.incident, event)
    desk.settle()
    return pages.held(desk.tx, [page.id], page.claim or "").get(page.id, page), True


def _tell_carried(desk: Desk, bundle: PageRow, writes: _Writes) -> bool:
    """Tell some incidents of a bundle that it reached nobody; whether that were all."""
    writes.make_way(desk.tx)
    rows = bundles.unreported(desk.tx, bundle.id, TOLD_AT_ONCE)
    desk.lock(row.incident for row in rows)
    for row in rows:
        if desk.incident(row.incident) is not None:
            desk.tell(row.incident, Unreached(row.run, row.round, row.step, bundle.recipient))
    desk.settle()
    bundles.mark_reported(desk.tx, [row.id for row in rows])
    return len(rows) < TOLD_AT_ONCE


def _begin(
    tx: Tx,
    catalog: Catalog,
    page: PageRow,
    plan: Plan,
    incident: Incident | None,
    url: str,
    troubled: Collection[str],
    writes: _Writes,
) -> tuple[tuple[Attempt, ...], Plan]:
    due = due_contacts(plan, tx.now(), _in_trouble(catalog, page.recipient, troubled))
    speak = _speaker(tx, catalog, page, plan, incident, url, writes) if due else None
    if speak is None:
        return (), at_rest(plan) if due and page.kind == bundles.KIND else plan
    contacts = contacts_of(catalog, page.recipient)
    attempts = []
    for contact in due:
        if contact.name not in contacts:
            continue
        plan = begun(plan, contact.name)
        number = contact.attempts + 1
        writes.begun.append(Begun(page.id, contact.name, number, tx.now(), contact.uncertain))
        attempts.append(Attempt(page, contact.name, number, contacts[contact.name], speak(contact)))
    return tuple(attempts), plan


def _speaker(
    tx: Tx, catalog: Catalog, page: PageRow, plan: Plan, incident: Incident | None, url: str, writes: _Writes
) -> Callable[[Contact], Facts] | None:
    """What gives the facts for one contact, with a link of its own; None: there is nothing to say."""
    if page.kind == bundles.KIND:
        return _bundle_speaker(tx, catalog, page, plan, url, writes)
    if incident is not None:
        incident = seen_as(Reader(page.recipient), incident, catalog.teams)
        tells = page.kind != "notice" and not is_veiled(incident)
        contacts = contacts_of(catalog, page.recipient)
        # Read once, and only where somebody may list them.
        said = cache(lambda: alerts.said(tx, page.incident, MOST_ALERTS))

        def speak(contact: Contact) -> Facts:
            link = writes.link(tx, page, incident, url)
            facts = facts_of(catalog, page, incident, contact, link, tx.now())
            lists = tells and (catalog.templates or channel_class(contacts[contact.name]) in LETTERS)
            return replace(facts, alerts=said()) if lists else facts

        return speak
    notice = notices.words(tx, page.run) if page.incident == notices.NO_INCIDENT else None
    if notice is None:
        return None
    if page.why == TEST:
        return lambda contact: notice_of(
            notice.title,
            trial_words(notice.body, _proof_link(tx, catalog, page, contact, url)),
            contact,
            tx.now(),
            TEST,
        )
    return lambda contact: notice_of(notice.title, notice.body, contact, tx.now(), page.why)


def _proof_link(tx: Tx, catalog: Catalog, page: PageRow, contact: Contact, url: str) -> str:
    token = tokens.new_page_token()
    known = contacts_of(catalog, page.recipient)[contact.name]
    proofs.begin(tx, token, page.id, page.recipient, contact.name, known)
    return f"{url}/p/proof/{token}"


def _bundle_speaker(
    tx: Tx, catalog: Catalog, page: PageRow, plan: Plan, url: str, writes: _Writes
) -> Callable[[Contact], Facts] | None:
    """The facts of a bundle, as things stand; None once somebody has all of it, or its other news was told."""
    told = bundles.contents(tx, page.id, page.recipient)
    if not told.new and (not told.told or is_reached(plan)):
        return None
    kept = incidents.get(tx, told.numbers[0])
    if kept is None:
        return None
    lead = seen_as(Reader(page.recipient), kept.incident, catalog.teams)
    like = replace(page, kind="page" if told.new else "notice")
    return lambda contact: bundled(
        facts_of(catalog, like, lead, contact, writes.link(tx, page, lead, url), tx.now()), bundling.carried(told)
    )


def _planned(page: PageRow, catalog: Catalog) -> Plan:
    contacts = contacts_of(catalog, page.recipient)
    if page.plan is not None:
        return refresh(page.plan, contacts)
    of_turn = page.incident == notices.NO_INCIDENT and page.kind == "notice"
    ways = ways_of(catalog, page.recipient, page.severity, notice=page.why if of_turn else "")
    # From when it is due: a notice may wait for a re-fire.
    start = page.due_at or page.issued_at
    is_page = page.kind == "page" or (page.kind == bundles.KIND and page.target == "page")
    return (plan_page if is_page else plan_notice)(ways, contacts, start)
