"""`pagerctl source`: what a sender's body becomes, before anybody depends on it, and which mappings ship."""

from typing import TYPE_CHECKING, Any

import click

from pager.cli.output import Session, instant, now, print_json, session_options
from pager.cli.source_status import status
from pager.cli.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pager.core.alert import Alert
    from pager.core.mapping import Mapping
    from pager.core.report import Parsed
    from pager.core.rule import Source

_LARGEST = 16 * 1024 * 1024
_THEIRS = {
    "mail": "SOURCE+TOKEN@host, by SMTP",
    "prometheus": "/api/v2/alerts",
    "pagerduty": "/v2/enqueue",
    "opsgenie": "/v2/alerts",
    "victorops": "/integrations/generic/20131114/alert/TOKEN/ROUTING-KEY",
    "goalert": "/api/v2/generic/incoming?token=",
    "oncall": "/integrations/v1/formatted_webhook/TOKEN/",
}
"""Where a sender posts by itself, so that no more than its host has to be changed."""
_SNIPPET = """# {about}

In `rules/`, where {secret} is a secret:

    sources:
      - {{name: {name}, dialect: {dialect}, token: {secret}}}

Let it post to `http://127.0.0.1:8080{address}` with the header `Authorization: Bearer VALUE-OF-THE-SECRET`, or, where
it can have no header, on `/webhook/` with `?token=`. See what a body becomes:

    pagerctl source try {name} body.json
"""


@click.group()
def source() -> None:
    """Senders: try a body, see the mappings that ship, and how those that speak are doing."""


source.add_command(status)


@source.command("list")
@session_options
def list_(session: Session) -> None:
    """Print what may be posted, and where: `pagerctl source list`."""
    from pager.presets import preset_text, presets
    from pager.sources import SOURCES

    known = dict.fromkeys(SOURCES, "") | {name: _about(preset_text(name)) for name in presets()}
    if session.is_json:
        print_json({"sources": [{"name": name, "address": _address(name), "about": known[name]} for name in known]})
        return
    width, wide = max(map(len, known)), max(len(_address(name)) for name, about in known.items() if about)
    for name, about in known.items():
        click.echo(f"{name:<{width}}  {_address(name):<{wide}}  {about}".rstrip())


@source.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a mapping that ships, to copy below `map:`: `pagerctl source show zabbix`."""
    from pager.presets import preset_text

    try:
        click.echo(preset_text(name), nl=False)
    except KeyError:
        raise click.UsageError(f"no mapping {name!r}; there are: {_names()}") from None


@source.command("try")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@click.option("--content-type", default="", help="What the sender says of its body; what is in it counts, if left out.")
@click.option("--at", help="When it comes; now, if left out.")
@session_options
def try_(session: Session, name: str, file: Any, content_type: str, at: str | None) -> None:
    """Print what a body becomes, and a mapping to start from: `pagerctl source try zabbix body.json`.

    NAME is a source of the files that has a map:, a mapping that ships, a dialect such as alertmanager, or guess. FILE
    holds JSON, a form, a text, or a mail for `mail` and sources of it; - is standard input. Exit status 1: the body
    would be refused.
    """
    from pager.core.report import Malformed

    when, payload = instant(at, "--at"), file.read(_LARGEST)
    try:
        parsed, mapping = _parsed(session, name, payload, content_type, when)
    except Malformed as error:
        raise click.ClickException(f"it would be refused: {error}") from None
    if session.is_json:
        print_json({**_as_json(parsed), "map": mapping})
    else:
        _print(parsed, mapping)


def _parsed(session: Session, name: str, payload: bytes, content_type: str, at: "datetime") -> "tuple[Parsed, str]":
    """What the body becomes, and the mapping by which it was read, as YAML; "" for a dialect in code."""
    from pager.presets import preset_text, presets
    from pager.sources import SOURCES, mail
    from pager.sources.event import mapping as mapping_of
    from pager.sources.forms import body_of
    from pager.sources.generic import guess, guessed, wrapped

    written = _written(session, name)
    if name == mail.DIALECT or (written is not None and written.dialect == mail.DIALECT):
        return mail.parse(mail.wrapped(payload, mail.reads_of(written)), at, name), ""
    own = written.map if written is not None else None
    if own is None and name in SOURCES and name != "generic":
        return SOURCES[name].parse(payload, at, name), ""
    body = body_of(payload, content_type, {})
    if own is not None:
        return SOURCES["generic"].parse(wrapped(body, [own]), at, name), _yaml(own)
    if name in presets():
        return SOURCES["generic"].parse(wrapped(body, presets()[name]), at, name), preset_text(name)
    if name not in ("guess", "generic"):
        raise click.UsageError(f"no source {name!r}; there are: guess, {', '.join(SOURCES)}, {_names()}")
    first = body[0] if isinstance(body, list) and body else body
    return guessed(body, at, name), _yaml(guess(mapping_of(first)))


def _written(session: Session, name: str) -> "Source | None":
    """A source as the files have it, which need not be there, and may be half written."""
    from pager.files import load_catalog

    try:
        catalog = load_catalog(session.folder(), now()).catalog
    except click.ClickException:
        return None
    return catalog.sources.get(name) if catalog is not None else None


def _yaml(mapping: "Mapping") -> str:
    import yaml

    written = mapping.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(_short(written), sort_keys=False, allow_unicode=True)


def _short(value: Any) -> Any:
    """Lists of one as what they hold, as people write them."""
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _print(parsed: "Parsed", mapping: str) -> None:
    for alert in parsed.alerts:
        click.echo(f"{alert.status}  {plain(alert.name)}  since {alert.starts_at:%Y-%m-%d %H:%M:%S} UTC")
        click.echo(f"    identity: {plain(alert.identity) or 'its labels'}")
        for kind, texts in (("label", alert.labels), ("annotation", alert.annotations)):
            for name, text in texts.items():
                click.echo(f"    {kind} {plain(name)}: {plain(text)[:160]}")
    for act in parsed.acts:
        click.echo(f"act: {plain(str(act.event))}")
    if parsed.note:
        click.echo(plain(parsed.note))
    for fault in parsed.faults:
        click.echo(f"{'lost' if fault.lost else 'mended'}: {fault.path}: {plain(fault.what)}", err=True)
    if mapping:
        click.echo(f"\n# The mapping by which it was read; write it below map: of a source.\n{mapping}", nl=False)


def _as_json(parsed: "Parsed") -> dict[str, Any]:
    return {
        "alerts": [_alert(alert) for alert in parsed.alerts],
        "acts": [str(act.event) for act in parsed.acts],
        "note": parsed.note,
        "faults": [{"path": fault.path, "what": fault.what, "lost": fault.lost} for fault in parsed.faults],
    }


def _alert(alert: "Alert") -> dict[str, Any]:
    return {
        "status": alert.status,
        "name": alert.name,
        "identity": alert.identity,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts_at": alert.starts_at.isoformat(),
    }


def snippet(name: str) -> str:
    """What to write to hear one sender, in Markdown. KeyError: none of that name."""
    from pager.presets import preset_text, presets
    from pager.sources import SOURCES

    if name not in SOURCES and name not in presets():
        raise KeyError(name)
    about = _about(preset_text(name)) if name in presets() else name
    secret, dialect = f"{name.upper().replace('-', '_')}_TOKEN", name if name in SOURCES else "generic"
    return _SNIPPET.format(about=about, name=name, dialect=dialect, secret=secret, address=_address(name))


def _about(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").partition(":")[0].rstrip(".")


def _address(name: str) -> str:
    from pager.presets import presets

    return _THEIRS.get(name) or (f"/webhook/generic/{name}" if name in presets() else f"/webhook/{name}")


def _names() -> str:
    from pager.presets import presets

    names: Sequence[str] = sorted(presets())
    return ", ".join(names)
