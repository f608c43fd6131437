"""The words of a page, for each class of channel; built in, so that no template can stop a page.

Order: severity, service, symptom, where, since when, what to press, link. An SMS is one segment of 160
GSM-7 characters; a push has a title of 40 and a body of 120.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from pager.core.contact_url import ChannelClass
from pager.core.duration import format_duration
from pager.core.hygiene import cut, one_line
from pager.core.incident import PageKind
from pager.core.letter import labels_line
from pager.core.saying import Saying, news_of, saying, upper
from pager.core.speech import in_words, length_in_words, spelled

_GSM_MAPPED = {
    "\u2013": "-",
    "\u2014": "-",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2026": "...",
}
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ENDED = ("resolved",)
SEGMENT = 160
"""Characters of GSM-7 in one SMS."""
LONGEST_SPEECH = 100
"""Characters of what is read out about an alert."""
SHORTEST = 12
"""What is shorter says nothing."""
LONGEST_LABELS = 2000
"""What the labels of a mail cost at most."""


class Said(Struct, frozen=True):
    """What one alert says, for templates and mails."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Facts(Struct, frozen=True):
    """What a message is about, as it stands when it is sent. Links are http(s); times are UTC.

    `alone`: it is about no incident, `title` and `summary` are all it says, and we wrote them. `bundle`: it is about
    several. `alerts` are some that fire, where a template may ask for them or a mail lists their labels. `plan` is how
    to recover, where that is to be decided now; `waiting` are the groups that want news now.
    """

    code: str
    severity: str
    title: str
    kind: PageKind
    why: str
    since: datetime
    now: datetime
    page_link: str
    runbook: str
    plan: str = ""
    waiting: tuple[str, ...] = ()
    summary: str = ""
    service: str = ""
    where: str = ""
    firing: int = 1
    more: int = 0
    by: str = ""
    zone: str = "UTC"
    others: tuple[str, ...] = ()
    next_at: datetime | None = None
    repeat: bool = False
    drill: bool = False
    alone: bool = False
    bundle: bool = False
    policy: str = ""
    rule: str = ""
    alerts: tuple[Said, ...] = ()


class Text(Struct, frozen=True):
    title: str
    body: str


def message(facts: Facts, kind: ChannelClass, room: int = 1000) -> Text:
    """The message about `facts` for a channel of class `kind` that takes `room` characters, title and all.

    What strangers wrote stands on one line and is cut to fit; severity, code and links are always whole.
    """
    if facts.alone:
        return _alone(facts, kind, room)
    shape = _sms if room <= SEGMENT else _CLASSES.get(kind, _chat)
    return shape(tidy(facts), room)


def tidy(facts: Facts) -> Facts:
    """`facts` with what strangers wrote on one line each, and no longer than it should be."""
    return replace(
        facts,
        title=one_line(facts.title),
        summary=one_line(facts.summary),
        service=cut(one_line(facts.service), 100),
        where=cut(one_line(facts.where), 100),
        by=one_line(facts.by),
        runbook="".join(one_line(facts.runbook).split()[:1]),
        plan="".join(one_line(facts.plan).split()[:1]),
    )


def plainest(facts: Facts) -> Text:
    """What still goes out when the message cannot be worded: nothing in it can fail."""
    if facts.alone:
        return Text(facts.title[:200], facts.summary[:500])
    title = f"{facts.severity} {facts.title} [{facts.code}]"[:200]
    links = f"Runbook: {facts.runbook}\nAcknowledge: {facts.page_link}" if facts.runbook else f"Page: {facts.page_link}"
    return Text(title, f"{title}\n{links}")


def clock(at: datetime, zone: str, now: datetime) -> str:
    """`03:04 CET`, with the day when it is another one: the reader's own wall clock."""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    day = "" if local.date() == today.date() else f"{local:%a %d %b} "
    return f"{day}{local:%H:%M %Z}"


def _chat(facts: Facts, room: int) -> Text:
    title = _headline(facts, 200, room // 4)
    return Text(title, _body(facts, room - cost(title)))


def _body(facts: Facts, room: int, labels: str = "") -> str:
    """The links whole, then what is known about the state, then as much of the symptom as there is room for.

    `labels` stand before the links, as many as what is left has room for.
    """
    links = "\n".join(links_of(facts))
    left, told = room - cost(links), []
    for line in (*([] if facts.bundle else [_state(facts)]), *_why(facts)):
        if cost(line) < left:
            told.append(line)
            left -= cost(line) + 1
    symptom = within(facts.summary, left)
    labels = within(labels, min(LONGEST_LABELS, left - cost(symptom) - 2))
    return "\n".join(line for line in (symptom, *told, labels, links) if line)


def links_of(facts: Facts) -> list[str]:
    """The last lines of a message, each with its link at the end: the runbook and what to press.

    Whoever is not to see the incident has neither, and may look whether they are.
    """
    word = "Acknowledge" if facts.kind == "page" and facts.runbook else "Page"
    runbook = f"Runbook of {facts.code}: {facts.runbook}" if facts.bundle else f"Runbook: {facts.runbook}"
    runbooks = [runbook] if facts.runbook else []
    if facts.bundle:
        # One link acknowledges one incident: nobody shall take it for all of them.
        every = f"{facts.page_link.rpartition('/p/' if facts.runbook else '/i/')[0]}/"
        return [*runbooks, f"{word} {facts.code}: {facts.page_link}", f"All: {every}"]
    plan = [f"Plan: {facts.plan}"] if facts.plan else []
    return [*plan, *runbooks, f"{word}: {facts.page_link}"]


def _mail(facts: Facts, room: int) -> Text:
    if facts.bundle and facts.kind == "notice":
        title = cut(facts.title, 200)
    elif facts.why in _ENDED:
        title = _around("[OK] ", _subject(facts), f": resolved [{facts.code}]", 200)
    else:
        news = f"{upper(_news(facts))}: " if _news(facts) else ""
        title = _around(f"[{facts.severity}] {_drill(facts)}{news}", _subject(facts), f" [{facts.code}]", 200)
    labels = labels_line([said.labels for said in facts.alerts])
    return Text(title, _body(facts, room - cost(title), labels))


def _push(facts: Facts, _room: int) -> Text:
    """A title of 40, two lines of 120 in all, then the links: what it is about comes before who else was paged."""
    where = f"{facts.where}, " if facts.where else ""
    alerts = f", {_count(facts)}" if facts.firing + facts.more > 1 else ""
    first = facts.summary if facts.bundle else f"{where}since {clock(facts.since, facts.zone, facts.now)}{alerts}"
    links = f"Runbook: {facts.runbook}\n{facts.page_link}" if facts.runbook else facts.page_link
    return Text(_headline(facts, 40), f"{_line(first, 60)}\n{_line(_second(facts), 59)}\n{links}")


def _second(facts: Facts) -> str:
    """The second line of a push: why it comes, what is wrong, and what comes next if there is room for that."""
    repeat = "May be a repeat. " if facts.repeat else ""
    said = _saying(facts)
    if facts.kind != "page":
        return f"{repeat}{said.long or facts.summary or 'Only news.'}"
    if facts.bundle:
        return f"{repeat}Open it to acknowledge {facts.code}; the others stand in pager."
    symptom = facts.summary + ("" if not facts.summary or facts.summary[-1] in ".!?" else ".")
    line = " ".join(part for part in (f"{upper(said.short)}." if said.short else "", symptom) if part)
    more = f"{line} {_next(facts) or 'Open it to acknowledge.'}".strip()
    return repeat + (more if len(repeat + more) <= 59 else line)


def _sms(facts: Facts, room: int) -> Text:
    """One segment at most; shortened in this order: where, since, summary; never code, severity or link."""
    room = min(room, SEGMENT)
    if facts.why in _ENDED:
        lasted = ago(facts.now - facts.since)
        return Text("", cut(gsm(f"OK {facts.code} {_subject(facts)}, resolved after {lasted}. No action."), room))
    drill = _drill(facts)
    head = f"{drill}PAGE {facts.code} {facts.severity} " if facts.kind == "page" else f"{facts.code} {facts.severity} "
    tail = f". {facts.page_link}"
    where = f" ({facts.where})" if facts.where and not facts.bundle else ""
    since = "" if facts.bundle else f" since {clock(facts.since, facts.zone, facts.now)}"
    subject = gsm(("may be a repeat: " if facts.repeat else "") + _short_first(facts) + _symptom(facts).rstrip("."))
    for extra in (where + since, since, ""):
        if len(head) + len(subject) + len(gsm(extra)) + len(tail) <= room:
            return Text("", head + subject + gsm(extra) + tail)
    return Text("", head + cut(subject, max(8, room - len(head) - len(tail))) + tail)


def _short_first(facts: Facts) -> str:
    """What would read like another page, if it did not say first why it comes."""
    short = _saying(facts).short
    return f"{upper(short)}: " if short else ""


def _voice(facts: Facts, _room: int) -> Text:
    """Some 15 seconds: how bad, what, since when, and the code, spelled. Nobody hears keys: none is named."""
    level = facts.severity.replace("SEV-", "SEV ")
    about = upper(_said(in_words(_symptom(facts))))
    lasts = length_in_words(facts.now - facts.since)
    first = f"{'This is a drill. ' if facts.drill else ''}{'This may be a repeat. ' if facts.repeat else ''}"
    code = f"Code {spelled(facts.code)}."
    if facts.why in _ENDED:
        return Text("pager", f"{first}Resolved, no action. {about}. It lasted {lasts}. {code}")
    reason = in_words(_saying(facts).short)
    because = f"{upper(reason)}. " if reason else ""
    since = "" if facts.bundle else f" Started {lasts} ago."
    if facts.kind != "page":
        return Text("pager", f"{first}No page, only news. {because}{level}. {about}.{since} {code}")
    return Text("pager", f"{first}{level} page. {because}{about}.{since} {code} Open pager to acknowledge.")


def _said(words: str) -> str:
    """So many words as have some seven seconds; that there were more is said, too."""
    if len(words) <= LONGEST_SPEECH:
        return words.rstrip(".,?!")
    kept = words[:LONGEST_SPEECH]
    return f"{(kept.rpartition(' ')[0] or kept).rstrip('.,?!')}, and so on"


_CLASSES: dict[ChannelClass, Callable[[Facts, int], Text]] = {
    "chat": _chat,
    "webhook": _chat,
    "incident": _chat,
    "ticket": _mail,
    "mail": _mail,
    "push": _push,
    "sms": _sms,
    "voice": _voice,
    "console": _chat,
}


def _alone(facts: Facts, kind: ChannelClass, room: int) -> Text:
    title, first = cut(one_line(facts.title), 120), facts.summary.partition("\n")[0]
    if room <= SEGMENT or kind == "sms":
        return Text("", cut(gsm(f"{title}. {first}".rstrip(". ") + "."), min(room, SEGMENT)))
    if kind == "voice":
        return Text("pager", f"{in_words(title)}.")
    # A message without a body is refused by some services.
    return Text(title, within(facts.summary, room - cost(title)) or title)


def _headline(facts: Facts, length: int, room: int = 1000) -> str:
    """At most `length` characters, of which the subject costs at most `room`. What is no page says so first."""
    subject = within(_subject(facts), room)
    if facts.why in _ENDED:
        return _around(f"OK {facts.code} ", subject, ": resolved", length)
    if facts.bundle and facts.kind == "notice":
        return cut(subject, length)
    news = f"{upper(_news(facts))}: " if _news(facts) else ""
    return _around(f"{_drill(facts)}{news}{facts.severity} ", subject, f" [{facts.code}]", length)


def _news(facts: Facts) -> str:
    return "" if facts.kind == "page" else news_of(facts.why)


def _drill(facts: Facts) -> str:
    return "DRILL " if facts.drill else ""


def _around(head: str, subject: str, tail: str, length: int) -> str:
    """Only the subject is shortened: severity and code always stand."""
    return head + cut(subject, length - len(head) - len(tail)) + tail


def _subject(facts: Facts) -> str:
    name = facts.title if not facts.service or facts.service in facts.title else f"{facts.service}: {facts.title}"
    return " ".join(name.split())


def _symptom(facts: Facts) -> str:
    """What is wrong as people say it, where somebody wrote that down; else the alert's name."""
    if not facts.summary or facts.bundle:
        return _subject(facts)
    named = not facts.service or facts.service.casefold() in facts.summary.casefold()
    return facts.summary if named else f"{facts.service}: {facts.summary}"


def _state(facts: Facts) -> str:
    parts = [facts.where, f"since {clock(facts.since, facts.zone, facts.now)} ({ago(facts.now - facts.since)})"]
    if facts.firing + facts.more > 1:
        parts.append(_count(facts))
    return ", ".join(part for part in parts if part)


def _count(facts: Facts) -> str:
    return f"{facts.firing} alerts" + (f" and {facts.more} more" if facts.more else "")


def _why(facts: Facts) -> list[str]:
    lines = ["This may be a repeat."] if facts.repeat else []
    if said := _saying(facts).long:
        lines.append(said)
    if facts.kind == "page" and facts.others:
        lines.append(f"Also paged: {cut(', '.join(facts.others), 200)}.")
    return [*lines, next_] if (next_ := _next(facts)) else lines


def says(facts: Facts) -> str:
    """Why it comes, in a sentence; "" where there is nothing to say of that."""
    return _saying(facts).long


def _saying(facts: Facts) -> Saying:
    return saying(facts.why, facts.code, facts.by, facts.waiting)


def _next(facts: Facts) -> str:
    if facts.kind != "page" or facts.next_at is None or facts.next_at <= facts.now:
        return ""
    return f"Next step at {clock(facts.next_at, facts.zone, facts.now)}."


def gsm(text: str) -> str:
    """`text` in GSM-7: one character outside it would cut an SMS to 70."""
    mapped = "".join(_GSM_MAPPED.get(sign, sign) for sign in text)
    return "".join(sign if sign in _GSM else "?" for sign in mapped)


def within(text: str, room: int) -> str:
    """`text` cut to what costs at most `room`; nothing where there is no room for a word."""
    if len(text) <= room and cost(text) <= room:
        return text
    left, kept = room - 3, 0
    for kept, sign in enumerate(text):  # noqa: B007  how far it came
        left -= cost(sign)
        if left < 0:
            break
    return text[:kept].rstrip() + "..." if kept >= SHORTEST else ""


def cost(text: str) -> int:
    """The length of `text` once it is escaped, at worst: `<` becomes `&lt;` in one service, `-` `\\-` in another."""
    return sum(6 if sign in "<>&\"'" else 1 if sign.isalnum() or sign.isspace() else 2 for sign in text)


def _line(text: str, length: int) -> str:
    return cut(" ".join(text.split()), length)


def ago(length: timedelta) -> str:
    """Minutes are enough for people: `2m`, `1h5m`, `3d2h`."""
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 1:
        return "less than a minute"
    rough = timedelta(minutes=minutes if minutes < 1440 else minutes // 60 * 60)
    return format_duration(rough)
