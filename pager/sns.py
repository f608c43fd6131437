"""Amazon SNS, asked: the certificates that its messages are signed by, and the confirmation of a subscription.

Nothing is asked but addresses that are Amazon's to the letter, by https, and no redirect is followed. A certificate is
kept for a day; one that could not be had is not asked for again for half a minute.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import BaseConnector, ClientError, ClientSession, ClientTimeout

from pager.core.signature import Signed
from pager.core.sns import NotSigned, certificate_in, check_message, confirmation_in, signed_part
from pager.log import log

PATIENCE = 5.0
LARGEST = 64 * 1024
KEPT = 86_400.0
ASKED_AGAIN = 30.0
MOST = 100
"""Certificates that are kept; Amazon has one a region at a time."""
NEEDS = "messages of SNS are checked by cryptography: install pagerd[sns], or pip install 'cryptography>=45'"


class SnsFailed(RuntimeError):
    """Amazon could not be asked: whether the message is right is not known. The sender may try again."""


class Sns:
    """Knows the certificates. `connector` makes what connections are made by, None for the usual one."""

    def __init__(self, connector: Callable[[], BaseConnector] | None = None) -> None:
        self.connector = connector
        self._certificates: dict[str, tuple[float, Any]] = {}
        self._failed: dict[str, float] = {}
        self._asking = asyncio.Lock()

    async def check(self, message: Mapping[str, Any], signed: Signed, now: datetime) -> None:
        """Raise NotSigned for a message that is not Amazon's and of one of the topics, SnsFailed if nobody knows."""
        check_message(message, signed, now)
        said, address = signed_part(message), certificate_in(message)
        version = message.get("SignatureVersion")
        if version not in ("1", "2"):
            raise NotSigned("its SignatureVersion is neither 1 nor 2")
        try:
            signature = b64decode(str(message.get("Signature")), validate=True)
        except (binascii.Error, ValueError):
            raise NotSigned("its Signature is no base64") from None
        _verify(await self._certificate(address), signature, said, version, now)

    async def confirm(self, message: Mapping[str, Any]) -> None:
        """Confirm the subscription that a checked message tells of. Raises NotSigned and SnsFailed."""
        await self._asked(confirmation_in(message))
        log.info("subscribed to a topic of SNS", topic=message["TopicArn"])

    async def _certificate(self, address: str) -> Any:
        loop = asyncio.get_running_loop()
        async with self._asking:
            read_at, found = self._certificates.get(address, (float("-inf"), None))
            if loop.time() - read_at < KEPT:
                return found
            if loop.time() - self._failed.get(address, float("-inf")) < ASKED_AGAIN:
                raise SnsFailed("the certificate could not be had a moment ago")
            try:
                found = _read(await self._asked(address))
            except (SnsFailed, NotSigned):
                _remember(self._failed, address, loop.time())
                raise
            _remember(self._certificates, address, (loop.time(), found))
            return found

    async def _asked(self, address: str) -> bytes:
        """What Amazon answers. Raises SnsFailed, also for a redirect and for what is too large."""
        timeout = ClientTimeout(total=PATIENCE)
        try:
            async with (
                ClientSession(connector=self.connector() if self.connector else None, timeout=timeout) as http,
                http.get(address, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise SnsFailed(f"Amazon answers {answer.status}")
                said = await answer.content.read(LARGEST + 1)
                while len(said) <= LARGEST and (more := await answer.content.read(LARGEST)):
                    said += more
        except (ClientError, OSError, TimeoutError) as error:
            raise SnsFailed(f"Amazon cannot be asked: {type(error).__name__}") from None
        if len(said) > LARGEST:
            raise SnsFailed("Amazon answers more than any certificate has")
        return said


def _remember(known: dict[str, Any], address: str, what: Any) -> None:
    known.pop(address, None)
    known[address] = what
    while len(known) > MOST:
        known.pop(next(iter(known)))


def _read(pem: bytes) -> Any:
    try:
        from cryptography import x509  # Heavy, and an extra: only where it is wanted.
    except ImportError:
        raise SnsFailed(NEEDS) from None
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise SnsFailed("what Amazon answers is no certificate") from None


def _verify(certificate: Any, signature: bytes, said: bytes, version: str, now: datetime) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise NotSigned("it is signed by a certificate that does not count now")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise NotSigned("it is signed by no key of Amazon's")
    try:
        key.verify(signature, said, PKCS1v15(), SHA1() if version == "1" else SHA256())
    except InvalidSignature:
        raise NotSigned("its signature is wrong") from None
