"""Posts to addresses that people wrote: looked up once and judged, connected to as judged, and never redirected."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from msgspec import Struct

from pager.core.address import refused_address
from pager.core.webhook import refused_url

PATIENCE = 15.0
CONNECTS = 10.0
READ = 2_000
"""Bytes of an answer that are read: its status is what counts."""


class Answer(Struct, frozen=True):
    """What came back: an HTTP status, or 0 and why there is none. `wait`: seconds that it asks to be left alone for."""

    status: int
    said: str = ""
    wait: float = 0.0

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class Judged(AbstractResolver):
    """Gives the addresses of a name only if each is one that may be posted to: what was judged is connected to."""

    def __init__(self, inner: AbstractResolver, *, internal: bool) -> None:
        self._inner = inner
        self._internal = internal

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            address = ipaddress.ip_address(one["host"].partition("%")[0])
            if why := refused_address(address, internal=self._internal):
                raise Refused(why)
        return found

    async def close(self) -> None:
        await self._inner.close()


class Refused(OSError):
    """This is not an address to post to."""


class Outgoing:
    """Posts. One connection a message: receivers are few, and none holds another up."""

    def __init__(self, resolver: Callable[[], AbstractResolver] = ThreadedResolver) -> None:
        self._resolver = resolver

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, internal: bool) -> Answer:
        """Post `body`, and give the answer whatever it is; never raises for what the other side does."""
        if why := refused_url(url, internal=internal):
            return Answer(0, why)
        resolver = Judged(self._resolver(), internal=internal)
        # No cache: what is connected to is what was judged for this very message.
        connector = TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
        timeout = ClientTimeout(total=PATIENCE, sock_connect=CONNECTS)
        try:
            async with (
                ClientSession(connector=connector, timeout=timeout, trust_env=False) as http,
                http.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.content.read(READ)
                return Answer(answer.status, _said(answer.status), _wait(answer.headers.get("Retry-After", "")))
        except Refused as error:
            return Answer(0, str(error))
        except TimeoutError:
            return Answer(0, f"no answer within {PATIENCE:g} s")
        except (ClientError, OSError, ValueError) as error:
            return Answer(0, _why(error, url))


def _said(status: int) -> str:
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return "" if 200 <= status < 300 else f"answered {status}"


def _why(error: Exception, url: str) -> str:
    """What went wrong, without the path and query of the address: they may hold a secret."""
    cause = error.__cause__ if isinstance(error.__cause__, Refused) else error
    if isinstance(cause, Refused):
        return str(cause)
    kind = getattr(error, "os_error", None)
    words = str(getattr(kind, "strerror", None) or type(error).__name__)
    return f"{urlsplit(url).hostname}: {words}"


def _wait(written: str) -> float:
    """Seconds of a Retry-After; an HTTP date, or nonsense, is none."""
    return float(min(int(written), 3600)) if written.isascii() and written.isdigit() and len(written) < 8 else 0.0
