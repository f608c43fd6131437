"""Words of strangers on every page: inert, whatever they are; and no question or form that brings a page down."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession

from tests.api.house import House
from tests.hostile.ways import WEBHOOK, hostile_bodies, ordinary
from tests.support import covers
from tests.web.test_pages import key_in, seen

XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea><iframe src=javascript:alert(1)>",
    "{{7*7}}{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}",
    "<style>*{display:none}</style>",
    '<a href="javascript:alert(1)">x</a>',
    "<!--",
    "&lt;script&gt;",
    "]]><x>",
    "\u202e\u0000\u001b[2J<b>",
)
_TAGS = """
    html head meta title link body main nav header section aside footer p h1 h2 h3 a b br span small div ul ol li
    dl dt dd form input button select option datalist label textarea fieldset legend details summary article table thead
    tbody tr th td code pre img script noscript
"""
TAGS = set(_TAGS.split())
OURS = {"img": "/oncall/", "script": "/static/"}
NOT_OURS = re.compile(r"^(on\w+|style|srcdoc|formaction|src|data)$")
LOOKED = (
    "/",
    "/oncall",
    "/oncall/payments",
    "/alerts",
    "/alerts?state=all",
    "/alerts?state=unrouted",
    "/silences",
    "/maintenance",
    "/reports",
    "/wall",
    "/me",
    "/system",
)
BUDGET = 40_000


class Elements(HTMLParser):
    """What is not ours on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            own = name == "src" and OURS.get(tag, "none") == str(value)[:8]
            if NOT_OURS.match(name) and not own:
                self.foreign.append(f"{tag} {name}={value}")
            if name in ("href", "action") and not re.match(r"^(/(?!/)|https?://|#)", str(value)):
                self.foreign.append(f"{tag} {name}={value}")
        if tag not in TAGS or (tag == "script" and not attrs):
            self.foreign.append(tag)

    def handle_comment(self, data: str) -> None:
        self.foreign.append(f"<!--{data}")


def foreign_in(html: str) -> list[str]:
    parser = Elements()
    parser.feed(html)
    parser.close()
    return parser.foreign


async def every_page(house: House) -> list[str]:
    """All pages of this pager: those that list things, and one of each incident."""
    found = (await house.get("/api/v1/incidents?state=all&limit=500"))["incidents"]
    return [*LOOKED, *(f"/i/{one['code']}{rest}" for one in found for rest in ("", "/runbook"))]


@pytest.mark.parametrize("html", [XSS[0], XSS[1], XSS[2], XSS[5], XSS[7], XSS[8], "<!-- x -->", '<a href="//x">'])
def test_what_is_not_ours_would_be_seen(html: str) -> None:
    assert foreign_in(f"<p>{html}</p>") != []


@covers("T11", "T16")
async def test_t11_the_corpus_is_inert_on_every_page(house: House, payloads: Path) -> None:
    for body in hostile_bodies(payloads).values():
        async with house.http.post(house.url + WEBHOOK, data=body) as answer:
            assert answer.status < 500
    await house.work()

    pages = await every_page(house)

    assert len(pages) > 10
    assert {path: foreign for path in pages if (foreign := foreign_in(await seen(house, path)))} == {}


@covers("T11")
@pytest.mark.parametrize("words", [XSS[1], "javascript:alert(1)", " ".join(XSS)])
async def test_t11_words_are_words_wherever_they_stand(house: House, words: str) -> None:
    house.http.cookie_jar.update_cookies({"pager_by": "bo"})
    alert = {**ordinary("x"), "labels": {"alertname": words, "severity": words, "service": words, "cluster": words}}
    alert |= {"annotations": {"summary": words, "runbook_url": words}, "generatorURL": words}
    await house.post(WEBHOOK, {"alerts": [alert], "externalURL": words})
    code = await house.work()
    key = key_in(await seen(house, f"/i/{code}"))
    for path, fields in (
        (f"/i/{code}", {"action": "note", "text": words}),
        (f"/i/{code}", {"action": words}),
        ("/oncall/payments", {"from": "2026-02-16T13:00", "to": "2026-02-16T18:00", "why": words}),
        ("/oncall/payments", {"from": words, "to": words, "who": words}),
        ("/declare", {"title": words, "severity": "SEV-2"}),
        ("/declare", {"title": words, "severity": words, "policy": words}),
        ("/login", {"token": words, "next": words}),
    ):
        async with house.http.post(house.url + path, data={"form": key, **fields}) as answer:
            assert answer.status in (200, 400)
            assert foreign_in(await answer.text()) == []
    asked = quote(words, safe="")

    tried = (f"/routes?labels=a%3D{asked}", f"/routes?labels={asked}", f"/login?next={asked}", f"/help/{asked}")
    more = (
        f"/oncall/payments?from={asked}&to={asked}&done={asked}",
        f"/i/{asked}",
        f"/oncall/{asked}",
        f"/?done={asked}",
    )
    for path in (*(await every_page(house)), *tried, *more):
        async with house.http.get(house.url + path) as answer:
            assert answer.status in (200, 400, 404)
            assert foreign_in(await answer.text()) == []


@covers("T16")
@pytest.mark.parametrize("path", ["/i/{code}", "/oncall/payments", "/declare", "/login", "/me", "/system"])
async def test_no_body_brings_a_page_down(house: House, payloads: Path, path: str) -> None:
    code = await house.fires("Before")
    key = key_in(await seen(house, f"/i/{code}")).encode()

    for body in hostile_bodies(payloads).values():
        sent = b"form=" + key + b"&action=ack&by=bo&title=" + body[:10_000] + b"&from=" + body[:100] + b"&" + body
        async with house.http.post(house.url + path.format(code=code), data=sent, allow_redirects=False) as answer:
            assert answer.status < 500 or answer.status == 501


@pytest.mark.parametrize("path", ["/?cursor=", "/alerts?cursor=", "/alerts?state=", "/routes?labels=a%3D"])
@pytest.mark.parametrize("value", ["-1", "9" * 19, "9" * 400, "%00", "%F0%9F%92%A9", "a" * 5000, "1;drop", "%FF"])
async def test_no_question_brings_a_page_down(house: House, path: str, value: str) -> None:
    async with house.http.get(house.url + path + value) as answer:
        assert answer.status in (200, 400)
        assert "text/html" in answer.headers["Content-Type"]


async def test_the_first_view_is_small_also_in_a_storm(house: House) -> None:
    for number in range(60):
        await house.post("/api/v1/incidents", {"title": f"outage {number} " * 8, "severity": "SEV-2", "by": "ana"})
    code = await house.fires(*(f"Alert{number}" for number in range(40)), cluster="eu-west", team="payments")
    for number in range(40):
        await house.post(f"/api/v1/incidents/{code}/note", {"by": "ana", "text": f"restarted node {number}"})

    async with ClientSession(auto_decompress=False, headers={"Accept-Encoding": "gzip"}) as wire:

        async def sent(path: str) -> int:
            async with wire.get(house.url + path) as answer:
                assert answer.status == 200, path
                return len(await answer.read())

        for path in (*LOOKED, f"/i/{code}", "/declare", "/routes", "/help", await house.link("ana", 61)):
            html = await seen(house, path)
            parts = re.findall(r'(?:rel="stylesheet" href|<img src|<script src)="([^"]+)"', html)
            assert parts
            assert sum([await sent(one) for one in (path, *parts)]) <= BUDGET, path
