"""`pagerctl test`: the users' own tests, run by the daemon's code on a virtual clock."""

import sys
import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from msgspec.structs import asdict

from pager.cli.output import FAILED, Session, counted, load, print_json, session_options
from pager.cli.words import paint, plain

if TYPE_CHECKING:
    from pager.core.catalog import Catalog
    from pager.core.reached import Piece, Reached
    from pager.core.scenario import PlacedCase
    from pager.core.showing import Miss, Story
    from pager.trial import Result

FORMATS = ("text", "json", "junit")
_WHAT = 12


@click.command()
@click.option("-k", "names", metavar="NAME", help="Only tests with this in their name.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to tell; text, if left out.")
@click.option("-v", "--verbose", is_flag=True, help="Tell what happened in tests that pass, too.")
@click.option("--texts", is_flag=True, help="Print the messages, too, as each contact would get them.")
@session_options
def test(session: Session, names: str | None, form: str | None, verbose: bool, texts: bool) -> None:
    """Run the tests: of the rule files on a virtual clock: alerts come, people act, and the pages are compared.

    The daemon's own engine decides; nothing is sent. A test that fails shows what was expected beside what was got,
    and the timeline says why. Rules and steps that no test reaches are listed. The exit status is 1 when a test fails.
    """
    from contextlib import redirect_stdout

    from pager.core.reached import reached
    from pager.many_trials import run_many

    catalog = load(session)
    chosen = _chosen(catalog, names)
    started = time.perf_counter()
    form = form or ("json" if session.is_json else "text")
    # What the engine logs of its own troubles is no part of the answer.
    with redirect_stdout(sys.stderr):
        results = run_many(catalog, chosen, told=verbose or form == "json", texts=texts)
    seconds = time.perf_counter() - started
    covered = reached(catalog, [(result.case, result.stories) for result in results]) if names is None else None
    if form == "json":
        print_json(_as_json(results, covered))
    elif form == "junit":
        click.echo(_as_junit(results, seconds))
    else:
        _print_text(results, covered, seconds, session, verbose)
    sys.exit(0 if all(result.passed for result in results) else FAILED)


def _chosen(catalog: "Catalog", names: str | None) -> "list[PlacedCase]":
    if names is None:
        return list(catalog.tests)
    chosen = [placed for placed in catalog.tests if names.casefold() in placed.case.name.casefold()]
    if not chosen:
        every = ", ".join(placed.case.name for placed in catalog.tests) or "none"
        raise click.UsageError(f"no test with {names!r} in its name; there are: {every}")
    return chosen


# For people.


def _print_text(
    results: "list[Result]", covered: "Reached | None", seconds: float, session: Session, verbose: bool
) -> None:
    width = max((len(plain(result.case.name)) for result in results), default=0)
    for result in results:
        word = paint("ok  ", "ok", session.colour) if result.passed else paint("FAIL", "SEV-1", session.colour)
        click.echo(f"{word}  {plain(result.case.name).ljust(width)}  {result.place}")
        if not result.passed or verbose:
            _print_failure(result)
        _print_texts(result)
    failed = sum(not result.passed for result in results)
    if not results:
        click.echo("no tests: write some under tests: in a file below rules/")
    click.echo(f"{counted(len(results), 'test')}, {failed} failed, in {seconds:.2f} s")
    if covered is not None:
        _print_coverage(covered)


def _print_failure(result: "Result") -> None:
    if result.wrong:
        click.echo(f"      {result.wrong}")
    for miss in result.misses:
        _print_miss(miss)
    if not result.stories:
        click.echo("      what happened: no incident was opened")
    for story in result.stories:
        _print_story(story, result)
    click.echo()


def _print_texts(result: "Result") -> None:
    for message in result.messages:
        click.echo(f"      {message.after} {plain(message.to)} by {plain(message.contact)} ({message.kind})")
        if message.fault:
            click.echo(f"        the template failed, so this is the built-in text: {plain(message.fault)}")
        for line in (message.title, *message.body.splitlines()):
            click.echo(f"        | {plain(line)}".rstrip())


def _print_miss(miss: "Miss") -> None:
    """Expected and got side by side; what is on one side only is marked."""
    wide = max(len("expected"), *(len(line) for line in miss.expected))
    if len(miss.what) > _WHAT:
        click.echo(f"      {miss.what}")
    click.echo(f"      {miss.what if len(miss.what) <= _WHAT else '':<{_WHAT}} {'expected':<{wide}}   got")
    for expected, got in zip(miss.expected, miss.got, strict=True):
        mark = (
            "" if expected == got else "   <- not expected" if not expected else "   <- missing" if not got else "   <-"
        )
        click.echo(f"      {'':<{_WHAT}} {plain(expected) or '-':<{wide}}   {plain(got) or '-'}{mark}")


def _print_story(story: "Story", result: "Result") -> None:
    from pager.core.code import code_of
    from pager.core.duration import format_duration
    from pager.core.showing import Happened

    incident, zone = story.incident, ZoneInfo(result.case.zone)
    about = f"{code_of(incident.number)} {incident.severity} {plain(incident.title)}, {incident.state}"
    click.echo(f"      what happened to {about} (times in {result.case.zone})")
    told = [Happened(told.after, f"{told.to} is told: {told.why}") for told in story.told]
    for entry in sorted([*story.timeline, *told], key=lambda entry: entry.after):
        at = (result.case.starts_at + entry.after).astimezone(zone)
        by = f" ({plain(entry.by)})" if entry.by else ""
        click.echo(f"        {at:%a %H:%M:%S} {format_duration(entry.after):>8}  {plain(entry.text)}{by}")


def _print_coverage(covered: "Reached") -> None:
    rules, steps = covered.rules - len(covered.missing_rules), covered.steps - len(covered.missing_steps)
    click.echo(f"reached {rules} of {counted(covered.rules, 'rule')} and {steps} of {counted(covered.steps, 'step')}")
    for kind, pieces in (("rule", covered.missing_rules), ("step", covered.missing_steps)):
        for piece in pieces:
            click.echo(f"  no test reaches {kind} {plain(piece.name)}" + (f"  {piece.place}" if piece.place else ""))


# For machines.


def _as_json(results: "list[Result]", covered: "Reached | None") -> dict[str, Any]:
    failed = sum(not result.passed for result in results)
    told: dict[str, Any] = {
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [_result_json(result) for result in results],
    }
    if covered is not None:
        told["coverage"] = {
            "rules": _covered_json(covered.rules, covered.missing_rules),
            "steps": _covered_json(covered.steps, covered.missing_steps),
        }
    return told


def _covered_json(every: int, missing: "tuple[Piece, ...]") -> dict[str, Any]:
    pieces = [{"name": piece.name, "file": piece.place} for piece in missing]
    return {"all": every, "reached": every - len(missing), "missing": pieces}


def _result_json(result: "Result") -> dict[str, Any]:
    return {
        "name": result.case.name,
        "file": result.place,
        "passed": result.passed,
        "error": result.wrong or None,
        "differences": [
            {"what": miss.what, "expected": list(miss.expected), "got": list(miss.got)} for miss in result.misses
        ],
        "incidents": [_story_json(story) for story in result.stories],
        **({"messages": [asdict(message) for message in result.messages]} if result.messages else {}),
    }


def _story_json(story: "Story") -> dict[str, Any]:
    from pager.core.code import code_of
    from pager.core.duration import format_duration

    incident = story.incident
    return {
        "code": code_of(incident.number),
        "title": incident.title,
        "severity": incident.severity,
        "rule": incident.rule,
        "file": incident.place,
        "policy": incident.policy,
        "runbook": incident.runbook,
        "state": incident.state,
        "held": list(story.held),
        "pages": [str(page) for page in story.pages],
        "told": [str(told) for told in story.told],
        "timeline": [
            {"after": format_duration(entry.after), "text": entry.text, "by": entry.by or None}
            for entry in story.timeline
        ],
    }


def _as_junit(results: "list[Result]", seconds: float) -> str:
    """JUnit XML: a test case a test; what failed says so in the words that people see."""
    from xml.etree import ElementTree as Xml

    failed = str(sum(not result.passed for result in results))
    suite = Xml.Element("testsuite", name="pagerctl test", tests=str(len(results)), failures=failed)
    suite.set("time", f"{seconds:.3f}")
    for result in results:
        file, _, line = result.place.rpartition(":")
        case = Xml.SubElement(suite, "testcase", classname=plain(file), name=plain(result.case.name), file=plain(file))
        case.set("line", line)
        if not result.passed:
            first = result.wrong or ", ".join(miss.what for miss in result.misses) + " not as expected"
            Xml.SubElement(case, "failure", message=plain(first)).text = _told(result)
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True)


def _told(result: "Result") -> str:
    """What `pagerctl test` prints below a test that failed."""
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()) as written:
        _print_failure(result)
    return "".join(sign for sign in written.getvalue() if sign.isprintable() or sign == "\n")
