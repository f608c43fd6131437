"""Pages: which contacts of a person are tried when, and when the person counts as not reached."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from pager.core.outcome import Outcome, retry_at
from pager.core.people import Via

TROUBLE_FAILURES = 3
TROUBLE_SECONDS = 300.0


class Contact(Struct, frozen=True):
    """One way to reach the recipient. `due_at` None: not tried by itself (done, given up, or kept in reserve)."""

    name: str
    due_at: datetime | None = None
    attempts: int = 0
    failed: bool = False
    delivered: bool = False
    uncertain: bool = False

    @property
    def unused(self) -> bool:
        return self.attempts == 0 and not self.failed


Plan = tuple[Contact, ...]


def plan_page(ways: Sequence[Via], contacts: Iterable[str], issued_at: datetime) -> Plan:
    """The contacts in the order of the person's rule, at once or `after` so long; the others stand in reserve."""
    listed = {way.via: Contact(way.via, issued_at + way.after) for way in reversed(ways)}
    ordered = [listed[way.via] for way in ways if way.via in listed]
    reserve = [Contact(name) for name in contacts if name not in listed]
    return tuple(dict.fromkeys((*ordered, *reserve)))


def plan_notice(ways: Sequence[Via], contacts: Iterable[str], issued_at: datetime) -> Plan:
    """A notice goes to the contacts that are used at once; the others stand in reserve."""
    at_once = [way for way in ways if not way.after] or list(ways[:1])
    return plan_page([Via(via=way.via) for way in at_once], contacts, issued_at)


def refresh(plan: Plan, known: Iterable[str]) -> Plan:
    """Contacts that the files no longer have are not tried again; new ones stand in reserve."""
    names = list(known)
    kept = tuple(c if c.name in names else replace(c, due_at=None, failed=True) for c in plan)
    had = {contact.name for contact in plan}
    return (*kept, *(Contact(name) for name in names if name not in had))


def due_contacts(plan: Plan, now: datetime, troubled: Collection[str] = ()) -> tuple[Contact, ...]:
    """The contacts that are tried now, in their order; names in `troubled` come last, and are never left out."""
    due = (contact for contact in plan if contact.due_at is not None and contact.due_at <= now)
    return tuple(sorted(due, key=lambda contact: contact.name in troubled))


def in_trouble(recent: Sequence[tuple[float, bool]], now: float) -> bool:
    """Whether the last 3 attempts failed, all within 5 min before `now`.

    `recent` are (when it ended, whether it was delivered), oldest first; instants are seconds of one clock.
    """
    last = recent[-TROUBLE_FAILURES:]
    return len(last) == TROUBLE_FAILURES and all(not ok and at > now - TROUBLE_SECONDS for at, ok in last)


def next_due(plan: Plan) -> datetime | None:
    """When the next contact is tried; None: nothing more goes out by itself."""
    return min((contact.due_at for contact in plan if contact.due_at is not None), default=None)


def begun(plan: Plan, name: str) -> Plan:
    """The plan once an attempt at `name` has begun: nothing is due for it until its outcome is known."""
    return _change(plan, name, lambda c: replace(c, due_at=None, attempts=c.attempts + 1))


def at_rest(plan: Plan) -> Plan:
    """The plan of what need not be sent any more: nothing in it is due."""
    return tuple(replace(contact, due_at=None) for contact in plan)


def lost(plan: Plan, names: Iterable[str], now: datetime) -> Plan:
    """The lease over these attempts ran out without an outcome: unknown, so they are tried again as a repeat."""
    for name in names:
        plan = _change(plan, name, lambda c: replace(c, due_at=now, uncertain=True))
    return plan


def ended(
    plan: Plan, name: str, outcome: Outcome, now: datetime, jitter: float, troubled: Collection[str] = ()
) -> Plan:
    """The plan after one attempt. A failure is tried again by plan, and the next unused contact goes now.

    Names in `troubled` go when no other is left. A permanent failure is not tried again. `jitter` is in [0, 1).
    """
    if outcome.delivered:
        return _change(plan, name, lambda c: replace(c, due_at=None, delivered=True))
    plan = _change(plan, name, lambda c: _failed(c, outcome, now, jitter))
    spares = [c for c in plan if c.unused and (c.due_at is None or c.due_at > now)]
    if not spares:
        return plan
    spare = min(spares, key=lambda c: c.name in troubled)
    return _change(plan, spare.name, lambda c: replace(c, due_at=now))


def is_reached(plan: Plan) -> bool:
    return any(contact.delivered for contact in plan)


def is_unreached(plan: Plan) -> bool:
    """All contacts failed at least once and none took it; a plan without contacts reaches nobody."""
    return all(contact.failed and not contact.delivered for contact in plan)


def failure_words(recipient: str, plan: Plan, failed: Mapping[str, Outcome], now: datetime) -> str:
    """How a timeline tells the first failure of a page: `ana: push failed (refused), tried mail`.

    `plan` is as it stands after the failures in `failed`, which are told by reason alone: details are for `pages`.
    """
    what = " and ".join(f"{name} failed ({outcome.reason.value})" for name, outcome in failed.items())
    others = [c for c in plan if c.name not in failed and (c.attempts or (c.due_at is not None and c.due_at <= now))]
    if others:
        then = f"tried {', '.join(contact.name for contact in others)}"
    elif any(contact.name in failed and contact.due_at is not None for contact in plan):
        then = "tried again"
    else:
        then = "there is nothing else to try"
    return f"{recipient}: {what}, {then}"


def _failed(contact: Contact, outcome: Outcome, now: datetime, jitter: float) -> Contact:
    again = None if outcome.permanent else retry_at(contact.attempts, now, jitter)
    return replace(contact, due_at=again, failed=True, uncertain=contact.uncertain or outcome.uncertain)


def _change(plan: Plan, name: str, change: Callable[[Contact], Contact]) -> Plan:
    return tuple(change(contact) if contact.name == name else contact for contact in plan)
