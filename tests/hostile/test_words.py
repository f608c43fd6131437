"""Words of strangers: they forge no line of a log, no header and no series of a metric."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from pager import logs
from pager.api.limits import unread
from tests.api.house import House
from tests.hostile.ways import WEBHOOK, ordinary, request, say
from tests.support import covers

FORGED = "x\nlevel=error event=forged\r\n\x1b[2J\u2028level=error\u0085\x00event=forged"
QUOTED = re.compile(r'"(\\.|[^"\\])*"')
LINE = re.compile(r"timestamp=\S+ level=\w+ event=|(WARNING|ERROR|CRITICAL) \S+ ")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged, as logfmt; everything is as it was afterwards."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    before, root = structlog.get_config(), logging.root.handlers[:]
    logging.root.handlers[:] = []
    logs.configure("logfmt", "debug")
    structlog.configure(cache_logger_on_first_use=False)
    yield out
    structlog.configure(**before)
    logging.root.handlers[:] = root


def lines(out: io.StringIO) -> list[str]:
    """What a reader takes for lines: whatever ends one anywhere."""
    return out.getvalue().splitlines()


@covers("T23")
def test_a_value_stays_on_its_line(written: io.StringIO) -> None:
    log = structlog.get_logger()
    log.warning("an event", source=FORGED, paths=[FORGED], title=FORGED * 100)
    try:
        raise ValueError(FORGED)
    except ValueError:
        log.exception("it failed")
        logging.getLogger("library").exception("it failed too: %s", FORGED)

    assert len(lines(written)) == 3
    assert all(LINE.match(line) for line in lines(written))
    assert "\x1b" not in written.getvalue()


@covers("T23")
@given(text=st.text())
def test_no_text_begins_a_line(text: str) -> None:
    event = logs._one_line(None, "", {"event": "x", "a": text, "exception": text})
    shown = structlog.processors.LogfmtRenderer()(None, "", event)

    assert len(str(shown).splitlines()) == 1
    assert str(shown).isprintable()


@covers("T23")
async def test_what_is_posted_forges_no_line(written: io.StringIO, house: House) -> None:
    labels = {"alertname": FORGED, "severity": FORGED, FORGED: FORGED}
    alert: dict[str, Any] = {"labels": labels, "annotations": {"summary": FORGED, FORGED: 5}, "startsAt": FORGED}
    await house.post(WEBHOOK, {"alerts": [alert, {"labels": {FORGED: []}, "status": FORGED}, FORGED], FORGED: FORGED})
    await house.work()
    code = (await house.get("/api/v1/incidents"))["incidents"][0]["code"]
    await house.post(f"/api/v1/incidents/{code}/ack", {"by": FORGED})
    await say(house.url, request(b"{", b"X-Forged: a\x01b\r\n"))
    await say(house.url, request(b"{", path="/%0alevel=error%20event=forged"))
    await say(house.url, request(b"{", path="/api/v1/incidents/%0alevel=error/ack"))

    assert len(lines(written)) > 5
    assert [line for line in lines(written) if not LINE.match(line)] == []
    assert not any("forged" in QUOTED.sub("", line) for line in lines(written))


@covers("T23")
def test_what_strangers_can_repeat_is_counted_and_not_written(written: io.StringIO) -> None:
    now = 0.0
    sparing = logs.Sparing(lambda: now)
    kept = []
    for _ in range(1000):
        try:
            kept.append(sparing(None, "", {"event": "refused", "often": True}))
        except structlog.DropEvent:
            continue
    assert kept == [{"event": "refused"}] * logs.MOST_OFTEN
    assert sparing(None, "", {"event": "refused"}) == {"event": "refused"}

    now = logs.SPARING_FOR
    assert sparing(None, "", {"event": "refused", "often": True}) == {
        "event": "refused",
        "unlogged": 1000 - logs.MOST_OFTEN,
    }


@covers("T23")
async def test_a_flood_of_refusals_is_no_flood_of_lines(written: io.StringIO, house: House) -> None:
    for _ in range(200):
        assert (await house.post(WEBHOOK, 5))[0] == 400

    assert len(lines(written)) < 100


def test_what_could_not_be_read_is_named_and_not_quoted(written: io.StringIO) -> None:
    from aiohttp.http_exceptions import BadHttpMessage

    try:
        raise BadHttpMessage("Authorization: Bearer s3cret")
    except BadHttpMessage as error:
        unread().exception("Error handling request", exc_info=error)

    assert "BadHttpMessage" in written.getvalue()
    assert "s3cret" not in written.getvalue()


@covers("T18")
async def test_no_header_of_an_answer_is_a_strangers(house: House) -> None:
    code = await house.fires(FORGED)
    link = await house.link(FORGED.replace("\x00", ""))
    evil = "a%0d%0aSet-Cookie:%20x=y"
    for raw in (
        request(b"", path=f"{link}?done={evil}", method="GET"),
        request(f"action=note&text={evil}".encode(), path=link),
        request(f"action={evil}".encode(), path=f"{link}?{evil}"),
        request(b"{}", path=f"/api/v1/incidents/{code}/{evil}"),
        request(b"", path=f"/static/{evil}", method="GET"),
        request(b"", path=f"/p/{evil}/runbook", method="GET"),
        request(b"{}", path=f"/webhook/{evil}"),
    ):
        answer = await say(house.url, raw)
        head = answer.said.partition(b"\r\n\r\n")[0]
        # A header that cannot be written would be a 500.
        assert 200 <= answer.status < 500
        assert b"\nSet-Cookie" not in head
        assert b"\nlevel" not in head


@covers("F53")
async def test_odd_sources_labels_and_paths_add_no_series(house: House) -> None:
    async def series() -> set[str]:
        async with house.http.get(f"{house.url}/metrics") as answer:
            return {line.rpartition(" ")[0] for line in (await answer.text()).splitlines() if not line.startswith("#")}

    async def strange(n: int) -> None:
        alerts = [ordinary(f"Odd{n}-{each}") for each in range(10)]
        for alert in alerts:
            alert["labels"] |= {f"label{n}-{each}": f"value{n}" for each in range(10)}
            alert["labels"] |= {"severity": f"severity{n}", "team": f"team{n}", "source": f"source{n}"}
        said = {"alerts": alerts, "receiver": f"r{n}"}
        await house.post(f"{WEBHOOK}?receiver={n}", said, headers={"User-Agent": f"a{n}"})
        assert (await house.post(f"/webhook/odd{n}", {"alerts": alerts}))[0] == 404
        assert (await house.post(f"/odd{n}", {}))[0] == 404
        assert (await house.post(f"/api/v1/incidents/ODD{n}/ack", {"by": f"p{n}"}))[0] == 404
        await say(house.url, request(b"", method="GET", path=f"/p/odd{n}"))
        for method in (f"ODD{n}", "MKCOL" if n < 50 else "PROPFIND"):
            async with house.http.request(method, house.url) as answer:
                assert answer.status in (400, 403, 404, 405)

    # Every answer that there is has been given once; nothing new may come from what is only said differently.
    for n in range(50):
        await strange(n)
    await house.work()
    await series()
    before = await series()
    for n in range(50, 100):
        await strange(n)
    await house.work()

    assert await series() - before == set()
