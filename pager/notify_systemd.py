"""What the daemon tells systemd: started, reloading, stopping, and still alive.

Outside systemd NOTIFY_SOCKET is absent: then nothing is sent, every function answers False, and nothing raises.
"""

import os
import socket
import time
from datetime import timedelta

# Sent from the event loop: a service manager that does not read must not hold up a page for longer.
_PATIENCE = 1.0


def ready(status: str = "") -> bool:
    """Started, or done with a reload: systemd counts the service as up."""
    return _tell("READY=1", *_status_line(status))


def reloading() -> bool:
    """A reload has begun; systemd waits for the `ready` after it."""
    # CLOCK_MONOTONIC in microseconds: systemd tells by it which reload this is.
    return _tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping(status: str = "") -> bool:
    """The service is on its way down, in good order."""
    return _tell("STOPPING=1", *_status_line(status))


def watchdog() -> bool:
    """Alive. To be sent from the loop that pages: a thread of its own would go on when that loop hangs."""
    return _tell("WATCHDOG=1")


def status(text: str) -> bool:
    """One line for `systemctl status`; line breaks become spaces."""
    return _tell(*_status_line(text))


def extend_timeout(length: timedelta) -> bool:
    """Ask for `length` more, from now, to start or to stop: a long migration is no hang."""
    return _tell(f"EXTEND_TIMEOUT_USEC={length // timedelta(microseconds=1)}")


def watchdog_interval() -> float | None:
    """Seconds within which systemd must hear `watchdog`; None if it does not wait for this process. Ping at a third."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not _is_number(microseconds) or int(microseconds) == 0 or meant_for != str(os.getpid()):
        return None
    return int(microseconds) / 1e6


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _status_line(text: str) -> list[str]:
    # A line break would begin the next variable.
    return [f"STATUS={' '.join(text.split())}"] if text else []


def _tell(*lines: str) -> bool:
    """Whether systemd was told. An unreachable manager is no reason to stop paging: False, and no error."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not lines or not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # a name in the abstract space, which no file system shows
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.settimeout(_PATIENCE)
            systemd.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True
