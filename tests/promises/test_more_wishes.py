"""The wishes that need no stage; and that each wish has a test of its name."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pager.cli.main import pagerctl
from pager.core.contact_url import SCHEMES, room_of
from pager.core.template import SAMPLE
from pager.core.text import gsm, message
from tests.support import ROOT
from tests.trials.house import case, folder

WISHES = (1, 2, 3, 5, 7, 8, 9, 10, 17, 19, 21, 22, 23, 24, 25, 27, 29)


def test_every_wish_has_a_test_of_its_name() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert {int(number) for number in re.findall(r"^(?:async )?def test_u(\d+)_", texts, re.MULTILINE)} >= set(WISHES)


def test_u5_routing_inhibition_and_times_are_tested_in_ci(tmp_path: Path) -> None:
    inhibited = case(
        """
        alerts: [{labels: {alertname: Down}}, {labels: {alertname: Slow}}]
        then: [{after: 1m, ack: ana, incident: 1}]
        expect: {incidents: [{severity: SEV-1}, {held: inhibition, pages: []}]}
        """.replace("        ", "").strip(),
        "inhibition",
    )
    night = case(
        """
        at: 2026-01-06 03:00 Europe/Berlin
        alerts: [{labels: {alertname: Late}}]
        then: [{after: 31m, wait: true}]
        expect: {held: hours, pages: [31m ana]}
        """.replace("        ", "").strip(),
        "times",
    )
    files = folder(tmp_path, f"tests:\n{inhibited}{night}")

    first = CliRunner().invoke(pagerctl, ["-c", str(files), "test", "--format", "json"])
    told = {one["name"]: one for one in json.loads(first.stdout)["tests"]}
    assert told["inhibition"]["passed"] and not told["times"]["passed"] and first.exit_code == 1
    assert told["times"]["differences"][0]["what"] == "pages"
    (tmp_path / "rules/t.yaml").write_text(f"tests:\n{inhibited}{night.replace('[31m', '[30m')}", encoding="utf-8")
    assert CliRunner().invoke(pagerctl, ["-c", str(files), "test"]).exit_code == 0


@pytest.mark.parametrize("scheme", sorted(name for name, kind in SCHEMES.items() if kind == "sms"))
def test_u19_any_sms_provider_has_the_whole_page_and_a_link_to_answer_by(scheme: str) -> None:
    text = message(SAMPLE, SCHEMES[scheme], room_of(f"{scheme}://x"))

    assert len(text.body) <= 160 and gsm(text.body) == text.body
    assert SAMPLE.page_link in text.body and "7KQ SEV-1" in text.body
