"""`pagerctl doctor`: whether a page would go out now, and what to do where it would not."""

import sys
from datetime import datetime
from typing import Any

import click

from pager.cli.client import Client, Unreachable, asks_server
from pager.cli.output import FAILED, Session, now, print_json
from pager.cli.words import plain

PATIENCE = 45.0
MOST_OFFSET = 5.0
_COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}


@click.command()
@asks_server
def doctor(session: Session, client: Client) -> None:
    """Look at all that a page needs, on a running pagerd, and say how to mend what is not well.

    The exit status is 1 with a FAIL, 4 when pagerd does not answer.
    """
    client.timeout = PATIENCE
    try:
        checks = _asked(client)
    except Unreachable as error:
        _show(session, [_check("pagerd", "FAIL", error.message, "systemctl status pagerd; journalctl -u pagerd")])
        sys.exit(error.exit_code)
    _show(session, checks)
    sys.exit(FAILED if any(check["level"] == "FAIL" for check in checks) else 0)


def _asked(client: Client) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/doctor")
    apart = (now() - datetime.fromisoformat(answer["now"])).total_seconds()
    said = f"answers at {client.place}"
    if abs(apart) > MOST_OFFSET:
        mend = "see that chrony or timesyncd runs on both machines"
        first = _check("pagerd", "FAIL", f"{said}, and its clock is {abs(apart):.0f} s from this one's", mend)
    else:
        first = _check("pagerd", "ok", said)
    return [first, *answer["checks"]]


def _check(name: str, level: str, said: str, mend: str = "") -> dict[str, Any]:
    return {"name": name, "level": level, "said": said, "mend": mend}


def _show(session: Session, checks: list[dict[str, Any]]) -> None:
    if session.is_json:
        print_json({"ok": all(check["level"] != "FAIL" for check in checks), "checks": checks})
        return
    for check in checks:
        level = check["level"].ljust(4)
        painted = click.style(level, fg=_COLOURS[check["level"]]) if session.colour else level
        click.echo(f"{painted}  {check['name']:<12} {plain(check['said'])}")
        if check["mend"]:
            click.echo(f"{'':<19}mend: {plain(check['mend'])}")
