"""Escalation policies: steps, each with targets and a wait, and who is paged when nobody answers."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from pager.core.duration import Duration
from pager.core.model import Model

Kind = Literal["schedule", "person", "team", "channel", "everyone"]
DEFAULT_WAIT = timedelta(minutes=5)
SHORT_WAIT = timedelta(seconds=30)
_HOW = "write a schedule's name, {schedule: payments, rank: 2}, person:ana, team:payments, channel:ops-chat or everyone"


class Target(Struct, frozen=True):
    """Whom a step pages; `rank` counts from 1 and is for schedules only."""

    kind: Kind
    name: str = ""
    rank: int = 1

    def __str__(self) -> str:
        if self.kind == "everyone":
            return "everyone"
        if self.kind == "schedule":
            return self.name
        return f"{self.kind}:{self.name}"


def parse_target(written: Any) -> Target:
    """The target that a policy writes. Raises ValueError with the right forms."""
    if isinstance(written, Target):
        return written
    if isinstance(written, dict):
        return _from_mapping(written)
    if not isinstance(written, str) or not written.strip():
        raise ValueError(f"not a target: {written!r}; {_HOW}")
    kind, colon, name = written.strip().partition(":")
    if not colon:
        return Target("everyone") if kind == "everyone" else Target("schedule", kind)
    if kind not in ("person", "team", "channel", "schedule") or not name.strip():
        raise ValueError(f"not a target: {written!r}; {_HOW}")
    return Target(kind, name.strip())  # type: ignore[arg-type]


def _from_mapping(written: dict[str, Any]) -> Target:
    name, rank = written.get("schedule"), written.get("rank", 1)
    if set(written) - {"schedule", "rank"} or not isinstance(name, str) or not name:
        raise ValueError(f"not a target: {written!r}; {_HOW}")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 1 <= rank <= 100:
        raise ValueError(f"rank must be 1 or more, not {rank!r}")
    return Target("schedule", name, rank)


TargetField = Annotated[Target, BeforeValidator(parse_target), PlainSerializer(str, return_type=str)]


class Step(Model):
    """One step: who is paged, and how long it has for an acknowledgement before the next begins."""

    page: tuple[TargetField, ...] = Field(min_length=1)
    wait: Duration = DEFAULT_WAIT

    @field_validator("wait")
    @classmethod
    def _some_wait(cls, wait: timedelta) -> timedelta:
        if wait <= timedelta():
            raise ValueError("wait must be longer than zero; write 5m")
        return wait


class Policy(Model):
    """An escalation policy. It never ends in silence: `then` is paged when all steps are through."""

    team: str = ""
    steps: tuple[Step, ...] = Field(min_length=1)
    repeat: int = Field(default=0, ge=0, le=10)
    then: tuple[TargetField, ...] = Field(default=(Target("everyone"),), min_length=1)


BUILT_IN = Policy(steps=(Step(page=(Target("everyone"),), wait=timedelta(minutes=10)),), repeat=3)
"""The policy of a folder that has none: everyone, ten minutes, three times more."""
