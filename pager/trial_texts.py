"""The messages of a trial, as each contact would get them: by the templates of the files, else the built-in texts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.contact_url import channel_class, room_of
from pager.core.duration import format_duration
from pager.core.template import SAMPLE, Words, dressed, values_of, words_for
from pager.core.text import Facts, message
from pager.outbox import Attempt
from pager.rendering import CannotRender, Made, Work, render_apart


class Worded(Struct, frozen=True):
    """One message: `after` so long, to whom, by which contact of which class; why its template failed, if it did."""

    after: str
    to: str
    contact: str
    kind: str
    title: str
    body: str
    fault: str = ""


def worded_in(tried: Sequence[tuple[datetime, Attempt]], catalog: Catalog, start: datetime) -> tuple[Worded, ...]:
    """Every message, in the order in which they went out. Links are those of an example: a trial has none."""
    known = [(at, attempt, _linked(attempt.facts)) for at, attempt in tried]
    works: list[Work] = []
    for _, attempt, facts in known:
        template = _template(attempt, facts, catalog)
        if template is not None:
            values = values_of(facts)
            works += [Work(template.title, values), Work(template.body, values)]
    try:
        made = iter(render_apart(works))
    except CannotRender as error:
        made = iter([Made(why=str(error))] * len(works))
    return tuple(_worded(at, start, attempt, facts, catalog, made) for at, attempt, facts in known)


def _template(attempt: Attempt, facts: Facts, catalog: Catalog) -> Words | None:
    template = catalog.templates.get(channel_class(attempt.url))
    return words_for(template, facts) if template is not None else None


def _worded(
    at: datetime, start: datetime, attempt: Attempt, facts: Facts, catalog: Catalog, made: Iterator[Made]
) -> Worded:
    kind, room, fault = channel_class(attempt.url), room_of(attempt.url), ""
    text = message(facts, kind, room)
    if _template(attempt, facts, catalog) is not None:
        title, body = next(made), next(made)
        fault = title.why or body.why
        text = text if fault else dressed(facts, kind, room, title.text, body.text, text)
    after = format_duration(at - start)
    return Worded(after, attempt.page.recipient, attempt.contact, kind, text.title, text.body, fault)


def _linked(facts: Facts) -> Facts:
    runbook = facts.runbook.replace(facts.page_link, SAMPLE.page_link) if facts.page_link else facts.runbook
    return facts if facts.alone else replace(facts, page_link=SAMPLE.page_link, runbook=runbook)
