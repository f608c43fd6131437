"""`pagerctl route`: what would happen to an alert, and who would be paged when, if nobody answered."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from msgspec import Struct

from pager.cli.output import Session, instant, load, print_json, session_options

if TYPE_CHECKING:
    from pager.core.alert import Alert
    from pager.core.catalog import Catalog
    from pager.core.classify import Decision
    from pager.core.incident import Hold
    from pager.core.simulate import Line

_LARGEST = 16 * 1024 * 1024


class Routed(Struct, frozen=True):
    """One alert, the decision about it, and the pages if nobody answered."""

    alert: "Alert"
    decision: "Decision"
    lines: "list[Line]"


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="FILE|LABEL=VALUE...")
@click.option("--at", help="When it comes, such as 'sat 03:04' or 2026-03-30T09:00+02:00; now, if left out.")
@click.option("--source", help="The source that speaks; the dialect's name, if left out.")
@click.option("--tree", is_flag=True, help="Show the opinion of each file, too.")
@session_options
def route(session: Session, words: tuple[str, ...], at: str | None, source: str | None, tree: bool) -> None:
    """Print severity, policy, runbook and pages: `pagerctl route alertname=CheckoutDown env=prod-eu --at "sat 03:04"`.

    FILE is a webhook body of Alertmanager or Grafana, or a list of alerts, as JSON; - is standard input. A time
    without a zone is UTC. Each alert is routed as if it came alone.
    """
    catalog = load(session)
    when = instant(at, "--at")
    routed = [_routed(alert, catalog, when) for alert in _alerts(words, source, when)]
    if session.is_json:
        print_json({"decisions": [_as_json(one) for one in routed]})
    else:
        for one in routed:
            _print_text(one, catalog, when, tree)


def _routed(alert: "Alert", catalog: "Catalog", at: datetime) -> Routed:
    from pager.core.classify import classify
    from pager.core.simulate import lines, simulate

    return Routed(alert, classify(alert, catalog), lines(simulate([alert], catalog, at), catalog, at))


def _alerts(words: Sequence[str], source: str | None, at: datetime) -> "Sequence[Alert]":
    from pager.core.alert import Alert

    if (len(words) == 1 and "=" not in words[0]) or words[0] == "-" or Path(words[0]).is_file():
        return _from_file(words, source, at)
    labels = dict(_label(word) for word in words)
    spoken = labels.pop("source", "")
    return [Alert(source or spoken or "alertmanager", "firing", labels, at)]


def _label(word: str) -> tuple[str, str]:
    name, is_label, value = word.partition("=")
    if not is_label or not name:
        raise click.UsageError(f"neither a file nor a label: {word!r}; write severity=critical")
    return name, value.strip('"')


def _from_file(words: Sequence[str], source: str | None, at: datetime) -> "Sequence[Alert]":
    """The alerts of a body; a list of alerts, or one alert alone, is read as a body that holds it."""
    import json

    from pager.core.report import Malformed
    from pager.sources import SOURCES

    if len(words) > 1:
        raise click.UsageError("one FILE, or labels; not both")
    body = _read(words[0])
    try:
        decoded = json.loads(body)
        if isinstance(decoded, list) or (isinstance(decoded, dict) and "labels" in decoded and "alerts" not in decoded):
            body = json.dumps({"alerts": decoded if isinstance(decoded, list) else [decoded]}).encode()
        dialect = "grafana" if isinstance(decoded, dict) and "orgId" in decoded else "alertmanager"
        parsed = SOURCES[dialect].parse(body, at, source or dialect)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, Malformed) else f"not JSON: {error}"
        raise click.ClickException(f"{words[0]}: {said}") from None
    for fault in parsed.faults:
        click.echo(f"{words[0]}: {fault.path}: {fault.what}", err=True)
    return parsed.alerts


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(_LARGEST)
    try:
        with Path(name).open("rb") as stream:
            return stream.read(_LARGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise click.UsageError(f"no file {name!r} ({why}); or write label=value") from None


def _as_json(one: Routed) -> dict[str, Any]:
    from pager.core.alert import fingerprint_of
    from pager.core.duration import format_duration

    alert, decision = one.alert, one.decision
    return {
        "alert": dict(alert.labels),
        "fingerprint": alert.fingerprint or fingerprint_of(alert.labels),
        "rule": decision.rule,
        "file": decision.place,
        "severity": decision.severity,
        "policy": decision.policy,
        "runbook": decision.runbook,
        "group": decision.group,
        "pages": [{"after": format_duration(line.after), "to": line.to, "via": list(line.via)} for line in one.lines],
        **({} if decision.private is None else {"private": list(decision.private)}),
    }


def _print_text(one: Routed, catalog: "Catalog", at: datetime, tree: bool) -> None:
    from pager.core.duration import format_duration

    decision = one.decision
    labels = " ".join(f"{name}={value}" for name, value in sorted(one.alert.labels.items()))
    click.echo(f"{decision.severity}  {one.alert.name}  {labels}")
    if tree:
        _print_tree(decision)
    click.echo(f"  because   {decision.why}" + (f" ({decision.place})" if decision.place else ""))
    click.echo(f"  policy    {decision.policy}")
    click.echo(f"  runbook   {decision.runbook}")
    if decision.private is not None:
        click.echo(f"  private   seen by {', '.join((*decision.private, 'those who are paged for it', 'admins'))}")
    zone = ZoneInfo(_zone(decision.policy, catalog, at))
    hold = _held(one.alert, catalog, at)
    if hold is not None and hold.until is not None:
        click.echo(f"  held      {hold.reason} {hold.name} until {hold.until.astimezone(zone):%a %H:%M}")
    for line in one.lines:
        when = f"{(at + line.after).astimezone(zone):%a %H:%M:%S}"
        click.echo(f"  {when}  {format_duration(line.after):>6}  {line.to:<24}  {'+'.join(line.via)}".rstrip())
    if not one.lines:
        click.echo("  pages nobody" + (": it is resolved" if one.alert.status == "resolved" else ""))


def _held(alert: "Alert", catalog: "Catalog", at: datetime) -> "Hold | None":
    """The maintenance of the files that holds it then."""
    from pager.core.holding import mutes_at, verdict

    return verdict([{**alert.labels, "source": alert.source}], mutes_at(catalog, at), catalog).hold


def _print_tree(decision: "Decision") -> None:
    if decision.place:
        click.echo(f"  |-- {decision.place}  {decision.rule}: {decision.severity}  decides")
    for other in decision.losers:
        click.echo(f"  |-- {other.place}  {other.rule}: {other.severity}")


def _zone(policy: str, catalog: "Catalog", at: datetime) -> str:
    """The zone of the first schedule that the policy pages: times are shown as those people see them."""
    steps = catalog.policy(policy)[1].steps
    targets = [target for step in steps for target in step.page if target.kind == "schedule"]
    return next((catalog.schedule_zone(target.name, at) for target in targets), "UTC")
