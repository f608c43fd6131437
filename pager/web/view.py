"""The view of one incident for one person: everything that a page shows, in words, at one instant."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from msgspec import Struct

from pager.core.catalog import CHANNEL, Catalog
from pager.core.code import code_of
from pager.core.duration import format_duration
from pager.core.holding import is_own
from pager.core.incident import UNDO, Hold, Incident
from pager.core.page import is_reached
from pager.core.policy import Target
from pager.core.privacy import TEAM, is_veiled
from pager.core.severity import LEVELS
from pager.core.silence import matchers_for
from pager.core.text import clock
from pager.core.turn import COMMANDER
from pager.store.alerts import KnownAlert
from pager.store.incidents import Written
from pager.store.pages import PageRow

SHAPES = {"SEV-1": "▲", "SEV-2": "◆", "SEV-3": "■", "SEV-4": "●", "SEV-5": "○"}
HOLDS = {
    "group_wait": "waiting for the rest of its group",
    "hours": "working hours",
    "silence": "silence",
    "maintenance": "maintenance",
    "inhibition": "another alert speaks for it:",
    "pause": "all pages are paused",
}
SENT = {
    "due": "on its way",
    "delivered": "sent",
    "failed": "not reached",
    "withdrawn": "not sent: somebody had it",
    "held": "goes with others as one message",
    "carried": "sent with others as one message",
}
LINK = re.compile(r"https?://[^\s\x00-\x20]*", re.IGNORECASE)
SOMEBODY = "Somebody"
MOST_ALERTS = 20
MOST_ENTRIES = 30
MOST_PAGED = 20


class Seen(Struct, frozen=True):
    """What was read of an incident in one snapshot, for the holder of one link.

    `asked` is the one that the link was about, where that was merged into this one; `others` are open, too, and seen
    by the same person. The timeline is the last of it, or what came before the entry of the number `before`.
    `may_publish`: of a private one, whether that person may make it public.
    """

    person: str
    incident: Incident
    version: int
    alerts: Sequence[KnownAlert]
    pages: Sequence[PageRow]
    timeline: Sequence[Written]
    now: datetime
    mark: str = ""
    asked: Incident | None = None
    others: Sequence[Incident] = ()
    before: int = 0
    may_publish: bool = False


class View:
    """Words for a template. `error` and `done` are told at the top."""

    def __init__(self, seen: Seen, catalog: Catalog, link: str, *, error: str = "", done: str = "") -> None:
        self.incident = seen.incident
        self.link = link
        self.error = error
        self.done = done
        self._seen = seen
        self._catalog = catalog
        person = catalog.people.get(seen.person)
        self._zone = person.timezone if person else "UTC"

    # What it is.

    @property
    def code(self) -> str:
        return code_of(self.incident.number)

    @property
    def shape(self) -> str:
        return SHAPES[self.incident.severity]

    @property
    def level(self) -> str:
        """The severity in a word: `Critical`."""
        return self._catalog.severities[self.incident.severity].name

    @property
    def levels(self) -> list[tuple[str, str, str]]:
        known = self._catalog.severities
        return [(level, known[level].name, known[level].means) for level in LEVELS if level in known]

    @property
    def facts(self) -> list[tuple[str, str]]:
        incident = self.incident
        since = ("Since", f"{self.at(incident.opened_at)} ({self.ago(incident.opened_at)})")
        if self.is_veiled:
            return [since]
        firing = f"{incident.firing} firing" if incident.alerts else "none: opened by hand"
        firing += f" of {incident.alerts}" if incident.alerts > incident.firing else ""
        more = f", and {incident.more} that the sender left out" if incident.more else ""
        facts = [
            since,
            ("Service", incident.service),
            ("Where", incident.where),
            ("Alerts", firing + more),
            ("Merged", ", ".join(code_of(number) for number in incident.absorbed)),
            ("Roles", ", ".join(f"{role} {self.name(who)}" for role, who in incident.roles)),
        ]
        return [(name, text) for name, text in facts if text]

    @property
    def is_veiled(self) -> bool:
        """Whether it is private, and this person is to know only that there is one."""
        return is_veiled(self.incident)

    @property
    def seen_by(self) -> str:
        """Who sees a private one, "" for one that everybody sees."""
        if not self.incident.private or self.is_veiled:
            return ""
        named = (self._named(name) for name in self.incident.named)
        return ", ".join((*named, "those who are paged for it", "admins"))

    @property
    def may_publish(self) -> bool:
        return self._seen.may_publish

    @property
    def runbook(self) -> str:
        """Where the runbook is read: its own http(s) address, or the page below this link."""
        return self.incident.runbook if self.has_foreign_runbook else f"{self.link}/runbook"

    @property
    def has_foreign_runbook(self) -> bool:
        return is_link(self.incident.runbook)

    # Where it stands.

    @property
    def mark(self) -> str:
        """What the stream of news says as long as nothing has happened since this was read."""
        return self._seen.mark

    @property
    def me(self) -> str:
        return self.name(self._seen.person)

    @property
    def now(self) -> str:
        return self.at(self._seen.now)

    @property
    def went_on(self) -> str:
        """The code of the incident that this one was merged into, "" if it was not."""
        return code_of(self.incident.merged_into) if self.incident.merged_into is not None else ""

    @property
    def came_from(self) -> str:
        """The code of the incident that the link was about, where that was merged into this one."""
        return code_of(self._seen.asked.number) if self._seen.asked is not None else ""

    @property
    def others(self) -> list[tuple[str, str]]:
        """What it may be merged with: codes, and what each is about."""
        fits = [one for one in self._seen.others if one.number != self.incident.number and not is_own(one)]
        return (
            [(code_of(one.number), f"{one.severity} {one.title}") for one in fits] if not is_own(self.incident) else []
        )

    @property
    def has_private_others(self) -> bool:
        return any(one.private for one in self._seen.others)

    @property
    def wants_commander(self) -> bool:
        """Whether its level has a commander, and the files say who may be."""
        severity = self._catalog.severities[self.incident.severity]
        return self.incident.is_open and COMMANDER in severity.roles and COMMANDER in self._catalog.roles

    @property
    def commander(self) -> str:
        """Who commands, "" while nobody does."""
        return self.name(dict(self.incident.roles).get(COMMANDER, ""))

    @property
    def commands(self) -> bool:
        return dict(self.incident.roles).get(COMMANDER) == self._seen.person

    @property
    def people(self) -> list[tuple[str, str]]:
        """Whom else this person may page: names of the files, and what they are called."""
        return [(who, self.name(who)) for who in self._catalog.people if who != self._seen.person]

    @property
    def is_mine(self) -> bool:
        return self.incident.has_responder and self.incident.acked_by == self._seen.person

    @property
    def is_here_too(self) -> bool:
        return self.incident.has_responder and self._seen.person in self.incident.also_here

    @property
    def standing(self) -> str:
        """Who has it, in one sentence."""
        incident, acked_at = self.incident, self.incident.acked_at
        if incident.merged_into is not None:
            by = self.name(incident.resolved_by)
            return f"Merged into {code_of(incident.merged_into)} by {by}{self._since(incident.resolved_at)}"
        if incident.state == "resolved":
            return f"Resolved {self._by(incident.resolved_by)}{self._since(incident.resolved_at)}"
        if incident.state == "mitigated":
            return f"The bleeding has stopped; {self._holder()} recovery"
        if incident.state == "acknowledged":
            who = "You have it" if self.is_mine else f"{self.name(incident.acked_by) or SOMEBODY} has it"
            return f"{who}{f', since {self.at(acked_at)}' if acked_at else ''}"
        return "Nobody has it yet" if incident.hold is None else "Held back: it pages nobody"

    @property
    def next(self) -> str:
        """What happens by itself, and when."""
        incident = self.incident
        if incident.hold is not None:
            return self._held(incident.hold)
        if incident.has_responder and incident.clock_ack is not None:
            return f"Without a word until {self.at(incident.clock_ack)} it pages again"
        if incident.state == "triggered" and incident.clock_step is not None:
            return f"{self.at(incident.clock_step)} ({self._ahead(incident.clock_step)}): {self._next_step()}"
        return ""

    @property
    def undo_until(self) -> str:
        """Until when this person may take the acknowledgement back; "" when they may not."""
        if not can_undo(self.incident, self._seen.person, self._seen.now):
            return ""
        assert self.incident.acked_at is not None
        return f"{(self.incident.acked_at + UNDO).astimezone(ZoneInfo(self._zone)):%H:%M:%S}"

    @property
    def paged(self) -> list[tuple[str, str, str]]:
        """Each of the newest pages: to whom, when, and what became of it."""
        return [(self.name(page.recipient), self.at(page.issued_at), _sent(page)) for page in self._pages[-MOST_PAGED:]]

    @property
    def paged_before(self) -> int:
        """How many pages there were before those."""
        return max(0, len(self._pages) - MOST_PAGED)

    @property
    def _pages(self) -> list[PageRow]:
        return [page for page in self._seen.pages if page.kind != "notice"]

    @property
    def alerts(self) -> list[tuple[str, str, Mapping[str, str], str]]:
        """Name, status, labels and link of the first alerts."""
        return [
            (
                known.state.labels.get("alertname", "unnamed alert"),
                "firing" if known.state.counts_as_firing else "resolved",
                known.state.labels,
                known.state.generator_url if is_link(known.state.generator_url) else "",
            )
            for known in self._seen.alerts[:MOST_ALERTS]
        ]

    @property
    def silence(self) -> str:
        """Where alerts like those of this incident are silenced, "" for one without any, or about pager itself."""
        firing = [known.state.labels for known in self._seen.alerts if known.state.counts_as_firing]
        # What a silence is about everybody reads.
        said = "" if is_own(self.incident) or self.incident.private else "\n".join(matchers_for(firing))
        return f"/silences?match={quote(said, safe='')}#make" if said else ""

    @property
    def timeline(self) -> list[tuple[str, str, str]]:
        """When, who and what, newest first."""
        return [
            (self.at(entry.at), self.name(entry.by), entry.said)
            for entry in reversed(self._seen.timeline)
            if entry.said
        ]

    @property
    def older(self) -> int:
        """The cursor by which the timeline goes on with what was before; 0 where it begins here."""
        first = self._seen.timeline[0].seq if self._seen.timeline else 1
        return first if first > 1 else 0

    @property
    def is_newest(self) -> bool:
        """Whether the timeline ends with what happened last."""
        return not self._seen.before

    def _named(self, name: str) -> str:
        return f"team {name.removeprefix(TEAM)}" if name.startswith(TEAM) else self.name(name)

    # Words.

    def at(self, when: datetime) -> str:
        """`03:04 CET`, on the person's own clock."""
        return clock(when, self._zone, self._seen.now)

    def ago(self, when: datetime) -> str:
        return f"{rough(self._seen.now - when)} ago"

    def name(self, who: str) -> str:
        person = self._catalog.people.get(who)
        return (person.name if person else "") or who.removeprefix(CHANNEL)

    def _ahead(self, when: datetime) -> str:
        return f"in {rough(when - self._seen.now)}" if when > self._seen.now else "now"

    def _by(self, who: str) -> str:
        words = {"source": "by the source: all alerts ended", "not heard of": "since nothing was heard of it any more"}
        if not who:
            return "by now"
        return words.get(who) or f"by {'you' if who == self._seen.person else self.name(who)}"

    def _since(self, when: datetime | None) -> str:
        return f", {self.at(when)} ({self.ago(when)})" if when is not None else ""

    def _holder(self) -> str:
        who = self.name(self.incident.acked_by) or SOMEBODY.lower()
        return "you have the" if self.is_mine else f"{who} has the"

    def _held(self, hold: Hold) -> str:
        until = f"Until {self.at(hold.until)}: " if hold.until else ""
        why = f"{HOLDS[hold.reason]} {hold.name}".rstrip(" :")
        return until + why if until else why[0].upper() + why[1:]

    def _next_step(self) -> str:
        incident = self.incident
        policy = self._catalog.policy(incident.policy)[1]
        if incident.then or (incident.step >= len(policy.steps) and incident.round >= policy.repeat):
            return f"{self._whom(policy.then)}, told that nobody has it"
        step = policy.steps[incident.step % len(policy.steps)]
        return self._whom(step.page)

    def _whom(self, targets: Sequence[Target]) -> str:
        return ", ".join(self._target(target) for target in targets)

    def _target(self, target: Target) -> str:
        """As the files write it, and who that is at the instant of the step."""
        incident = self.incident
        at = max(incident.clock_step or self._seen.now, self._seen.now)
        people = self._catalog.resolve(target, at, self._catalog.team_of(incident.policy), incident.severity)
        if target.kind == "schedule":
            return f"{' and '.join(self.name(who) for who in people) or 'nobody'} ({target})"
        return self.name(target.name) if target.kind in ("person", "channel") else str(target)


def can_undo(incident: Incident, person: str, now: datetime) -> bool:
    """Whether `person` may take an acknowledgement back: their own, for 60 s."""
    mine = incident.state == "acknowledged" and incident.acked_by == person
    return mine and incident.acked_at is not None and now - incident.acked_at <= UNDO


def is_link(text: str) -> bool:
    """Whether `text` may be followed: http(s) and nothing else."""
    return LINK.fullmatch(text) is not None


def rough(length: timedelta) -> str:
    """A length as people say it: `40s`, `12m`, `3h5m`, `2d`."""
    seconds = max(0, int(length.total_seconds()))
    unit = 1 if seconds < 60 else 60 if seconds < 86_400 else 3600
    return format_duration(timedelta(seconds=seconds // unit * unit)) if seconds else "0s"


def _sent(page: PageRow) -> str:
    if page.state == "due" and page.plan is not None and is_reached(page.plan):
        return SENT["delivered"]
    return SENT.get(page.state, page.state)
