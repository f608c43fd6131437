"""Whom a sender trusts: what it knows about certificates is read once, and each server is still looked at."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pager.core.outcome import Outcome, Reason
from pager.sender import Message, Sender
from tests.sending.provider import Provider
from tests.support import require_binary

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [require_binary("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=pager", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", pem],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return pem, key


@contextlib.asynccontextmanager
async def secure_provider(certificate: tuple[Path, Path]) -> AsyncIterator[Provider]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    it = Provider()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0, ssl=tls)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()


async def sent(host: str, certificate: tuple[Path, Path], times: int = 1) -> tuple[list[Outcome], Provider]:
    async with secure_provider(certificate) as server:
        sender = Sender()
        await sender.start()
        try:
            page = Message(f"jsons://{host}:{server.port}/200", "SEV-1 checkout down", "b")
            return [await sender.send(page) for _ in range(times)], server
        finally:
            await sender.close()


async def test_a_server_that_nobody_vouches_for_is_told_nothing(certificate: tuple[Path, Path]) -> None:
    outcomes, server = await sent("127.0.0.1", certificate)

    assert [outcome.reason for outcome in outcomes] == [Reason.tls]
    assert server.asked == []


async def test_a_bundle_of_ones_own_is_trusted_again_and_again(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))

    outcomes, server = await sent("127.0.0.1", certificate, times=2)

    assert [outcome.reason for outcome in outcomes] == [Reason.delivered] * 2
    assert server.asked == ["200"] * 2


async def test_a_trusted_certificate_of_somebody_else_is_refused(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))

    outcomes, server = await sent("localhost", certificate)

    assert [outcome.reason for outcome in outcomes] == [Reason.tls]
    assert server.asked == []
