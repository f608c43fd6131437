"""Nodes: several pagerd on one database, how each of them stands, and what is wrong among them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from pager.core.duration import format_duration

LATE = timedelta(seconds=15)
"""From then on whoever has not been seen has lost what it was sending: another node sends it."""
UNSEEN = timedelta(minutes=1)
RUN_OUT = timedelta(minutes=2)
DIFFERENT = timedelta(minutes=2)
MOST_SKEW = timedelta(seconds=5)
FORGET_GONE = timedelta(hours=1)
FORGET_UNSEEN = timedelta(hours=24)

State = Literal["up", "late", "unseen", "stopped", "replaced"]


class Node(Struct, frozen=True):
    """One life of one pagerd, as it wrote itself down.

    `skew` is how far its own clock is ahead of the database's. `lanes` are those that it worked lately, and
    `waiting_since` is when the oldest request was accepted that waits in them. `config` is the hash of its files,
    which it has had since `config_since`. All instants are the database's.
    """

    life: str
    name: str
    started_at: datetime
    seen_at: datetime
    version: str
    config: str
    config_since: datetime
    skew: timedelta = timedelta()
    lanes: tuple[int, ...] = ()
    waiting_since: datetime | None = None
    gone_at: datetime | None = None


class Trouble(Struct, frozen=True):
    """Something that a person must look at; `kind` is of KINDS."""

    kind: str
    title: str
    summary: str


KINDS = ("config", "clock", "unseen", "name")


def state_of(node: Node, nodes: Iterable[Node], now: datetime) -> State:
    """How a node stands: `replaced` is a life that ended without a word and whose name lives on in another."""
    if node.gone_at is not None:
        return "stopped"
    if now - node.seen_at <= LATE:
        return "up"
    if any(other.name == node.name and other.started_at > node.started_at for other in nodes):
        return "replaced"
    return "late" if now - node.seen_at <= UNSEEN else "unseen"


def up(nodes: Collection[Node], now: datetime) -> list[Node]:
    return [node for node in nodes if state_of(node, nodes, now) == "up"]


def lost(nodes: Iterable[Node], now: datetime) -> list[str]:
    """The lives that send nothing more: stopped, or not seen for 15 s. After 2 min their leases have run out."""
    return [
        node.life
        for node in nodes
        if now - node.seen_at <= RUN_OUT and (node.gone_at is not None or now - node.seen_at > LATE)
    ]


def forgotten(nodes: Collection[Node], now: datetime) -> list[str]:
    """The lives that nobody asks about any more: stopped or replaced for an hour, or not seen for a day."""
    return [
        node.life
        for node in nodes
        if now - node.seen_at > FORGET_UNSEEN
        or (now - node.seen_at > FORGET_GONE and state_of(node, nodes, now) in ("stopped", "replaced"))
    ]


def troubles(nodes: Collection[Node], now: datetime) -> list[Trouble]:
    """What is wrong among the nodes, one trouble a kind."""
    living = up(nodes, now)
    unseen = [node for node in nodes if state_of(node, nodes, now) == "unseen"]
    found = (_configs(living, now), _clocks(living), _unseen(unseen, now), _names(living))
    return [trouble for trouble in found if trouble is not None]


def _configs(living: Sequence[Node], now: datetime) -> Trouble | None:
    """Two config hashes for longer than 2 min: until a reload has reached all nodes they may differ."""
    first: dict[str, datetime] = {}
    for node in living:
        first[node.config] = min(node.config_since, first.get(node.config, now))
    if len(first) < 2 or now - sorted(first.values())[1] <= DIFFERENT:
        return None
    by_hash = (f"{config[:12]} on {_listed(n.name for n in living if n.config == config)}" for config in first)
    return Trouble("config", "nodes run different files", "; ".join(by_hash))


def _clocks(living: Sequence[Node]) -> Trouble | None:
    """A clock that is more than 5 s off: pages go by the database's, but what a node says of itself goes by its own."""
    off = [node for node in living if abs(node.skew) > MOST_SKEW]
    if not off:
        return None
    told = (f"{node.name} {node.skew.total_seconds():+.1f} s" for node in off)
    return Trouble("clock", f"the clock of {_listed(node.name for node in off)} is wrong", "; ".join(told))


def _unseen(unseen: Sequence[Node], now: datetime) -> Trouble | None:
    if not unseen:
        return None
    ages = (
        f"{node.name} for {format_duration(timedelta(seconds=(now - node.seen_at) // timedelta(seconds=1)))}"
        for node in unseen
    )
    title = f"{_listed(node.name for node in unseen)} {'is' if len(unseen) == 1 else 'are'} not seen any more"
    return Trouble("unseen", title, f"not seen: {'; '.join(ages)}. The other nodes do the work.")


def _names(living: Sequence[Node]) -> Trouble | None:
    names = [node.name for node in living]
    twice = {name for name in names if names.count(name) > 1}
    if not twice:
        return None
    return Trouble("name", f"several nodes are called {_listed(twice)}", "give each its own with PAGER_NODE")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
