"""`pagerctl source`: what a body becomes, and which mappings ship."""

from pathlib import Path

import pytest

from pager.presets import presets
from pager.sources import SOURCES
from tests.cli.house import pagerctl

KUMA = '{"heartbeat": {"status": 0, "msg": "timeout"}, "monitor": {"id": 7, "name": "Shop"}, "msg": "Shop is down"}'


@pytest.fixture
def body(tmp_path: Path) -> Path:
    file = tmp_path / "body.json"
    file.write_text(KUMA)
    return file


def test_all_senders_are_listed() -> None:
    ran = pagerctl("source", "list")

    assert (ran.code, ran.err) == (0, "")
    assert {line.split()[0] for line in ran.out.splitlines()} == set(SOURCES) | set(presets())
    assert "/webhook/generic/zabbix" in ran.out


def test_a_body_is_tried_by_a_mapping_that_ships(body: Path) -> None:
    ran = pagerctl("source", "try", "uptime-kuma", str(body), "--at", "2026-03-02T12:00Z")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("firing  Shop  since 2026-03-02 12:00:00 UTC\n    identity: 7\n")
    assert "# Uptime Kuma: " in ran.out
    assert pagerctl("source", "try", "uptime-kuma", str(body), "-o", "json").json["alerts"][0]["name"] == "Shop"


def test_a_guess_gives_a_mapping_to_start_from(tmp_path: Path) -> None:
    file = tmp_path / "body.txt"
    file.write_text("host=db-1&service=disk&state=down&level=bad")
    ran = pagerctl("source", "try", "guess", str(file))

    assert ran.code == 0
    assert "guessed: title from service and host" in ran.out
    assert ran.out.endswith(
        "id:\n- host\n- service\ntitle:\n- service\n- host\nstate:\n  path: state\nseverity:\n  path: level\n"
    )


def test_a_source_of_the_files_is_tried_by_its_own_mapping(tmp_path: Path) -> None:
    for folder in ("rules", "schedules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "schedules" / "a.yaml").write_text('people: {ana: {contacts: {push: "console://"}}}\n')
    (tmp_path / "rules" / "a.yaml").write_text(
        "sources: [{name: home, dialect: generic, map: {title: what, state: {path: s, resolved: off}}}]\n"
    )
    file = tmp_path / "body.json"
    file.write_text('{"what": "Leak", "s": "off"}')

    ran = pagerctl("-c", str(tmp_path), "source", "try", "home", str(file))

    assert (ran.code, ran.out.split()[:2]) == (0, ["resolved", "Leak"])


@pytest.mark.parametrize(
    ("name", "text", "code", "complaint"),
    [
        pytest.param("nothing", "{}", 2, "no source 'nothing'", id="a name that is none"),
        pytest.param("alertmanager", "{}", 1, "it would be refused: alerts: missing", id="a body that is refused"),
        pytest.param("guess", "<a/>", 1, "XML", id="XML"),
    ],
)
def test_what_cannot_be_tried(tmp_path: Path, name: str, text: str, code: int, complaint: str) -> None:
    file = tmp_path / "body"
    file.write_text(text)
    ran = pagerctl("source", "try", name, str(file))

    assert ran.code == code
    assert complaint in ran.err


def test_a_mapping_is_shown_to_be_copied() -> None:
    assert pagerctl("source", "show", "zabbix").out.startswith("# Zabbix: ")
    assert pagerctl("source", "show", "nothing").code == 2


def test_a_mail_is_tried_by_the_words_of_its_source(tmp_path: Path) -> None:
    for folder in ("rules", "schedules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "schedules" / "a.yaml").write_text('people: {ana: {contacts: {push: "console://"}}}\n')
    (tmp_path / "rules" / "a.yaml").write_text("sources: [{name: ups, dialect: mail, resolved: [Netz da]}]\n")
    file = tmp_path / "mail.eml"
    file.write_text("From: ups@example.org\nSubject: UPS 1: Netz da\n\nvolle Spannung\n")

    assert pagerctl("source", "try", "mail", str(file)).out.startswith("firing  UPS 1: Netz da  since")
    assert pagerctl("-c", str(tmp_path), "source", "try", "ups", str(file)).out.startswith("resolved  UPS 1  since")


def test_words_of_mails_are_for_mails(tmp_path: Path) -> None:
    for folder in ("rules", "schedules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("sources: [{name: ups, dialect: generic, resolved: [Netz da]}]\n")

    ran = pagerctl("-c", str(tmp_path), "check")

    assert ran.code == 1
    assert "`resolved` and `firing` are for mails" in ran.out + ran.err
