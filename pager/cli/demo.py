"""`pagerctl demo`: an alert, a page, an escalation and an acknowledgement in one terminal, on the real daemon."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from pager.cli.output import FAILED, Session, session_options

if TYPE_CHECKING:
    from pager.cli.demo_phone import Screen
    from pager.core.catalog import Catalog
    from pager.core.people import Person
    from pager.core.policy import Policy
    from pager.settings import Settings

USUAL_PORT = 8080
LONGEST_TOUR = 60.0
INTERRUPTED = 130


class Pace(Struct, frozen=True):
    """How long things take here: until the first alert, in seconds; what step 1 waits, and the others."""

    alert: float
    first: timedelta
    later: timedelta


FAST = Pace(1, timedelta(seconds=3), timedelta(seconds=4))
TOUR = Pace(3, timedelta(seconds=8), timedelta(seconds=12))
KEYS = Pace(3, timedelta(seconds=20), timedelta(seconds=30))


@click.command()
@click.option("--fast", is_flag=True, help="Wait less between the steps.")
@click.option("--port", type=click.IntRange(1, 65535), help="Where to listen; 8080 or a free one, if left out.")
@click.option("--no-keys", is_flag=True, help="Read no keys: a tour that ends by itself, as without a terminal.")
@click.option("--nodes", type=click.IntRange(2, 9), help="Show so many pagerd on one PostgreSQL instead.")
@click.option("--kill-node", is_flag=True, help="Kill one of the nodes in the middle; 3 nodes, if --nodes is left out.")
@click.option("--database", help="An empty PostgreSQL for --nodes; one of its own, if left out.")
@session_options
def demo(
    session: Session,
    fast: bool,
    port: int | None,
    no_keys: bool,
    nodes: int | None,
    kill_node: bool,
    database: str | None,
) -> None:
    """Show pager at work: an alert comes in, people are paged, and this terminal is their phone.

    Everything is real but the phones: pagerd runs inside, on the rules and schedules of the example, and nothing is
    kept. Without a terminal it plays a tour that ends by itself.

    With --nodes several pagerd run on one PostgreSQL, and it is told which of them does what: half a minute.
    """
    if nodes or kill_node or database:
        sys.exit(_nodes(nodes or 3, database, kill=kill_node, colour=session.colour))
    by_keys = sys.stdin.isatty() and sys.stdout.isatty() and not no_keys
    pace = FAST if fast else KEYS if by_keys else TOUR
    chosen = _port(port)
    # At once, since what follows takes a second or two to load.
    click.echo("pager demo: this terminal is everybody's phone\n")
    with tempfile.TemporaryDirectory(prefix="pager-demo-") as state:
        sys.exit(asyncio.run(_demo(session, pace, chosen, Path(state), by_keys)))


def _nodes(count: int, database: str | None, *, kill: bool, colour: bool) -> int:
    from pager.cli.demo_nodes import demo_nodes
    from pager.cli.demo_postgres import temporary_postgres

    if database and not database.startswith(("postgresql://", "postgres://")):
        raise click.UsageError("several nodes need PostgreSQL: --database postgresql://user@host/name")
    click.echo(f"pager demo: {count} nodes on one PostgreSQL\n")
    with contextlib.ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pager-demo-")))
        if not database:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pager-pg-")))
            database = stack.enter_context(temporary_postgres(data))
        return asyncio.run(demo_nodes(count, database, state, kill=kill, colour=colour))


def _port(wanted: int | None) -> int:
    """The port to listen on: the one that is wanted, else 8080 if nobody has it, else a free one."""
    for port in (wanted,) if wanted else (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise click.ClickException(f"port {wanted} cannot be had; leave --port out, and a free one is taken")


async def _demo(session: Session, pace: Pace, port: int, state: Path, by_keys: bool) -> int:
    from pager import app, logs
    from pager.cli.demo_phone import Phones, Screen
    from pager.files import example_folder

    logs.configure(level="error")
    logging.getLogger().setLevel(logging.ERROR)
    folder = example_folder()
    try:
        written = app.read_catalog(folder)
    except app.BadConfig as error:
        raise click.ClickException(f"the example in {folder} cannot be used:\n{error}") from None
    catalog, settings = shortened(written, pace), _settings(folder, port, state)
    screen = Screen(catalog, colour=session.colours)
    async with app.daemon(settings, catalog, console=lambda title, body: None) as running:
        phones = running.notifier.watcher = Phones(running.metrics)
        ready = asyncio.Event()

        async def on_ready() -> None:
            ready.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(running.run(on_ready))
            await ready.wait()
            _introduce(screen, catalog, settings, pace, by_keys)
            status = await _play(screen, phones, settings.links, pace.alert, by_keys)
            running.stop()
    _end(screen, folder)
    return status


async def _play(screen: "Screen", phones: object, url: str, after: float, by_keys: bool) -> int:
    """Play until the end, q or a signal; the exit status."""
    from aiohttp import ClientSession, ClientTimeout

    from pager.cli.demo_phone import Phones
    from pager.cli.demo_show import Show, play, tour
    from pager.cli.demo_stage import Stage

    assert isinstance(phones, Phones)
    async with ClientSession(timeout=ClientTimeout(total=10)) as http:
        show = Show(Stage(http, url), phones, screen, keys=by_keys)
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, show.over.set)
        watching = asyncio.create_task(show.watch())
        playing = asyncio.create_task(play(show, after) if by_keys else tour(show, after))
        ending = asyncio.create_task(show.over.wait())
        timeout = None if by_keys else LONGEST_TOUR
        tasks = (watching, playing, ending)
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finished = playing.done()
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    if errors := [one for one in outcomes if isinstance(one, Exception)]:
        raise errors[0]
    if show.over.is_set():
        return 0 if by_keys else INTERRUPTED
    if not finished:
        screen.say(f"The tour did not end within {LONGEST_TOUR:g} s.")
    return 0 if finished else FAILED


def shortened(catalog: "Catalog", pace: Pace) -> "Catalog":
    """The catalog with short waits, and with all contacts on this terminal."""
    return replace(
        catalog,
        policies={name: _short_policy(policy, pace) for name, policy in catalog.policies.items()},
        people={name: _here(person, pace) for name, person in catalog.people.items()},
        channels=dict.fromkeys(catalog.channels, "console://"),
    )


def _short_policy(policy: "Policy", pace: Pace) -> "Policy":
    waits = (pace.first, *(pace.later for _ in policy.steps[1:]))
    steps = [step.model_copy(update={"wait": wait}) for step, wait in zip(policy.steps, waits, strict=True)]
    return policy.model_copy(update={"steps": tuple(steps)})


def _here(person: "Person", pace: Pace) -> "Person":
    ways = {
        level: tuple(way.model_copy(update={"after": min(way.after, pace.first / 2)}) for way in ways)
        for level, ways in person.notify.items()
    }
    return person.model_copy(update={"contacts": dict.fromkeys(person.contacts, "console://"), "notify": ways})


def _settings(folder: Path, port: int, state: Path) -> "Settings":
    """Settings that nothing outside of the demo has a say in."""
    from pager.settings import Settings

    return Settings.model_construct(
        config=folder,
        listen=f"127.0.0.1:{port}",
        database=f"sqlite:///{state / 'pager.db'}",
        url="",
        socket=state / "pagerd.sock",
        log_format="auto",
        log_level="error",
    )


def _introduce(screen: "Screen", catalog: "Catalog", settings: "Settings", pace: Pace, by_keys: bool) -> None:
    now = datetime.now(UTC)
    screen.say(f"pagerd      runs here, at {settings.links}, until the demo ends")
    screen.say(f"files       rules/ and schedules/ in {settings.config}")
    for name in sorted(catalog.schedules):
        people = catalog.on_call(name, now).ranks
        ranks = ", then ".join(" and ".join(rank) for rank in people[:2]) or "nobody"
        screen.say(f"{'on call' if name == min(catalog.schedules) else '':<10}  {name}: {ranks}")
    seconds = (pace.first.seconds, pace.later.seconds)
    screen.say(f"shortened   step 1 waits {seconds[0]} s for an answer, the others {seconds[1]} s, instead of minutes")
    screen.say()
    screen.say(f"In {pace.alert:g} s Alertmanager says that the checkout is down.")
    if not by_keys:
        screen.say("A tour without keys: nobody answers the first page, so that step 2 comes.")
    screen.say()


def _end(screen: "Screen", folder: Path) -> None:
    screen.say()
    screen.say("That was pager. Next:", "bold")
    screen.say()
    if not (Path("rules").is_dir() and Path("schedules").is_dir()):
        screen.say("  mkdir oncall && cd oncall")
        screen.say(f"  cp -r {shown(folder)}/{{rules,schedules,runbooks}} .")
    steps = (
        ("$EDITOR rules/payments.yaml", "what is how bad, and who is paged in which order"),
        ("$EDITOR schedules/people.yaml", "who there is, and how each is reached"),
        (f"{_program('pagerctl')} check", "all mistakes at once, with file and line"),
        (f"{_program('pagerctl')} oncall", "who is on call"),
        (_program("pagerd"), f"the daemon, at http://127.0.0.1:{USUAL_PORT}"),
    )
    for command, comment in steps:
        screen.say(f"  {command:<29}  # {comment}")
    screen.say()
    screen.say("And in alertmanager.yml:")
    screen.say()
    screen.say("  route: {receiver: pager, group_by: [alertname, cluster]}")
    screen.say("  receivers:")
    screen.say("    - name: pager")
    screen.say("      webhook_configs:")
    screen.say(f"        - url: http://127.0.0.1:{USUAL_PORT}/webhook/alertmanager")


def _program(name: str) -> str:
    """The command as it can be typed here: with its folder where that is not in PATH."""
    beside = Path(sys.executable).parent / name
    return name if shutil.which(name) or not beside.exists() else shown(beside)


def shown(path: Path) -> str:
    """The path as it is typed here: from the current folder on if it lies below it."""
    here = Path.cwd()
    return os.fspath(path.relative_to(here)) if path.is_relative_to(here) else os.fspath(path)
