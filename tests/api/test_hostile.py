"""What strangers write is shown as text: no tag, no attribute and no link of theirs is alive on a page."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.api.house import House
from tests.support import ROOT

_OURS = """
    html head meta title link body main header p span h1 h2 h3 dl div dt dd a section b form button small details
    summary label textarea fieldset legend input select option br ul ol li article footer code
"""
OURS = set(_OURS.split())
CORPUS = [
    "<script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><iframe srcdoc='<script>alert(1)</script>'>",
    "</textarea></title><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    '" autofocus onfocus=alert(1) x="',
    "{{7*7}} ${7*7} <%= 7*7 %> {% for x in y %}",
    "\u202egnp.exe\u2066",
    "<style>@import 'http://evil.example'</style>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content=0;url=http://evil.example>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "\x00<b>",
    "<scr\x00ipt>",
]


class Living(HTMLParser):
    """Everything of a page that could do something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in OURS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc", "http-equiv", "autofocus"):
                self.found.append(f"<{tag} {name}>")
            if name in ("href", "src", "action") and not (value or "").startswith(
                ("/p/", "/static/", "http://", "https://")
            ):
                self.found.append(f"<{tag} {name}={value!r}>")


async def living(house: House, person: str = "ana") -> list[str]:
    found: list[str] = []
    for incident in (await house.get("/api/v1/incidents?state=all&limit=500"))["incidents"]:
        link = await house.link(person, incident["number"])
        for rest in ("", "/runbook"):
            async with house.http.get(house.url + link + rest) as answer:
                assert answer.status == 200
                parser = Living()
                html = await answer.text()
                parser.feed(html)
                assert ">49" not in html  # 7 * 7, if anybody had rendered it.
                found += parser.found
    return found


async def test_alerts_are_text(house: House) -> None:
    for text in CORPUS:
        labels = {"alertname": text, "severity": text, "service": text, "cluster": text, text: text}
        annotations = {"summary": text, "description": text, "runbook_url": text}
        alert = {"labels": labels, "annotations": annotations, "generatorURL": text}
        await house.post("/webhook/alertmanager", {"alerts": [alert], "groupLabels": {text: text}})
    await house.work()

    assert len((await house.get("/api/v1/incidents"))["incidents"]) == len(CORPUS)
    assert await living(house) == []


async def test_what_people_write_is_text(house: House) -> None:
    code = await house.fires("CheckoutDown")
    for text in CORPUS:
        await house.post(f"/api/v1/incidents/{code}/ack", {"by": text})
        await house.post(f"/api/v1/incidents/{code}/note", {"by": text, "text": text})

        assert await living(house, person=text) == []


@pytest.mark.parametrize(
    "name",
    [
        "html-script-injection",
        "javascript-urls",
        "jinja-template-injection",
        "markdown-injection",
        "rtl-override",
        "zalgo-and-zero-width",
        "nul-and-controls",
    ],
)
async def test_the_hostile_bodies_are_text(house: House, payloads: Path, name: str) -> None:
    body = (payloads / "hostile" / f"{name}.json").read_bytes()
    async with house.http.post(f"{house.url}/webhook/alertmanager", data=body) as answer:
        assert answer.status == 200
    await house.work()

    assert await living(house) == []


@pytest.mark.parametrize("path", sorted(str(path.name) for path in (ROOT / "pager" / "web" / "templates").iterdir()))
def test_templates_escape_everything(path: str) -> None:
    text = (ROOT / "pager" / "web" / "templates" / path).read_text()

    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
    # Scripts come from the address of one of our own files, and are never written on a page.
    assert "<script" not in text.replace('<script src="{{ script }}" defer></script>', "")
