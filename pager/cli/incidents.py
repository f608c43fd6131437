"""`pagerctl incidents`: list them, read one, and act on several at once."""

import os
import sys
from datetime import datetime, timedelta
from typing import Any

import click

from pager.cli.client import Client, Refused, asks_server, incident_path
from pager.cli.output import FAILED, Session, counted, now, print_json
from pager.cli.watch import watch
from pager.cli.words import age, following, instant_of, paint, plain, print_facts, print_rows, rough, who

STATES = ("open", "all", "triggered", "acknowledged", "mitigated", "resolved")
MERGE = "merge"
DONE = {
    "ack": "acknowledged",
    "unack": "let go",
    "resolve": "resolved",
    "mitigate": "mitigated",
    "escalate": "escalated",
    "note": "noted",
    "private": "made private",
    "public": "made public",
}


def whoever() -> str:
    """Who acts: PAGER_USER, else the login name."""
    import getpass

    try:
        return os.environ.get("PAGER_USER") or getpass.getuser()
    except (KeyError, OSError):
        raise click.UsageError("say who you are: --by NAME or PAGER_USER") from None


by_option = click.option("--by", default=whoever, help="Who does it; $PAGER_USER or the login name, if left out.")
sees_option = click.option("--sees", multiple=True, help="Who else sees it, if it is private: ana, team:security.")
codes_argument = click.argument("codes", nargs=-1, required=True, metavar="CODE...")


@click.group(invoke_without_command=True)
@click.pass_context
def incidents(context: click.Context) -> None:
    """List incidents and work on them; without a command, list those that are open."""
    if context.invoked_subcommand is None:
        context.invoke(listed)


incidents.add_command(watch)


@incidents.command("list")
@click.option("--state", type=click.Choice(STATES), default="open", show_default=True, help="Which of them.")
@click.option("--team", default="", help="Those of one team.")
@click.option("--limit", type=click.IntRange(1), help="The newest so many; all, if left out.")
@asks_server
def listed(session: Session, client: Client, state: str = "open", team: str = "", limit: int | None = None) -> None:
    """List incidents, newest first. NEXT is when pager does something by itself."""
    found = list(client.every("/api/v1/incidents", "incidents", limit, state=state, team=team))
    if session.is_json:
        print_json({"incidents": found, "next": None})
        return
    if not found:
        click.echo("no open incidents" if state == "open" else "no incidents")
        return
    heads = ("CODE", "SEV", "STATE", "AGE", "WHO", "NEXT", "TITLE")
    print_rows(heads, (_row(incident, now()) for incident in found), session.colour)


def _row(incident: dict[str, Any], at: datetime) -> tuple[str, ...]:
    return (
        incident["code"],
        incident["severity"],
        incident["state"],
        age(incident["opened_at"], at),
        who(incident),
        following(incident, at),
        incident["title"],
    )


@incidents.command()
@click.argument("code")
@asks_server
def show(session: Session, client: Client, code: str) -> None:
    """Show one incident: its facts, who was paged and how that went, and its timeline."""
    incident = client.get(incident_path(code))
    veiled = incident.get("veiled")
    paged = [] if veiled else client.get(incident_path(code, "/pages"))["pages"]
    timeline = [] if veiled else list(client.every(incident_path(code, "/timeline"), "timeline"))
    if session.is_json:
        print_json({**incident, "pages": paged, "timeline": timeline})
        return
    level = paint(incident["severity"], incident["severity"], session.colour)
    click.echo(f"{incident['code']}  {level}  {incident['state']}  {plain(incident['title'])}")
    if veiled:
        print_facts([("since", f"{_clock(incident['opened_at'])} ({age(incident['opened_at'], now())})")])
        click.echo("It is seen by those who are named in it, by those who are paged for it, and by admins.", err=True)
        return
    print_facts(_facts(incident, now()))
    _print_pages(paged)
    click.echo("\ntimeline")
    for entry in timeline:
        by = f" ({plain(entry['by'])})" if entry["by"] else ""
        click.echo(f"  {_clock(entry['at'])}  {plain(entry['text'])}{by}")


def _facts(incident: dict[str, Any], at: datetime) -> list[tuple[str, str]]:
    rule = f"{incident['rule']} ({incident['file']})" if incident["rule"] else ""
    hold = incident["hold"]
    held = f"{hold['reason']} {hold['name']}".strip() if hold else ""
    until = f" until {_clock(hold['until'])}" if hold and hold["until"] else ""
    has = f"{incident['acked_by']}, since {_clock(incident['acked_at'])}" if incident["acked_by"] else ""
    ends, closed = incident["ack_expires_at"], incident["resolved_at"]
    return [
        ("summary", incident["summary"]),
        ("where", ", ".join(part for part in (incident["service"], incident["where"]) if part)),
        ("since", f"{_clock(incident['opened_at'])} ({age(incident['opened_at'], at)})"),
        ("alerts", f"{incident['firing']} of {incident['alerts']} firing" if incident["alerts"] else ""),
        ("has it", has + (f", pages again in {rough(instant_of(ends) - at)}" if has and ends else "")),
        ("merged", ", ".join(incident["merged"])),
        ("roles", ", ".join(f"{name} {person}" for name, person in sorted(incident["roles"].items()))),
        ("held", held + until),
        ("private", _seen_by(incident)),
        ("next", _next(incident, at)),
        ("resolved", f"{_clock(closed)} {_ended(incident)}" if closed else ""),
        ("policy", incident["policy"] + (f", team {incident['team']}" if incident["team"] else "")),
        ("rule", rule),
        ("runbook", incident["runbook"]),
        ("link", incident["url"]),
    ]


def _ended(incident: dict[str, Any]) -> str:
    into = incident["merged_into"]
    return f"by {plain(incident['resolved_by'] or '')}" + (f", who merged it into {into}" if into else "")


def _seen_by(incident: dict[str, Any]) -> str:
    who = (*map(plain, incident.get("named", ())), "those who are paged for it", "admins")
    return f"seen by {', '.join(who)}" if incident.get("private") else ""


def _next(incident: dict[str, Any], at: datetime) -> str:
    due_at = incident["due_at"]
    if incident["state"] != "triggered" or not due_at or incident["hold"]:
        return ""
    return f"step {incident['step']} has until {_clock(due_at)} ({following(incident, at)})"


def _print_pages(paged: list[dict[str, Any]]) -> None:
    if not paged:
        click.echo("\nnobody was paged")
        return
    click.echo("\npages")
    rows = [(_clock(page["issued_at"]), page["to"], page["why"], _outcome(page)) for page in paged]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [plain(cell).ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo(f"  {'  '.join((*cells, plain(row[3])))}".rstrip())


def _outcome(page: dict[str, Any]) -> str:
    """How each attempt went, with what the provider said where it failed."""
    told = []
    for one in page["deliveries"]:
        how = one["outcome"] or "being sent"
        said = f": {one['detail']}" if one["detail"] and how != "delivered" else ""
        told.append(f"{one['contact']} {how}{said}" + (" (may be a repeat)" if one["may_be_repeat"] else ""))
    if page.get("carried_by"):
        told.append(f"with others as message {page['carried_by']}")
    return ", ".join(told) or str(page["state"])


def _clock(at: str) -> str:
    """The time on this machine's wall clock, with the day when it is not today's."""
    local = instant_of(at).astimezone()
    return f"{local:%H:%M:%S}" if local.date() == datetime.now().astimezone().date() else f"{local:%Y-%m-%d %H:%M:%S}"


@incidents.command()
@codes_argument
@by_option
@asks_server
def ack(session: Session, client: Client, codes: tuple[str, ...], by: str) -> None:
    """Take incidents on: `pagerctl ack 7KQ 8AB`. Nobody else is paged for them until the ack runs out."""
    _act(session, client, codes, "ack", {"by": by})


@incidents.command()
@codes_argument
@by_option
@asks_server
def unack(session: Session, client: Client, codes: tuple[str, ...], by: str) -> None:
    """Let go of incidents: they page again. Within a minute of the ack it is as if that had not been."""
    _act(session, client, codes, "unack", {"by": by})


@incidents.command()
@codes_argument
@by_option
@asks_server
def resolve(session: Session, client: Client, codes: tuple[str, ...], by: str) -> None:
    """Close incidents."""
    _act(session, client, codes, "resolve", {"by": by})


@incidents.command()
@codes_argument
@by_option
@asks_server
def mitigate(session: Session, client: Client, codes: tuple[str, ...], by: str) -> None:
    """Say that the bleeding has stopped: the response is over, the recovery goes on."""
    _act(session, client, codes, "mitigate", {"by": by})


@incidents.command()
@codes_argument
@by_option
@asks_server
def escalate(session: Session, client: Client, codes: tuple[str, ...], by: str) -> None:
    """Page the next step now."""
    _act(session, client, codes, "escalate", {"by": by})


@incidents.command()
@codes_argument
@click.option("--to", required=True, help="Who has it from now on, and is told.")
@by_option
@asks_server
def reassign(session: Session, client: Client, codes: tuple[str, ...], to: str, by: str) -> None:
    """Hand incidents to another: `pagerctl reassign 7KQ --to bo`."""
    _act(session, client, codes, "reassign", {"by": by, "to": to}, f"handed to {to}")


@incidents.command()
@click.argument("code")
@click.argument("name", metavar="ROLE")
@click.option("--to", default="", help="Who answers for it; you, if left out.")
@by_option
@asks_server
def role(session: Session, client: Client, code: str, name: str, to: str, by: str) -> None:
    """Take a role, or give it to another: `pagerctl role 7KQ commander`.

    With a commander no further rank is paged to command. A role is no acknowledgement: see `pagerctl ack`.
    """
    done = f"role of {name} " + (f"given to {to}" if to else "taken")
    _act(session, client, (code,), "roles", {"by": by, "role": name, "to": to}, done)


@incidents.command()
@click.argument("code")
@click.argument("level", metavar="SEVERITY")
@by_option
@asks_server
def severity(session: Session, client: Client, code: str, level: str, by: str) -> None:
    """Say how bad it is: `pagerctl severity 7KQ SEV-1`. What was lowered by hand does not rise by itself again."""
    _act(session, client, (code,), "severity", {"by": by, "severity": level}, f"set to {level.upper()}")


@incidents.command()
@codes_argument
@click.argument("into", metavar="INTO")
@click.option("--private", is_flag=True, help="If not the same people see them: the whole is private, seen by both.")
@by_option
@asks_server
def merge(session: Session, client: Client, codes: tuple[str, ...], into: str, private: bool, by: str) -> None:
    """Make one of several that are one: `pagerctl merge 8AB 9CD 7KQ`. The younger go into the older, whoever is named
    first: with their alerts, and what comes to their groups later. Whoever was paged for them is told.
    """
    _act(session, client, codes, MERGE, {"by": by, "into": into, "private": private}, "merged")


@incidents.command()
@codes_argument
@click.option("--for", "lasts", required=True, help="How long, such as 2h.")
@by_option
@asks_server
def snooze(session: Session, client: Client, codes: tuple[str, ...], lasts: str, by: str) -> None:
    """Take incidents on until a chosen end; they page again then."""
    _act(session, client, codes, "snooze", {"by": by, "for": lasts}, f"snoozed for {lasts}")


@incidents.command()
@click.argument("code")
@click.argument("text", nargs=-1, required=True)
@by_option
@asks_server
def note(session: Session, client: Client, code: str, text: tuple[str, ...], by: str) -> None:
    """Write into the timeline: `pagerctl note 7KQ rolled back to 2.31`; - reads standard input."""
    said = sys.stdin.read() if text == ("-",) else " ".join(text)
    _act(session, client, (code,), "note", {"by": by, "text": said})


@incidents.command("private")
@codes_argument
@sees_option
@by_option
@asks_server
def make_private(session: Session, client: Client, codes: tuple[str, ...], sees: tuple[str, ...], by: str) -> None:
    """Show incidents to few: `pagerctl incidents private 7KQ --sees team:security`.

    You see them, and so do those who are paged and admins; everybody else sees only that there is one. Of a private
    one, let others see it, too. What was sent is not called back.
    """
    _act(session, client, codes, "private", {"by": by, "named": list(sees)})


@incidents.command("public")
@codes_argument
@by_option
@asks_server
def make_public(session: Session, client: Client, codes: tuple[str, ...], by: str) -> None:
    """Show private incidents to everybody, with all that was written so far."""
    _act(session, client, codes, "public", {"by": by})


def _act(
    session: Session, client: Client, codes: tuple[str, ...], act: str, said: dict[str, Any], done: str = ""
) -> None:
    """Do it to each; one that cannot be done stops none of the others, and the exit status is 1."""
    told, failed = [], 0
    for code in dict.fromkeys(codes):
        try:
            told.append((code, client.post(incident_path(code, f"/{act}"), said)))
        except Refused as refused:
            failed += 1
            click.echo(f"{code}: {refused.message}", err=True)
    if session.is_json:
        print_json({"incidents": [incident for _, incident in told]})
    else:
        for code, incident in told:
            how = done or DONE[act]
            if act == MERGE:
                how = f"{_other(incident, code, said['into'])} {done}"
            was_merged = act != MERGE and code.upper() in incident["merged"]
            also = f" ({code.upper()} was merged into it)" if was_merged else ""
            click.echo(_said(incident, how, said["by"]) + also)
    if failed:
        click.echo(f"{counted(failed, 'incident')} of {len(codes)} not {done or DONE[act]}", err=True)
        sys.exit(FAILED)


def _other(incident: dict[str, Any], *codes: str) -> str:
    """The one of two that went into the other."""
    return next((code.upper() for code in codes if code.upper() != incident["code"]), incident["code"])


def _said(incident: dict[str, Any], done: str, by: str) -> str:
    """What was done, and how it stands now where that is not the same."""
    if incident["merged_into"] or (incident["state"] == "resolved" and done not in (DONE["resolve"], DONE["note"])):
        how = f"resolved already, {_ended(incident)}"
        return f"{incident['code']}  {incident['severity']}  {how}  {plain(incident['title'])}"
    stands = f"; {incident['state']}" if incident["state"] != done else ""
    if incident["state"] == "acknowledged" and incident["acked_by"] != by:
        stands += f" by {plain(incident['acked_by'])}"
    ends = incident["ack_expires_at"]
    if ends and done.startswith(("ack", "snooze")):
        stands += f"; pages again in {rough(max(instant_of(ends) - now(), timedelta()))} if nothing happens"
    return f"{incident['code']}  {incident['severity']}  {done} by {plain(by)}{stands}  {plain(incident['title'])}"
