"""Private incidents by pagerctl, against a real pagerd of their own: its doors close when somebody has a token."""

import re

import pytest

from tests.cli.house import House, Ran

pytestmark = pytest.mark.slow


def test_a_private_incident_is_a_line_for_whoever_does_not_see_it(house: House) -> None:
    declared = house.pagerctl(
        "declare", "payroll leak", "--severity", "SEV-3", "--private", "--sees", "bo", "-o", "json"
    )
    code = declared.json["code"]
    shown = house.pagerctl("incidents", "show", code)
    assert "private    seen by ana, bo, those who are paged for it, admins" in shown.out
    token = house.pagerctl("token", "create", "a-stranger", "--scope", "respond", "-o", "json").json["token"]

    elsewhere = {"PAGER_SOCKET": "/nowhere.sock", "PAGER_SERVER": house.daemon.url, "PAGER_TOKEN": token}

    def strange(*words: str) -> Ran:
        return house.pagerctl(*words, **elsewhere)

    listed, read, acked = strange("incidents"), strange("incidents", "show", code), strange("ack", code)
    assert re.search(rf"{code}   SEV-3  \S+ +\S+ +-  +-  +Private incident\n", listed.out)
    assert (read.code, "payroll" in read.out, "seen by those who are named" in read.err) == (0, False, True)
    assert (acked.code, "is private" in acked.err) == (1, True)
    ran = house.pagerctl("incidents", "public", code)
    assert (ran.code, ran.out.startswith(f"{code}  SEV-3  made public by ana")) == (0, True)
    assert "payroll leak" in strange("incidents", "show", code).out
    assert house.pagerctl("token", "revoke", "a-stranger").code == 0
