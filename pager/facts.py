"""What a message has to say, and to which contacts: the incident as it stands, for one recipient."""

from collections.abc import Mapping
from datetime import datetime

from pager.core.catalog import CHANNEL, Catalog
from pager.core.code import code_of
from pager.core.digest import KIND as DIGEST
from pager.core.digest import mail_ways
from pager.core.incident import Incident
from pager.core.joining import MERGED
from pager.core.lasting import DECIDE, UPDATE
from pager.core.page import Contact
from pager.core.people import Via
from pager.core.privacy import WHY_NOT, is_veiled
from pager.core.proven import ASKED, TEST
from pager.core.text import Facts
from pager.core.turn import Turn
from pager.store.pages import PageRow

CHANNEL_CONTACT = "channel"


def contacts_of(catalog: Catalog, recipient: str) -> Mapping[str, str]:
    """The contact URLs of a person, or the one of a `channel:x`; secrets are still names in them."""
    if recipient.startswith(CHANNEL):
        url = catalog.channels.get(recipient.removeprefix(CHANNEL))
        return {CHANNEL_CONTACT: url} if url else {}
    person = catalog.people.get(recipient)
    return person.contacts if person else {}


def ways_of(catalog: Catalog, recipient: str, severity: str, *, notice: str = "") -> tuple[Via, ...]:
    """The contacts in their order. A notice about no incident wakes nobody, but for one that a person asks for."""
    person = catalog.people.get(recipient)
    if person is None:
        return (Via(via=CHANNEL_CONTACT),)
    if notice == DIGEST:
        return mail_ways(person)
    if notice == TEST:
        return tuple(Via(via=contact) for contact in person.contacts)
    if notice and notice != ASKED:
        return person.quiet_ways
    return person.ways("SEV-1" if notice else severity)  # type: ignore[arg-type]


def notice_of(title: str, body: str, contact: Contact, now: datetime, why: str = "") -> Facts:
    """What a notice says that is about no incident; `why` is its kind, which tells how loud it is."""
    return Facts(
        code="",
        severity="",
        title=title,
        kind="notice",
        why=why,
        since=now,
        now=now,
        page_link="",
        runbook="",
        summary=f"{body}\nThis may be a repeat.".strip() if contact.uncertain else body,
        alone=True,
    )


def _why(page: PageRow, incident: Incident) -> str:
    if page.why == MERGED and incident.merged_into is not None:
        return f"merged into {code_of(incident.merged_into)} by {page.by or incident.resolved_by}"
    return "" if page.why == "step 1" else page.why


def _plan(incident: Incident, link: str) -> str:
    """Where the plan is read; what stands below runbooks/ has a page."""
    return f"{link}/plan" if incident.plan.startswith("runbooks/") else incident.plan


def facts_of(catalog: Catalog, page: PageRow, incident: Incident, contact: Contact, link: str, now: datetime) -> Facts:
    """What the message says: the incident as it stands now, not as it stood when the page was issued.

    To who may not see a private one only that there is one; `link` is then where they sign in.
    """
    if is_veiled(incident):
        return _veiled(catalog, page, incident, contact, link, now)
    person = catalog.people.get(page.recipient)
    is_link = incident.runbook.startswith(("http://", "https://"))
    return Facts(
        code=code_of(incident.number),
        severity=incident.severity,
        title=incident.title,
        kind=page.kind,
        why=_why(page, incident),
        since=incident.opened_at,
        now=now,
        page_link=link,
        runbook=incident.runbook if is_link else f"{link}/runbook",
        plan=_plan(incident, link) if page.why == DECIDE else "",
        waiting=Turn(incident, catalog, now).stakeholders if page.why == UPDATE else (),
        summary=incident.summary,
        service=incident.service,
        where=incident.where,
        firing=incident.firing,
        more=incident.more,
        by=page.by or incident.resolved_by,
        zone=person.timezone if person else "UTC",
        others=tuple(name for name in incident.waiting if name != page.recipient),
        next_at=incident.clock_step if incident.state == "triggered" else None,
        repeat=contact.uncertain,
        policy=incident.policy,
        rule=incident.rule,
    )


def _veiled(catalog: Catalog, page: PageRow, incident: Incident, contact: Contact, link: str, now: datetime) -> Facts:
    """That there is one, how bad it is, and that it is over; nothing of what was issued before it was private."""
    person = catalog.people.get(page.recipient)
    return Facts(
        code=code_of(incident.number),
        severity=incident.severity,
        title=incident.title,
        kind=page.kind,
        why=page.why if page.why in ("resolved", "also") else "",
        since=incident.opened_at,
        now=now,
        page_link=link,
        runbook="",
        summary=f"It {WHY_NOT.removeprefix('is private: it ')}.",
        by="those who worked on it",
        zone=person.timezone if person else "UTC",
        repeat=contact.uncertain,
    )
