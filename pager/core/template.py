"""Templates: texts of the users' own, by class of channel; what must not be missing is added to them.

A template words pages about one incident, and where it says so what only tells, and bundles. Everything else keeps the
built-in text.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from msgspec.structs import replace
from pydantic import BeforeValidator, Field, model_validator

from pager.core.contact_url import ChannelClass
from pager.core.hygiene import cut, one_line, plain
from pager.core.letter import common
from pager.core.model import Model
from pager.core.saying import news_of, upper
from pager.core.text import SEGMENT, Facts, Said, Text, ago, clock, cost, gsm, links_of, says, tidy, within

LONGEST_SOURCE = 8000
"""Characters of a template."""
MOST_ALERTS, MOST_LABELS, MOST_SAID = 20, 64, 100_000
"""How much of an incident's alerts a template is given: alerts, labels of each, characters of all."""
LONGEST_NAME, LONGEST_VALUE = 100, 500
TITLES: Mapping[ChannelClass, int] = {"push": 40}
"""How long a title may be, where that is not 200."""


class Words(Model):
    """A text of the users' own. Without a title the built-in one stands; written as one text it is the body."""

    title: str = Field(default="", max_length=LONGEST_SOURCE)
    body: str = Field(min_length=1, max_length=LONGEST_SOURCE)


def _as_body(written: Any) -> Any:
    return {"body": written} if isinstance(written, str) else written


WordsField = Annotated[Words, BeforeValidator(_as_body)]


class Template(Model):
    """The texts of one class of channel: of pages and tickets, of what only tells (`notice`), and of bundles."""

    title: str = Field(default="", max_length=LONGEST_SOURCE)
    body: str = Field(default="", max_length=LONGEST_SOURCE)
    notice: WordsField | None = None
    bundle: WordsField | None = None

    @model_validator(mode="after")
    def _words_something(self) -> "Template":
        if not (self.body or self.notice or self.bundle) or (self.title and not self.body):
            raise ValueError("write body: for pages, notice: for what only tells, or bundle:, each with its text")
        return self

    @property
    def texts(self) -> Mapping[str, Words]:
        """What it words, by its key; that of pages has none."""
        page = {"": Words(title=self.title, body=self.body)} if self.body else {}
        more = {"notice": self.notice, "bundle": self.bundle}
        return page | {key: words for key, words in more.items() if words is not None}


TemplateField = Annotated[Template, BeforeValidator(_as_body)]


def words_for(template: Template, facts: Facts) -> Words | None:
    """The text that words a message of `facts`; None: the built-in one does."""
    if facts.alone:
        return None
    key = "bundle" if facts.bundle else "notice" if facts.kind == "notice" else ""
    return template.texts.get(key)


def values_of(facts: Facts) -> dict[str, Any]:
    """What a template can name; everything that strangers wrote stands on one line."""
    some = tidy(facts)
    alerts = _alerts(facts)
    return {
        "code": some.code,
        "severity": some.severity,
        "title": _short(some.title),
        "summary": _short(some.summary),
        "service": some.service,
        "where": some.where,
        "since": clock(some.since, some.zone, some.now),
        "ago": ago(some.now - some.since),
        "now": clock(some.now, some.zone, some.now),
        "next": clock(some.next_at, some.zone, some.now) if some.next_at and some.next_at > some.now else "",
        "why": some.why,
        "says": says(some),
        "news": news_of(some.why) if some.kind == "notice" else "",
        "by": some.by,
        "kind": some.kind,
        "policy": some.policy,
        "rule": some.rule,
        "others": list(some.others),
        "firing": some.firing + some.more,
        "runbook": some.runbook,
        "link": some.page_link,
        "labels": common([one["labels"] for one in alerts]),
        "annotations": common([one["annotations"] for one in alerts]),
        "alerts": alerts,
    }


def dressed(facts: Facts, kind: ChannelClass, room: int, title: str, body: str, usual: Text) -> Text:
    """The message of a template that made `title` and `body`; `usual` is the built-in text.

    Links that the template left out are added, what does not fit is cut, never a link. Code, severity, that it may be
    a repeat and that it is a drill are said in any case.
    """
    some = tidy(facts)
    if kind == "sms" or room <= SEGMENT:
        return Text("", _sms(some, " ".join(plain(body).split()), min(room, SEGMENT)))
    said = "\n".join(line.rstrip() for line in plain(body).strip().splitlines())
    if kind == "voice":
        return Text(usual.title, within(_marked(some, one_line(said), spoken=True), room))
    own = within(one_line(title), room // 4)
    head = _titled(some, own, TITLES.get(kind, 200)) if own else usual.title
    return Text(head, _whole(_marked(some, said), links_of(some), room - cost(head)))


def _titled(facts: Facts, title: str, longest: int) -> str:
    """The title with what it must not be without; that it is no page comes first."""
    missing = [word for word in _needed(facts) if word not in title]
    tail = f" [{' '.join(missing)}]" if missing else ""
    head = f"{'DRILL ' if facts.drill and 'DRILL' not in title else ''}{_news(facts, title)}"
    kept = max(3, longest - len(tail) - len(head))
    return head + (title if len(title) <= kept else title[: kept - 3].rstrip() + "...") + tail


def _needed(facts: Facts) -> list[str]:
    """What every text names: not how severe a thing was that is over."""
    if facts.bundle and facts.kind == "notice":
        return []
    return [word for word in ("" if facts.why == "resolved" else facts.severity, facts.code) if word]


def _news(facts: Facts, text: str) -> str:
    """The words that tell it from a page, where the text has not got them."""
    news = news_of(facts.why) if facts.kind == "notice" else ""
    return f"{upper(news)}: " if news and news.casefold() not in text.casefold() else ""


def _marked(facts: Facts, body: str, *, spoken: bool = False) -> str:
    first = ["This may be a repeat." if facts.repeat else "", "This is a drill." if facts.drill else ""]
    if spoken and facts.kind == "notice":
        first.append("No page, only news.")
    return (" " if spoken else "\n").join(line for line in (*first, body) if line)


def _whole(body: str, lines: Sequence[str], room: int) -> str:
    """`body` cut to `room`; links that are not in it, or would be cut off, stand below it, each in its line."""
    links = {line.rpartition(" ")[2]: line for line in lines}
    missing = [link for link in links if link not in body]
    while True:
        tail = "\n".join(line for link, line in links.items() if link in missing)
        kept = within(body, room - cost(tail) - 1) if cost(body) + cost(tail) + 1 > room else body
        lost = [link for link in links if link not in missing and link not in kept]
        if not lost:
            return "\n".join(part for part in (kept, tail) if part)
        missing += lost


def _sms(facts: Facts, body: str, room: int) -> str:
    text = gsm(("may be a repeat: " if facts.repeat else "") + _news(facts, body) + body)
    missing = [word for word in reversed(_needed(facts)) if word not in text]
    head = "".join(f"{word} " for word in (["DRILL"] if facts.drill else []) + missing)
    if facts.page_link in text and len(head) + len(text) <= room:
        return head + text
    tail = f" {facts.page_link}"
    text = text.replace(facts.page_link, "").rstrip()
    kept = room - len(head) - len(tail)
    return head + cut(text, kept) + tail


def _alerts(facts: Facts) -> list[dict[str, dict[str, str]]]:
    """The first alerts, as many as fit."""
    alerts: list[dict[str, dict[str, str]]] = []
    room = MOST_SAID
    for one in facts.alerts[:MOST_ALERTS]:
        said = {"labels": _lines(one.labels), "annotations": _lines(one.annotations)}
        room -= sum(len(name) + len(value) for each in said.values() for name, value in each.items())
        if room < 0 and alerts:
            break
        alerts.append(said)
    return alerts


def _lines(written: Mapping[str, str]) -> dict[str, str]:
    known = [name for name in written if len(name) <= LONGEST_NAME][:MOST_LABELS]
    return {name: _short(one_line(written[name])) for name in known}


def _short(text: str) -> str:
    return cut(text, LONGEST_VALUE)


_SOME_DAY = datetime(2026, 12, 5, 3, 4, tzinfo=UTC)
SAMPLE = Facts(
    code="7KQ",
    severity="SEV-1",
    title="CheckoutDown",
    kind="page",
    why="",
    since=_SOME_DAY,
    now=_SOME_DAY + timedelta(minutes=2),
    page_link="https://pager.example.org/p/ABCDEFGHJKLMNPQR",
    runbook="https://runbooks.example.org/checkout-down",
    summary="Checkout answers 502 for 12% of requests",
    service="checkout-api",
    where="eu-west",
    others=("bo", "chi"),
    next_at=_SOME_DAY + timedelta(minutes=7),
    policy="payments",
    rule="checkout down",
    alerts=(Said({"alertname": "CheckoutDown"}, {"summary": "Checkout answers 502 for 12% of requests"}),),
)
"""An incident to try templates on."""
BARE = replace(SAMPLE, summary="", service="", where="", others=(), next_at=None, alerts=(Said({}, {}),))
"""The least that an incident can be: an alert without any label."""
