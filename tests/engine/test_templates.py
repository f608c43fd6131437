"""Pages worded by templates, sent by the real sender: what arrives, and that no template can stop or delay one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from pager.core.template import Template
from pager.metrics import Metrics
from pager.notifier import Notifier
from pager.secrets import Secrets
from pager.sender import Sender
from tests.engine.house import LINKS, Clock, House, alert, catalog, running
from tests.support import covers, wait_until, with_tables

ENDLESS = (
    "{% for i in range(1000) %}{% for j in range(1000) %}{% for k in range(1000) %}{% endfor %}{% endfor %}{% endfor %}"
)


pytestmark = pytest.mark.asyncio(loop_scope="module")
SHOWN: list[tuple[str, str]] = []
"""What the console of the one sender shows."""


class Post:
    """A house in memory, a real sender, and what its console shows."""

    def __init__(self, house: House, sender: Sender) -> None:
        self.house, self.shown = house, SHOWN
        self.metrics = Metrics(lambda: house.engine.catalog)
        self.notifier = Notifier(house.database, house.engine, sender, Secrets({}).get, LINKS, self.metrics)

    def failures(self) -> float:
        return self.metrics.registry.get_sample_value("pager_template_failures_total", {"template": "console"}) or 0.0

    async def says(self, count: int = 1) -> list[tuple[str, str]]:
        await wait_until(lambda: len(self.shown) >= count and not self.notifier.carried, 10, f"{count} messages")
        return self.shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender() -> AsyncIterator[Sender]:
    made = Sender(patience=10, console=lambda title, body: SHOWN.append((title, body)))
    await made.start()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def empty(tmp_path: Path) -> AsyncIterator[House]:
    async with running(with_tables(tmp_path / "pager.db"), Clock()) as house:
        yield house


@asynccontextmanager
async def posting(house: House, sender: Sender, **templates: str) -> AsyncIterator[Post]:
    """A notifier that words pages by these templates."""
    house.engine.catalog = catalog(templates={kind: Template(body=said) for kind, said in templates.items()})
    SHOWN.clear()
    post = Post(house, sender)
    task = asyncio.create_task(post.notifier.run())
    try:
        yield post
    finally:
        post.notifier.stop()
        await wait_until(task.done, 10, "the notifier to stop")


async def test_a_page_is_worded_by_the_template_of_its_class_and_news_is_not(empty: House, sender: Sender) -> None:
    body = "{{ annotations.summary }}\n{{ rule }}, {{ labels | length }} labels"
    async with posting(empty, sender) as post:
        own = Template(title="{{ labels.team }} wakes", body=body)
        empty.engine.catalog = catalog(templates={"console": own})
        await empty.say(alert(team="shop") | {"annotations": {"summary": "500 {{ 7*7 }}"}})
        ((title, text),) = await post.says()
        await empty.say(alert(status="resolved", team="shop"))
        await empty.later(timedelta(minutes=2))
        last, told = (await post.says(2))[-1]

        empty.engine.catalog = catalog(templates={"console": Template(body="{{ oops }}")})
        await empty.say(alert("Other", at=empty.clock.at))
        await post.says(3)
        await empty.later(timedelta(minutes=5))
        await post.says(4)
        said = [line for line in await empty.timeline(2) if "template" in line]

    assert title.startswith("shop wakes [SEV-2 ")
    assert text.splitlines()[:2] == ["500 {{ 7*7 }}", "rest, 3 labels"]
    assert text.splitlines()[2].startswith("Runbook: https://")
    assert text.splitlines()[3].startswith("Acknowledge: https://pager.example.org/p/")
    assert last.startswith("OK ") and "labels" not in told
    assert (post.failures(), len(said)) == (2, 1)  # counted each time, told once an incident


async def test_news_has_a_text_of_its_own_which_fails_as_that_of_a_page_does(empty: House, sender: Sender) -> None:
    async with posting(empty, sender) as post:
        own = Template(body="a page", notice="Over: {{ says }}")
        empty.engine.catalog = catalog(templates={"console": own})
        await empty.say(alert())
        await empty.say(alert(status="resolved"))
        await empty.later(timedelta(minutes=2))
        title, told = (await post.says(2))[-1]

        own = Template(notice="{{ oops }}")
        empty.engine.catalog = catalog(templates={"console": own})
        empty.clock.at += timedelta(hours=1)
        await empty.say(alert(at=empty.clock.at))
        usual = (await post.says(3))[-1][1]
        await empty.say(alert(status="resolved", at=empty.clock.at))
        await empty.later(timedelta(minutes=2))
        last = (await post.says(4))[-1][1]

    assert title.startswith("OK ") and told.splitlines()[0] == "Over: Resolved by the source; nothing to do."
    assert "Acknowledge: https://" in usual and "a page" not in usual, "the built-in text of pages stands"
    assert "Resolved by the source; nothing to do." in last.splitlines()
    assert post.failures() == 1


FAILING = {
    "{{ labels.team }}": "no attribute 'team'",
    "{{ 1 / 0 }}": "division by zero",
    "{{ 'x' * 10**9 }}": "there is no **",
    "{{ 'x'.ljust(1000000000) }}": "MemoryError",
    "{% for i in range(10000000) %}x{% endfor %}": "range() of more than",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}": "recursion",
    "{{ code": "unexpected end",
}


@covers("F54", "T12")
async def test_f54_a_template_that_fails_leaves_the_built_in_text_and_says_so(empty: House, sender: Sender) -> None:
    async with posting(empty, sender) as post:
        for number, (source, why) in enumerate(FAILING.items(), 1):
            empty.engine.catalog = catalog(templates={"console": Template(body=source)})
            empty.clock.at += timedelta(hours=1)
            await empty.say(alert(f"Alert {number}", at=empty.clock.at))
            title, text = (await post.says(number))[-1]

            assert title.startswith(f"SEV-2 Alert {number} [") and "Acknowledge: https://" in text
            assert post.failures() == number
            (line,) = [line for line in await empty.timeline(number) if "template" in line]
            assert line.startswith("the template for console failed, so the built-in text went out: ") and why in line


@covers("F54", "T12")
async def test_f54_a_template_without_end_is_killed_and_then_left_alone(empty: House, sender: Sender) -> None:
    async with posting(empty, sender, console=ENDLESS) as post:
        sender.patience = 0.7
        await empty.say(*(alert(f"Page {n}", n=str(n)) for n in range(3)))
        shown = await post.says(3)
        sender.patience = 10
        said = [line for number in (1, 2, 3) for line in await empty.timeline(number) if "template" in line]

    assert {title.partition(" [")[0] for title, _ in shown} == {"SEV-2 Page 0", "SEV-2 Page 1", "SEV-2 Page 2"}
    # Two are rendered at a time; whoever comes after them does not wait for the same once more.
    assert len(said) == 3 and 1 <= sum("did not end within" in line for line in said) <= 2
