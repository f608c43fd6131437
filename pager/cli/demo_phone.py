"""The demo's screen: each page as a phone shows it, each decision as a line, at most 80 columns."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pager.cli.demo_stage import Line
from pager.cli.words import plain
from pager.core.catalog import CHANNEL, Catalog
from pager.core.outcome import Outcome
from pager.core.text import clock
from pager.metrics import Metrics
from pager.outbox import Attempt
from pager.store.pages import PageRow

WIDTH = 80
COLOURS = {"SEV-1": "bold white on red", "SEV-2": "bold black on yellow", "SEV-3": "bold black on cyan"}


class Phones:
    """The notifier's watcher: every message that went out lies in `rings`. Metrics are told as well."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.rings: asyncio.Queue[Attempt] = asyncio.Queue()

    def attempted(self, attempt: Attempt, outcome: Outcome) -> None:
        self._metrics.attempted(attempt, outcome)
        if outcome.delivered:
            self.rings.put_nowait(attempt)

    def accepted(self, page: PageRow, seconds: float) -> None:
        self._metrics.accepted(page, seconds)

    def template_failed(self, template: str) -> None:
        self._metrics.template_failed(template)


class Screen:
    """Where the demo is told. What a sender wrote is never read as markup."""

    def __init__(self, catalog: Catalog, *, colour: bool = True) -> None:
        self._catalog = catalog
        self._console = Console(no_color=None if colour else True, highlight=False)
        # Never wider than the screen of whoever reads the log of a pipeline.
        self._console.width = min(WIDTH, self._console.width)
        self._rang: set[int] = set()

    def say(self, text: str = "", style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def line(self, line: Line) -> None:
        """A decision, with the time on this machine's wall clock."""
        by = f" ({plain(line.by)})" if line.by and line.by not in line.text else ""
        self.say(f"{line.at.astimezone():%H:%M:%S}  {line.code}  {plain(line.text)}{by}", "dim")

    def ring(self, attempts: Sequence[Attempt]) -> None:
        """Messages that went out together: those of a step each as a phone, the others in a line each."""
        others = []
        for attempt in attempts:
            if attempt.page.kind == "page" and attempt.page.step and attempt.page.id not in self._rang:
                self._console.print(self._phone(attempt))
            else:
                others.append(attempt)
            self._rang.add(attempt.page.id)
        for why in dict.fromkeys(_reason(attempt) for attempt in others):
            names = ", ".join(self._name(attempt) for attempt in others if _reason(attempt) == why)
            self.say(f"    and {names}: {why}")

    def _phone(self, attempt: Attempt) -> Panel:
        facts, page = attempt.facts, attempt.page
        head = Table.grid(expand=True, padding=(0, 1))
        head.add_column()
        head.add_column(justify="right")
        level = (f" {facts.severity} ", COLOURS.get(facts.severity, "bold"))
        head.add_row(Text.assemble(level, (f" {plain(facts.title)}", "bold")), Text(facts.code, "bold"))
        links = Table.grid(padding=(0, 2))
        links.add_row("Runbook", Text(facts.runbook, "blue"))
        links.add_row(Text("Acknowledge", "bold"), Text(facts.page_link, "bold green"))
        body: list[RenderableType] = [head, Text(plain(facts.summary)), Text(_where(attempt)), Text("")]
        body += [Text(self._why(attempt)), Text(""), links]
        title = Text(f" {self._name(attempt)}: {page.target or page.recipient}, {_step(attempt)} ", "bold")
        return Panel(Group(*body), title=title, title_align="left", border_style="red" if page.step else "")

    def _why(self, attempt: Attempt) -> str:
        others = ", ".join(self._called(name) for name in attempt.facts.others)
        also = f"Also paged: {others}. " if others else ""
        next_at = attempt.facts.next_at
        if next_at is None:
            return also.strip()
        return f"{also}Without an answer the next step comes in {_seconds(next_at - attempt.facts.now)}."

    def _name(self, attempt: Attempt) -> str:
        by = f" ({attempt.contact})" if attempt.contact in self._contacts(attempt.page.recipient) else ""
        return self._called(attempt.page.recipient) + by

    def _contacts(self, recipient: str) -> Sequence[str]:
        """The contacts of a person who has several."""
        person = self._catalog.people.get(recipient)
        return tuple(person.contacts) if person and len(person.contacts) > 1 else ()

    def _called(self, recipient: str) -> str:
        person = self._catalog.people.get(recipient)
        return person.name or recipient if person else recipient.removeprefix(CHANNEL) + " (channel)"


def _step(attempt: Attempt) -> str:
    return attempt.page.why if attempt.page.why.startswith("step") else f"step {attempt.page.step}"


def _reason(attempt: Attempt) -> str:
    page = attempt.page
    if page.kind == "page" and page.step:
        return "no answer yet, so the next contact is tried"
    if page.kind == "ticket":
        return "a ticket, nobody is paged"
    if page.why == "also":
        return f"paged, too, since {attempt.facts.severity} pages the whole team"
    if page.why.startswith("role "):
        return f"paged as {page.why.removeprefix('role ')}"
    return {"resolved": "told that it is resolved", "joined": "told that more alerts joined"}.get(page.why, page.why)


def _where(attempt: Attempt) -> str:
    facts = attempt.facts
    where = ", ".join(part for part in (facts.service, facts.where) if part)
    return f"{where}, since {clock(facts.since, facts.zone, facts.now)}".lstrip(", ")


def _seconds(length: timedelta) -> str:
    return f"{round(length / timedelta(seconds=1))} s"
