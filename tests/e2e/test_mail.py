"""Mail in, with the real pagerd: what was answered 250 is there after a SIGKILL, and its end ends it."""

import asyncio
import signal
import smtplib
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon, running
from tests.support import covers, free_port, require_binary, wait_until

FILES = {
    "rules/all.yaml": """
        sources: [{name: post, dialect: mail}]
        defaults: {group_by: [alertname]}
        policies: {default: {steps: [{page: ['person:ana'], wait: 1h}]}}
        """,
    "schedules/all.yaml": "people: {ana: {name: Ana, timezone: UTC, contacts: {push: 'console://'}}}\n",
}
TO = "post@pager"


def hand_in(port: int, subject: str, *, tls: bool = False) -> bool:
    """Whether it was taken."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            if tls:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                client.starttls(context=context)
            client.sendmail("x@example.org", [TO], f"From: x@example.org\r\nSubject: {subject}\r\n\r\ntext")
    except (OSError, smtplib.SMTPException):
        return False
    return True


def storm(port: int, taken: list[str]) -> None:
    """Mails one after the other until nobody answers; `taken` are the subjects of those that were."""
    for number in range(10_000):
        if not hand_in(port, subject := f"Pump {number} broke"):
            return
        taken.append(subject)


def certified(folder: Path) -> dict[str, str]:
    """Settings with a certificate of our own."""
    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = (require_binary("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pager")
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return {"PAGER_SMTP_CERTIFICATE": certificate, "PAGER_SMTP_KEY": key}


@pytest.mark.slow
@covers("F1", "P1")
async def test_what_was_answered_250_is_there_after_a_sigkill(tmp_path: Path) -> None:
    port = free_port()
    own = {"PAGER_SMTP_LISTEN": f"127.0.0.1:{port}", **certified(tmp_path)}
    taken: list[str] = []
    async with running(tmp_path, FILES, environment=own) as daemon:
        sending = asyncio.create_task(asyncio.to_thread(storm, port, taken))
        await wait_until(lambda: len(taken) >= 30, 60, "thirty mails to be taken")
        await daemon.stop(signal.SIGKILL)
        await sending
        await daemon.start()
        assert await asyncio.to_thread(hand_in, port, "[RESOLVED] Pump 0 broke", tls=True)
        known = await wait_until(lambda: all_of(daemon, taken), 30, "an incident for each mail")

    # The one that was cut off may be there as well.
    assert len(known) <= len(taken) + 1
    assert {title for title, state in known.items() if state == "resolved"} == {"Pump 0 broke"}


async def all_of(daemon: Daemon, taken: list[str]) -> dict[str, str]:
    """State by title, once all that was taken is there and one of it has ended."""
    known = {each["title"]: each["state"] for each in await daemon.incidents()}
    return known if set(taken) <= known.keys() and "resolved" in known.values() else {}
