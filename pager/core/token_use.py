"""Token use: from which networks the token of a sender is used, and whether that is news."""

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, field

LEARNS = timedelta(days=7)
"""For so long after its first use a token's networks are learned without a word."""
UNUSED = timedelta(days=7)
MOST = 20
"""Networks that are kept of one token: one that comes from more of them roams, and no place is news."""
Found = Literal["known", "learned", "new", "roams"]


class TokenUse(Struct, frozen=True):
    """A token: known since when, last used when, and by network since when it is used from there."""

    since: datetime
    used_at: datetime | None = None
    networks: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def first_used_at(self) -> datetime | None:
        return min(self.networks.values(), default=None)

    def is_unused(self, now: datetime) -> bool:
        """Whether nobody has shown it for 7 days, or since it is known."""
        return now - (self.used_at or self.since) >= UNUSED

    def new_networks(self, since: datetime) -> list[str]:
        """The networks from which it came for the first time since then, once those of its first week were known."""
        first = self.first_used_at
        return sorted(name for name, at in self.networks.items() if at >= since and first and at - first > LEARNS)


def network_of(address: str) -> str:
    """`203.0.113.0/24` or `2001:db8:1::/48` of an address; "" where there is none, as for the socket."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    plain = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network(f"{plain}/{24 if plain.version == 4 else 48}", strict=False))


def judge(use: TokenUse | None, network: str, at: datetime) -> Found:
    """What it means that a token is used from `network` at `at`; `learned` and `new` ones are to be kept."""
    if use is None or not use.networks:
        return "learned"
    if network in use.networks:
        return "known"
    if len(use.networks) >= MOST:
        return "roams"
    return "new" if at - min(use.networks.values()) > LEARNS else "learned"
