"""Guessers: addresses that show wrong tokens. They are told to wait, longer each time; a right token always opens."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

TRIES = 10
"""Wrong tokens of an address that are answered without a pause: a mistyped secret is no attack."""
LONGEST = 300.0
FORGOTTEN_AFTER = 600.0
MOST = 10_000
"""Addresses that are remembered; the one that was quiet for longest is forgotten first."""


class Guessers:
    """Counts wrong tokens by address. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def wrong(self, address: str) -> int:
        """A wrong token came from `address`: seconds to wait, 0 for the first 10 in 10 min, then 1, 2, 4 up to 300."""
        name, now = _network(address), self._clock()
        count, last = self._seen.pop(name, (0, now))
        count = 1 if now - last >= FORGOTTEN_AFTER else count + 1
        self._seen[name] = count, now
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return int(min(2.0 ** min(count - TRIES - 1, 20), LONGEST)) if count > TRIES else 0


def _network(address: str) -> str:
    """The address; of IPv6 its /64, since whoever has one of those has them all."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network((found, 64), strict=False))
