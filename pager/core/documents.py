"""What one YAML document may hold: the keys of a file below rules/, and those about people below schedules/."""

from typing import Annotated

from pydantic import AfterValidator, Field

from pager.core.contact_url import ChannelClass
from pager.core.matcher import MatcherField
from pager.core.model import Model
from pager.core.people import ContactUrl, Person, Role, Team
from pager.core.policy import Policy
from pager.core.rule import (
    Defaults,
    Heartbeat,
    Inhibit,
    Maintenance,
    Reach,
    Rule,
    Slo,
    Source,
    Stakeholders,
    StatusPage,
)
from pager.core.scenario import Case
from pager.core.severity import Level, Severity
from pager.core.template import TemplateField
from pager.core.webhook import Webhook

_LONGEST_NAME = 64


def check_name(name: str) -> str:
    """`name` itself if targets and links can name it. Raises ValueError."""
    fits = 0 < len(name) <= _LONGEST_NAME and name == name.strip() and name.isprintable()
    if not fits or name == "everyone" or ":" in name or "/" in name:
        raise ValueError(f"not a name: {name!r}; write {_LONGEST_NAME} letters, digits, - and _ at most")
    return name


Name = Annotated[str, AfterValidator(check_name)]


class RulesFile(Model):
    """One document below rules/. Its `match` is added to each of its rules."""

    severities: dict[Level, Severity] = Field(default_factory=dict)
    defaults: Defaults = Defaults()
    match: tuple[MatcherField, ...] = ()
    rules: tuple[Rule, ...] = ()
    policies: dict[Name, Policy] = Field(default_factory=dict)
    inhibit: tuple[Inhibit, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    sources: tuple[Source, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    stakeholders: dict[Name, Stakeholders] = Field(default_factory=dict)
    slos: tuple[Slo, ...] = ()
    status_page: StatusPage | None = None
    reach: tuple[Reach, ...] = ()
    templates: dict[ChannelClass, TemplateField] = Field(default_factory=dict)
    tests: tuple[Case, ...] = ()


class PeopleFile(Model):
    """The keys about people in a document below schedules/."""

    people: dict[Name, Person] = Field(default_factory=dict)
    teams: dict[Name, Team] = Field(default_factory=dict)
    channels: dict[Name, ContactUrl] = Field(default_factory=dict)
    roles: dict[Name, Role] = Field(default_factory=dict)
