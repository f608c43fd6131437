"""Mails as senders write them: what each comes to, and that no bytes at all can stop the reading."""

import base64
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pager.core.alert import Alert
from pager.core.mapping import read_mapping
from pager.core.report import Malformed, Parsed
from pager.sources.mail import Reads, parse, wrapped
from tests.sources.test_laws import sound
from tests.support import ROOT

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BODIES = ROOT / "tests" / "data" / "mail"


def read(name: str) -> bytes:
    return (BODIES / f"{name}.eml").read_bytes()


def one(payload: bytes) -> Alert:
    (alert,) = parse(payload, NOW, "post").alerts
    return alert


@pytest.mark.parametrize(
    ("name", "status", "title", "severity", "text"),
    [
        pytest.param("nagios-problem", "firing", "web1/HTTP", "critical", "Connection refused", id="Nagios, a problem"),
        pytest.param("nagios-recovery", "resolved", "web1/HTTP", "", "HTTP OK", id="Nagios, its end"),
        pytest.param("zabbix-problem", "firing", "High CPU utilization", "high", "Zabbix server", id="Zabbix"),
        pytest.param(
            "zabbix-resolved", "resolved", "High CPU utilization", "high", "resolved at", id="Zabbix, its end"
        ),
        pytest.param("grafana", "firing", "DiskFull (node eu-1)", "", "Value: A=93", id="Grafana, HTML alone"),
        pytest.param("cron", "firing", "Cron <root@web1> /usr/local/bin/dump", "", "disk quota", id="cron"),
        pytest.param("ups", "firing", "UPS 1: on battery", "", "Input voltage: 0 V", id="a UPS without MIME"),
        pytest.param("backup", "firing", "Sicherung von db1", "", "Übertragung abgebrochen", id="Latin-1 as printed"),
        pytest.param(
            "base64", "firing", "Temperatur überschritten", "", "Raum 2: 41 °C", id="base64 and an attachment"
        ),
        pytest.param("gb18030", "firing", "磁盘已满", "critical", "服务器 db1", id="GB18030, called GB2312"),
        pytest.param("state-in-text", "resolved", "Notice from pump 3", "", "Status: OK", id="its state in the text"),
        pytest.param(
            "wrong-charset", "firing", "Kühlung ausgefallen", "", "Kühlung", id="another charset than it says"
        ),
    ],
)
def test_what_a_mail_comes_to(name: str, status: str, title: str, severity: str, text: str) -> None:
    alert = one(read(name))

    assert (alert.status, alert.name, alert.labels.get("severity", "")) == (status, title, severity)
    assert text in alert.annotations["description"]


@pytest.mark.parametrize("sender", ["nagios", "zabbix"])
def test_its_end_is_that_of_the_same_alert(sender: str) -> None:
    began, ended = {"nagios": ("problem", "recovery"), "zabbix": ("problem", "resolved")}[sender]

    assert one(read(f"{sender}-{began}")).key == one(read(f"{sender}-{ended}")).key


def test_lines_of_the_text_are_labels() -> None:
    labels = one(read("nagios-problem")).labels

    assert (labels["host"], labels["service"], labels["from"]) == ("web1", "HTTP", "nagios@mon.example.org")


def test_the_same_words_of_another_sender_are_another_alert() -> None:
    assert one(b"From: a@x\r\nSubject: Disk full\r\n\r\n").key != one(b"From: b@x\r\nSubject: Disk full\r\n\r\n").key


@pytest.mark.parametrize(
    ("date", "starts"),
    [
        pytest.param(NOW - timedelta(hours=30), NOW - timedelta(hours=30), id="waited in a queue"),
        pytest.param(NOW - timedelta(days=30), NOW, id="a clock that was never set"),
        pytest.param(NOW + timedelta(days=1), NOW, id="a clock that is ahead"),
    ],
)
def test_a_date_far_from_now_is_not_gone_by(date: datetime, starts: datetime) -> None:
    mail = f"Date: {date:%a, %d %b %Y %H:%M:%S} +0000\r\nSubject: Disk full\r\n\r\n".encode()
    parsed = parse(mail, NOW, "post")

    assert parsed.alerts[0].starts_at == starts
    assert [fault.path for fault in parsed.faults] == ([] if date == starts else ["Date"])


def test_it_ended_when_its_sender_said_so() -> None:
    ended = one(read("zabbix-resolved"))

    assert ended.ends_at == datetime(2026, 11, 22, 8, 59, tzinfo=UTC)
    assert one(read("state-in-text")).ends_at == NOW


def test_a_mapping_of_the_files_says_more() -> None:
    by = {
        "id": "fields.ticket",
        "labels": {"rack": "text ~ rack (\\w+)", "pri": "headers.x-priority"},
        "severity": {"path": "subject ~ P(\\d)", "words": {"1": "critical"}},
    }
    mail = b"X-Priority: 1\r\nSubject: P1 Pump\r\n\r\nTicket: 77\nin rack r7\n"
    said = one(wrapped(mail, Reads((read_mapping(by),))))

    assert (said.identity, said.name, said.status) == ("77", "P1 Pump", "firing")
    assert {"rack": "r7", "pri": "1", "severity": "critical"}.items() <= said.labels.items()


def test_a_mapping_may_go_by_the_thread() -> None:
    by = Reads((read_mapping({"id": "thread"}),), resolved=("erledigt",))
    first = one(wrapped(b"Subject: Pumpe\r\nMessage-ID: <1@x>\r\n\r\n", by))
    last = one(wrapped(b"Subject: Pumpe erledigt\r\nReferences: <1@x> <2@x>\r\n\r\n", by))

    assert (first.identity, first.status) == ("<1@x>", "firing")
    assert (last.identity, last.status) == ("<1@x>", "resolved")


# What is not meant well.


DISK = b"Subject: Disk full\r\n"
HTML, PLAIN = DISK + b"Content-Type: text/html\r\n\r\n", DISK + b"Content-Type: text/plain; charset"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(DISK + b"X-A: b\r\n" * 50_000, id="fifty thousand headers"),
        pytest.param(b"X: " + b"a" * 60_000 + b"\r\n" + DISK, id="a long header"),
        pytest.param(DISK + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 2000, id="parts of parts"),
        pytest.param(DISK + b"Content-Type: message/rfc822\r\n\r\n" * 5000, id="mails in mails"),
        pytest.param(DISK + b"From: " + b"((" * 30_000 + b"\r\n\r\nx", id="comments in comments"),
        pytest.param(HTML + b"<script" * 60_000, id="tags without end"),
        pytest.param(HTML + b"<!--<![CDATA[" * 40_000, id="comments without end"),
        pytest.param(b"Subject: Disk full " + b"=?utf-8?q?" * 20_000 + b"\r\n\r\n", id="encoded words without end"),
        pytest.param(PLAIN + b'="x\0y"\r\n\r\nabc', id="a charset that is none"),
        pytest.param(PLAIN + b"*0*=%FF''x;charset*1=y\r\n\r\nabc", id="a charset in parts"),
        pytest.param(DISK + b"Content-Transfer-Encoding: base64\r\n\r\nA\xff", id="base64 that is none"),
        pytest.param(b"Subject: Disk full" + b" is" * 100_000 + b"\r\n\r\n", id="a subject without end"),
        pytest.param(DISK + b"\r\n" + b"a: " * 100_000, id="fields without end"),
    ],
)
def test_a_mail_that_is_not_meant_well_is_an_alert_all_the_same(payload: bytes) -> None:
    alert = one(payload[: 1024**2])

    assert alert.status == "firing"
    assert len(alert.labels) < 50


def test_what_is_shown_is_text_and_no_page() -> None:
    html = base64.encodebytes(
        b"<p onclick=x>Hello<script>alert(1)</script> <a href='javascript:x'>there</a><style>p{}</style>"
    )
    head = b"Subject: x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    assert one(head + html).annotations["description"] == "Hello there"


def said(payload: bytes) -> Parsed | Malformed:
    try:
        return parse(payload, NOW, "post")
    except Malformed as error:
        return error


LINES = [
    *(b"Subject: ", b"From: ", b"Date: ", b"Content-Type: multipart/mixed; boundary=", b"Content-Type: text/html"),
    *(b"Content-Transfer-Encoding: quoted-printable", b"Content-Transfer-Encoding: base64", b"; charset=", b"utf-7"),
    *(
        b"=?utf-8?b?",
        b"=?x?q?",
        b"?=",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"--b",
        b"b",
        b"\t",
        b"<",
        b">",
        b"\0",
        b"\xff",
        b"=\n",
    ),
    *(
        b"Pager-Reads: ",
        b"{}",
        b'{"maps":[{}]}',
        b'{"maps":[1]}',
        b"message/rfc822",
        b"Mon, 99 Feb 2026 25:00:00 +9999",
    ),
]


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(LINES) | st.binary(max_size=6), max_size=40).map(b"".join))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    assert sound(said(payload))


@pytest.mark.parametrize("name", sorted(path.stem for path in BODIES.glob("*.eml")))
def test_any_mail_with_something_broken_is_read_or_refused(name: str) -> None:
    chance, whole = random.Random(name), read(name)
    for _ in range(20):
        at, length = chance.randrange(len(whole)), chance.randrange(1, 30)
        new = chance.choice((b"", b"\xff\0", b"\r\n\r\n", whole[at : at + length] * 9, chance.randbytes(length)))
        assert sound(said(whole[:at] + new + whole[at + length :]))
