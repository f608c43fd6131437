"""Rules: from an alert's labels to its severity, policy, runbook and group."""

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pager.core.cron import check_cron
from pager.core.duration import Duration
from pager.core.mapping import Mapping, Words
from pager.core.matcher import Matcher, MatcherField
from pager.core.model import Model
from pager.core.moment import Zone
from pager.core.privacy import PrivateField
from pager.core.quota import Quota
from pager.core.severity import Level, LevelField
from pager.core.signature import Signed
from pager.core.silence import LONGEST, check_matchers

_WHEN = re.compile(r"alerts\s*>=\s*(\d{1,6})", re.ASCII)


class Promote(Model):
    """When an incident rises by itself: `alerts >= N`, or unacknowledged for `after`."""

    to: LevelField
    when: str = ""
    after: Duration | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Promote":
        if bool(self.when) == (self.after is not None):
            raise ValueError("promote takes either when: alerts >= 20 or after: 30m")
        if self.when and not _WHEN.fullmatch(self.when.strip()):
            raise ValueError(f"not a condition: {self.when!r}; write alerts >= 20")
        return self

    @property
    def alerts(self) -> int | None:
        """The number of alerts from which on it rises, or None."""
        shape = _WHEN.fullmatch(self.when.strip()) if self.when else None
        return int(shape[1]) if shape else None


class Recovery(Model):
    """How to recover instead of repairing, and after how long that is to be decided."""

    plan: str = Field(min_length=1)
    decide_after: Duration

    @field_validator("plan")
    @classmethod
    def _plan_is_a_link(cls, plan: str) -> str:
        return check_runbook(plan)

    @field_validator("decide_after")
    @classmethod
    def _decided_after_a_while(cls, after: timedelta) -> timedelta:
        if after < timedelta(minutes=1):
            raise ValueError("what is to be decided needs a while: write 45m")
        return after


class Rule(Model):
    """One rule. Without `severity` the sender's own word counts.

    `private` names who sees its incidents beside those who are paged, and admins; None: everybody does.
    """

    name: str = Field(min_length=1)
    match: tuple[MatcherField, ...] = ()
    severity: LevelField | None = None
    policy: str = ""
    runbook: str = ""
    group_by: tuple[str, ...] | None = None
    group_wait: Duration | None = None
    promote: tuple[Promote, ...] = ()
    recovery: Recovery | None = None
    private: PrivateField = None

    @field_validator("runbook")
    @classmethod
    def _runbook_is_a_link(cls, runbook: str) -> str:
        return check_runbook(runbook)


def check_runbook(runbook: str) -> str:
    """`runbook` itself: an http(s) link, a file below runbooks/, or nothing. Raises ValueError."""
    if runbook and not re.match(r"https?://[^/\s]", runbook):
        if re.match(r"[a-z][a-z0-9+.-]*:", runbook, re.IGNORECASE) or ".." in runbook.split("/"):
            raise ValueError(f"not a runbook: {runbook!r}; write an http(s) link or runbooks/name.md")
        if not runbook.startswith("runbooks/"):
            raise ValueError(
                f"not a runbook: {runbook!r}; files stand below runbooks/: runbooks/{runbook.split('/')[-1]}"
            )
    return runbook


class Defaults(Model):
    """What holds where the files do not say."""

    unmatched: LevelField = "SEV-2"
    words: dict[str, LevelField] = Field(default_factory=dict)
    policy: str = "default"
    runbook: str = ""
    group_by: tuple[str, ...] | None = None
    group_wait: Duration = timedelta()

    @field_validator("words")
    @classmethod
    def _words_in_lower_case(cls, words: dict[str, Level]) -> dict[str, Level]:
        return {word.lower(): level for word, level in words.items()}

    @field_validator("runbook")
    @classmethod
    def _runbook_is_a_link(cls, runbook: str) -> str:
        return check_runbook(runbook)


class Inhibit(Model):
    """While an alert of `when` pages, those of `mute` whose labels in `equal` are the same do not."""

    when: tuple[MatcherField, ...] = Field(min_length=1)
    mute: tuple[MatcherField, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()


class Maintenance(Model):
    """A window that comes again: `starts` by the wall clock of `timezone`, `lasts` in elapsed time."""

    name: str = Field(min_length=1, max_length=100)
    match: tuple[MatcherField, ...] = Field(min_length=1)
    starts: str
    lasts: Duration
    timezone: Zone = "UTC"
    why: str = Field(min_length=1)
    owner: str = ""

    @field_validator("match")
    @classmethod
    def _match_is_about_something(cls, match: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
        check_matchers(match)
        return match

    @field_validator("starts")
    @classmethod
    def _starts_is_cron(cls, starts: str) -> str:
        try:
            return check_cron(starts)
        except ValueError as error:
            raise ValueError(
                str(error).replace("not a hand-off", "not a start").replace("hand-offs", "starts")
            ) from None

    @field_validator("lasts")
    @classmethod
    def _lasts_a_while(cls, lasts: timedelta) -> timedelta:
        if not timedelta() < lasts <= LONGEST["maintenance"]:
            raise ValueError("a window lasts longer than nothing and 31 days at most; write 4h")
        return lasts


class Heartbeat(Model):
    """What must speak every so often: by pings of its name, or by an alert that always fires (`watchdog`)."""

    name: str
    every: Duration
    grace: Duration = timedelta()
    watchdog: tuple[MatcherField, ...] = ()
    severity: LevelField = "SEV-2"
    policy: str = ""
    runbook: str = ""

    @field_validator("name")
    @classmethod
    def _name_stands_in_an_address(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
            raise ValueError(f"not a name: {name!r}; write up to 64 letters, digits, dots, - and _: nightly-backup")
        return name

    @field_validator("every")
    @classmethod
    def _every_is_a_while(cls, every: timedelta) -> timedelta:
        if every <= timedelta():
            raise ValueError("a heartbeat comes every so often: write 5m or 24h")
        return every

    @field_validator("watchdog")
    @classmethod
    def _watchdog_names_an_alert(cls, watchdog: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
        named = any(matcher.label == "alertname" and matcher.operator == "=" for matcher in watchdog)
        if watchdog and not named:
            raise ValueError("a watchdog never pages by itself, so it names one alert: alertname = Watchdog")
        return watchdog

    @field_validator("runbook")
    @classmethod
    def _runbook_is_a_link(cls, runbook: str) -> str:
        return check_runbook(runbook)


class Source(Model):
    """An entry of `sources:`: a token's name stands for who speaks. Secrets only by name.

    `resolved` and `firing` are words of mails: that it is over, and that it goes on.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    dialect: str
    token: str = Field(default="", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$|^$")
    stale_after: Duration | None = None
    must_speak: Duration | None = None
    resolves: bool = True
    severity: LevelField | None = None
    policy: str = ""
    match: tuple[MatcherField, ...] = ()
    map: Mapping | None = None
    resolved: Words = ()
    firing: Words = ()
    signed: Signed | None = None
    quota: Quota = Quota()

    @model_validator(mode="after")
    def _signed_beside_a_token(self) -> "Source":
        # The token says which source speaks: without one nobody would be asked for the signature.
        if self.signed is not None and not self.token:
            raise ValueError("a signed source has a token, too: write the name of a secret, as in `token: GITHUB`")
        return self

    @model_validator(mode="after")
    def _words_are_of_mails(self) -> "Source":
        if (self.resolved or self.firing) and self.dialect != "mail":
            raise ValueError("`resolved` and `firing` are for mails; other bodies say it in `map: {state: ...}`")
        return self


class Stakeholders(Model):
    channels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


class Slo(Model):
    name: str
    objective: float = Field(gt=0, lt=100)
    window: Duration
    match: tuple[MatcherField, ...] = ()
    counts: dict[str, float] = Field(default_factory=dict)
    freeze_at: float = 100
    warn_at: float = 80
    postmortem_at: float = 20


class Component(Model):
    name: str
    match: tuple[MatcherField, ...] = ()


class StatusPage(Model):
    title: str = ""
    components: tuple[Component, ...] = ()
    private: bool = False


class Reach(Model):
    severity: LevelField
    people: int = Field(default=1, ge=1)
    within: Duration
    despite: tuple[Literal["person", "channel", "provider"], ...] = ()
