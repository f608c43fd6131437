"""`pagerctl status` and `pagerctl wait-ready`: whether the daemon does its work."""

import sys
import time
from datetime import timedelta
from typing import Any

import click

from pager.cli.client import Client, Refused, Unreachable, asks_server
from pager.cli.output import FAILED, WAITED, Session, counted, print_json
from pager.cli.words import paint, print_facts, print_rows, rough

POLL = 0.2


@click.command()
@asks_server
def status(session: Session, client: Client) -> None:
    """Show loops, queues, open incidents, files and nodes of pagerd. The exit status is 1 when it is not well."""
    found = client.get("/api/v1/status")
    if session.is_json:
        print_json(found)
    else:
        word = paint("ready", "ok", session.colour) if found["ok"] else paint("NOT WELL", "stalled", session.colour)
        click.echo(f"pagerd {found['version']} at {client.place}: {word}")
        print_facts(_facts(found))
        print_nodes(found.get("nodes", []), session.colour)
    sys.exit(0 if found["ok"] else FAILED)


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    config, problems = found["config"], found["config"]["problems"]
    errors = sum(problem["level"] == "error" for problem in problems)
    told = f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}: see pagerctl check"
    outcome = "the files before stay in force; " if config["reloaded"] is False else ""
    return [
        ("not ready", found["not_ready"] or ""),
        ("remark", "; ".join(found.get("remarks", ()))),
        ("loops", ", ".join(_loop(name, loop) for name, loop in found["loops"].items())),
        ("queues", ", ".join(_queue(name, queue) for name, queue in found["queues"].items())),
        ("incidents", "; ".join(_level(level, states) for level, states in found["incidents"].items()) or "none open"),
        ("alerts", ", ".join(f"{count} {state}" for state, count in found["alerts"].items()) or "none known"),
        ("files", f"{config['folder']} ({config['hash'][:12]})"),
        ("reload", outcome + (told if problems else "no problems") if config["reloaded"] is not None else ""),
    ]


def _loop(name: str, loop: dict[str, Any]) -> str:
    return f"{name} ok" if loop["ok"] else f"{name} STALLED for {loop['seconds_ago']:.0f} s"


def _queue(name: str, queue: dict[str, Any]) -> str:
    waits = f" (oldest {queue['oldest_seconds']:.0f} s)" if queue["depth"] else ""
    return f"{name} {queue['depth']}{waits}"


def print_nodes(nodes: list[dict[str, Any]], colour: bool) -> None:
    """All pagerd on one PostgreSQL; `*` is the one that answers."""
    if len(nodes) < 2:
        return
    click.echo()
    print_rows(("NODE", "STATE", "VERSION", "FILES", "LAG", "SKEW", "LANES"), map(_node, nodes), colour)


def _node(node: dict[str, Any]) -> tuple[str, ...]:
    is_up = node["state"] == "up"
    seen = "" if is_up else f" {rough(timedelta(seconds=node['seen_seconds_ago']))} ago"
    lanes = ",".join(map(str, node["lanes"])) or "-"
    return (
        node["name"] + "*" * node["this"],
        node["state"] + seen,
        node["version"],
        node["config"][:12],
        f"{node['lag_seconds']:.1f} s" if is_up else "-",
        f"{node['skew_seconds']:+.3f} s" if is_up else "-",
        lanes if is_up else "-",
    )


def _level(level: str, states: dict[str, int]) -> str:
    return f"{level} " + ", ".join(f"{count} {state}" for state, count in states.items())


@click.command("wait-ready")
@click.option("--timeout", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds to wait at most.")
@asks_server
def wait_ready(session: Session, client: Client, timeout: float) -> None:
    """Wait until pagerd is ready: for scripts. The exit status is 5 when that takes too long."""
    deadline = time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        try:
            client.timeout = min(10.0, max(0.1, left))
            client.get("/-/ready")
        except (Unreachable, Refused) as error:
            if left <= POLL:
                click.echo(f"not ready after {timeout:g} s: {error.message}", err=True)
                sys.exit(WAITED)
            client.place = ""
            time.sleep(POLL)
        else:
            break
    if session.is_json:
        print_json({"ready": True})
    else:
        click.echo(f"ready: {client.place}")
