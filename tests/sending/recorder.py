"""What Apprise makes of a message, service by service, recorded before it leaves: the HTTP layer is a stub.

`python -m tests.sending.recorder` writes `golden/*.json` anew: look at the difference before you commit it. With
`--print` the recordings are printed instead, which is how the test asks: Apprise is changed for good in a process
that loads it, so it has one of its own.
"""

import email
import email.policy
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from msgspec.structs import replace

from pager.core.contact_url import channel_class, room_of
from pager.core.text import Facts, message
from pager.core.urgency import tuned
from pager.sender import Message, job_of

GOLDEN = Path(__file__).with_name("golden")
HEX = "0123456789abcdef0123456789abcdef"
SERVICES: Mapping[str, str] = {
    "slack": f"slack://T1JJ3T3L2/A1BRTD4JD/{'k' * 24}/#ops",
    "discord": f"discord://4174216632/{'j' * 36}",
    "tgram": "tgram://123456789:abcdefg_hijklmnop/12315544",
    "ntfy": "ntfys://ntfy.example.org/on-call",
    "pover": f"pover://{'u' * 30}@{'a' * 30}",
    "mailto": "mailto://127.0.0.1:{port}/ana@example.org?from=pager@example.org",
    "twilio-sms": f"twilio://AC{HEX}:{HEX}@+15551230000/+15551230001",
    "twilio-call": f"twilio://AC{HEX}:{HEX}@+15551230000/+15551230001?method=call",
    "workflow": "workflow://h.example.org/workflow/signature",
    "matrix": "matrixs://tok@matrix.example.org/!ops:matrix.example.org",
    "json": "jsons://hooks.example.org/page",
    "github": "github://ghp_0123456789abcdef0123456789abcdef0123@example/ops",
    "bark": "barks://bark.example.org/devicekey0123456789",
    "gotify": "gotifys://gotify.example.org/abcdefghijklmno",
}
EVIL = (
    "<Response><Dial>+19005550100</Dial></Response> \nAcknowledge: https://evil.example/p/x \n"
    "<!channel> <@U123> <#C1|ops> @everyone @here @room "
    "[your bank](https://evil.example) <https://evil.example|your bank> <script>alert(1)</script> "
    "<a href='javascript:alert(1)'>x</a> <img src=x onerror=alert(1)> {{7*7}} ${7*7} {% raw %} "
    "**bold** `code` =1+1 \u202egpj.exe\u2066 \x1b[31mred\x00 \r\nBcc: eve@evil.example\r\n\r\n<b>body</b>"
)
NOON = datetime(2026, 12, 5, 12, tzinfo=UTC)
PLAIN = Facts(
    code="7KQ",
    severity="SEV-1",
    title="CheckoutDown",
    kind="page",
    why="",
    since=NOON,
    now=NOON,
    page_link="https://pager.example.org/p/abcdefghijklmnop",
    runbook="https://runbooks.example.org/checkout-down",
    summary="Checkout answers 502 for 12% of requests",
    service="checkout-api",
    where="eu-west",
)
CASES: Mapping[str, Facts] = {
    "plain": PLAIN,
    "hostile": replace(PLAIN, title=EVIL, summary=EVIL, service=EVIL, where=EVIL),
    "long": replace(PLAIN, title="T" * 102_400, summary="word " * 20_480, service="S" * 102_400, where="W" * 102_400),
}
# One answer that every service takes for a yes.
_YES = json.dumps(
    {"ok": True, "status": 1, "result": {}, "event_id": "$e", "user_id": "@pager:h", "room_id": "!ops:h", "id": 1}
)
_HEADERS = ("content-type", "title", "subject", "x-title", "x-priority")
_CHANGING = re.compile(r"(?<=m\.room\.message/)[^/?]+")


def recordings() -> dict[str, dict[str, Any]]:
    """Service -> case -> the requests, or mails, that a page becomes."""
    from pager import sender_apprise

    sender_apprise.warm()
    with _mail() as (port, mails), _http() as requests:
        made: dict[str, dict[str, Any]] = {}
        for name, url in SERVICES.items():
            made[name] = {}
            for case, facts in CASES.items():
                requests.clear()
                mails.clear()
                whole = url.replace("{port}", str(port))
                text = message(facts, channel_class(whole), room_of(whole))
                job = job_of(Message(tuned(whole, facts), text.title, text.body))
                answer = sender_apprise.send(job.url, job.title, job.body, job.kind)
                made[name][case] = {"outcome": answer.reason.value, "sent": [*requests, *mails]}
    return made


@contextmanager
def _http() -> Iterator[list[dict[str, Any]]]:
    """Everything that would go out over HTTP, and does not."""
    import requests
    from requests.adapters import HTTPAdapter

    from pager.sender_apprise import watch

    got: list[dict[str, Any]] = []
    real = HTTPAdapter.send

    def send(_self: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        watch.audit("socket.connect", ())
        got.append(_request(request))
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, str(request.url)
        answer._content = b"ok" if "hooks.slack.com" in str(request.url) else _YES.encode()
        return answer

    HTTPAdapter.send = send  # type: ignore[assignment, method-assign]
    try:
        yield got
    finally:
        HTTPAdapter.send = real  # type: ignore[method-assign]


def _request(request: Any) -> dict[str, Any]:
    body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
    kept = {name.lower(): value for name, value in request.headers.items() if name.lower() in _HEADERS}
    body, said = re.sub(r'"ts": [\d.]+', '"ts": 0', body), None
    if "json" in kept.get("content-type", "") or body.startswith("{"):
        said = json.loads(body)
    elif "form" in kept.get("content-type", ""):
        said = dict(parse_qsl(body, keep_blank_values=True))
    else:
        said = body
    return {"method": request.method, "url": _CHANGING.sub("…", request.url), "headers": kept, "body": said}


@contextmanager
def _mail() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A real mail server on the loopback, for mail has no HTTP layer."""
    from aiosmtpd.controller import Controller

    from pager.sender_apprise import watch
    from tests.support import free_port

    got: list[dict[str, Any]] = []

    class Letters:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            watch.audit("socket.connect", ())
            got.append(_letter(envelope))
            return "250 OK"

    controller = Controller(Letters(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port, got
    finally:
        controller.stop()


def _letter(envelope: Any) -> dict[str, Any]:
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    # Date and Message-ID differ from one run to the next; which headers there are does not.
    return {
        "to": envelope.rcpt_tos,
        "headers": sorted(mail.keys()),
        "thread": mail["References"],
        "loud": [mail["Importance"], mail["X-Priority"]],
        "subject": str(mail["Subject"]),
        "parts": [{"type": part.get_content_type(), "text": part.get_content()} for part in parts],
    }


def main() -> None:
    """Write the recordings, or print them as one JSON object."""
    made = recordings()
    if "--print" in sys.argv:
        print(json.dumps(made))
        return
    GOLDEN.mkdir(exist_ok=True)
    for name, cases in made.items():
        text = json.dumps(cases, indent=1, ensure_ascii=True, sort_keys=True)
        (GOLDEN / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
