"""Every page there is, walked by the router itself: words of strangers and of colleagues are words on each of them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, CookieJar
from msgspec.structs import replace

from pager.api.app import build_app
from pager.core.catalog import Catalog
from pager.core.people import Person
from pager.core.rule import Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.web.render import is_page
from tests.api.house import CATALOG, House, bearer, opened
from tests.api.test_matrix import canonical, parts_of
from tests.support import covers
from tests.web.test_hostile_pages import XSS, foreign_in
from tests.web.test_pages import key_in, seen

WORDS = " ".join(
    (*XSS, "<img src=x onerror=window.__x=1>", "data:text/html,<script>window.__x=1</script>", "{% raw %}")
)
HEADERS = "x\r\nSet-Cookie: a=b\r\n\r\n<script>window.__x=1</script>"
RUNBOOK = """# <script>window.__x=1</script>
[a](javascript:window.__x=1) [b](JaVaScRiPt:alert(1)) [c](data:text/html;base64,PHNjcmlwdD4=) [d](vbscript:x)
![e](https://tracker.example/x.png) ![f](x" onerror="window.__x=1) <https://ok.example> <javascript:alert(1)>
<img src=x onerror=window.__x=1><svg onload=window.__x=1></svg><iframe src=//evil.example></iframe>
<a href="javascript:window.__x=1" onclick="window.__x=1">g</a> <form action=/i/x><button>h</button></form>
[i]: javascript:alert(1)
[i] `<script>` &lt;script&gt; <style>*{display:none}</style> <base href=//evil.example>
<meta http-equiv=refresh content=0>

```html
<script>window.__x=1</script>
```
"""
ASKED = ("done", "state", "match", "why", "for", "from", "to", "labels", "who", "about", "next", "test", "id", "error")
"""What pages read from a query."""
MARKDOWN = ("em", "strong", "hr", "blockquote", "h4")
"""What runbooks and the manual may have beside what our own pages have."""


def hostile_catalog() -> Catalog:
    """The usual company, in which everything that has a name has a hostile one."""
    people = {name: Person(name=f"{name} {WORDS}", timezone="UTC") for name in CATALOG.people}
    rules = RuleFile("rules/all.yaml", (PlacedRule(Rule(name=WORDS, runbook="runbooks/evil.md"), "rules/all.yaml:1"),))
    worded = {"name": WORDS[:100], "means": WORDS}
    levels = {level: one.model_copy(update=worded) for level, one in CATALOG.severities.items()}
    return replace(CATALOG, people=people, rules=(rules,), severities=levels)


@asynccontextmanager
async def hostile(folder: Path) -> AsyncIterator[tuple[House, dict[str, str]]]:
    """A night of words, and what stands for each part of a path that is looked up."""
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "evil.md").write_text(RUNBOOK)
    async with opened(folder, hostile_catalog()) as house:
        house.http.headers.update({"User-Agent": "x"})
        labels = {"alertname": WORDS, "service": WORDS, "cluster": WORDS, "x": WORDS}
        alert = {"status": "firing", "labels": labels, "annotations": {"summary": WORDS, "runbook_url": HEADERS}}
        sent = {"alerts": [{**alert, "generatorURL": "javascript:window.__x=1"}], "externalURL": WORDS}
        assert (await house.post("/webhook/alertmanager", sent))[0] == 200
        code = await house.work()
        said = {"by": "ana", "why": WORDS[:400]}
        silence = {**said, "match": ["alertname = X", f'y = "{quote(WORDS)[:100]}"'], "for": "1h"}
        override = {"schedule": "payments", "who": ["chi"], "from": "2026-02-16T13:00Z", "to": "2026-02-16T15:00Z"}
        for path, body, status in (
            (f"/api/v1/incidents/{code}/note", {"by": "ana", "text": WORDS}, 200),
            ("/api/v1/incidents", {"by": "ana", "title": WORDS[:200], "severity": "SEV-2"}, 201),
            ("/api/v1/silences", silence, 201),
            ("/api/v1/maintenance", {**silence, "name": WORDS[:100]}, 201),
            ("/api/v1/overrides", {**said, **override}, 201),
        ):
            assert (await house.post(path, body))[0] == status, path
        invited = await house.accounts.invite("ana", WORDS[:50], timedelta(hours=1), house.clock.now)
        own = {"code": code, "name": "payments", "topic": "nodes", "token": (await house.link("ana"))[3:]}
        house.shows = bearer(await house.token("admin", "ana"))
        yield house, {**own, "invited": invited}


def doors(house: House) -> set[tuple[str, str]]:
    """Method and path of everything that is served."""
    routes = build_app(parts_of(house)).router.routes()
    return {(route.method, canonical(route)) for route in routes if route.method != "HEAD"}


def pages_of(house: House, names: dict[str, str]) -> list[str]:
    """A path of each page; a page with a part that nothing here stands for is an error."""
    found = []
    for method, path in sorted(doors(house)):
        if method == "GET" and is_page(path):
            token = names["invited"] if path.startswith("/enrol") else names["token"]
            found.append(path.format_map({**names, "token": token}))
    return found


@covers("T11", "T13", "T18", "T21")
async def test_t11_every_page_of_the_router_takes_words_for_words(tmp_path: Path) -> None:
    async with hostile(tmp_path) as (house, names):
        jar = CookieJar(unsafe=True)
        async with ClientSession(cookie_jar=jar, headers=house.shows) as http:
            written = [
                path for path in pages_of(house, names) if path.startswith("/help/") or path.endswith("/runbook")
            ]
            met, asked = [], "&".join(f"{name}={quote(WORDS)}" for name in ASKED)
            crlf = "&".join(f"{name}={quote(HEADERS)}" for name in ASKED)
            for path in pages_of(house, names):
                for query in ("", f"?{asked}", f"?{crlf}", "?done=ack"):
                    async with http.get(house.url + path + query, allow_redirects=False) as answer:
                        text = await answer.text()
                        assert answer.status < 500 or answer.status == 501, (path, query)
                        assert "Set-Cookie" not in answer.headers or "a=b" not in answer.headers["Set-Cookie"], path
                        kind = answer.content_type
                        if kind != "text/html":
                            assert kind in ("image/svg+xml", "text/plain", "text/event-stream"), (path, kind)
                            continue
                        foreign = [one for one in foreign_in(text) if not (path in written and one in MARKDOWN)]
                        assert (path, query, foreign) == (path, query, [])
                        policy = answer.headers["Content-Security-Policy"]
                        assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy, path
                        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
                        met += re.findall(r"onerror|__x", text)
            assert len(met) > 50, "the words were there"


@covers("T5")
async def test_t5_no_other_site_posts_through_any_door(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        code = await house.fires("CheckoutDown")
        link, key = await house.link("ana"), key_in(await seen(house, f"/i/{code}"))
        names = {"code": code, "name": "payments", "token": link[3:], "act": "ack", "dialect": "alertmanager"}
        told = []
        for method, path in sorted(doors(house)):
            if method in ("GET", "OPTIONS"):
                continue
            filled = re.sub(r"{(\w+)}", lambda part: names.get(part[1], "x"), path)
            for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
                form = {"form": key, "action": "ack", "by": "ana", "title": "x", "severity": "SEV-1"}
                async with house.http.request(method, house.url + filled, data=form, headers=headers) as answer:
                    told += [(method, path, answer.status)] if answer.status != 403 else []

        assert told == []
        (one,) = (await house.get("/api/v1/incidents?state=all"))["incidents"]
        assert (one["state"], one["acked_by"]) == ("triggered", None)


@pytest.mark.parametrize("words", ["<script>window.__x=1</script>", '<img src=x onerror="window.__x=1">'])
def test_what_runs_would_be_found(words: str) -> None:
    assert foreign_in(words) != []
