"""Digests: what pages nobody is told in one message, when the level's cron says so, to the team or whoever is first.

A digest goes to the channel of the policy's team, else by mail to the people of step 1; times are of their zone.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from pager.core.catalog import CHANNEL, Catalog
from pager.core.contact_url import channel_class
from pager.core.cron import handoff_instants
from pager.core.notices import Notice
from pager.core.people import Person, Via
from pager.core.policy import Policy
from pager.core.severity import Level
from pager.core.wall import datetime_of, minute_of

KIND: Literal["digest"] = "digest"
USUAL = "0 9 * * MON"
LATE = timedelta(hours=24)
"""A digest that is later than this is left out: pager was down."""
MOST_LISTED = 20


class DueDigest(Struct, frozen=True):
    """A digest of one level for one policy whose instant has come; what was opened after `since` is new."""

    level: Level
    policy: str
    at: datetime
    since: datetime


class Backlog(Struct, frozen=True):
    """What a policy has in a level: open incidents, those opened since the last digest, those over, and the newest."""

    open: int
    new: int
    over: int
    listed: tuple[tuple[str, str], ...] = ()
    """(code, title), the newest first."""


def due_digests(catalog: Catalog, now: datetime) -> list[DueDigest]:
    """The newest digest of each backlog level and policy, if its instant is no more than a day ago."""
    found = []
    for level, severity in catalog.severities.items():
        if severity.respond == "backlog":
            for name, policy in catalog.policies.items():
                at, since = _last_two(severity.digest or USUAL, zone_of(catalog, policy, now), now)
                if at is not None and now - at <= LATE:
                    found.append(DueDigest(level, name, at, since or at - timedelta(days=7)))
    return found


def next_digest(catalog: Catalog, now: datetime) -> datetime | None:
    """When the next digest of any backlog level and policy comes after `now`."""
    crons = [each.digest or USUAL for each in catalog.severities.values() if each.respond == "backlog"]
    zones = {zone_of(catalog, policy, now) for policy in catalog.policies.values()}
    years, minute = (now.year, now.year + 1), minute_of(now)
    found = (at for cron in crons for zone in zones for year in years for at in handoff_instants(cron, zone, year))
    first = min((at for at in found if at > minute), default=None)
    return None if first is None else datetime_of(first)


def zone_of(catalog: Catalog, policy: Policy, now: datetime) -> str:
    """The zone of whom step 1 pages: the schedule's, else the person's, else UTC."""
    for target in policy.steps[0].page:
        if target.kind == "schedule" and target.name in catalog.schedules:
            return catalog.schedule_zone(target.name, now)
        if target.kind == "person" and target.name in catalog.people:
            return catalog.people[target.name].timezone
    return "UTC"


def digest(due: DueDigest, backlog: Backlog, catalog: Catalog) -> list[Notice]:
    """The messages of one digest; none when there is nothing to tell."""
    if not (backlog.open or backlog.over):
        return []
    title = f"{due.level} digest of {due.policy}: {backlog.open} open, {backlog.new} new"
    body = "\n".join(_lines(backlog))
    about = f"{due.level} {due.policy}"
    return [Notice(KIND, name, about, due.at, due.at, title, body) for name in recipients(catalog, due.policy, due.at)]


def recipients(catalog: Catalog, policy: str, at: datetime) -> tuple[str, ...]:
    """The channel of the policy's team, else the people of its first step."""
    team = catalog.teams.get(catalog.team_of(policy))
    if team is not None and team.channel in catalog.channels:
        return (CHANNEL + team.channel,)
    _, known = catalog.policy(policy)
    # As for a SEV-1, for quiet hours are no matter to a mail.
    found = (catalog.resolve(target, at, catalog.team_of(policy), "SEV-1") for target in known.steps[0].page)
    return tuple(dict.fromkeys(name for names in found for name in names))


def mail_ways(person: Person) -> tuple[Via, ...]:
    """The contacts that are mail; those for what is no page where there are none."""
    mails = tuple(Via(via=name) for name, url in person.contacts.items() if channel_class(url) == "mail")
    return mails or person.quiet_ways


def _lines(backlog: Backlog) -> Iterable[str]:
    yield from (f"{code} {title}" for code, title in backlog.listed)
    if backlog.open > len(backlog.listed):
        yield f"and {backlog.open - len(backlog.listed)} more"
    if backlog.over:
        yield f"{backlog.over} came and went since the last digest"


def _last_two(cron: str, zone: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The newest instant of `cron` that is not after `now`, and the one before it."""
    minute = minute_of(now)
    near = (at for year in range(now.year - 1, now.year + 2) for at in handoff_instants(cron, zone, year))
    newest = [datetime_of(at) for at in [at for at in near if at <= minute][-2:]]
    return (newest[-1] if newest else None), (newest[0] if len(newest) == 2 else None)
