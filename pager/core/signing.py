"""Signing in elsewhere: the proxies that are trusted to say who somebody is, and the provider that is asked."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID provider. `claim` is what of its word names a person; `name` is what people call it."""

    issuer: str
    client: str
    secret: str = field(default="", repr=False)
    claim: str = "email"
    name: str = "your provider"


class Signing(Struct, frozen=True):
    """`proxies` may say where somebody comes from, and in the header `header`, if there is one, who they are."""

    proxies: Sequence[Network] = ()
    header: str = ""
    provider: Provider | None = None

    @property
    def guards(self) -> bool:
        """Whether people can sign in without anything of the database, so that the doors are closed without it."""
        return bool(self.header and self.proxies) or self.provider is not None

    def trusts(self, address: str) -> bool:
        """Whether this is the address of one of the proxies."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self.proxies)

    def origin(self, peer: str, forwarded: Sequence[str]) -> str:
        """Where a request comes from: `peer`, or what the proxies say in X-Forwarded-For, read from its end.

        What stands before the first address that is no proxy's was written by a stranger.
        """
        found = peer
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        while hops and self.trusts(found):
            hop = _bare(hops.pop())
            if hop is None:
                break
            found = hop
        return found


def parse_network(written: str) -> Network:
    """`10.0.0.7`, `10.0.0.0/8` or `2001:db8::/32`. Raises ValueError."""
    try:
        return ipaddress.ip_network(written.strip())
    except ValueError:
        raise ValueError(f"not an address or a network: {written!r}; write 10.0.0.7 or 10.0.0.0/8") from None


def _bare(hop: str) -> str | None:
    """The address of `10.0.0.7:1234` and `[2001:db8::7]:1234`; None where there is none."""
    text = hop[1:].partition("]")[0] if hop.startswith("[") else hop.partition(":")[0] if hop.count(":") == 1 else hop
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
