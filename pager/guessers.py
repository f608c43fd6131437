"""Guessers: addresses that show wrong tokens. They are told to wait, longer each time; a right token always opens."""

import ipaddress
import math
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
        name, now = network_of(address), self._clock()
        count, last = self._seen.pop(name, (0, now))
        count = 1 if now - last >= FORGOTTEN_AFTER else count + 1
        self._seen[name] = count, now
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return int(min(2.0 ** min(count - TRIES - 1, 20), LONGEST)) if count > TRIES else 0


class Backoff:
    """Counts wrong passwords by what they were tried on and from where; who guesses must wait, and nobody else.

    A right token opens also for whoever guessed before. A password does not: it is short, and each try tells.
    `tries` are free, then each wrong one makes the next wait: 1, 2, 4 up to 300 s.
    """

    def __init__(self, tries: int, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._tries, self._most = tries, most
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], tuple[int, float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def wait(self, account: str, address: str) -> int:
        """Whole seconds until the next try on `account` from `address`; 0: now."""
        _, until, _ = self._seen.get((account, network_of(address)), (0, 0.0, 0.0))
        return max(0, math.ceil(until - self._clock()))

    def wrong(self, account: str, address: str) -> None:
        """A try was wrong."""
        key, now = (account, network_of(address)), self._clock()
        count, _, last = self._seen.pop(key, (0, now, now))
        count = 1 if now - last >= 2 * FORGOTTEN_AFTER else count + 1
        pause = min(2.0 ** min(count - self._tries, 20), LONGEST) if count >= self._tries else 0.0
        self._seen[key] = count, now + pause, now
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def right(self, account: str, address: str) -> None:
        """A try was right: what was wrong before were mistakes."""
        self._seen.pop((account, network_of(address)), None)


def network_of(address: str) -> str:
    """The address; of IPv6 its /64, since whoever has one of those has them all."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network((found, 64), strict=False))
