"""Amazon SNS for tests: a key of its own, messages that it signs, and https under the names that the real one has."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from socket import AF_INET
from typing import Any

from aiohttp import TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pager.core.sns import signed_part

HOST = "sns.eu-west-1.amazonaws.com"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-0.pem"
SUBSCRIBE = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"


class Here(AbstractResolver):
    """Every name is this machine, at one port."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def resolve(self, host: str, port: int = 0, family: Any = AF_INET) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self.port, family=AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@dataclass
class Amazon:
    """What it answers to whom. `asked` are the addresses that were asked; `pem` is what it calls its certificate."""

    key: rsa.RSAPrivateKey
    pem: bytes
    trusted: ssl.SSLContext
    port: int = 0
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def connector(self) -> TCPConnector:
        return TCPConnector(resolver=Here(self.port), ssl=self.trusted, use_dns_cache=False)

    def message(self, now: datetime, version: str = "1", **more: Any) -> dict[str, Any]:
        """A message as it sends them, signed."""
        usual = {"Type": "Notification", "MessageId": "m", "TopicArn": TOPIC, "Subject": "ALARM", "Message": "text"}
        usual |= {"Timestamp": f"{now:%Y-%m-%dT%H:%M:%S.000Z}", "SignatureVersion": version}
        message = {**usual, "SigningCertURL": CERTIFICATE, **more}
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = self.key.sign(signed_part(message), padding.PKCS1v15(), digest)
        return {**message, "Signature": b64encode(signature).decode()}


@cache
def a_key() -> rsa.RSAPrivateKey:
    """One for all tests: it takes long to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def made(folder: Path, now: datetime, host: str = HOST) -> tuple[rsa.RSAPrivateKey, bytes, Path]:
    """A key, a certificate for `host` that vouches for itself, valid around `now` and today, and both in one file."""
    key = a_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(max(now, datetime.now(now.tzinfo)) + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both = folder / "amazon.pem"
    both.write_bytes(secret + pem)
    return key, pem, both


@asynccontextmanager
async def amazon(folder: Path, now: datetime) -> AsyncIterator[Amazon]:
    """It, served until the end of the block."""
    key, pem, both = made(folder, now)
    trusted = ssl.create_default_context(cadata=pem.decode())
    it = Amazon(key, pem, trusted)

    async def answer(request: web.Request) -> web.Response:
        it.asked.append(f"https://{request.host}{request.path_qs}")
        headers = {"Location": "https://sns.eu-west-1.amazonaws.com/elsewhere.pem"} if it.status == 302 else {}
        return web.Response(body=it.pem, status=it.status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(both)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=served)
    await site.start()
    it.port = runner.addresses[0][1]
    try:
        yield it
    finally:
        await runner.cleanup()
