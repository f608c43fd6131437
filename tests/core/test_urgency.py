"""Urgency: what each service is told about how loud a message is; Apprise reads each of these URLs."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.contact_url import check_url
from pager.core.text import Facts
from pager.core.urgency import tuned
from tests.support import ROOT

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGE = Facts("7KQ", "SEV-1", "down", "page", "", NOON, NOON, "https://p.example.org/p/x", "https://r.example.org/x")
NEWS = {"kind": "notice"}
ALONE = {"kind": "notice", "alone": True, "code": ""}
LOUDEST = {
    "pover://user@token": "priority=emergency&sound=siren&interval=60&expire=600",
    "barks://host.example.org/key": "level=critical&call=yes&id=pager-7KQ",
    "ntfys://host.example.org/topic": "priority=max",
    "gotifys://host.example.org/AAAAAAAAAAAAAAA": "priority=emergency",
    "prowl://" + "a" * 40: "priority=emergency",
    "join://" + "a" * 32: "priority=emergency",
    "opsgenie://" + "a" * 20: "priority=emergency&alias=pager-7KQ",
    "pagerduty://" + "a" * 32 + "@" + "b" * 20: "severity=critical&dedup=pager-7KQ",
}


@pytest.mark.parametrize(
    ("url", "changes", "added"),
    [
        *(pytest.param(url, {}, f"?{added}", id=f"SEV-1 by {url.partition(':')[0]}") for url, added in LOUDEST.items()),
        pytest.param("ntfy://topic", {"severity": "SEV-2"}, "?priority=high", id="SEV-2 is loud"),
        pytest.param("ntfy://topic", {"severity": "SEV-3"}, "?priority=default", id="the rest is not"),
        pytest.param("ntfy://topic", NEWS, "?priority=low", id="news makes no sound"),
        pytest.param("pover://user@token", {"severity": "SEV-2"}, "?priority=high", id="no siren for SEV-2"),
        pytest.param("bark://host/key", NEWS, "?level=passive&id=pager-7KQ", id="news lights no screen"),
        pytest.param("ntfy://topic", {**ALONE, "why": "asked"}, "?priority=max", id="a person asks for one"),
        pytest.param("ntfy://topic", {**ALONE, "why": "test"}, "?priority=high", id="a test rings"),
        pytest.param("pover://u@t", {**ALONE, "why": "test"}, "?priority=high", id="and does so once"),
        pytest.param("ntfy://topic", {**ALONE, "why": "reminder"}, "?priority=low", id="word of a turn does not"),
        pytest.param(
            "mailto://h?+references=x",
            {**ALONE, "why": "asked"},
            "&+Auto-Submitted=auto-generated&+Importance=high&+X-Priority=1",
            id="a mail by which a person asks",
        ),
        pytest.param("ntfy://h/t?priority=low", {}, "", id="what the person wrote stands"),
        pytest.param("pover://u@t?sound=none&priority=high", {}, "&interval=60&expire=600", id="each for itself"),
        pytest.param("ntfy://h/t?image=no", {}, "&priority=max", id="it joins other parameters"),
        pytest.param("json://h/x", {}, "", id="what has no priority gets none"),
        pytest.param("console://", {}, "", id="the console neither"),
        pytest.param("goalerts://host/token", {}, "?dedup=pager-7KQ", id="another pager gets one key an incident"),
        pytest.param("pagerduty://a@b", {"code": "", **NEWS}, "?severity=info", id="no incident, no key"),
        pytest.param("hassios://h/token", {}, "?nid=pager-7KQ", id="a newer message stands for the older one"),
        pytest.param("bark://h/key?id=mine", NEWS, "&level=passive", id="a key of one's own stands"),
        pytest.param(
            "mailtos://u:p@example.org",
            {},
            "?+Auto-Submitted=auto-generated&+References=%3Cpager-7KQ%40pager%3E&+Importance=high&+X-Priority=1",
            id="mails of an incident are one thread",
        ),
        pytest.param("mailto://h?+references=x", NEWS, "&+Auto-Submitted=auto-generated", id="or in one of one's own"),
        pytest.param("ntfy://h/" + "x" * 4085, {}, "", id="a URL does not grow too long"),
    ],
)
def test_what_a_url_is_given(url: str, changes: dict[str, Any], added: str) -> None:
    assert tuned(url, replace(PAGE, **changes)) == url + added


READ = """
import json, sys
from apprise import Apprise
made = [Apprise.instantiate(url) for url in json.load(sys.stdin)]
print(json.dumps([one and one.url() for one in made]))
"""


def test_apprise_understands_what_is_added() -> None:
    levels = [PAGE, replace(PAGE, severity="SEV-2"), replace(PAGE, severity="SEV-3"), replace(PAGE, kind="notice")]
    urls = [tuned(url, facts) for url in LOUDEST for facts in levels]
    assert not [url for url in urls if check_url(url)]
    ran = subprocess.run(
        [sys.executable, "-c", READ], input=json.dumps(urls), capture_output=True, text=True, check=True, cwd=ROOT
    )

    read = json.loads(ran.stdout)
    assert None not in read
    # Each level is another URL to the service: nothing that was added fell under the table.
    assert [len(set(read[at : at + 4])) for at in range(0, len(read), 4)] == [4] * len(LOUDEST)
