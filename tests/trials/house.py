"""A folder for the users' own tests, and what runs cases written as people write them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

from pager.core.catalog import Catalog
from pager.files import load_catalog
from pager.trial import Result, run_all
from tests.config.folders import NOW, write_folder

RULES = """\
severities:
  SEV-1:
    {name: Critical, means: all down, respond: page, also: [everyone], roles: [commander], ack_expires: 30m,
     coordinate_within: 10m}
  SEV-2: {name: Major, means: some down, respond: page, ack_expires: 60m}
  SEV-3: {name: Stability, means: slow, respond: hours, hours: "mon-fri 09:00-17:00", ack_expires: 8h}
  SEV-4: {name: Minor, means: none, respond: ticket, ticket: issues}
  SEV-5: {name: Cosmetic, means: backlog, respond: backlog}
defaults: {group_by: [alertname], policy: shop, runbook: "https://runbooks.example.org/{alertname}"}
rules:
  - {name: down, match: [alertname = Down], severity: SEV-1, policy: shop, runbook: "https://runbooks.example.org/down"}
  - {name: slow, match: [alertname = Slow], severity: SEV-2, policy: shop}
  - {name: waits, match: [alertname = Waits], severity: SEV-2, policy: shop, group_wait: 3m}
  - {name: late, match: [alertname = Late], severity: SEV-3, policy: shop, promote: [{to: SEV-2, after: 30m}]}
  - {name: many, match: [alertname = Many], severity: SEV-2, promote: [{to: SEV-1, when: alerts >= 3}]}
  - {name: each, match: [alertname = Each], severity: SEV-2, group_by: [n]}
  - {name: small, match: [alertname = Small], severity: SEV-4}
  - {name: nothing, match: [alertname = Nothing], severity: SEV-5}
  - {name: chat, match: [alertname = Chat], severity: SEV-2, policy: chat}
policies:
  shop:
    steps:
      - {page: [shop], wait: 5m}
      - {page: [{schedule: shop, rank: 2}, "channel:chat"], wait: 10m}
      - {page: ["team:shop"], wait: 15m}
    then: [everyone]
  chat: {steps: [{page: ["channel:chat"], wait: 5m}], then: ["person:dee"]}
inhibit: [{when: [alertname = Down], mute: [alertname = Slow]}]
maintenance:
  - {name: patches, match: [env = staging], starts: "0 22 * * TUE", lasts: 4h, timezone: Europe/Berlin, why: patching}
"""
PEOPLE = """\
people:
  ana: {timezone: Europe/Berlin, contacts: {push: "ntfys://ntfy.sh/ana", call: "json://localhost/ana"}}
  bo: {timezone: Europe/Berlin, contacts: {push: "ntfys://ntfy.sh/bo"}}
  chi: {timezone: Europe/Berlin, contacts: {push: "ntfys://ntfy.sh/chi"}}
  dee: {timezone: Europe/Berlin, contacts: {mail: "json://localhost/dee"}}
teams: {shop: {people: [ana, bo, chi]}}
channels: {chat: "json://localhost/chat", issues: "json://localhost/issues"}
roles: {commander: {schedule: commanders}}
---
schedule: shop
timezone: Europe/Berlin
rotation: [{from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo, chi]}]
---
schedule: commanders
timezone: Europe/Berlin
rotation: [{from: 2026-01-05, handoff: "0 10 * * MON", people: [dee, bo]}]
"""
"""On Tuesday 2026-01-06 ana is on call, then bo, then chi; dee commands."""
NOON = "at: 2026-01-06 12:00 Europe/Berlin"
NIGHT = "at: 2026-01-06 03:00 Europe/Berlin"


def folder(path: Path, tests: str = "") -> Path:
    """The folder, with a file of `tests:` more."""
    texts = {"rules/a.yaml": RULES, "schedules/people.yaml": PEOPLE, "schedules/shop.yaml": "", "rules/t.yaml": tests}
    return write_folder(path, texts)


def case(text: str, name: str = "it") -> str:
    """One entry of `tests:`; noon of a Tuesday if it says no time."""
    lines = text.strip() if text.startswith("at:") else f"{NOON}\n{text.strip()}"
    return f"  - name: {name}\n" + indent(lines, "    ") + "\n"


def catalog_of(path: Path, *cases: str) -> Catalog:
    loaded = load_catalog(folder(path, "tests:\n" + "".join(cases) if cases else ""), NOW)
    errors = [f"{p.file}:{p.line} {p.text}" for p in loaded.problems if p.level == "error"]
    assert loaded.catalog is not None, errors
    return loaded.catalog


def play(path: Path, *texts: str) -> list[Result]:
    """Run these cases, each as `case` takes it."""
    catalog = catalog_of(path, *(case(text, f"it {number}") for number, text in enumerate(texts, 1)))
    return asyncio.run(run_all(catalog, catalog.tests))


def told(results: Sequence[Result]) -> list[str]:
    """What is wrong with them, a line each; empty: all passed."""
    found = [f"{r.case.name}: {r.wrong}" for r in results if r.wrong]
    for result in results:
        for miss in result.misses:
            found += [
                f"{miss.what}: {expected or '-'} | {got or '-'}"
                for expected, got in zip(miss.expected, miss.got, strict=True)
                if expected != got
            ]
    return found
