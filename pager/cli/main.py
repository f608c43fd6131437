"""`pagerctl`: its global options, and where each of its commands is; none is loaded before it is wanted."""

import atexit
import gc
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click

from pager import __version__
from pager.cli.output import Session

COMMANDS: Mapping[str, str] = {
    "ack": "pager.cli.incidents:ack",
    "audit": "pager.cli.audit:audit",
    "check": "pager.cli.check:check",
    "contacts": "pager.cli.page:contacts",
    "db": "pager.cli.db:db",
    "declare": "pager.cli.declare:declare",
    "demo": "pager.cli.demo:demo",
    "diff": "pager.cli.diff:diff",
    "doctor": "pager.cli.doctor:doctor",
    "escalate": "pager.cli.incidents:escalate",
    "explain": "pager.cli.explain:explain",
    "export": "pager.cli.export:export",
    "heartbeat": "pager.cli.heartbeat:heartbeat",
    "help": "pager.cli.help:help_",
    "import": "pager.cli.imports:import_",
    "incidents": "pager.cli.incidents:incidents",
    "maintenance": "pager.cli.silence:maintenance",
    "merge": "pager.cli.incidents:merge",
    "mitigate": "pager.cli.incidents:mitigate",
    "note": "pager.cli.incidents:note",
    "oncall": "pager.cli.oncall:oncall",
    "override": "pager.cli.override:override",
    "page": "pager.cli.page:page",
    "pause": "pager.cli.silence:pause",
    "reassign": "pager.cli.incidents:reassign",
    "reload": "pager.cli.reload:reload",
    "replay": "pager.cli.replay:replay",
    "report": "pager.cli.report:report",
    "resolve": "pager.cli.incidents:resolve",
    "route": "pager.cli.route:route",
    "role": "pager.cli.incidents:role",
    "rota": "pager.cli.rota:rota",
    "schedule": "pager.cli.schedule:schedule",
    "severity": "pager.cli.incidents:severity",
    "silence": "pager.cli.silence:silence",
    "snooze": "pager.cli.incidents:snooze",
    "source": "pager.cli.source:source",
    "status": "pager.cli.status:status",
    "test": "pager.cli.trial:test",
    "token": "pager.cli.token:token",
    "unack": "pager.cli.incidents:unack",
    "user": "pager.cli.user:user",
    "wait-ready": "pager.cli.status:wait_ready",
    "webhook": "pager.cli.webhook:webhook",
}
"""Name -> module:command. A new command is a line here and a file beside this one."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from pager.problems import suggest

            hint = suggest(args[0], COMMANDS) or f"there are: {', '.join(self.list_commands(ctx))}"
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The config folder.  [env: PAGER_CONFIG]")
@click.option("--server", envvar="PAGER_SERVER", help="The address of pagerd; its socket on this machine, if left out.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="The file with the token to show.  [env: PAGER_TOKEN(_FILE)]"
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), help="How to answer; text, if left out.")
@click.option("--no-color", is_flag=True, help="No colours, also on a terminal.  [env: NO_COLOR]")
@click.pass_context
def pagerctl(
    ctx: click.Context,
    config: Path | None,
    server: str | None,
    token_file: Path | None,
    output: str | None,
    no_color: bool,
) -> None:
    """Check rules and schedules, ask who is on call, and work on incidents.

    The config folder is --config, else PAGER_CONFIG, else the current folder if it has rules/ or schedules/, else
    /etc/pager. Exit status: 0 ok, 1 failed, 2 usage, 3 lint findings with --strict, 4 server unreachable, 5 waited
    too long.
    """
    ctx.obj = Session(config, server, output or "text", not no_color, token_file)


def main() -> None:
    """The entry point `pagerctl`."""
    # It ends soon: garbage is seldom looked for, at the end not at all, and no plug-ins of pydantic are looked for.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    pagerctl(prog_name="pagerctl")
