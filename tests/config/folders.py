"""Config folders for tests: a small one that is fine, and the same with one file more or another text."""

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

from pager.files import Loaded, load_catalog

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

SOUND = {
    "rules/a.yaml": """\
        severities:
          SEV-1: {name: Critical, means: all down, respond: page, also: [everyone], roles: [commander]}
          SEV-2: {name: Major, means: some down, respond: page}
          SEV-4: {name: Minor, means: none, respond: ticket, ticket: issues}
        rules:
          - {name: shop down, match: [alertname = ShopDown], severity: SEV-1, policy: shop}
        policies:
          shop:
            steps:
              - {page: [shop], wait: 5m}
              - {page: [{schedule: shop, rank: 2}, "channel:chat"], wait: 10m}
          default:
            steps: [{page: ["team:shop"], wait: 5m}]
        """,
    "schedules/people.yaml": """\
        people:
          ana: {timezone: Europe/Lisbon, contacts: {push: "console://", call: "console://"}}
          bo: {timezone: Europe/Berlin, contacts: {console: "console://"}}
        teams:
          shop: {people: [ana, bo], channel: chat}
        channels: {chat: "console://", issues: "console://"}
        roles: {commander: {schedule: shop}}
        """,
    "schedules/shop.yaml": """\
        schedule: shop
        timezone: Europe/Berlin
        rotation:
          - {from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo]}
        lint: {too-often: "there are two of us"}
        """,
}


def write_folder(path: Path, *more: dict[str, str]) -> Path:
    """The sound folder at `path`, with these files more or instead; an empty text is an empty file."""
    for texts in (SOUND, *more):
        for name, text in texts.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(dedent(text), encoding="utf-8")
    return path


def load(path: Path, *more: dict[str, str]) -> Loaded:
    return load_catalog(write_folder(path, *more), NOW)


def told(loaded: Loaded) -> list[str]:
    """Each problem as one line: `rules/a.yaml:3:4 E103 unknown schedule "x" (did you mean "y"?)`."""
    return [f"{p.file}:{p.line}:{p.column} {p.code} {p.text}" for p in loaded.problems]
